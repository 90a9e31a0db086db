/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_WORKER_H
#define REVOKE_WORKER_H

#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <string_view>
#include <thread>

#include "check.hh"

namespace revoke_test
{

/* A system call in a thread of its own. */
class Worker
{
public:
	template <typename Call>
	Worker(std::string_view what, Call call)
		: what_(what), task_(std::move(call)), result_(task_.get_future()), thread_([this] {
			  number_ = gettid();
			  task_();
		  })
	{
	}
	Worker(const Worker &) = delete;
	Worker &operator=(const Worker &) = delete;

	[[nodiscard]] bool has_ended() const
	{
		return result_.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
	}

	/* Until it sleeps in the kernel; fails the case if it ends instead. */
	void await_asleep(const std::source_location &where = std::source_location::current()) const
	{
		constexpr unsigned int looks = 3;
		const auto deadline = std::chrono::steady_clock::now() + patience();

		for (unsigned int asleep = 0; asleep < looks;) {
			if (has_ended())
				fail_line(fmt::format("{} did not wait", what_), where);
			if (std::chrono::steady_clock::now() > deadline)
				fail_line(fmt::format("{} does not sleep", what_), where);
			asleep = is_asleep() ? asleep + 1 : 0;
			std::this_thread::sleep_for(std::chrono::milliseconds{1});
		}
	}

	/* To be called once. */
	Result join(const std::source_location &where = std::source_location::current())
	{
		if (result_.wait_for(patience()) != std::future_status::ready)
			fail_line(fmt::format("{} does not end", what_), where);
		return result_.get();
	}

private:
	[[nodiscard]] bool is_asleep() const
	{
		const char state = task_state(fmt::format("/proc/self/task/{}", number_.load()));

		return state == 'S' || state == 'D';
	}

	std::string what_;
	std::atomic<pid_t> number_{0};
	std::packaged_task<Result()> task_;
	std::future<Result> result_;
	std::jthread thread_;
};

} // namespace revoke_test

#endif
