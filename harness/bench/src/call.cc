// SPDX-License-Identifier: GPL-2.0
#include "call.hh"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <liburing.h>

#include <array>
#include <cstdint>

#include "check.hh"

namespace bench
{

namespace
{

constexpr std::size_t page = 4096;
/* Without a look at the clock, which takes longer at the turn of a second. */
constexpr int wait_for_ever = -1;

/* Where calls put what they get, and take what they give. */
std::array<char, page> buffer{'0', 0, 0, 0, 0, 0, 0, 0};
constexpr std::size_t few = 8;

/* At the start of the file, where that means something, with something to read. */
std::function<void()> before_read(const Target &target)
{
	return [fd = target.fd, fill = target.fill] {
		lseek(fd, 0, SEEK_SET);
		if (fill)
			fill();
	};
}

std::function<void()> before_write(const Target &target)
{
	return [fd = target.fd, drain = target.drain] {
		buffer = {'0'};
		lseek(fd, 0, SEEK_SET);
		if (drain)
			drain();
	};
}

Shot read_it(const Target &target)
{
	return {before_read(target), [fd = target.fd] { return read(fd, buffer.data(), few); }};
}

Shot pread_it(const Target &target)
{
	return {[] {}, [fd = target.fd] { return pread(fd, buffer.data(), few, 0); }};
}

Shot readv_it(const Target &target)
{
	return {before_read(target), [fd = target.fd] {
			const iovec some{buffer.data(), few};

			return readv(fd, &some, 1);
		}};
}

Shot write_it(const Target &target)
{
	/* A number for eventfd, and text for those that parse it. */
	return {before_write(target),
		[fd = target.fd, length = target.name == "eventfd" ? few : 1] {
			return write(fd, buffer.data(), length);
		}};
}

Shot llseek_it(const Target &target)
{
	return {[] {}, [fd = target.fd] { return lseek(fd, 0, SEEK_SET); }};
}

Shot poll_it(const Target &target, int timeout)
{
	return {before_read(target), [fd = target.fd, timeout] {
			pollfd one{.fd = fd, .events = POLLIN | POLLOUT, .revents = 0};

			return static_cast<long>(poll(&one, 1, timeout));
		}};
}

Shot poll_now(const Target &target) { return poll_it(target, 0); }

/* Gets on the queues before it finds that it need not wait. */
Shot poll_waiting(const Target &target) { return poll_it(target, wait_for_ever); }

Shot epoll_it(const Target &target)
{
	const int epoll = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {}};

	/* Of what cannot be waited for. */
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, target.fd, &event) != 0) {
		close(epoll);
		return {};
	}
	return {before_read(target), [epoll] {
			epoll_event found{};

			return static_cast<long>(epoll_wait(epoll, &found, 1, 0));
		}};
}

Shot ioctl_it(const Target &target)
{
	if (!target.ioctl)
		return {};
	return {[] {},
		[fd = target.fd, request = target.ioctl] {
			return static_cast<long>(ioctl(fd, request, buffer.data()));
		}};
}

Shot fsync_it(const Target &target)
{
	return {[] {}, [fd = target.fd] { return static_cast<long>(fsync(fd)); }};
}

Shot fstat_it(const Target &target)
{
	return {[] {},
		[fd = target.fd] {
			struct stat status {
			};

			return static_cast<long>(fstat(fd, &status));
		}};
}

Shot splice_it(const Target &target)
{
	std::array<int, 2> fds{};

	check(pipe2(fds.data(), O_CLOEXEC | O_NONBLOCK), "pipe2");
	return {[prepare = before_read(target), reader = fds[0]] {
			while (read(reader, buffer.data(), buffer.size()) > 0)
				;
			prepare();
		},
		[fd = target.fd, writer = fds[1]] {
			return splice(fd, nullptr, writer, nullptr, few, 0);
		}};
}

Shot mmap_it(const Target &target)
{
	if (!target.maps)
		return {};
	return {[] {},
		[fd = target.fd] {
			void *start = mmap(nullptr, page, PROT_READ, MAP_SHARED, fd, 0);

			if (start == MAP_FAILED)
				return -1L;
			(void)*static_cast<volatile char *>(start);
			return static_cast<long>(munmap(start, page));
		}};
}

io_uring *ring()
{
	static io_uring ring;
	static const int error = io_uring_queue_init(1, &ring, 0);

	check(error == 0, "io_uring_queue_init");
	return &ring;
}

long read_by_ring(int fd)
{
	io_uring *const all = ring();
	io_uring_cqe *done = nullptr;

	io_uring_prep_read(io_uring_get_sqe(all), fd, buffer.data(), few,
			   static_cast<std::uint64_t>(-1));
	check(io_uring_submit_and_wait(all, 1) == 1, "io_uring_submit_and_wait");
	check(io_uring_peek_cqe(all, &done) == 0, "io_uring_peek_cqe");
	const int result = done->res;
	io_uring_cqe_seen(all, done);
	return result < 0 ? -1 : result;
}

/* How often this task had to let another one run. */
long switches()
{
	rusage usage{};

	check(getrusage(RUSAGE_THREAD, &usage), "getrusage");
	return usage.ru_nvcsw + usage.ru_nivcsw;
}

/* What a worker does depends on the scheduler: where reads are left to one nothing is counted. */
Shot ring_it(const Target &target)
{
	constexpr int attempts = 64;
	const Shot shot{before_read(target), [fd = target.fd] { return read_by_ring(fd); }};
	const long before = switches();

	for (int attempt = 0; attempt < attempts; attempt++) {
		shot.untimed();
		shot.timed();
	}
	return switches() - before < attempts / 2 ? shot : Shot{};
}

Shot open_and_close(const Target &target)
{
	if (target.path.empty())
		return {};
	const int flags = O_CLOEXEC | (fcntl(target.fd, F_GETFL) & O_ACCMODE);

	return {[] {}, [path = target.path,
			flags] { return static_cast<long>(close(open(path.c_str(), flags))); }};
}

} // namespace

const std::vector<Call> &calls()
{
	static const std::vector<Call> all{
		{"read", read_it},
		{"pread", pread_it},
		{"readv", readv_it},
		{"write", write_it},
		{"llseek", llseek_it},
		{"poll", poll_now},
		{"poll, waiting", poll_waiting},
		{"epoll_wait", epoll_it},
		{"ioctl", ioctl_it},
		{"fsync", fsync_it},
		{"fstat", fstat_it},
		{"splice", splice_it},
		{"io_uring read", ring_it},
		{"mmap, fault, munmap", mmap_it},
		{"open, close", open_and_close},
	};

	return all;
}

} // namespace bench
