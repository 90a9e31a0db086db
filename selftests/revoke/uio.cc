// SPDX-License-Identifier: GPL-2.0
/*
 * Userspace drivers of a PCI device that goes: its interrupts and its registers through
 * /dev/uioX, by uio_pci_generic. The devices are QEMU's "edu"; one is in a slot that it can
 * be pulled from, with the id "education" in the port "school".
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <vector>

#include "check.hh"
#include "harness.hh"
#include "mapping.hh"
#include "module.hh"
#include "pci_device.hh"
#include "qmp.hh"
#include "unique_fd.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

const module::Module driver{"uio_pci_generic"};

constexpr PciDevice::Kind edu{"0x1234", "0x11e8"};
/* Registers of the device. */
constexpr std::size_t source_address = 0x80; /* 8 bytes, which it keeps */
constexpr std::size_t raise_interrupt = 0x60;
constexpr std::size_t lower_interrupt = 0x64;

std::filesystem::path file_of(const PciDevice &device)
{
	std::error_code none;

	for (const auto &entry : std::filesystem::directory_iterator{device.folder() / "uio", none})
		return "/dev" / entry.path().filename();
	fail("{} has no uio device", device.name());
}

PciDevice device_in_a_slot(bool pluggable)
{
	for (const PciDevice &device : PciDevice::find(edu)) {
		const bool on_root_bus = device.name().starts_with("0000:00:");

		if (pluggable != on_root_bus)
			return device;
	}
	skip("needs QEMU's edu, {}", pluggable ? "in the port \"school\"" : "on the root bus");
}

/* What is bound to the driver, with a program that uses it in all ways at once. */
class Used
{
public:
	explicit Used(PciDevice device) : device_{std::move(device)}
	{
		device_.bind(driver.name);
		path_ = file_of(device_);
		fd_ = open_again();
		registers_ = Mapping{fd_.get(), 1};
	}
	Used(const Used &) = delete;
	Used &operator=(const Used &) = delete;

	[[nodiscard]] const PciDevice &device() const { return device_; }
	[[nodiscard]] const std::filesystem::path &path() const { return path_; }
	[[nodiscard]] int fd() const { return fd_.get(); }
	[[nodiscard]] std::byte *reg(std::size_t offset) const
	{
		return registers_.page(0) + offset;
	}
	[[nodiscard]] UniqueFd open_again() const
	{
		UniqueFd fd{open(path_.c_str(), O_RDWR | O_CLOEXEC)};

		check(static_cast<bool>(fd), "{}: {}", path_.string(), error_name(errno));
		return fd;
	}
	[[nodiscard]] Result read_count() const
	{
		std::uint32_t count = 0;

		return result_of(read(fd(), &count, sizeof(count)));
	}
	void check_works(std::uint64_t value) const
	{
		check_equal(touch(reg(source_address), value).signal, 0, "signal when writing");
		check_equal(touch(reg(source_address)).value, value, "register");
	}
	void check_gone() const
	{
		constexpr int on = 1;

		check_equal(touch(reg(source_address)).signal, SIGBUS, "signal when reading");
		check_equal(touch(reg(source_address), 1).signal, SIGBUS, "signal when writing");
		check_error(read_count(), ENODEV, "read");
		check_error(result_of(write(fd(), &on, sizeof(on))), ENODEV, "write");
		check_error(try_map(fd(), 1), ENODEV, "mmap");
		pollfd polled{fd(), POLLIN, 0};
		check_value(result_of(poll(&polled, 1, 0)), 1, "poll");
		check_equal(polled.revents, POLLERR | POLLHUP, "events");
	}

private:
	PciDevice device_;
	std::filesystem::path path_;
	UniqueFd fd_;
	Mapping registers_;
};

/* The modules for the time of a case. */
class Driver
{
public:
	Driver() { driver.load_or_skip(); }
	Driver(const Driver &) = delete;
	Driver &operator=(const Driver &) = delete;
	~Driver() { [[maybe_unused]] const Result result = driver.unload(); }
};

