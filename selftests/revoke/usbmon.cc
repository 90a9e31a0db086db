// SPDX-License-Identifier: GPL-2.0
/*
 * usbmon's files of a USB bus go with the bus, here that of a host controller
 * without hardware.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <vector>

#include "check.hh"
#include "child.hh"
#include "file_ops.hh"
#include "harness.hh"
#include "module.hh"
#include "unique_fd.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

const module::Module usbmon{"usbmon"};
const module::Module host{"dummy_hcd"};
const std::filesystem::path folder{"/sys/kernel/debug/usb/usbmon"};

std::set<std::string> monitored_files()
{
	std::set<std::string> names;

	for (const auto &entry : std::filesystem::directory_iterator{folder})
		names.insert(entry.path().filename());
	return names;
}

/* A bus that is monitored, until it is removed. */
class Bus
{
public:
	Bus()
	{
		usbmon.load_or_skip();
		const std::set<std::string> before = monitored_files();
		host.load_or_skip();
		for (const std::string &name : monitored_files())
			if (!before.contains(name))
				files_.push_back(name);
		check(!files_.empty(), "usbmon has no files for the bus of {}", host.name);
	}

	[[nodiscard]] const std::vector<std::string> &files() const { return files_; }

	[[nodiscard]] static UniqueFd open_file(const std::string &name, int flags = O_NONBLOCK)
	{
		const std::string path = folder / name;
		UniqueFd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | flags)};

		check(static_cast<bool>(fd), "open of {}: {}", path, error_name(errno));
		return fd;
	}

	[[nodiscard]] std::vector<UniqueFd> open_all() const
	{
		std::vector<UniqueFd> fds;

		for (const std::string &name : files_)
			fds.push_back(open_file(name));
		return fds;
	}

	/* The one with all transfers, in the format that is used today. */
	[[nodiscard]] std::string transfers() const
	{
		for (const std::string &name : files_)
			if (name.ends_with("u"))
				return name;
		fail("usbmon has no file of transfers");
	}

	/* Has the hub of the bus asked for its state. */
	void make_transfers() const
	{
		authorize("0");
		authorize("1");
	}
	/* Without its hub there is nothing to transfer, not even when it goes. */
	void make_silent() const { authorize("0"); }

	void remove() const
	{
		host.check_unloads();
		for (const std::string &name : files_)
			check_error(result_of(access((folder / name).c_str(), F_OK)), ENOENT, name);
	}

private:
	void authorize(const char *value) const
	{
		const std::string number = transfers().substr(0, transfers().size() - 1);
		const std::string hub =
			fmt::format("/sys/bus/usb/devices/usb{}/authorized", number);
		const UniqueFd fd{open(hub.c_str(), O_WRONLY | O_CLOEXEC)};

		check_ok(result_of(write(fd.get(), value, 1)), hub);
	}

	std::vector<std::string> files_;
};

void files_are_dead_when_the_bus_is_gone()
{
	const Bus bus;
	const std::vector<UniqueFd> fds = bus.open_all();
	const UniqueFd transfers = Bus::open_file(bus.transfers());

	bus.make_transfers();
	check_ok(read_some(transfers.get()), "read of transfers");
	bus.make_transfers();
	bus.remove();
	check_error(read_some(transfers.get()), EIO, "read of transfers");
	for (const UniqueFd &fd : fds)
		check_error(read_some(fd.get()), EIO, "read");
	usbmon.check_unloads();
	for (const UniqueFd &fd : fds)
		check_error(read_some(fd.get()), EIO, "read without usbmon");
}

void files_of_a_bus_that_is_there_keep_usbmon()
{
	const Bus bus;
	UniqueFd fd = Bus::open_file(bus.transfers());

	check_error(usbmon.unload(), EAGAIN, "unloading usbmon");
	fd.reset();
	bus.remove();
	usbmon.check_unloads();
}

/* As it always has been: usbmon wakes nobody when a bus goes. */
void a_sleeping_reader_is_waited_for_until_its_signal()
{
	const Bus bus;
	bus.make_silent();
	const UniqueFd fd = Bus::open_file(bus.transfers(), 0);
	const Child reader{[&fd] {
		while (read_some(fd.get()).ok())
			continue;
		return errno;
	}};
	reader.await_state('S');
	const Child rmmod{[] { return host.unload().error; }};

	rmmod.await_state('D');
	std::this_thread::sleep_for(watch_time);
	rmmod.await_state('D');
	reader.signal(SIGKILL);
	check(WIFSIGNALED(reader.wait()), "the reader was not killed");
	rmmod.check_exits_with(0, "removal of the bus");
	usbmon.check_unloads();
}

/* Without an end but the one that the removal makes. */
void readers_and_openers_race_the_removal()
{
	const unsigned int rounds = std::min(options().rounds, 20U);

	for (unsigned int round = 0; round < rounds; round++) {
		const Bus bus;
		const UniqueFd fd = Bus::open_file(bus.transfers());
		const std::string path = folder / bus.transfers();
		Worker reader{"reader", [&] {
				      Result result;

				      do
					      result = read_some(fd.get());
				      while (result.ok() || result.error == EAGAIN);
				      return result;
			      }};
		Worker opener{"opener", [&] {
				      while (UniqueFd{open(path.c_str(), O_RDONLY | O_CLOEXEC)})
					      continue;
				      return result_of(-1);
			      }};

		bus.make_transfers();
		bus.remove();
		check_error(reader.join(), EIO, "read");
		check_error(opener.join(), ENOENT, "open");
		usbmon.check_unloads();
	}
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(argc, argv,
			 {
				 {"files_are_dead_when_the_bus_is_gone",
				  files_are_dead_when_the_bus_is_gone},
				 {"files_of_a_bus_that_is_there_keep_usbmon",
				  files_of_a_bus_that_is_there_keep_usbmon},
				 {"a_sleeping_reader_is_waited_for_until_its_signal",
				  a_sleeping_reader_is_waited_for_until_its_signal},
				 {"readers_and_openers_race_the_removal",
				  readers_and_openers_race_the_removal, std::chrono::seconds{120}},
			 });
}
