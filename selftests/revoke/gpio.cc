// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/gpiochipN of a chip that goes, and the descriptors of its lines that were requested
 * through it: those of gpio-sim, whose chips are made and removed through configfs.
 */
#include <fcntl.h>
#include <linux/gpio.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <list>
#include <memory>
#include <vector>

#include "check.hh"
#include "harness.hh"
#include "mapping.hh"
#include "module.hh"
#include "temporary_directory.hh"
#include "text_file.hh"
#include "unique_fd.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

const module::Module simulator{"gpio_sim"};

constexpr std::string_view number_of_lines = "8";

/* The module, and a chip, for the time of a case. */
class Chip
{
public:
	Chip()
	{
		simulator.load_or_skip();
		check_ok(configfs_.mount("configfs"), "configfs");
		folder_ = std::filesystem::path{configfs_.path()} / "gpio-sim/revoke";
		for (const auto &folder : {folder_, folder_ / bank})
			check_ok(result_of(mkdir(folder.c_str(), 0700)), folder.string());
		write_file(folder_ / bank / "num_lines", number_of_lines);
		add();
	}
	Chip(const Chip &) = delete;
	Chip &operator=(const Chip &) = delete;
	~Chip()
	{
		std::error_code none;

		std::ofstream{folder_ / "live"} << "0";
		std::filesystem::remove(folder_ / bank, none);
		std::filesystem::remove(folder_, none);
		[[maybe_unused]] const Result result = simulator.unload();
	}

	void add()
	{
		write_file(folder_ / "live", "1");
		name_ = read_line(folder_ / bank / "chip_name");
		device_ = read_line(folder_ / "dev_name");
	}
	void remove() const
	{
		Worker removal{"removal", [this] {
				       write_file(folder_ / "live", "0");
				       return Result{};
			       }};

		check_ok(removal.join(), "removal");
		check_error(result_of(access(path().c_str(), F_OK)), ENOENT, path());
	}
	[[nodiscard]] std::string path() const { return "/dev/" + name_; }
	[[nodiscard]] UniqueFd open_chip() const
	{
		UniqueFd fd{open(path().c_str(), O_RDWR | O_CLOEXEC)};

		check(static_cast<bool>(fd), "{}: {}", path(), error_name(errno));
		return fd;
	}
	/* What is connected to a line of it. */
	void pull(unsigned int line, bool up) const
	{
		const std::filesystem::path devices{"/sys/devices/platform"};

		write_file(devices / device_ / name_ / fmt::format("sim_gpio{}", line) / "pull",
			   up ? "pull-up" : "pull-down");
	}

private:
	static constexpr const char *bank = "bank";

	TemporaryDirectory configfs_;
	std::filesystem::path folder_;
	std::string name_;
	std::string device_;
};

/* Descriptors of one line each. */

gpio_v2_line_request request_of(unsigned int line, std::uint64_t flags)
{
	gpio_v2_line_request request{};

	request.offsets[0] = line;
	request.num_lines = 1;
	request.config.flags = flags;
	return request;
}

Result submit(const UniqueFd &chip, gpio_v2_line_request request)
{
	const Result result = result_of(ioctl(chip.get(), GPIO_V2_GET_LINE_IOCTL, &request));

	return result.ok() ? Result{request.fd, 0} : result;
}

constexpr std::uint64_t rising_edges = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING;

Result request_line(const UniqueFd &chip, unsigned int line)
{
	return submit(chip, request_of(line, rising_edges));
}

Result request_output(const UniqueFd &chip, unsigned int line)
{
	return submit(chip, request_of(line, GPIO_V2_LINE_FLAG_OUTPUT));
}

Result request_debounced(const UniqueFd &chip, unsigned int line)
{
	gpio_v2_line_request request = request_of(line, rising_edges);

	request.config.num_attrs = 1;
	request.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE;
	request.config.attrs[0].attr.debounce_period_us = 1000;
	request.config.attrs[0].mask = 1;
	return submit(chip, request);
}