Result wait_in_poll(int fd)
{
	pollfd polled{fd, POLLIN, 0};
	const Result result = result_of(poll(&polled, 1, -1));

	return result.ok() ? Result{polled.revents, 0} : result;
}

void interrupt_reaches_who_waits()
{
	const Driver loaded;
	const Used used{device_in_a_slot(false)};
	/* Each open file has a count of its own: who reads takes it from others of the same. */
	const UniqueFd other = used.open_again();
	Worker reader{"read", [&] { return used.read_count(); }};
	Worker poller{"poll", [&] { return wait_in_poll(other.get()); }};

	used.check_works(17);
	reader.await_asleep();
	poller.await_asleep();
	*reinterpret_cast<volatile std::uint32_t *>(used.reg(raise_interrupt)) = 1;
	check_value(reader.join(), sizeof(std::uint32_t), "read");
	check_ok(poller.join(), "poll");
	*reinterpret_cast<volatile std::uint32_t *>(used.reg(lower_interrupt)) = 1;
	used.device().unbind();
}

/* A reader and a poller asleep, registers mapped: nothing of it is in the way, or stays. */
void goes(PciDevice device, const std::function<void(const PciDevice &device)> &depart)
{
	const Used used{std::move(device)};
	Worker reader{"read", [&] { return used.read_count(); }};
	Worker poller{"poll", [&] { return wait_in_poll(used.fd()); }};

	used.check_works(18);
	reader.await_asleep();
	poller.await_asleep();
	Worker departure{"departure", [&] {
				 depart(used.device());
				 return Result{};
			 }};
	check_ok(departure.join(), "departure");
	check_error(reader.join(), ENODEV, "read that was asleep");
	check_value(poller.join(), POLLERR | POLLHUP, "poll that was asleep");
	used.check_gone();
	check_error(result_of(access(used.path().c_str(), F_OK)), ENOENT, used.path().string());
}

void unbound()
{
	const Driver loaded;

	goes(device_in_a_slot(false), [](const PciDevice &device) { device.unbind(); });
}

void removed()
{
	const Driver loaded;

	goes(device_in_a_slot(false), [](const PciDevice &device) { device.remove(); });
}

void pulled()
{
	const Driver loaded;
	Qmp qmp;

	goes(device_in_a_slot(true), [&](const PciDevice &device) {
		qmp.pull("education");
		device.await_gone();
	});
	qmp.execute(R"("execute": "device_add", "arguments": {"driver": "edu", )"
		    R"("bus": "school", "id": "education"})");
}

/* The new instance is another one, also for who has the old one mapped. */
void bound_again()
{
	constexpr unsigned int rounds = 10;
	const Driver loaded;
	const PciDevice device = device_in_a_slot(false);
	std::vector<std::unique_ptr<Used>> old;

	for (unsigned int round = 0; round < rounds; round++) {
		auto used = std::make_unique<Used>(device);

		used->check_works(round);
		for (const auto &one : old)
			one->check_gone();
		device.unbind();
		old.push_back(std::move(used));
	}
	for (const auto &one : old)
		one->check_gone();
}

