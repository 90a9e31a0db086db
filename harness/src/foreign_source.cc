// SPDX-License-Identifier: GPL-2.0
#include "foreign_source.hh"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/loop.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

#include <check.hh>
#include <module.hh>

#include "module_source.hh"
#include "tables.hh"
#include "world.hh"

namespace revoke_stress
{

using revoke_test::Result;
using revoke_test::result_of;
using revoke_test::UniqueFd;

namespace
{

Outcome outcome_of(const Result &result) { return {result.value, result.error, 0}; }

/* Loop devices */

Outcome loop_control(unsigned long request, std::uint32_t number)
{
	const UniqueFd control{open("/dev/loop-control", O_RDWR | O_CLOEXEC)};

	if (!control)
		return {-1, errno, 0};
	const Result result = result_of(ioctl(control.get(), request, number));
	/* What has gone is not known by its number any more. */
	return {0, result.error == ENODEV ? ENOENT : result.error, 0};
}

Outcome make_loop(std::uint32_t number) { return loop_control(LOOP_CTL_ADD, number); }

Outcome remove_loop(std::uint32_t number) { return loop_control(LOOP_CTL_REMOVE, number); }

std::string loop_name(std::uint32_t number) { return fmt::format("loop{}", number); }

/* Network devices */

/* A request to make or remove a device, with its attributes. */
class LinkRequest
{
public:
	LinkRequest(std::uint16_t type, std::uint16_t flags)
	{
		header_.nlmsg_len = NLMSG_LENGTH(sizeof(ifinfomsg));
		header_.nlmsg_type = type;
		header_.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
	}
	void add(std::uint16_t type, const void *data, std::size_t size)
	{
		rtattr attribute{.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size)),
				 .rta_type = type};

		std::memcpy(&bytes_.at(header_.nlmsg_len), &attribute, sizeof(attribute));
		if (size)
			std::memcpy(&bytes_.at(header_.nlmsg_len + sizeof(attribute)), data, size);
		header_.nlmsg_len += static_cast<std::uint32_t>(RTA_SPACE(size));
	}
	void add(std::uint16_t type, const std::string &text)
	{
		add(type, text.c_str(), text.size() + 1);
	}
	/* errno of the answer. */
	Outcome send()
	{
		const UniqueFd route{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
		std::array<char, 1024> bytes;
		struct {
			nlmsghdr header;
			nlmsgerr error;
		} answer{};

		std::memcpy(bytes_.data(), &header_, sizeof(header_));
		if (!route || ::send(route.get(), bytes_.data(), header_.nlmsg_len, 0) < 0)
			return {-1, errno, 0};
		const ssize_t length = recv(route.get(), bytes.data(), bytes.size(), 0);
		if (length < static_cast<ssize_t>(sizeof(answer)))
			return {-1, length < 0 ? errno : EPROTO, 0};
		std::memcpy(&answer, bytes.data(), sizeof(answer));
		const int error = -answer.error.error;
		return {0, error == ENODEV ? ENOENT : error, 0};
	}

private:
	nlmsghdr header_{};
	std::array<char, 512> bytes_{};
};

std::string net_name(std::uint32_t number) { return fmt::format("rvk{}", number); }

Outcome make_net(std::uint32_t number)
{
	constexpr std::string_view kind = "dummy";
	LinkRequest request{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL};
	rtattr inner{.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(kind.size())),
		     .rta_type = IFLA_INFO_KIND};
	std::array<char, RTA_SPACE(kind.size())> info{};

	std::memcpy(info.data(), &inner, sizeof(inner));
	std::memcpy(info.data() + sizeof(inner), kind.data(), kind.size());
	request.add(IFLA_IFNAME, net_name(number));
	request.add(IFLA_LINKINFO, info.data(), info.size());
	return request.send();
}

Outcome remove_net(std::uint32_t number)
{
	LinkRequest request{RTM_DELLINK, 0};

	request.add(IFLA_IFNAME, net_name(number));
	return request.send();
}

/* Disks without anything behind them, made by the folders of configfs. */

constexpr const char *null_disks = "/sys/kernel/config/nullb";

std::string null_name(std::uint32_t number) { return fmt::format("null{}", number); }

std::string null_folder(std::uint32_t number)
{
	return fmt::format("{}/{}", null_disks, null_name(number));
}

Outcome remove_null(std::uint32_t number)
{
	return outcome_of(result_of(rmdir(null_folder(number).c_str())));
}

Outcome make_null(std::uint32_t number)
{
	const Outcome made = outcome_of(result_of(mkdir(null_folder(number).c_str(), 0755)));

	if (made.error)
		return made;
	const UniqueFd power{open((null_folder(number) + "/power").c_str(), O_WRONLY | O_CLOEXEC)};
	const Result on = power ? result_of(write(power.get(), "1", 1)) : Result{-1, errno};

	if (on.ok())
		return {};
	remove_null(number);
	return outcome_of(on);
}

/* They need a module, and configfs at its place; where these are not, nothing can be made. */
void prepare_null()
{
	if (access(null_disks, F_OK) == 0)
		return;
	const std::string problem = revoke_test::module::Module{"null_blk"}.load();

	if (!problem.empty())
		fmt::print("# {}\n", problem);
	mount("configfs", "/sys/kernel/config", "configfs", 0, nullptr);
}

