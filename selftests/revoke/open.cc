// SPDX-License-Identifier: GPL-2.0
/* Opening an entry that goes away, and opens that fail. */
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "check.hh"
#include "control.hh"
#include "file_ops.hh"
#include "harness.hh"
#include "race.hh"
#include "worker.hh"

using namespace revoke_test;

static Result reopen(int fd)
{
	return result_of(open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_RDONLY | O_CLOEXEC));
}

static void no_open_after_removal()
{
	const Control control;
	const Object file = control.file("gone", all_methods);
	const UniqueFd path = file.open(O_PATH);
	const UniqueFd fd = file.open();

	{
		const UniqueFd again{static_cast<int>(reopen(path.get()).value)};
		check_ok(read_some(again.get()), "read of a file opened through /proc/self/fd");
	}
	const Counters before = file.counters();
	check_ok(file.remove(), "removal");
	check_error(file.try_open(), ENOENT, "open");
	check_error(file.try_open(O_PATH), ENOENT, "open with O_PATH");
	check_late_open(reopen(path.get()));
	check_late_open(reopen(fd.get()));
	check_equal(file.counters().entered[TEST_REVOKE_OPEN], before.entered[TEST_REVOKE_OPEN],
		    "opens that reached the object");
}

static void no_open_during_removal()
{
	const Control control;
	const Object file = control.file("going", all_methods);
	const UniqueFd path = file.open(O_PATH);
	const UniqueFd fd = file.open();

	file.block(TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(fd.get()); }};
	file.await_blocked(TEST_REVOKE_READ);
	file.pass(TEST_REVOKE_READ);
	Worker removal{"removal", [&] { return file.remove(); }};
	await_error([&] { return read_some(fd.get()); }, gone(), "read during removal");
	const Counters before = file.counters();
	check_late_open(file.try_open());
	check_late_open(reopen(path.get()));
	check_late_open(reopen(fd.get()));
	check_equal(file.counters().entered[TEST_REVOKE_OPEN], before.entered[TEST_REVOKE_OPEN],
		    "opens that reached the object");
	file.check_removal_waits();
	file.kick();
	check_error(reader.join(), ESHUTDOWN, "read when kicked");
	check_ok(removal.join(), "removal");
}

/* The driver has undone what it did: to release such a file would undo it twice. */
static void failed_open_is_not_released()
{
	const Control control;
	const Object file = control.file("failing", all_methods);
	const UniqueFd good = file.open();

	file.behave(TEST_REVOKE_OPEN, {.error = ENXIO});
	check_error(file.try_open(), ENXIO, "open");
	check_error(file.try_open(), ENXIO, "open");
	check_ok(read_some(good.get()), "read of another file");
	check_ok(file.remove(), "removal");
	const Counters counters = file.counters();
	check_equal(counters.failed_opens, 2U, "failed opens");
	check_equal(counters.opens, 1U, "opens");
	check_equal(counters.releases, 1U, "releases");
}

struct OpenCounts {
	unsigned int opened = 0;
	unsigned int refused = 0;
	unsigned int failed = 0;
};

/* error: what ->open fails with, 0 for success. */
static OpenCounts open_races_removal(std::uint32_t flags, int error)
{
	OpenCounts counts;
	std::unique_ptr<Control> control;
	std::optional<Object> file;
	Result result;

	run_race({
		.prepare =
			[&] {
				control = std::make_unique<Control>();
				file = control->file("raced", flags);
				file->behave(TEST_REVOKE_OPEN, {.error = error});
			},
		.first = {"open", [&] { result = file->try_open(); }},
		.second = {"removal", [&] { check_ok(file->remove(), "removal"); }},
		.conclude =
			[&] {
				const Counters counters = file->counters();
				const bool released = flags & TEST_REVOKE_HAS_RELEASE;

				check_error(file->try_open(), ENOENT, "open after removal");
				check_equal(counters.opens, result.ok() ? 1U : 0U, "opens");
				check_equal(counters.releases, result.ok() && released ? 1U : 0U,
					    "releases");
				if (result.ok()) {
					const UniqueFd fd{static_cast<int>(result.value)};
					check_error(read_some(fd.get()), gone(),
						    "read after removal");
					counts.opened++;
				} else if (error && result.error == error) {
					counts.failed++;
				} else {
					check_late_open(result);
					counts.refused++;
				}
			},
	});
	note("opened in {} rounds, refused in {}, failed in {}", counts.opened, counts.refused,
	     counts.failed);
	check_seen(counts.refused, options().rounds, "open that was refused");
	return counts;
}

static void good_open_races_removal(std::uint32_t flags)
{
	const OpenCounts counts = open_races_removal(flags, 0);

	check_seen(counts.opened, options().rounds, "open that succeeded");
}

static void failing_open_races_removal()
{
	const OpenCounts counts = open_races_removal(all_methods, ENXIO);

	check_equal(counts.opened, 0U, "opens that succeeded");
	check_seen(counts.failed, options().rounds, "open that failed");
}

int main(int argc, char **argv)
{
	constexpr std::chrono::seconds race_time{120};

	return run_cases(
		argc, argv,
		{
			{"no_open_after_removal", no_open_after_removal},
			{"no_open_during_removal", no_open_during_removal},
			{"failed_open_is_not_released", failed_open_is_not_released},
			{"open_races_removal", [] { good_open_races_removal(all_methods); },
			 race_time},
			{"open_races_removal_without_release", [] { good_open_races_removal(0); },
			 race_time},
			{"failing_open_races_removal", failing_open_races_removal, race_time},
		});
}
