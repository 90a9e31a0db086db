/* SPDX-License-Identifier: GPL-2.0 */
/* The ways to wait until a file is ready. */
#ifndef REVOKE_WAITING_H
#define REVOKE_WAITING_H

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "check.hh"
#include "unique_fd.hh"

namespace revoke_test
{

/* Waits, for ever if need be; returns what the file is ready for, as EPOLL* bits. */
struct WayToWait {
	std::string name;
	std::function<Result(int fd, std::uint32_t events)> wait;
	/* select(2) has three sets, and tells no more than which of them a file is in. */
	bool has_mask = true;
};

/* A case that tries one that this machine does not have is skipped. */
const std::vector<WayToWait> &ways_to_wait();

/* An epoll instance, with files that are told apart by a number. */
class Epoll
{
public:
	Epoll();

	[[nodiscard]] int get() const { return fd_.get(); }
	void add(int fd, std::uint32_t events, std::uint64_t number = 0) const;
	void modify(int fd, std::uint32_t events) const;
	[[nodiscard]] Result remove(int fd) const;

	/* What came until the deadline, `most` of it; -1 ms for none. */
	[[nodiscard]] std::vector<epoll_event>
	wait(std::chrono::milliseconds deadline = std::chrono::milliseconds{0},
	     std::size_t most = 1) const;
	/* The events of the only file that is ready, 0 for none. */
	[[nodiscard]] std::uint32_t
	events(std::chrono::milliseconds deadline = std::chrono::milliseconds{0}) const;

	void close() { fd_.reset(); }

private:
	UniqueFd fd_;
};

} // namespace revoke_test

#endif
