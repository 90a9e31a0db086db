// SPDX-License-Identifier: GPL-2.0
/* Removal of a directory with open files below. */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

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

/*
 * top/
 *   upper
 *   middle/
 *     lower
 */
struct Tree {
	explicit Tree(const Control &control)
		: top(control.directory("top")), upper(control.file("upper", all_methods, &top)),
		  middle(control.directory("middle", &top)),
		  lower(control.file("lower", all_methods, &middle))
	{
	}
	Object top;
	Object upper;
	Object middle;
	Object lower;
};

static void check_gone(const Object &file, const UniqueFd &fd)
{
	check_error(read_some(fd.get()), gone(), file.path() + ": read after removal");
	check_error(file.try_open(), ENOENT, file.path() + ": open after removal");
	const Counters counters = file.counters();
	check_equal(counters.state, static_cast<unsigned int>(TEST_REVOKE_GONE), "state");
	check_equal(counters.releases, counters.opens, file.path() + ": releases");
}

static void subtree_goes_with_its_files(test_revoke_way way)
{
	const Control control;
	const Tree tree{control};
	const UniqueFd upper = tree.upper.open();
	const UniqueFd lower = tree.lower.open();
	const UniqueFd directory = tree.middle.open(O_RDONLY | O_DIRECTORY);

	check_ok(tree.top.remove(way), "removal");
	check_gone(tree.upper, upper);
	check_gone(tree.lower, lower);
	check_error(result_of(openat(directory.get(), "lower", O_RDONLY | O_CLOEXEC)), ENOENT,
		    "openat in a removed directory");
	check_error(tree.top.try_open(O_RDONLY), ENOENT, "open of the directory");
}

static void removed_directory_is_empty()
{
	const Control control;
	const Tree tree{control};
	const std::unique_ptr<DIR, int (*)(DIR *)> directory{opendir(tree.top.path().c_str()),
							     closedir};

	check(directory != nullptr, "opendir: {}", error_name(errno));
	check_ok(tree.top.remove(TEST_REVOKE_REMOVE_SUBTREE), "removal");
	while (const dirent *entry = readdir(directory.get())) {
		const std::string_view name = entry->d_name;
		check(name == "." || name == "..", "removed directory has an entry {}", name);
	}
}

static void removal_waits_for_a_reader_below()
{
	const Control control;
	const Tree tree{control};
	const UniqueFd lower = tree.lower.open();
	const UniqueFd outside = tree.lower.open();
	const UniqueFd upper = tree.upper.open();

	tree.lower.block(TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(lower.get()); }};
	tree.lower.await_blocked(TEST_REVOKE_READ);
	tree.lower.pass(TEST_REVOKE_READ);
	Worker removal{"removal", [&] { return tree.top.remove(TEST_REVOKE_REMOVE_SUBTREE); }};
	await_error([&] { return read_some(outside.get()); }, gone(), "read during removal");
	tree.top.check_removal_waits();
	tree.lower.kick();
	check_error(reader.join(), ESHUTDOWN, "read when kicked");
	check_ok(removal.join(), "removal");
	check_gone(tree.lower, lower);
	check_gone(tree.upper, upper);
}

/* Only what is below goes. */
static void neighbours_stay()
{
	const Control control;
	const Object neighbour = control.file("neighbour", all_methods);
	const Tree tree{control};
	const UniqueFd fd = neighbour.open();
	const UniqueFd upper = tree.upper.open();

	check_ok(tree.middle.remove(TEST_REVOKE_REMOVE_SUBTREE), "removal");
	check_error(tree.lower.try_open(), ENOENT, "open below");
	check_ok(read_some(upper.get()), "read beside it");
	check_ok(tree.top.remove(TEST_REVOKE_REMOVE_SUBTREE), "removal");
	check_ok(read_some(fd.get()), "read of a neighbour");
}

/* Whoever finds the file before it goes has it released, once. */
static void open_below_races_removal()
{
	Outcomes outcomes{"opened", "not found"};
	std::unique_ptr<Control> control;
	std::optional<Tree> tree;
	Result result;

	run_race({
		.prepare =
			[&] {
				control = std::make_unique<Control>();
				tree.emplace(*control);
			},
		.first = {"open", [&] { result = tree->lower.try_open(); }},
		.second = {"removal", [&] { check_ok(tree->top.remove(), "removal"); }},
		.conclude =
			[&] {
				const Counters counters = tree->lower.counters();

				check_equal(counters.releases, counted(result.ok()), "releases");
				outcomes.count(result.ok());
				if (result.ok()) {
					const UniqueFd fd{static_cast<int>(result.value)};
					check_error(read_some(fd.get()), gone(),
						    "read after removal");
				} else {
					check_late_open(result);
				}
			},
	});
	outcomes.check_both_seen();
}

int main(int argc, char **argv)
{
	constexpr std::chrono::seconds race_time{120};

	return run_cases(
		argc, argv,
		{
			{"removal_takes_files_below",
			 [] { subtree_goes_with_its_files(TEST_REVOKE_REMOVE); }},
			{"removal_of_a_subtree_takes_files_below",
			 [] { subtree_goes_with_its_files(TEST_REVOKE_REMOVE_SUBTREE); }},
			{"removed_directory_is_empty", removed_directory_is_empty},
			{"removal_waits_for_a_reader_below", removal_waits_for_a_reader_below},
			{"neighbours_stay", neighbours_stay},
			{"open_below_races_removal", open_below_races_removal, race_time},
		});
}
