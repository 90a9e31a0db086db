// SPDX-License-Identifier: GPL-2.0
/*
 * ->release runs once for each successful open: by the last close, or by the
 * removal, before it returns. The module itself reports a missing or second one.
 */
#include <unistd.h>

#include <memory>
#include <optional>

#include "check.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "race.hh"

using namespace revoke_test;

static void check_releases(const Object &file, unsigned int by_close, unsigned int by_removal)
{
	const Counters counters = file.counters();

	check_equal(counters.opens, by_close + by_removal, "opens");
	check_equal(counters.releases, by_close + by_removal, "releases");
	check_equal(counters.forced_releases, by_removal, "releases by the removing task");
}

static void close_releases()
{
	const Control control;
	const Object file = control.file("closed", all_methods);

	file.open().reset();
	check_releases(file, 1, 0);
	check_ok(file.remove(), "removal");
	check_releases(file, 1, 0);
}

static void removal_releases_and_close_does_not()
{
	const Control control;
	const Object file = control.file("removed", all_methods);
	UniqueFd fd = file.open();

	check_ok(file.remove(), "removal");
	check_releases(file, 0, 1);
	fd.reset();
	check_releases(file, 0, 1);
}

static void removal_releases_only_what_is_open()
{
	const Control control;
	const Object file = control.file("some", all_methods);
	const UniqueFd first = file.open();
	file.open().reset();
	const UniqueFd second = file.open();

	check_ok(file.remove(), "removal");
	check_releases(file, 1, 2);
}

static void entry_without_release()
{
	const Control control;
	const Object file = control.file("without", 0);
	UniqueFd fd = file.open();

	check_ok(read_some(fd.get()), "read before removal");
	check_ok(file.remove(), "removal");
	check_error(read_some(fd.get()), gone(), "read after removal");
	fd.reset();
	const Counters counters = file.counters();
	check_equal(counters.opens, 1U, "opens");
	check_equal(counters.entered[TEST_REVOKE_RELEASE], 0U, "calls of ->release");
}

/* A removal takes all files of an entry: also those that somebody closes at this moment. */
static void close_races_removal(std::uint32_t flags, std::chrono::microseconds release_takes)
{
	Outcomes outcomes{"released by close", "released by removal"};
	std::unique_ptr<Control> control;
	std::optional<Object> file;
	UniqueFd fd;

	run_race({
		.prepare =
			[&] {
				control = std::make_unique<Control>();
				file = control->file("raced", flags);
				file->behave(TEST_REVOKE_RELEASE, {.delay = release_takes});
				fd = file->open();
			},
		.first = {"close", [&] { fd.reset(); }},
		.second = {"removal", [&] { check_ok(file->remove(), "removal"); }},
		.conclude =
			[&] {
				const Counters counters = file->counters();
				check_equal(counters.opens, 1U, "opens");
				check_equal(counters.releases, 1U, "releases");
				outcomes.count(!counters.forced_releases);
			},
	});
	outcomes.check_both_seen();
}

/* A read that races removal either works or is refused; the file is released in any case. */
static void read_races_removal(std::uint32_t flags)
{
	Outcomes outcomes{"read served", "read refused"};
	std::unique_ptr<Control> control;
	std::optional<Object> file;
	UniqueFd fd;
	Result result;

	run_race({
		.prepare =
			[&] {
				control = std::make_unique<Control>();
				file = control->file("raced", flags);
				fd = file->open();
			},
		.first = {"read", [&] { result = read_some(fd.get()); }},
		.second = {"removal", [&] { check_ok(file->remove(), "removal"); }},
		.conclude =
			[&] {
				if (!result.ok())
					check_error(result, gone(), "read");
				outcomes.count(result.ok());
				check_equal(file->counters().entered[TEST_REVOKE_READ],
					    result.ok() ? 1U : 0U, "reads that reached the object");
				check_error(read_some(fd.get()), gone(), "read after removal");
				check_releases(*file, 0, 1);
				fd.reset();
			},
	});
	outcomes.check_both_seen();
}

int main(int argc, char **argv)
{
	using std::chrono::microseconds;
	constexpr std::chrono::seconds race_time{120};
	std::vector<Case> cases{
		{"close_releases", close_releases},
		{"removal_releases_and_close_does_not", removal_releases_and_close_does_not},
		{"removal_releases_only_what_is_open", removal_releases_only_what_is_open},
		{"entry_without_release", entry_without_release},
		{"close_races_removal", [] { close_races_removal(all_methods, microseconds{0}); },
		 race_time},
		{"close_races_removal_with_slow_release",
		 [] { close_races_removal(all_methods, microseconds{200}); }, race_time},
		{"read_races_removal", [] { read_races_removal(all_methods); }, race_time},
	};

	if (filesystem().has_read_iter)
		cases.push_back(
			{"read_iter_races_removal",
			 [] { read_races_removal(all_methods | TEST_REVOKE_HAS_READ_ITER); },
			 race_time});
	return run_cases(argc, argv, cases);
}
