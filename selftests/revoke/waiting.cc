// SPDX-License-Identifier: GPL-2.0
#include "waiting.hh"

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "ring.hh"

namespace revoke_test
{

namespace
{

constexpr std::chrono::milliseconds for_ever{-1};

Result wait_poll(int fd, std::uint32_t events)
{
	pollfd polled{.fd = fd, .events = static_cast<short>(events), .revents = 0};
	const Result result = result_of(poll(&polled, 1, -1));

	return result.ok() ? Result{polled.revents, 0} : result;
}

Result wait_ppoll(int fd, std::uint32_t events)
{
	pollfd polled{.fd = fd, .events = static_cast<short>(events), .revents = 0};
	const timespec long_time{.tv_sec = 1'000'000, .tv_nsec = 0};
	sigset_t none;

	sigemptyset(&none);
	const Result result = result_of(ppoll(&polled, 1, &long_time, &none));
	return result.ok() ? Result{polled.revents, 0} : result;
}

/* Of one descriptor, which may be one that fd_set has no room for. */
class SelectSet
{
public:
	explicit SelectSet(int fd) : word_(fd / NFDBITS), bit_(1UL << fd % NFDBITS)
	{
		words_.resize(word_ + 1);
	}
	void add() { words_[word_] = bit_; }
	[[nodiscard]] bool has() const { return words_[word_] & bit_; }
	[[nodiscard]] fd_set *get() { return reinterpret_cast<fd_set *>(words_.data()); }

private:
	std::size_t word_;
	unsigned long bit_;
	std::vector<unsigned long> words_;
};

Result wait_select(int fd, std::uint32_t events)
{
	constexpr std::array<std::uint32_t, 3> set_events{EPOLLIN, EPOLLOUT, EPOLLPRI};
	std::array sets{SelectSet{fd}, SelectSet{fd}, SelectSet{fd}};
	std::uint32_t found = 0;

	for (std::size_t i = 0; i < sets.size(); i++)
		if (events & set_events[i])
			sets[i].add();
	const Result result =
		result_of(select(fd + 1, sets[0].get(), sets[1].get(), sets[2].get(), nullptr));
	if (!result.ok())
		return result;
	for (std::size_t i = 0; i < sets.size(); i++)
		if (sets[i].has())
			found |= set_events[i];
	return {found, 0};
}

Result wait_epoll(int fd, std::uint32_t events)
{
	const Epoll epoll;

	epoll.add(fd, events);
	return {epoll.events(for_ever), 0};
}

Result wait_nested_epoll(int fd, std::uint32_t events)
{
	const Epoll inner;
	const Epoll middle;
	const Epoll outer;

	inner.add(fd, events);
	middle.add(inner.get(), EPOLLIN);
	outer.add(middle.get(), EPOLLIN);
	if (outer.events(for_ever) != EPOLLIN)
		return {0, EIO};
	return {inner.events(), 0};
}

Result wait_io_uring(int fd, std::uint32_t events)
{
	Ring ring;

	ring.require();
	return ring.submit([&](io_uring_sqe *sqe) { io_uring_prep_poll_add(sqe, fd, events); });
}

Result wait_io_uring_multishot(int fd, std::uint32_t events)
{
	Ring ring;

	ring.require();
	return ring.submit(
		[&](io_uring_sqe *sqe) { io_uring_prep_poll_multishot(sqe, fd, events); });
}

Result wait_io_uring_linked_timeout(int fd, std::uint32_t events)
{
	constexpr std::uint64_t number = 1;
	__kernel_timespec long_time{.tv_sec = 1'000'000, .tv_nsec = 0};
	Ring ring;

	ring.require();
	io_uring_sqe *poll = ring.next();
	io_uring_prep_poll_add(poll, fd, events);
	poll->flags |= IOSQE_IO_LINK;
	poll->user_data = number;
	io_uring_prep_link_timeout(ring.next(), &long_time, 0);
	ring.start();
	/* The timeout may be told of first, as cancelled. */
	const Completion first = ring.wait();
	return first.number == number ? first.result : ring.wait().result;
}

class AioContext
{
public:
	AioContext()
	{
		const Result result = result_of(syscall(SYS_io_setup, 1, &context_));

		if (result == Result{-1, ENOSYS})
			skip("no aio");
		check_ok(result, "io_setup");
	}
	AioContext(const AioContext &) = delete;
	AioContext &operator=(const AioContext &) = delete;
	~AioContext() { syscall(SYS_io_destroy, context_); }

	Result submit_and_wait(iocb &request)
	{
		iocb *requests = &request;
		io_event event{};

		check_value(result_of(syscall(SYS_io_submit, context_, 1, &requests)), 1,
			    "io_submit");
		check_value(uninterrupted([&] {
				    return result_of(syscall(SYS_io_getevents, context_, 1, 1,
							     &event, nullptr));
			    }),
			    1, "io_getevents");
		return result_of_negative_errno(event.res);
	}

private:
	aio_context_t context_ = 0;
};

Result wait_aio(int fd, std::uint32_t events)
{
	iocb request{};

	request.aio_lio_opcode = IOCB_CMD_POLL;
	request.aio_fildes = static_cast<std::uint32_t>(fd);
	request.aio_buf = events;
	return AioContext{}.submit_and_wait(request);
}

} // namespace

const std::vector<WayToWait> &ways_to_wait()
{
	static const std::vector<WayToWait> ways{
		{"poll", wait_poll},
		{"ppoll", wait_ppoll},
		{"select", wait_select, false},
		{"epoll", wait_epoll},
		{"epoll_edge",
		 [](int fd, auto events) { return wait_epoll(fd, events | EPOLLET); }},
		{"epoll_oneshot",
		 [](int fd, auto events) { return wait_epoll(fd, events | EPOLLONESHOT); }},
		{"epoll_nested", wait_nested_epoll},
		{"aio", wait_aio},
		{"io_uring", wait_io_uring},
		{"io_uring_multishot", wait_io_uring_multishot},
		{"io_uring_linked_timeout", wait_io_uring_linked_timeout},
	};

	return ways;
}

Epoll::Epoll() : fd_(epoll_create1(EPOLL_CLOEXEC))
{
	check(static_cast<bool>(fd_), "epoll_create1: {}", error_name(errno));
}

void Epoll::add(int fd, std::uint32_t events, std::uint64_t number) const
{
	epoll_event event{.events = events, .data = {.u64 = number}};

	check_ok(result_of(epoll_ctl(get(), EPOLL_CTL_ADD, fd, &event)), "EPOLL_CTL_ADD");
}

void Epoll::modify(int fd, std::uint32_t events) const
{
	epoll_event event{.events = events, .data = {.u64 = 0}};

	check_ok(result_of(epoll_ctl(get(), EPOLL_CTL_MOD, fd, &event)), "EPOLL_CTL_MOD");
}

Result Epoll::remove(int fd) const
{
	return result_of(epoll_ctl(get(), EPOLL_CTL_DEL, fd, nullptr));
}

std::vector<epoll_event> Epoll::wait(std::chrono::milliseconds deadline, std::size_t most) const
{
	std::vector<epoll_event> events(most);
	const Result result = uninterrupted([&] {
		return result_of(epoll_wait(get(), events.data(), static_cast<int>(most),
					    static_cast<int>(deadline.count())));
	});

	check_ok(result, "epoll_wait");
	events.resize(static_cast<std::size_t>(result.value));
	return events;
}

std::uint32_t Epoll::events(std::chrono::milliseconds deadline) const
{
	const std::vector<epoll_event> found = wait(deadline);

	return found.empty() ? 0 : found.front().events;
}

} // namespace revoke_test
