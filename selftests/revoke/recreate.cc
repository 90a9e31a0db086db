// SPDX-License-Identifier: GPL-2.0
/* A new entry under the name of an old one, of which descriptors are left. */
#include <memory>
#include <optional>

#include "check.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "race.hh"
#include "worker.hh"

using namespace revoke_test;

static constexpr const char *name = "again";

static void old_stays_dead_and_new_works()
{
	const Control control;
	const Object old_file = control.file(name, all_methods);
	UniqueFd old_fd = old_file.open();

	check_ok(old_file.remove(), "removal");
	const Object new_file = control.file(name, all_methods);
	const UniqueFd new_fd = new_file.open();
	check_error(read_some(old_fd.get()), gone(), "read of the old file");
	check_ok(read_some(new_fd.get()), "read of the new file");
	check_equal(object_id_of(new_fd.get()), new_file.id(), "identity of the new file");

	old_fd.reset();
	check_equal(new_file.counters().releases, 0U, "releases of the new file");
	check_ok(new_file.remove(), "removal of the new file");
	check_error(read_some(new_fd.get()), gone(), "read of the new file after its removal");
	check_equal(old_file.counters().releases, counted(1U), "releases of the old file");
	check_equal(new_file.counters().releases, counted(1U), "releases of the new file");
}

/* The name is free as soon as it is not found any more, not only when the last user has left. */
static void new_one_works_while_the_old_is_being_removed()
{
	const Control control;
	const Object old_file = control.file(name, all_methods);
	const UniqueFd inside = old_file.open();
	const UniqueFd outside = old_file.open();

	old_file.block(TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(inside.get()); }};
	old_file.await_blocked(TEST_REVOKE_READ);
	old_file.pass(TEST_REVOKE_READ);
	Worker removal{"removal", [&] { return old_file.remove(); }};
	await_error([&] { return read_some(outside.get()); }, gone(), "read during removal");

	const Object new_file = control.file(name, all_methods);
	const UniqueFd new_fd = new_file.open();
	check_equal(object_id_of(new_fd.get()), new_file.id(), "identity of the new file");
	check_ok(read_some(new_fd.get()), "read of the new file");
	check_error(read_some(outside.get()), gone(), "read of the old file");
	old_file.check_removal_waits();

	old_file.kick();
	check_error(reader.join(), ESHUTDOWN, "read when kicked");
	check_ok(removal.join(), "removal");
	check_ok(read_some(new_fd.get()), "read of the new file");
}

static void many_generations()
{
	constexpr unsigned int generations = 100;
	const Control control;
	std::vector<UniqueFd> stale;

	for (unsigned int i = 0; i < generations; i++) {
		const Object file = control.file(name, all_methods);

		stale.push_back(file.open());
		check_equal(object_id_of(stale.back().get()), file.id(), "identity");
		check_ok(file.remove(), "removal");
	}
	for (const UniqueFd &fd : stale)
		check_error(read_some(fd.get()), gone(), "read of an old file");
}

/* An open by name gets the old entry, the new one, or neither, but always works accordingly. */
static void open_races_replacement()
{
	Outcomes outcomes{"old file opened", "new file opened"};
	std::unique_ptr<Control> control;
	std::optional<Object> old_file;
	std::optional<Object> new_file;
	Result result;

	run_race({
		.prepare =
			[&] {
				control = std::make_unique<Control>();
				old_file = control->file(name, all_methods);
			},
		.first = {"open", [&] { result = old_file->try_open(); }},
		.second = {"replacement",
			   [&] {
				   check_ok(old_file->remove(), "removal");
				   new_file = control->file(name, all_methods);
			   }},
		.conclude =
			[&] {
				const auto of_old = old_file->counters().opens;
				const auto of_new = new_file->counters().opens;
				const UniqueFd fd{static_cast<int>(result.value)};

				check_equal(of_old + of_new, result.ok() ? 1U : 0U, "opens");
				if (of_new)
					check_ok(read_some(fd.get()), "read of the new file");
				else if (of_old)
					check_error(read_some(fd.get()), gone(),
						    "read of the old file");
				else
					check_late_open(result);
				if (result.ok())
					outcomes.count(of_old);
			},
	});
	outcomes.check_both_seen();
}

int main(int argc, char **argv)
{
	std::vector<Case> cases{
		{"old_stays_dead_and_new_works", old_stays_dead_and_new_works},
		{"many_generations", many_generations},
	};

	/* Of which the module can tell, too, whom it reached. */
	if (filesystem().methods & TEST_REVOKE_HAS_RELEASE)
		cases.push_back({"open_races_replacement", open_races_replacement,
				 std::chrono::seconds{120}});

	if (filesystem().name_is_free_at_once)
		cases.push_back({"new_one_works_while_the_old_is_being_removed",
				 new_one_works_while_the_old_is_being_removed});
	return run_cases(argc, argv, cases);
}
