// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/ptpN of a clock that goes, and the system calls that take its descriptor for a clock:
 * that of QEMU's "e1000e", a network device on the PCI bus.
 */
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/timex.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <filesystem>
#include <optional>

#include "check.hh"
#include "harness.hh"
#include "module.hh"
#include "pci_device.hh"
#include "unique_fd.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

const module::Module driver{"e1000e"};

/* The driver, and the clock of its device, until it is unbound. */
class Clock
{
public:
	Clock()
	{
		driver.load_or_skip();
		const auto found = PciDevice::find({"0x8086", "0x10d3"});
		if (found.empty())
			skip("needs QEMU's e1000e");
		device_ = found.front();
		if (!device_->is_bound())
			device_->bind(driver.name);
		path_ = find_path();
	}
	Clock(const Clock &) = delete;
	Clock &operator=(const Clock &) = delete;
	~Clock() { [[maybe_unused]] const Result result = driver.unload(); }

	void add()
	{
		device_->bind(driver.name);
		path_ = find_path();
	}
	void remove() const
	{
		Worker removal{"removal", [this] {
				       device_->unbind();
				       return Result{};
			       }};

		check_ok(removal.join(), "removal");
	}
	[[nodiscard]] const std::string &path() const { return path_; }
	[[nodiscard]] UniqueFd open_clock() const
	{
		UniqueFd fd{open(path_.c_str(), O_RDWR | O_CLOEXEC)};

		check(static_cast<bool>(fd), "{}: {}", path_, error_name(errno));
		return fd;
	}

private:
	[[nodiscard]] std::string find_path() const
	{
		std::error_code none;

		for (const auto &entry :
		     std::filesystem::directory_iterator{device_->folder() / "ptp", none})
			return "/dev/" + entry.path().filename().string();
		skip("{} has no clock", device_->name());
	}

	std::optional<PciDevice> device_;
	std::string path_;
};

clockid_t clock_of(const UniqueFd &fd)
{
	return static_cast<clockid_t>(~static_cast<unsigned int>(fd.get()) << 3 | 3);
}

Result gettime(const UniqueFd &fd)
{
	timespec now{};

	return result_of(clock_gettime(clock_of(fd), &now));
}

Result settime(const UniqueFd &fd)
{
	const timespec now{1, 0};

	return result_of(clock_settime(clock_of(fd), &now));
}

Result getres(const UniqueFd &fd)
{
	timespec resolution{};

	return result_of(clock_getres(clock_of(fd), &resolution));
}

Result adjtime(const UniqueFd &fd)
{
	timex state{};

	return result_of(clock_adjtime(clock_of(fd), &state));
}

Result capabilities(const UniqueFd &fd)
{
	ptp_clock_caps caps{};

	return result_of(ioctl(fd.get(), PTP_CLOCK_GETCAPS, &caps));
}

Result read_event(const UniqueFd &fd)
{
	ptp_extts_event event{};

	return result_of(read(fd.get(), &event, sizeof(event)));
}

Result wait_in_poll(const UniqueFd &fd)
{
	pollfd polled{fd.get(), POLLIN, 0};
	const Result result = result_of(poll(&polled, 1, -1));

	return result.ok() ? Result{polled.revents, 0} : result;
}

constexpr Result (*calls[])(const UniqueFd &fd){gettime, settime, getres, adjtime, capabilities};

void calls_end_with_the_clock()
{
	const Clock clock;
	const UniqueFd fd = clock.open_clock();
	Worker reader{"read", [&] { return read_event(fd); }};
	Worker poller{"poll", [&] { return wait_in_poll(fd); }};

	for (const auto call : calls)
		check_ok(call(fd), "call before removal");
	reader.await_asleep();
	poller.await_asleep();
	clock.remove();
	check_error(reader.join(), ENODEV, "read that was asleep");
	check_value(poller.join(), POLLERR | POLLHUP, "poll that was asleep");
	for (const auto call : calls)
		check_error(call(fd), ENODEV, "call after removal");
	check_error(result_of(open(clock.path().c_str(), O_RDWR)), ENOENT, clock.path());
}

void old_descriptor_is_not_the_next_clock()
{
	Clock clock;
	UniqueFd old_fd = clock.open_clock();

	clock.remove();
	clock.add();
	const UniqueFd fd = clock.open_clock();
	check_ok(gettime(fd), "clock_gettime of the new clock");
	check_error(gettime(old_fd), ENODEV, "clock_gettime of the old clock");
	old_fd.reset();
	check_ok(gettime(fd), "clock_gettime of the new clock");
	clock.remove();
	check_error(gettime(fd), ENODEV, "clock_gettime after removal");
}

/* Until it is gone; each file is used, which may be dead already. */
Result open_again_and_again(const std::string &path)
{
	for (;;) {
		const UniqueFd fd{open(path.c_str(), O_RDWR | O_CLOEXEC)};

		if (!fd)
			return result_of(-1);
		if (const Result result = gettime(fd); !result.ok())
			check_error(result, ENODEV, "clock_gettime of a new file");
	}
}

/* Each removal finds callers of the clock, which are no callers of a method, and opens. */
void removal_races_clock_calls()
{
	constexpr unsigned int rounds = 50;
	Clock clock;
	std::atomic<unsigned int> served = 0;
	std::atomic<unsigned int> ended = 0;

	for (unsigned int round = 0; round < rounds; round++) {
		const UniqueFd fd = clock.open_clock();
		const auto use = [&](Result (*call)(const UniqueFd &fd)) {
			Result result;

			while ((result = call(fd)).ok())
				served++;
			ended += result.error == ENODEV;
			return Result{};
		};
		const unsigned int before = served;
		Worker time{"clock_gettime", [&] { return use(gettime); }};
		Worker adjustment{"clock_adjtime", [&] { return use(adjtime); }};
		Worker opener{"open", [&] { return open_again_and_again(clock.path()); }};

		await([&] { return served != before; }, "calls that are served");
		clock.remove();
		check_ok(time.join(), "clock_gettime");
		check_ok(adjustment.join(), "clock_adjtime");
		if (const Result result = opener.join(); result.error != ENXIO)
			check_error(result, ENOENT, "open");
		clock.add();
	}
	note("{} calls served", served.load());
	check_equal(ended.load(), 2 * rounds, "callers that were told");
	check(served >= rounds, "only {} calls were served", served.load());
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(argc, argv,
			 {
				 {"calls_end_with_the_clock", calls_end_with_the_clock},
				 {"old_descriptor_is_not_the_next_clock",
				  old_descriptor_is_not_the_next_clock},
				 {"removal_races_clock_calls", removal_races_clock_calls},
			 });
}
