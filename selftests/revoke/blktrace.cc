// SPDX-License-Identifier: GPL-2.0
/* blktrace's files, which are relay's, go with the disk. */
#include <fcntl.h>
#include <linux/blktrace_api.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <vector>

#include "check.hh"
#include "file_ops.hh"
#include "harness.hh"
#include "module.hh"
#include "unique_fd.hh"
#include "waiting.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

const module::Module null_blk{"null_blk"};
constexpr const char *disk = "/dev/nullb0";
const std::filesystem::path folder{"/sys/kernel/debug/block/nullb0"};

UniqueFd open_disk(int flags = 0)
{
	UniqueFd fd{open(disk, O_RDWR | O_CLOEXEC | flags)};

	check(static_cast<bool>(fd), "open of {}: {}", disk, error_name(errno));
	return fd;
}

/* Has the disk traced, until it goes. */
void load_traced_disk()
{
	null_blk.load_or_skip();
	blk_user_trace_setup setup{};

	setup.act_mask = 0xffff;
	setup.buf_size = 1 << 16;
	setup.buf_nr = 4;
	const UniqueFd fd = open_disk();
	check_ok(result_of(ioctl(fd.get(), BLKTRACESETUP, &setup)), "BLKTRACESETUP");
	check_ok(result_of(ioctl(fd.get(), BLKTRACESTART)), "BLKTRACESTART");
}

/* Until there is something in the buffers of this CPU. */
void use_disk()
{
	constexpr std::size_t sector = 4096;
	alignas(sector) std::array<char, sector> data{};
	const UniqueFd fd = open_disk(O_DIRECT);

	check_value(result_of(pread(fd.get(), data.data(), data.size(), 0)), data.size(), "pread");
	check_ok(result_of(ioctl(fd.get(), BLKTRACESTOP)), "BLKTRACESTOP");
}

std::vector<UniqueFd> open_buffers()
{
	std::vector<UniqueFd> fds;

	for (const auto &entry : std::filesystem::directory_iterator{folder}) {
		if (!entry.path().filename().string().starts_with("trace"))
			continue;
		fds.emplace_back(open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
		check(static_cast<bool>(fds.back()), "open of {}: {}", entry.path().string(),
		      error_name(errno));
	}
	check(!fds.empty(), "blktrace has no buffers for {}", disk);
	return fds;
}

/* Buffers have no offset to read from. */
Result read_trace(const UniqueFd &fd)
{
	char trace[64];

	return result_of(read(fd.get(), trace, sizeof(trace)));
}

void check_dead(const std::vector<UniqueFd> &fds)
{
	for (const UniqueFd &fd : fds) {
		check_error(read_trace(fd), EIO, "read");
		check_equal(poll_mask(fd.get(), POLLIN) & POLLHUP, POLLHUP, "poll");
	}
}

void buffers_are_dead_when_the_disk_is_gone()
{
	load_traced_disk();
	const std::vector<UniqueFd> buffers = open_buffers();
	const UniqueFd dropped{open((folder / "dropped").c_str(), O_RDONLY | O_CLOEXEC)};
	long bytes = 0;

	use_disk();
	for (const UniqueFd &fd : buffers)
		bytes += std::max(0L, read_trace(fd).value);
	check(bytes > 0, "nothing was traced");
	check_ok(read_some(dropped.get()), "read of dropped");
	null_blk.check_unloads();
	check_dead(buffers);
	check_error(read_some(dropped.get()), EIO, "read of dropped");
}

void waiters_are_told_that_the_disk_goes()
{
	load_traced_disk();
	const std::vector<UniqueFd> buffers = open_buffers();
	const Epoll epoll;
	pollfd polled{.fd = buffers.front().get(), .events = POLLIN, .revents = 0};

	for (const UniqueFd &fd : buffers)
		epoll.add(fd.get(), EPOLLIN);
	check_equal(epoll.events(), 0U, "events before");
	Worker waiter{"poll", [&] { return result_of(poll(&polled, 1, -1)); }};
	waiter.await_asleep();
	null_blk.check_unloads();
	check_value(waiter.join(), 1, "poll");
	/* Whatever it is: of the end of the trace, or already of that of the file. */
	note("events that poll tells: {:#x}", polled.revents);
	check_equal(epoll.wait(std::chrono::milliseconds{0}, buffers.size() + 1).size(),
		    buffers.size(), "files that epoll tells of");
	check_dead(buffers);
}

void readers_race_the_removal()
{
	const unsigned int rounds = std::min(options().rounds, 20U);

	for (unsigned int round = 0; round < rounds; round++) {
		load_traced_disk();
		const std::vector<UniqueFd> buffers = open_buffers();
		std::vector<std::unique_ptr<Worker>> readers;

		for (const UniqueFd &fd : buffers)
			readers.push_back(std::make_unique<Worker>("read", [&] {
				Result result;

				do
					result = read_trace(fd);
				while (result.ok());
				return result;
			}));
		null_blk.check_unloads();
		for (const auto &reader : readers)
			check_error(reader->join(), EIO, "read");
		check_dead(buffers);
	}
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(argc, argv,
			 {
				 {"buffers_are_dead_when_the_disk_is_gone",
				  buffers_are_dead_when_the_disk_is_gone},
				 {"waiters_are_told_that_the_disk_goes",
				  waiters_are_told_that_the_disk_goes},
				 {"readers_race_the_removal", readers_race_the_removal,
				  std::chrono::seconds{120}},
			 });
}