/* The kernel cannot tell its descriptor, and closes it. */
Result request_in_vain(const UniqueFd &chip, unsigned int line)
{
	const gpio_v2_line_request request = request_of(line, rising_edges);
	const Mapping memory{-1, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS};

	std::memcpy(memory.page(0), &request, sizeof(request));
	memory.protect(PROT_READ);
	return result_of(ioctl(chip.get(), GPIO_V2_GET_LINE_IOCTL, memory.page(0)));
}

Result request_event(const UniqueFd &chip, unsigned int line)
{
	gpioevent_request request{};

	request.lineoffset = line;
	request.handleflags = GPIOHANDLE_REQUEST_INPUT;
	request.eventflags = GPIOEVENT_REQUEST_RISING_EDGE;
	const Result result = result_of(ioctl(chip.get(), GPIO_GET_LINEEVENT_IOCTL, &request));
	return result.ok() ? Result{request.fd, 0} : result;
}

Result request_handle(const UniqueFd &chip, unsigned int line)
{
	gpiohandle_request request{};

	request.lineoffsets[0] = line;
	request.lines = 1;
	request.flags = GPIOHANDLE_REQUEST_INPUT;
	const Result result = result_of(ioctl(chip.get(), GPIO_GET_LINEHANDLE_IOCTL, &request));
	return result.ok() ? Result{request.fd, 0} : result;
}

Result get_values(const UniqueFd &fd)
{
	gpio_v2_line_values values{.bits = 0, .mask = 1};

	return result_of(ioctl(fd.get(), GPIO_V2_LINE_GET_VALUES_IOCTL, &values));
}

Result get_old_values(const UniqueFd &fd)
{
	gpiohandle_data data{};

	return result_of(ioctl(fd.get(), GPIOHANDLE_GET_LINE_VALUES_IOCTL, &data));
}

/* From then on what becomes of the line can be read from the chip's file. */
Result watch_line(const UniqueFd &chip, unsigned int line)
{
	gpio_v2_line_info info{};

	info.offset = line;
	return result_of(ioctl(chip.get(), GPIO_V2_GET_LINEINFO_WATCH_IOCTL, &info));
}

template <typename Event> Result read_event(const UniqueFd &fd)
{
	Event event{};

	return result_of(read(fd.get(), &event, sizeof(event)));
}

Result wait_in_poll(const UniqueFd &fd, int milliseconds = -1)
{
	pollfd polled{fd.get(), POLLIN, 0};
	const Result result = result_of(poll(&polled, 1, milliseconds));

	return result.ok() ? Result{polled.revents, 0} : result;
}

/* The chip's file, and each kind of descriptor that comes from it. */
struct Kind {
	const char *name;
	Result (*request)(const UniqueFd &chip, unsigned int line);
	Result (*use)(const UniqueFd &fd);
	Result (*read)(const UniqueFd &fd);
};

Result request_info(const UniqueFd &chip, unsigned int line)
{
	const Result result = watch_line(chip, line);

	return result.ok() ? result_of(fcntl(chip.get(), F_DUPFD_CLOEXEC, 0)) : result;
}

Result get_chip_info(const UniqueFd &fd)
{
	gpiochip_info info{};

	return result_of(ioctl(fd.get(), GPIO_GET_CHIPINFO_IOCTL, &info));
}

constexpr Kind kinds[] = {
	{"chip", request_info, get_chip_info, read_event<gpio_v2_line_info_changed>},
	{"line", request_line, get_values, read_event<gpio_v2_line_event>},
	{"debounced", request_debounced, get_values, read_event<gpio_v2_line_event>},
	{"output", request_output, get_values, read_event<gpio_v2_line_event>},
	{"event", request_event, get_old_values, read_event<gpioevent_data>},
	{"handle", request_handle, get_old_values, nullptr},
};

/* Each kind has a line of its own. */
std::vector<UniqueFd> open_all(const UniqueFd &chip)
{
	std::vector<UniqueFd> fds;

	for (unsigned int line = 0; const Kind &kind : kinds) {
		const Result result = kind.request(chip, line++);

		check_ok(result, kind.name);
		fds.emplace_back(static_cast<int>(result.value));
	}
	return fds;
}

