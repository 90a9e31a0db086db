// SPDX-License-Identifier: GPL-2.0
/* 10,000 open files of one entry. */
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "check.hh"
#include "control.hh"
#include "descriptors.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"

using namespace revoke_test;

static constexpr unsigned int files = 10'000;

static std::vector<UniqueFd> open_many(const Object &file)
{
	std::vector<UniqueFd> fds;

	fds.reserve(files);
	for (unsigned int i = 0; i < files; i++)
		fds.push_back(file.open());
	return fds;
}

static void check_all_released(const Object &file)
{
	const Counters counters = file.counters();

	check_equal(counters.opens, counted(files), "opens");
	check_equal(counters.releases, counted(files), "releases");
	note("{} files released by removal, {} by close", counters.forced_releases,
	     counters.releases - counters.forced_releases);
}

static void timed_removal(const Object &file)
{
	using std::chrono::steady_clock;
	const auto start = steady_clock::now();

	check_ok(file.remove(), "removal");
	note("removal took {} us",
	     std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start)
		     .count());
}

static void all_are_released_and_dead(std::uint32_t flags)
{
	allow_open_files(files);
	const Control control;
	const Object file = control.file("many", flags);
	const std::vector<UniqueFd> fds = open_many(file);

	timed_removal(file);
	if (flags & TEST_REVOKE_HAS_RELEASE) {
		check_all_released(file);
		check_equal(file.counters().forced_releases, counted(files), "releases by removal");
	}
	for (const UniqueFd &fd : fds)
		check_error(read_some(fd.get()), gone(), "read after removal");
	check_equal(file.counters().entered[TEST_REVOKE_READ], 0U, "calls of ->read");
}

/* Both sides work through the same files, from opposite ends or not. */
static void closed_while_removed()
{
	allow_open_files(files);
	const Control control;
	const Object file = control.file("many", all_methods);
	std::vector<UniqueFd> fds = open_many(file);
	std::atomic<unsigned int> closed{0};

	std::jthread closer{[&] {
		for (UniqueFd &fd : fds) {
			fd.reset();
			closed++;
		}
	}};
	while (closed < files / 10)
		std::this_thread::yield();
	timed_removal(file);
	const unsigned int closed_in_time = closed;
	closer.join();
	check_all_released(file);
	check(closed_in_time < files, "all files were closed before they were removed");
}

/* Removal of an entry must not take longer for files that are not open any more. */
static void opened_and_closed_before()
{
	const Control control;
	const Object file = control.file("many", all_methods);

	for (unsigned int i = 0; i < files; i++)
		file.open().reset();
	timed_removal(file);
	check_all_released(file);
	check_equal(file.counters().forced_releases, 0U, "releases by removal");
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv,
			 {
				 {"all_are_released_and_dead",
				  [] { all_are_released_and_dead(all_methods); }},
				 {"all_are_dead_without_release",
				  [] { all_are_released_and_dead(TEST_REVOKE_HAS_WRITE); }},
				 {"closed_while_removed", closed_while_removed},
				 {"opened_and_closed_before", opened_and_closed_before},
			 });
}
