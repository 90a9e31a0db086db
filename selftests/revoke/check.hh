/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checks, and the results of system calls that they are about.
 *
 * A check that fails ends the process at once, with _exit(): other threads may
 * sleep in the kernel, where no destructor could join them. Being killed, they
 * leave, and what the case made goes away with its control descriptor.
 */
#ifndef REVOKE_CHECK_H
#define REVOKE_CHECK_H

#include <cerrno>
#include <chrono>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

namespace revoke_test
{

/* What a system call returned. */
struct Result {
	long value = 0;
	int error = 0; /* errno, 0 when it succeeded */

	[[nodiscard]] bool ok() const { return error == 0; }
	bool operator==(const Result &) const = default;
};

/* To be wrapped around the call itself, as errno does not wait. */
inline Result result_of(long value) { return value < 0 ? Result{-1, errno} : Result{value, 0}; }

/* For calls that return a negative errno. */
inline Result result_of_negative_errno(long value)
{
	return value < 0 ? Result{-1, static_cast<int>(-value)} : Result{value, 0};
}

/* Goes on when it is interrupted: a ring that is being torn down does that to who has used it. */
template <typename Call> Result uninterrupted(Call call)
{
	Result result;

	do
		result = call();
	while (result.error == EINTR);
	return result;
}

/* "EIO", "EINVAL" ..., "success" for 0. */
std::string error_name(int error);

/* R, S, D ..., of a folder of /proc; 0 when there is no such task. */
char task_state(const std::string &folder);

/* A format string that knows where it stands. */
template <typename... Args> struct Text {
	fmt::format_string<Args...> format;
	std::source_location where;

	template <typename String>
	consteval Text(const String &text,
		       std::source_location here = std::source_location::current())
		: format(text), where(here)
	{
	}
};

/* Prints a line of diagnostics. */
void note_line(std::string_view line);
[[noreturn]] void fail_line(std::string_view line, const std::source_location &where);
[[noreturn]] void skip_line(std::string_view reason);

template <typename... Args> void note(fmt::format_string<Args...> text, Args &&...args)
{
	note_line(fmt::format(text, std::forward<Args>(args)...));
}

/* Ends the case as failed. */
template <typename... Args>
[[noreturn]] void fail(Text<std::type_identity_t<Args>...> text, Args &&...args)
{
	fail_line(fmt::format(text.format, std::forward<Args>(args)...), text.where);
}

/* Ends the case as not applicable to this machine. */
template <typename... Args> [[noreturn]] void skip(fmt::format_string<Args...> text, Args &&...args)
{
	skip_line(fmt::format(text, std::forward<Args>(args)...));
}

template <typename... Args>
void check(bool condition, Text<std::type_identity_t<Args>...> text, Args &&...args)
{
	if (!condition)
		fail_line(fmt::format(text.format, std::forward<Args>(args)...), text.where);
}

void check_ok(const Result &result, std::string_view what,
	      const std::source_location &where = std::source_location::current());
void check_value(const Result &result, long expected, std::string_view what,
		 const std::source_location &where = std::source_location::current());
void check_error(const Result &result, int expected, std::string_view what,
		 const std::source_location &where = std::source_location::current());

template <typename Actual, typename Expected>
void check_equal(const Actual &actual, const Expected &expected, std::string_view what,
		 const std::source_location &where = std::source_location::current())
{
	if (!(actual == expected))
		fail_line(fmt::format("{}: got {}, expected {}", what, actual, expected), where);
}

/* How long something that has to happen may take. Larger on slow machines. */
std::chrono::milliseconds patience();

/* How long to watch that something does not happen. */
constexpr std::chrono::milliseconds watch_time{100};

/* Until that is so; fails the case if it never is. */
void await(const std::function<bool()> &condition, std::string_view what,
	   const std::source_location &where = std::source_location::current());

/* Repeats a call that has no effect until it fails as expected; fails the case if it never does. */
void await_error(const std::function<Result()> &call, int expected, std::string_view what,
		 const std::source_location &where = std::source_location::current());

} // namespace revoke_test

template <> struct fmt::formatter<revoke_test::Result> : fmt::formatter<std::string> {
	template <typename Context>
	auto format(const revoke_test::Result &result, Context &context) const
	{
		return fmt::formatter<std::string>::format(
			result.ok() ? std::to_string(result.value)
				    : revoke_test::error_name(result.error),
			context);
	}
};

#endif
