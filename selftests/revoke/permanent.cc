// SPDX-License-Identifier: GPL-2.0
/* Entries that are never removed: they have nothing to do with the others. */
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "check.hh"
#include "control.hh"
#include "file_ops.hh"
#include "harness.hh"

using namespace revoke_test;

/* Some that the kernel makes permanent, in either of its two ways. */
static constexpr std::array permanent{"/proc/version", "/proc/meminfo", "/proc/stat",
				      "/proc/uptime",  "/proc/cmdline", "/proc/loadavg",
				      "/proc/cpuinfo", "/proc/devices"};

static UniqueFd open_permanent(const char *path)
{
	UniqueFd fd{::open(path, O_RDONLY | O_CLOEXEC)};

	check(static_cast<bool>(fd), "{}: {}", path, error_name(errno));
	return fd;
}

static void check_works(const UniqueFd &fd, std::string_view path)
{
	const Result result = read_some(fd.get());

	check_ok(result, path);
	check(result.value > 0, "{}: empty", path);
}

static void reads_go_on_while_others_are_removed()
{
	constexpr unsigned int rounds = 200;
	const Control control;
	std::vector<UniqueFd> fds;
	std::atomic<bool> done{false};
	std::atomic<unsigned long> reads{0};

	for (const char *path : permanent)
		fds.push_back(open_permanent(path));
	std::jthread reader{[&] {
		while (!done) {
			for (size_t i = 0; i < fds.size(); i++)
				check_works(fds[i], permanent[i]);
			reads += fds.size();
		}
	}};
	for (unsigned int i = 0; i < rounds; i++) {
		const Object file = control.file("other", all_methods);
		const UniqueFd fd = file.open();
		check_ok(file.remove(), "removal");
	}
	while (!reads)
		std::this_thread::yield();
	done = true;
	reader.join();
	note("{} reads during {} removals", reads.load(), rounds);
}

/* The ordinary calls, as for an entry that can be removed. */
static void all_calls_work()
{
	const UniqueFd fd = open_permanent("/proc/version");

	for (const FileOp &op : file_ops()) {
		if (op.method == TEST_REVOKE_READ && op.name != "read")
			check_ok(op.call(fd.get()), op.name);
	}
	check_ok(result_of(lseek(fd.get(), 0, SEEK_SET)), "lseek");
	check_error(result_of(write(fd.get(), "a", 1)), EBADF, "write");
	check_equal(poll_mask(fd.get(), ~0), POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, "poll");
	std::ifstream info{fmt::format("/proc/self/fdinfo/{}", fd.get())};
	std::string line;
	check(std::getline(info, line) && line.starts_with("pos:"), "fdinfo: got '{}'", line);
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv,
			 {
				 {"reads_go_on_while_others_are_removed",
				  reads_go_on_while_others_are_removed},
				 {"all_calls_work", all_calls_work},
			 });
}
