// SPDX-License-Identifier: GPL-2.0
#include "check.hh"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "harness.hh"

namespace revoke_test
{

std::string error_name(int error)
{
	if (!error)
		return "success";
	const char *name = strerrorname_np(error);
	return name ? name : fmt::format("errno {}", error);
}

char task_state(const std::string &folder)
{
	std::ifstream file{folder + "/stat"};
	std::string line;
	std::getline(file, line);
	const std::size_t name_end = line.rfind(") ");

	return name_end == std::string::npos ? '\0' : line[name_end + 2];
}

void note_line(std::string_view line)
{
	fmt::print("# {}\n", line);
	std::fflush(stdout);
}

void fail_line(std::string_view line, const std::source_location &where)
{
	const std::string_view path = where.file_name();

	note_line(fmt::format("{}:{}: {}", path.substr(path.rfind('/') + 1), where.line(), line));
	_exit(exit_failed);
}

void skip_line(std::string_view reason)
{
	set_skip_reason(reason);
	_exit(exit_skipped);
}

void check_ok(const Result &result, std::string_view what, const std::source_location &where)
{
	if (!result.ok())
		fail_line(fmt::format("{}: {}", what, result), where);
}

void check_value(const Result &result, long expected, std::string_view what,
		 const std::source_location &where)
{
	check_equal(result, Result{expected, 0}, what, where);
}

void check_error(const Result &result, int expected, std::string_view what,
		 const std::source_location &where)
{
	check_equal(result, Result{-1, expected}, what, where);
}

std::chrono::milliseconds patience()
{
	return std::chrono::seconds{options().patience} * slowness();
}

/* Whether it comes true before patience ends. */
static bool comes_true(const std::function<bool()> &condition)
{
	const auto deadline = std::chrono::steady_clock::now() + patience();

	while (!condition()) {
		if (std::chrono::steady_clock::now() > deadline)
			return false;
		std::this_thread::yield();
	}
	return true;
}

void await(const std::function<bool()> &condition, std::string_view what,
	   const std::source_location &where)
{
	if (!comes_true(condition))
		fail_line(fmt::format("awaited in vain: {}", what), where);
}

void await_error(const std::function<Result()> &call, int expected, std::string_view what,
		 const std::source_location &where)
{
	Result last;

	if (!comes_true([&] { return (last = call()) == Result{-1, expected}; }))
		fail_line(
			fmt::format("{}: still {}, expected {}", what, last, error_name(expected)),
			where);
}

} // namespace revoke_test