const std::vector<Device> &devices()
{
	static const std::vector<Device> all{
		{"loop",
		 {{"/sys/block/{}/size", "sysfs"},
		  {"/sys/block/{}/queue/nr_requests", "sysfs"},
		  {"/sys/kernel/debug/block/{}/state", "debugfs"}},
		 make_loop,
		 remove_loop,
		 loop_name},
		{"dummy",
		 {{"/sys/class/net/{}/mtu", "netdev"},
		  {"/sys/class/net/{}/statistics/rx_bytes", "netdev"},
		  {"/proc/net/dev_snmp6/{}", "procfs"}},
		 make_net,
		 remove_net,
		 net_name},
		{"null_blk",
		 {{"/sys/block/{}/stat", "sysfs"},
		  {"/sys/block/{}/mq/0/nr_tags", "sysfs"},
		  {"/sys/kernel/debug/block/{}/hctx0/flags", "debugfs"}},
		 make_null,
		 remove_null,
		 null_name},
	};

	return all;
}

/* Ours are above those of others. */
constexpr std::uint32_t first_number = 4096;

std::string path_of(const Device &device, const Device::File &file, std::uint32_t number)
{
	return fmt::format(fmt::runtime(file.path), device.device_name(number));
}

} // namespace

/* What a device of this machine really brings is found out by making one. */
ForeignSource::ForeignSource()
{
	const std::vector<Way> ways = call_ways();

	for (std::size_t i = 0; i < ways.size(); i++)
		if (ways[i].name == "read" || ways[i].name == "pread" || ways[i].name == "readv" ||
		    ways[i].name == "preadv" || ways[i].name.starts_with("io_uring_read"))
			abilities_.calls.push_back(static_cast<std::uint8_t>(i));
	if (geteuid() != 0)
		return;
	prepare_null();
	for (const Device &device : devices()) {
		if (device.create(first_number).error)
			continue;
		for (const Device::File &file : device.files)
			if (access(path_of(device, file, first_number).c_str(), R_OK) == 0)
				available_.push_back({&device, &file});
		device.remove(first_number);
	}
}

std::string ForeignSource::files() const
{
	std::string names;

	for (const Candidate &one : available_)
		names += fmt::format(" {}", one.file->path);
	return names;
}

std::string ForeignSource::problem() const
{
	return available_.empty() ? "no device can be made here" : "";
}

void ForeignSource::describe(History &history) const
{
	history.tables["procfs"] = table_of(revoke_test::procfs_filesystem(), {});
	history.tables["debugfs"] = table_of(revoke_test::debugfs_filesystem(), {});
	history.tables["sysfs"] = table_of(revoke_test::sysfs_filesystem(), {});
	/* Network devices say so as soon as they are on their way out: see netdev_show(). */
	history.tables["netdev"] = table_of(revoke_test::sysfs_filesystem(), {EINVAL});
	history.calls = call_ways();
	history.waits = wait_ways();
}

std::vector<ObjectRow> ForeignSource::choose(Wish, Rng &rng)
{
	constexpr std::size_t wanted = 4;
	std::vector<ObjectRow> rows;

	chosen_.clear();
	for (std::size_t i = 0; i < wanted; i++) {
		const Device::File &file = *chosen_.emplace_back(rng.pick(available_)).file;

		rows.push_back({fmt::format("{}#{}", file.path, i), file.table, Release::none,
				no_parent, false, file.path.starts_with("/sys/")});
	}
	return rows;
}

void ForeignSource::choose_again(const std::vector<ObjectRow> &rows)
{
	chosen_.clear();
	for (const ObjectRow &row : rows) {
		const std::string path = row.name.substr(0, row.name.rfind('#'));
		const auto found = std::ranges::find(
			available_, path, [](const Candidate &one) { return one.file->path; });

		if (found == available_.end())
			throw std::runtime_error{fmt::format("there is no {} here", path)};
		chosen_.push_back(*found);
	}
}

const Abilities &ForeignSource::abilities(std::uint16_t) const { return abilities_; }

void ForeignSource::finish() { chosen_.clear(); }

/* Never the same again within a round: a late open is to find nothing. */
std::uint32_t ForeignSource::number_of(const Ref &ref)
{
	return first_number + ref.object * static_cast<std::uint32_t>(SharedObject::generations) +
	       ref.generation;
}

Outcome ForeignSource::create(const Ref &ref)
{
	return chosen_.at(ref.object).device->create(number_of(ref));
}

Outcome ForeignSource::remove(const Ref &ref, std::uint8_t)
{
	return chosen_.at(ref.object).device->remove(number_of(ref));
}

Outcome ForeignSource::open(const Ref &ref)
{
	const Candidate &one = chosen_.at(ref.object);

	return outcome_of(result_of(::open(path_of(*one.device, *one.file, number_of(ref)).c_str(),
					   O_RDONLY | O_CLOEXEC)));
}

Outcome ForeignSource::call(std::uint8_t way, int fd) { return call_in_way(way, fd); }

Outcome ForeignSource::wait(std::uint8_t way, int fd, std::uint32_t events)
{
	return wait_in_way(way, fd, events);
}

/* They have no numbers, no way to remove themselves, and no memory. */
Outcome ForeignSource::identify(int fd) { return call_in_way(abilities_.calls.front(), fd); }

Outcome ForeignSource::remove_self(int) { return {-1, ENOTSUP, 0}; }

Outcome ForeignSource::map(int) { return {-1, ENODEV, 0}; }

} // namespace revoke_stress
