// SPDX-License-Identifier: GPL-2.0
#include "harness.hh"

#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <span>

#include <CLI/CLI.hpp>

#include "check.hh"
#include "control.hh"
#include "module.hh"
#include "unique_fd.hh"

#include <kselftest.h>

namespace revoke_test
{

static_assert(exit_failed == KSFT_FAIL && exit_skipped == KSFT_SKIP);

struct CommandLine {
	std::vector<std::string> patterns;
	bool list = false;
};

static Options chosen_options;

const Options &options() { return chosen_options; }

int slowness()
{
	constexpr int of_slow_machines = 8;
	const char *slow = std::getenv("KSFT_MACHINE_SLOW");

	return slow && std::string_view{slow} == "yes" ? of_slow_machines : 1;
}

/* Shared with the processes of the cases. */
struct SkipReason {
	char text[256];
};

static SkipReason *skip_reason()
{
	static SkipReason *const shared = [] {
		void *memory = mmap(nullptr, sizeof(SkipReason), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		check(memory != MAP_FAILED, "mmap: {}", error_name(errno));
		return static_cast<SkipReason *>(memory);
	}();
	return shared;
}

void set_skip_reason(std::string_view reason)
{
	const size_t length = std::min(reason.size(), sizeof(SkipReason::text) - 1);

	std::memcpy(skip_reason()->text, reason.data(), length);
	skip_reason()->text[length] = '\0';
}

static std::string read_text(const std::filesystem::path &path)
{
	std::ifstream file{path};

	return {std::istreambuf_iterator<char>{file}, {}};
}

/* Where the threads of a process hang: the reason for a timeout is seldom somewhere else. */
static void note_threads(pid_t pid)
{
	std::error_code gone;

	for (const auto &task :
	     std::filesystem::directory_iterator{fmt::format("/proc/{}/task", pid), gone}) {
		note("thread {}:", task.path().filename().string());
		std::istringstream stack{read_text(task.path() / "stack")};
		for (std::string line; std::getline(stack, line);)
			note("  {}", line);
	}
}

[[noreturn]] static void run_in_child(const Case &test)
{
	/* A group of its own, so that what it forks can be killed with it. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	test.run();
	std::fflush(stdout);
	_exit(KSFT_PASS);
}

static bool ends_within(int pidfd, std::chrono::milliseconds time)
{
	pollfd end{.fd = pidfd, .events = POLLIN, .revents = 0};

	return poll(&end, 1, static_cast<int>(time.count())) == 1;
}

/* Whether the process of a case ended in time; if not, it has been killed, as far as that works. */
static bool await_end(const Case &test, pid_t pid)
{
	const UniqueFd pidfd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
	const auto timeout = test.timeout * slowness();
	constexpr std::chrono::seconds to_die{10};

	check(static_cast<bool>(pidfd), "pidfd_open: {}", error_name(errno));
	if (ends_within(pidfd.get(), timeout))
		return true;
	note("no end within {} s", timeout.count());
	note_threads(pid);
	kill(-pid, SIGKILL);
	if (!ends_within(pidfd.get(), to_die * slowness()))
		note("process {} cannot be killed: it is stuck in the kernel", pid);
	return false;
}

/* The status to report for a process that ended. */
static int status_of(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		return KSFT_FAIL;
	/* Nothing of a case may outlive it, least of all one that holds files open. */
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status)) {
		note("killed by SIG{}", sigabbrev_np(WTERMSIG(status)));
		return KSFT_FAIL;
	}
	return WEXITSTATUS(status);
}

/* Says which faults the module has seen since; false when there are any. */
static bool no_new_faults(const std::optional<Faults> &before)
{
	const std::optional<Faults> after = module_faults();
	bool clean = true;

	for (size_t i = 0; after && i < after->size(); i++) {
		/* A module that has been loaded anew counts from 0. */
		const auto old = before && (*before)[i] <= (*after)[i] ? (*before)[i] : 0;
		if ((*after)[i] == old)
			continue;
		note("module: {}: {} times", fault_name(static_cast<test_revoke_fault>(i)),
		     (*after)[i] - old);
		clean = false;
	}
	return clean;
}

static int run_case(const Case &test)
{
	const std::optional<Faults> before = module_faults();
	std::fflush(stdout);
	const pid_t pid = fork();

	check(pid >= 0, "fork: {}", error_name(errno));
	if (pid == 0)
		run_in_child(test);
	setpgid(pid, pid);
	int status = await_end(test, pid) ? status_of(pid) : KSFT_FAIL;
	if (!no_new_faults(before))
		status = KSFT_FAIL;
	return status;
}

static void report(const std::string &name, int status)
{
	if (status == KSFT_SKIP)
		ksft_test_result_skip("%s: %s\n", name.c_str(), skip_reason()->text);
	else
		ksft_test_result(status == KSFT_PASS, "%s\n", name.c_str());
}

static std::vector<Case> chosen_cases(const std::vector<Case> &cases,
				      const std::vector<std::string> &patterns)
{
	const auto matches = [&](const Case &test) {
		return std::ranges::any_of(patterns, [&](const std::string &pattern) {
			return fnmatch(pattern.c_str(), test.name.c_str(), 0) == 0;
		});
	};
	std::vector<Case> chosen;

	std::ranges::copy_if(cases, std::back_inserter(chosen),
			     [&](const Case &test) { return patterns.empty() || matches(test); });
	return chosen;
}

/*
 * Also the last check: what kept a reference to the module would keep it from going. It
 * says something if there was a case that could have kept one.
 */
static void report_unload()
{
	const Result unloaded = module::test_revoke().unload();

	if (!unloaded.ok())
		note("cannot unload test_revoke: {}", unloaded);
	if (unloaded.ok() && ksft_get_pass_cnt() + ksft_get_fail_cnt() == 0)
		ksft_test_result_skip("module_unload: no case ran\n");
	else
		ksft_test_result(unloaded.ok(), "module_unload\n");
}

static void require_root()
{
	if (geteuid() != 0)
		ksft_exit_skip("needs root, to load test_revoke and to use it\n");
}

static int run_chosen(const std::vector<Case> &cases)
{
	ksft_print_header();
	require_root();
	const bool was_loaded = module::is_loaded();
	if (!was_loaded) {
		if (const std::string problem = module::test_revoke().load(); !problem.empty())
			ksft_exit_skip("%s\n", problem.c_str());
	}
	note("repeat with --seed {}", options().seed);
	ksft_set_plan(static_cast<unsigned int>(cases.size()) + (was_loaded ? 0 : 1));
	skip_reason();
	for (const Case &test : cases)
		report(test.name, run_case(test));
	if (!was_loaded)
		report_unload();
	ksft_finished();
}

int run_cases(int argc, char **argv, const std::vector<Case> &cases)
{
	CLI::App app{"Tests of files that go away while they are open"};
	CommandLine line;

	chosen_options.seed = std::random_device{}();
	app.add_flag("-l,--list", line.list, "list the cases");
	app.add_option("-c,--case", line.patterns, "run only cases whose name matches (wildcards)");
	app.add_option("-r,--rounds", chosen_options.rounds, "rounds of each race")
		->check(CLI::PositiveNumber)
		->capture_default_str();
	app.add_option("-s,--seed", chosen_options.seed, "seed, to repeat a run");
	app.add_option("-p,--patience", chosen_options.patience,
		       "seconds that what has to happen may take")
		->check(CLI::PositiveNumber)
		->capture_default_str();
	app.add_option("-m,--module", chosen_options.module, "path of test_revoke.ko")
		->check(CLI::ExistingFile);
	CLI11_PARSE(app, argc, argv);

	const std::vector<Case> chosen = chosen_cases(cases, line.patterns);
	if (line.list) {
		for (const Case &test : chosen)
			fmt::print("{}\n", test.name);
		return KSFT_PASS;
	}
	if (chosen.empty()) {
		fmt::print(stderr, "no case matches; see --list\n");
		return KSFT_FAIL;
	}
	return run_chosen(chosen);
}

} // namespace revoke_test
