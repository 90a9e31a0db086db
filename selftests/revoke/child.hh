/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_CHILD_H
#define REVOKE_CHILD_H

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "check.hh"

namespace revoke_test
{

/* A process that runs a function and exits with what it returns. */
class Child
{
public:
	template <typename Function> explicit Child(Function function) : pid_(fork())
	{
		check(pid_ >= 0, "fork: {}", error_name(errno));
		if (pid_ == 0) {
			/* A case that fails has to end, and may be waiting for this one. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(function());
		}
	}
	Child(const Child &) = delete;
	Child &operator=(const Child &) = delete;

	void signal(int number) const
	{
		check_ok(result_of(kill(pid_, number)), strsignal(number));
	}

	/* As /proc/PID/stat has it (R, S, D ...), and for longer than a look takes. */
	void await_state(char wanted,
			 const std::source_location &where = std::source_location::current()) const
	{
		constexpr unsigned int looks = 20;
		const auto deadline = std::chrono::steady_clock::now() + patience();

		for (unsigned int seen = 0; seen < looks;) {
			const char state = task_state(fmt::format("/proc/{}", pid_));

			if (std::chrono::steady_clock::now() > deadline)
				fail_line(fmt::format("a child is in state {}, not in {}", state,
						      wanted),
					  where);
			seen = state == wanted ? seen + 1 : 0;
			std::this_thread::sleep_for(std::chrono::milliseconds{1});
		}
	}

	/* The status that waitpid(2) tells. */
	[[nodiscard]] int wait(int options = 0) const
	{
		int status = 0;

		check_value(result_of(waitpid(pid_, &status, options)), pid_, "waitpid");
		return status;
	}

	/* For a function that returns an errno. */
	void
	check_exits_with(int error, std::string_view what,
			 const std::source_location &where = std::source_location::current()) const
	{
		const int status = wait();

		if (!WIFEXITED(status))
			fail_line(fmt::format("{}: killed", what), where);
		check_equal(error_name(WEXITSTATUS(status)), error_name(error), what, where);
	}

private:
	pid_t pid_;
};

} // namespace revoke_test

#endif