void descriptors_end_with_the_chip()
{
	const Chip chip;
	const std::vector<UniqueFd> fds = open_all(chip.open_chip());

	for (std::size_t i = 0; i < fds.size(); i++)
		check_ok(kinds[i].use(fds[i]), kinds[i].name);
	chip.remove();
	for (std::size_t i = 0; i < fds.size(); i++) {
		const Kind &kind = kinds[i];

		check_error(kind.use(fds[i]), ENODEV, kind.name);
		if (kind.read)
			check_error(kind.read(fds[i]), ENODEV, kind.name);
	}
}

void sleepers_end_with_the_chip()
{
	const Chip chip;
	const std::vector<UniqueFd> fds = open_all(chip.open_chip());
	std::list<Worker> readers;
	std::list<Worker> pollers;

	for (std::size_t i = 0; i < fds.size(); i++) {
		if (!kinds[i].read)
			continue;
		readers.emplace_back("read", [&, i] { return kinds[i].read(fds[i]); });
		pollers.emplace_back("poll", [&, i] { return wait_in_poll(fds[i]); });
	}
	for (const auto *workers : {&readers, &pollers})
		for (const Worker &worker : *workers)
			worker.await_asleep();
	chip.remove();
	for (Worker &reader : readers)
		check_error(reader.join(), ENODEV, "read that was asleep");
	for (Worker &poller : pollers)
		check_value(poller.join(), POLLERR | POLLHUP, "poll that was asleep");
}

/* A reader that sleeps gets what comes, and what does not fit stays. */
void readers_are_served()
{
	const Chip chip;
	const UniqueFd file = chip.open_chip();

	check_ok(watch_line(file, 0), "watch");
	Worker watcher{"read of the chip", [&] { return kinds[0].read(file); }};
	watcher.await_asleep();
	const UniqueFd line{static_cast<int>(request_line(file, 0).value)};
	check(static_cast<bool>(line), "no line");
	check_value(watcher.join(), sizeof(gpio_v2_line_info_changed), "read of the chip");

	Worker reader{"read of the line", [&] { return read_event<gpio_v2_line_event>(line); }};
	reader.await_asleep();
	chip.pull(0, true);
	check_value(reader.join(), sizeof(gpio_v2_line_event), "read of the line");

	const UniqueFd event{static_cast<int>(request_event(file, 1).value)};
	check(static_cast<bool>(event), "no event");
	Worker old_reader{"read of the event", [&] { return read_event<gpioevent_data>(event); }};
	old_reader.await_asleep();
	chip.pull(1, true);
	check_value(old_reader.join(), sizeof(gpioevent_data), "read of the event");

	const UniqueFd other{static_cast<int>(request_line(file, 2).value)};
	check(static_cast<bool>(other), "no other line");
	check_ok(watch_line(file, 3), "watch of another line");
	const UniqueFd third{static_cast<int>(request_line(file, 3).value)};
	check_value(wait_in_poll(file), POLLIN, "poll of the chip");
	check_error(read_event<char>(file), EINVAL, "read of a byte");
	check_value(kinds[0].read(file), sizeof(gpio_v2_line_info_changed), "read of the rest");
	check_ok(result_of(fcntl(other.get(), F_SETFL, O_NONBLOCK)), "O_NONBLOCK");
	check_error(read_event<gpio_v2_line_event>(other), EAGAIN, "read of nothing");
}

void lines_of_a_failed_request_are_free()
{
	const Chip chip;
	const UniqueFd file = chip.open_chip();

	check_error(request_in_vain(file, 0), EFAULT, "request");
	const UniqueFd line{static_cast<int>(request_line(file, 0).value)};
	check(static_cast<bool>(line), "the line is not free");
	chip.remove();
	check_error(request_in_vain(file, 1), ENODEV, "request of a chip that has gone");
}

/* Before, whoever changed a line told its watchers at once. */
bool kernel_has_a_worker_that_tells()
{
	utsname kernel{};

	check_ok(result_of(uname(&kernel)), "uname");
	return strverscmp(kernel.release, "6.13") >= 0;
}

