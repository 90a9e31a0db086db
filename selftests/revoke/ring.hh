/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_RING_H
#define REVOKE_RING_H

#include <liburing.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "check.hh"

namespace revoke_test
{

struct Completion {
	Result result;
	std::uint64_t number; /* user_data of the request */
	bool more;            /* the request goes on */
};

/* An io_uring for a few requests. */
class Ring
{
public:
	Ring() : setup_(result_of_negative_errno(io_uring_queue_init(4, &ring_, 0))) {}
	Ring(const Ring &) = delete;
	Ring &operator=(const Ring &) = delete;
	~Ring()
	{
		if (setup_.ok())
			io_uring_queue_exit(&ring_);
	}

	[[nodiscard]] const Result &setup() const { return setup_; }

	/* Skips the case on machines without io_uring. */
	void require() const
	{
		if (!setup_.ok())
			skip("io_uring: {}", setup_);
	}

	/* Files registered here are at index 0. */
	void register_file(int fd)
	{
		check_ok(result_of_negative_errno(io_uring_register_files(&ring_, &fd, 1)),
			 "io_uring_register_files");
	}

	/* A request, to be prepared. */
	io_uring_sqe *next()
	{
		io_uring_sqe *sqe = io_uring_get_sqe(&ring_);

		check(sqe != nullptr, "io_uring: no submission entry");
		return sqe;
	}

	/* Submits what is prepared. */
	void start()
	{
		check_ok(result_of_negative_errno(io_uring_submit(&ring_)), "io_uring_submit");
	}

	/* Waits for ever. */
	Completion wait()
	{
		io_uring_cqe *cqe = nullptr;

		check_ok(uninterrupted([&] {
				 return result_of_negative_errno(io_uring_wait_cqe(&ring_, &cqe));
			 }),
			 "io_uring_wait_cqe");
		return taken(cqe);
	}

	/* Nothing if none came until the deadline. */
	std::optional<Completion> wait(std::chrono::milliseconds deadline)
	{
		const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(deadline);
		__kernel_timespec limit{
			.tv_sec = seconds.count(),
			.tv_nsec = std::chrono::nanoseconds{deadline - seconds}.count()};
		io_uring_cqe *cqe = nullptr;
		const Result result =
			result_of_negative_errno(io_uring_wait_cqe_timeout(&ring_, &cqe, &limit));

		if (result == Result{-1, ETIME})
			return std::nullopt;
		check_ok(result, "io_uring_wait_cqe_timeout");
		return taken(cqe);
	}

	/* Fails the case if none comes. */
	Completion expect()
	{
		const std::optional<Completion> completion = wait(patience());

		check(completion.has_value(), "io_uring: no completion");
		return *completion;
	}

	/* The result of a request that is alone. */
	template <typename Prepare> Result submit(Prepare prepare)
	{
		prepare(next());
		start();
		return wait().result;
	}

private:
	Completion taken(io_uring_cqe *cqe)
	{
		const Completion completion{result_of_negative_errno(cqe->res), cqe->user_data,
					    (cqe->flags & IORING_CQE_F_MORE) != 0};

		io_uring_cqe_seen(&ring_, cqe);
		return completion;
	}

	io_uring ring_{};
	Result setup_;
};

} // namespace revoke_test

#endif
