// SPDX-License-Identifier: GPL-2.0
/*
 * Methods that wait for what only the remover can end: debugfs has it call them
 * back, as often as it takes, until they are through.
 */
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

namespace
{

/* The files that can wait for a cancellation: with a gate of their own or not, with poll or not. */
struct Kind {
	const char *name;
	test_revoke_kind kind;
	std::uint32_t flags;

	[[nodiscard]] Object make(const Control &control) const
	{
		return control.object(kind, "cancelled", flags | TEST_REVOKE_CANCELLABLE);
	}
};

constexpr std::uint32_t short_methods = TEST_REVOKE_HAS_WRITE | TEST_REVOKE_HAS_LSEEK;
constexpr Kind full{"full", TEST_REVOKE_DEBUGFS_FILE, all_methods};
constexpr Kind kinds[] = {
	full,
	{"without_poll", TEST_REVOKE_DEBUGFS_FILE, short_methods | TEST_REVOKE_HAS_RELEASE},
	{"short", TEST_REVOKE_DEBUGFS_SHORT, short_methods},
};

void cancelled_by_removal(const Kind &kind)
{
	const Control control;
	const Object file = kind.make(control);
	const UniqueFd fd = file.open();
	const UniqueFd other = file.open();
	Worker reader{"read", [&] { return read_some(fd.get()); }};
	Worker other_reader{"read", [&] { return read_some(other.get()); }};

	file.await_blocked(TEST_REVOKE_READ, 2);
	check_ok(file.remove(), "removal");
	check_error(reader.join(), ECANCELED, "read");
	check_error(other_reader.join(), ECANCELED, "read");
	check_error(read_some(fd.get()), EIO, "read after removal");
}

/* Removal has cancelled all that there was, and waits, when there is something new. */
void cancelled_although_it_comes_late(const Kind &kind)
{
	const Control control;
	const Object file = kind.make(control);
	const UniqueFd fd = file.open();
	const UniqueFd other = file.open();

	file.block(TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(fd.get()); }};
	Worker other_reader{"read", [&] { return read_some(other.get()); }};
	file.await_blocked(TEST_REVOKE_READ, 2);
	file.pass(TEST_REVOKE_READ);
	Worker removal{"removal", [&] { return file.remove(); }};
	await_error([&] { return result_of(lseek(fd.get(), 0, SEEK_SET)); }, EIO,
		    "lseek during removal");
	file.check_removal_waits();
	file.kick();
	check_ok(removal.join(), "removal");
	check_error(reader.join(), ECANCELED, "read");
	check_error(other_reader.join(), ECANCELED, "read");
}

/* Some wait when removal begins and some do not yet. */
void cancelled_before_and_after_removal_began(const Kind &kind)
{
	const Control control;
	const Object file = kind.make(control);
	const UniqueFd fd = file.open();
	const UniqueFd other = file.open();
	Worker early{"early read", [&] { return read_some(fd.get()); }};

	file.await_blocked(TEST_REVOKE_READ);
	file.block(TEST_REVOKE_READ);
	Worker late{"late read", [&] { return read_some(other.get()); }};
	file.await_blocked(TEST_REVOKE_READ, 2);
	Worker removal{"removal", [&] { return file.remove(); }};
	check_error(early.join(), ECANCELED, "early read");
	file.check_removal_waits();
	file.kick();
	check_ok(removal.join(), "removal");
	check_error(late.join(), ECANCELED, "late read");
}

/* The cancellation is on the stack of who waits; whoever calls it must be through by then. */
void leaving_races_removal()
{
	Outcomes outcomes{"cancelled", "left by itself"};
	std::unique_ptr<Control> control;
	std::optional<Object> file;
	UniqueFd fd;
	Result result;

	run_race({
		.prepare =
			[&] {
				fd.reset();
				file.reset();
				control = std::make_unique<Control>();
				file = full.make(*control);
				fd = file->open();
				file->behave(TEST_REVOKE_READ, {.error = ENOSPC});
			},
		.first = {"read", [&] { result = read_some(fd.get()); }},
		.second = {"removal", [&] { check_ok(file->remove(), "removal"); }},
		.conclude =
			[&] {
				const bool entered = file->counters().entered[TEST_REVOKE_READ];

				if (!entered) {
					check_error(result, EIO, "read");
					return;
				}
				check(result.error == ENOSPC || result.error == ECANCELED,
				      "read: {}", result);
				outcomes.count(result.error == ECANCELED);
			},
	});
	outcomes.check_both_seen();
}

} // namespace

int main(int argc, char **argv)
{
	constexpr std::pair<const char *, void (*)(const Kind &)> of_each_kind[] = {
		{"cancelled_by_removal", cancelled_by_removal},
		{"cancelled_although_it_comes_late", cancelled_although_it_comes_late},
		{"cancelled_before_and_after_removal_began",
		 cancelled_before_and_after_removal_began},
	};
	std::vector<Case> cases{
		{"leaving_races_removal", leaving_races_removal, std::chrono::seconds{120}},
	};

	for (const Kind &kind : kinds)
		for (const auto &[name, test] : of_each_kind)
			cases.push_back({fmt::format("{}.{}", kind.name, name),
					 [test, &kind] { test(kind); }});
	return run_cases(argc, argv, cases);
}