/* What becomes of the line is told by a worker of the kernel's, watcher by watcher. */
void watchers_close_before_they_are_told()
{
	if (!kernel_has_a_worker_that_tells())
		skip("needs 6.13, which tells watchers through a work item");
	constexpr unsigned int rounds = 20;
	constexpr unsigned int watchers = 64;
	const Chip chip;
	const UniqueFd file = chip.open_chip();
	unsigned int untold = 0;

	for (unsigned int round = 0; round < rounds; round++) {
		UniqueFd line{static_cast<int>(request_line(file, 0).value)};
		std::vector<UniqueFd> files;

		check(static_cast<bool>(line), "no line");
		for (unsigned int i = 0; i < watchers; i++) {
			files.push_back(chip.open_chip());
			check_ok(watch_line(files.back(), 0), "watch");
		}
		line.reset();
		/* From the one who is told last. */
		for (; !files.empty(); files.pop_back())
			untold += wait_in_poll(files.back(), 0).value == 0;
	}
	check(untold > 0, "all were told before they closed");
}

/* They have the same lines, and may have the same name. */
void old_descriptors_are_not_of_the_next_chip()
{
	Chip chip;
	std::vector<UniqueFd> old = open_all(chip.open_chip());

	chip.remove();
	chip.add();
	const std::vector<UniqueFd> fds = open_all(chip.open_chip());
	for (std::size_t i = 0; i < fds.size(); i++) {
		check_error(kinds[i].use(old[i]), ENODEV, kinds[i].name);
		check_ok(kinds[i].use(fds[i]), kinds[i].name);
	}
	old.clear();
	for (std::size_t i = 0; i < fds.size(); i++)
		check_ok(kinds[i].use(fds[i]), kinds[i].name);
	chip.remove();
}

void driver_goes_while_descriptors_are_open()
{
	auto chip = std::make_unique<Chip>();
	const std::vector<UniqueFd> fds = open_all(chip->open_chip());

	chip->remove();
	chip.reset();
	check_error(result_of(access("/sys/module/gpio_sim", F_OK)), ENOENT, "the module");
	for (std::size_t i = 0; i < fds.size(); i++)
		check_error(kinds[i].use(fds[i]), ENODEV, kinds[i].name);
}

/* Each watches the line that the other one requests and gives back all the time. */
void removal_races_requests()
{
	constexpr unsigned int rounds = 30;
	Chip chip;
	std::atomic<unsigned int> requests = 0;
	std::atomic<unsigned int> ended = 0;

	for (unsigned int round = 0; round < rounds; round++) {
		const unsigned int before = requests;
		const auto use = [&, path = chip.path()](unsigned int line) {
			for (;;) {
				const UniqueFd file{open(path.c_str(), O_RDWR | O_CLOEXEC)};
				const Result watched = watch_line(file, 1 - line);
				const Result failed = request_in_vain(file, 2 + line);
				const Result result = request_line(file, line);
				const UniqueFd fd{static_cast<int>(result.value)};

				if (failed.error == EFAULT && result.ok() && watched.ok() &&
				    get_values(fd).ok()) {
					requests++;
					continue;
				}
				if (file)
					await_error([&] { return get_chip_info(file); }, ENODEV,
						    "use of the chip");
				ended++;
				return Result{};
			}
		};
		Worker one{"one user", [&] { return use(0); }};
		Worker other{"other user", [&] { return use(1); }};

		await([&] { return requests != before; }, "requests");
		chip.remove();
		check_ok(one.join(), "one user");
		check_ok(other.join(), "other user");
		chip.add();
	}
	note("{} requests", requests.load());
	check_equal(ended.load(), 2 * rounds, "users that were told");
	check(requests >= rounds, "only {} requests", requests.load());
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(
		argc, argv,
		{
			{"sleepers_end_with_the_chip", sleepers_end_with_the_chip},
			{"descriptors_end_with_the_chip", descriptors_end_with_the_chip},
			{"readers_are_served", readers_are_served},
			{"lines_of_a_failed_request_are_free", lines_of_a_failed_request_are_free},
			{"watchers_close_before_they_are_told",
			 watchers_close_before_they_are_told},
			{"old_descriptors_are_not_of_the_next_chip",
			 old_descriptors_are_not_of_the_next_chip},
			{"driver_goes_while_descriptors_are_open",
			 driver_goes_while_descriptors_are_open},
			{"removal_races_requests", removal_races_requests},
		});
}
