// SPDX-License-Identifier: GPL-2.0
/* Network devices that lead nowhere, made by name. */
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include <unique_fd.hh>

#include "devices.hh"

namespace revoke_stress
{

using revoke_test::UniqueFd;

namespace
{

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

} // namespace

static std::string device_name(const Made &made) { return fmt::format("rvk{}", made.number); }

static Outcome create(std::uint32_t number)
{
	constexpr std::string_view kind = "dummy";
	LinkRequest request{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL};
	rtattr inner{.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(kind.size())),
		     .rta_type = IFLA_INFO_KIND};
	std::array<char, RTA_SPACE(kind.size())> info{};

	std::memcpy(info.data(), &inner, sizeof(inner));
	std::memcpy(info.data() + sizeof(inner), kind.data(), kind.size());
	request.add(IFLA_IFNAME, device_name({.number = number}));
	request.add(IFLA_LINKINFO, info.data(), info.size());
	return request.send();
}

static Outcome remove(const Made &made)
{
	LinkRequest request{RTM_DELLINK, 0};

	request.add(IFLA_IFNAME, device_name(made));
	return request.send();
}

Device dummy_device()
{
	return {.name = "dummy",
		.files = {{"/sys/class/net/{}/mtu", "netdev"},
			  {"/sys/class/net/{}/statistics/rx_bytes", "netdev"},
			  {"/proc/net/dev_snmp6/{}", "procfs"}},
		.create = create,
		.remove = remove,
		.device_name = device_name};
}

} // namespace revoke_stress
