// SPDX-License-Identifier: GPL-2.0
/* Symlinks of procfs: their text belongs to the entry, and they are used without a file. */
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "check.hh"
#include "control.hh"
#include "file_ops.hh"
#include "harness.hh"
#include "race.hh"

using namespace revoke_test;

static constexpr const char *target = "target";

/* The text of a link, found by name. */
static Result read_link(const Object &link, std::string &text)
{
	std::array<char, TEST_REVOKE_NAME_MAX> buffer{};
	const Result result =
		result_of(readlink(link.path().c_str(), buffer.data(), buffer.size()));

	if (result.ok())
		text.assign(buffer.data(), static_cast<size_t>(result.value));
	return result;
}

/* The same of a link that is open with O_PATH. */
static Result read_link_at(const UniqueFd &fd)
{
	std::array<char, TEST_REVOKE_NAME_MAX> buffer{};

	return result_of(readlinkat(fd.get(), "", buffer.data(), buffer.size()));
}

static void link_works_until_removal()
{
	const Control control;
	const Object file = control.file(target, all_methods);
	const Object link = control.symlink("link", target);
	const UniqueFd path = link.open(O_PATH | O_NOFOLLOW);
	std::string text;

	check_ok(read_link(link, text), "readlink before removal");
	check_equal(text, target, "text of the link");
	check_ok(read_link_at(path), "readlinkat before removal");
	const UniqueFd followed = link.open();
	check_equal(object_id_of(followed.get()), file.id(), "identity behind the link");

	check_ok(link.remove(), "removal of the link");
	check_error(read_link(link, text), ENOENT, "readlink after removal");
	check_error(link.try_open(), ENOENT, "open after removal");
	check_error(read_link_at(path), EINVAL, "readlinkat after removal");
	check_ok(read_some(followed.get()), "read of what the link pointed to");
}

static void link_to_a_removed_file()
{
	const Control control;
	const Object file = control.file(target, all_methods);
	const Object link = control.symlink("link", target);
	const UniqueFd fd = link.open();

	check_ok(file.remove(), "removal");
	check_error(link.try_open(), ENOENT, "open through the link");
	check_error(read_some(fd.get()), EIO, "read of a file opened through the link");
	check_ok(link.remove(), "removal of the link");
}

static void readlink_races_removal()
{
	Outcomes outcomes{"readlinkat served", "readlinkat refused"};
	std::unique_ptr<Control> control;
	std::optional<Object> link;
	UniqueFd path;
	Result result;

	run_race({
		.prepare =
			[&] {
				control = std::make_unique<Control>();
				link = control->symlink("raced", target);
				path = link->open(O_PATH | O_NOFOLLOW);
			},
		.first = {"readlinkat", [&] { result = read_link_at(path); }},
		.second = {"removal", [&] { check_ok(link->remove(), "removal"); }},
		.conclude =
			[&] {
				if (!result.ok())
					check_error(result, EINVAL, "readlinkat");
				outcomes.count(result.ok());
				check_error(read_link_at(path), EINVAL, "readlinkat after removal");
			},
	});
	outcomes.check_both_seen();
}

int main(int argc, char **argv)
{
	constexpr std::chrono::seconds race_time{120};

	return run_cases(argc, argv,
			 {
				 {"link_works_until_removal", link_works_until_removal},
				 {"link_to_a_removed_file", link_to_a_removed_file},
				 {"readlink_races_removal", readlink_races_removal, race_time},
			 });
}
