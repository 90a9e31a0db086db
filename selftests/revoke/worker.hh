/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_WORKER_H
#define REVOKE_WORKER_H

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
		: what_(what), task_(std::move(call)), result_(task_.get_future()),
		  thread_([this] { task_(); })
	{
	}
	Worker(const Worker &) = delete;
	Worker &operator=(const Worker &) = delete;

	[[nodiscard]] bool has_ended() const
	{
		return result_.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
	}

	/* To be called once. */
	Result join(const std::source_location &where = std::source_location::current())
	{
		if (result_.wait_for(patience()) != std::future_status::ready)
			fail_line(fmt::format("{} does not end", what_), where);
		return result_.get();
	}

private:
	std::string what_;
	std::packaged_task<Result()> task_;
	std::future<Result> result_;
	std::jthread thread_;
};

} // namespace revoke_test

#endif