/* One signal for each file, and not before the device is dead. */
void owners_are_sent_a_signal()
{
	constexpr int files = 3;
	const Driver loaded;
	const Used used{device_in_a_slot(false)};
	const int number = SIGRTMIN;
	timespec limit{std::chrono::duration_cast<std::chrono::seconds>(patience()).count(), 0};
	sigset_t signals;
	std::vector<UniqueFd> fds;

	sigemptyset(&signals);
	sigaddset(&signals, SIGIO);
	sigaddset(&signals, number);
	check_ok(result_of(sigprocmask(SIG_BLOCK, &signals, nullptr)), "sigprocmask");
	check_ok(result_of(fcntl(used.fd(), F_SETOWN, getpid())), "F_SETOWN");
	check_ok(result_of(fcntl(used.fd(), F_SETFL, O_RDWR | O_ASYNC)), "O_ASYNC");
	for (int i = 0; i < files; i++) {
		const UniqueFd &fd = fds.emplace_back(used.open_again());

		check_ok(result_of(fcntl(fd.get(), F_SETOWN, getpid())), "F_SETOWN");
		check_ok(result_of(fcntl(fd.get(), F_SETSIG, number)), "F_SETSIG");
		check_ok(result_of(fcntl(fd.get(), F_SETFL, O_RDWR | O_ASYNC)), "O_ASYNC");
	}
	used.device().unbind();
	check_value(result_of(sigtimedwait(&signals, nullptr, &limit)), SIGIO, "SIGIO");
	for (int i = 0; i < files; i++) {
		check_value(result_of(sigtimedwait(&signals, nullptr, &limit)), number, "a signal");
		check_error(used.read_count(), ENODEV, "read after a signal");
	}
	limit = {};
	check_error(result_of(sigtimedwait(&signals, nullptr, &limit)), EAGAIN, "one more signal");
	for (const UniqueFd &fd : fds) {
		check_ok(result_of(fcntl(fd.get(), F_SETFL, O_RDWR)), "O_ASYNC off");
		check_error(result_of(fcntl(fd.get(), F_SETFL, O_RDWR | O_ASYNC)), ENODEV,
			    "O_ASYNC after unbind");
	}
}

/* The code of /dev/uioX is needed to the last close, that of the driver to its end. */
void modules_go_when_they_can()
{
	const module::Module core{"uio"};
	const Driver loaded;
	std::unique_ptr<Used> used = std::make_unique<Used>(device_in_a_slot(false));

	check_error(driver.unload(), EAGAIN, "unloading the driver of an open device");
	used->device().unbind();
	driver.check_unloads();
	used->check_gone();
	check_error(core.unload(), EAGAIN, "unloading uio while there is a stale file");
	used.reset();
	core.check_unloads();
}

/* Opened, mapped, read and closed all the time by who does not know. */
void unbind_races_use()
{
	constexpr unsigned int rounds = 50;
	const Driver loaded;
	const PciDevice device = device_in_a_slot(false);
	std::atomic<bool> done = false;
	std::atomic<unsigned int> opened = 0;
	std::atomic<unsigned int> ended = 0;

	device.bind(driver.name);
	const std::string path = file_of(device);
	const auto use = [&] {
		while (!done) {
			const UniqueFd fd{open(path.c_str(), O_RDWR | O_CLOEXEC)};
			std::uint32_t count = 0;

			if (!fd)
				continue;
			opened++;
			if (read(fd.get(), &count, sizeof(count)) < 0 && errno == ENODEV)
				ended++;
		}
		return Result{};
	};
	Worker one{"one user", use};
	Worker other{"other user", use};
	unsigned int opened_before = 0;
	for (unsigned int round = 0; round < rounds; round++) {
		await([&] { return opened != opened_before; }, fmt::format("opens of {}", path));
		device.unbind();
		opened_before = opened;
		device.bind(driver.name);
	}
	done = true;
	device.unbind();
	check_ok(one.join(), "one user");
	check_ok(other.join(), "other user");
	note("{} opens, {} ended with the device", opened.load(), ended.load());
	check(ended >= rounds, "only {} users ended with the device", ended.load());
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(argc, argv,
			 {
				 {"interrupt_reaches_who_waits", interrupt_reaches_who_waits},
				 {"unbound", unbound},
				 {"removed", removed},
				 {"pulled", pulled},
				 {"bound_again", bound_again},
				 {"owners_are_sent_a_signal", owners_are_sent_a_signal},
				 {"modules_go_when_they_can", modules_go_when_they_can},
				 {"unbind_races_use", unbind_races_use},
			 });
}
