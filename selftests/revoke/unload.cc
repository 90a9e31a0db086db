// SPDX-License-Identifier: GPL-2.0
/* What goes with its owner: the module, or a process that is killed. */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <optional>

#include "check.hh"
#include "child.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "module.hh"
#include "worker.hh"

using namespace revoke_test;

/* All of what a descriptor can be used for, to end in code that is not there any more. */
static void check_dead(const UniqueFd &fd)
{
	for (const FileOp &op : file_ops()) {
		if (!op.needs_read_iter)
			check(!op.call(fd.get()).ok(), "{} works without the module", op.name);
	}
	check(poll_mask(fd.get(), POLLIN) & (POLLIN | POLLHUP), "poll waits without the module");
}

static void unload_with_stale_descriptors()
{
	Control control;
	const Object file = control.file("stale", all_methods);
	UniqueFd fd = file.open();

	check_ok(file.remove(), "removal");
	control.close();
	module::reload([&] {
		check_dead(fd);
		fd.reset();
	});
}

/* They are removed as the module goes, which no user of theirs can prevent. */
static void unload_with_live_descriptors()
{
	Control control;
	const Object file = control.file("live", all_methods | TEST_REVOKE_DETACHED);
	UniqueFd fd = file.open();

	control.close();
	check_ok(read_some(fd.get()), "read before the module goes");
	module::reload([&] {
		check_dead(fd);
		check_error(file.try_open(), ENOENT, "open");
		fd.reset();
	});
}

static void unload_wakes_and_awaits_a_reader()
{
	Control control;
	const Object file = control.file("reading", all_methods | TEST_REVOKE_DETACHED);
	const UniqueFd fd = file.open();

	file.block(TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(fd.get()); }};
	file.await_blocked(TEST_REVOKE_READ);
	control.close();
	module::reload([&] { check_error(reader.join(), ESHUTDOWN, "read"); });
	check_error(read_some(fd.get()), gone(), "read after the module was loaded again");
}

/* Not one that names it, as the new module has other entries. */
static void stale_descriptor_meets_a_new_module()
{
	Control control;
	const Object old_file = control.file("stale", all_methods);
	UniqueFd old_fd = old_file.open();

	control.close();
	module::reload([] {});
	const Control new_control;
	const Object new_file = new_control.file("stale", all_methods);
	const UniqueFd new_fd = new_file.open();
	check_error(read_some(old_fd.get()), gone(), "read of the old file");
	check_ok(read_some(new_fd.get()), "read of the new file");
	old_fd.reset();
	check_equal(new_file.counters().releases, 0U, "releases of the new file");
}

static void control_keeps_the_module()
{
	const Control control;

	check_error(module::test_revoke().unload(), EAGAIN, "unloading the module");
}

static void close_of_control_removes()
{
	Control control;
	const Object directory = control.directory("owned");
	const Object file = control.file("file", all_methods, &directory);
	const UniqueFd fd = file.open();

	control.close();
	check_error(file.try_open(), ENOENT, "open");
	check_error(directory.try_open(O_RDONLY), ENOENT, "open of the directory");
	check_error(read_some(fd.get()), gone(), "read");
}

/* The tests rely on it: one that fails leaves neither entries nor sleepers. */
static void killed_owner_leaves_nothing()
{
	std::array<int, 2> ends{};
	check_ok(result_of(pipe2(ends.data(), O_CLOEXEC)), "pipe2");
	const UniqueFd ready_read{ends[0]};
	const UniqueFd ready_write{ends[1]};
	const Child owner{[&]() -> int {
		const Control control;
		const Object file = control.file("orphan", all_methods);
		const UniqueFd fd = file.open();

		file.block(TEST_REVOKE_READ);
		Worker reader{"read", [&] { return read_some(fd.get()); }};
		file.await_blocked(TEST_REVOKE_READ);
		check_ok(result_of(write(ready_write.get(), "r", 1)), "write");
		return pause();
	}};
	char byte = 0;
	check_value(result_of(read(ready_read.get(), &byte, 1)), 1, "read");
	owner.signal(SIGKILL);
	check(WIFSIGNALED(owner.wait()), "the owner was not killed");
	const std::string orphan = fmt::format("{}/orphan", filesystem().root);
	check_error(result_of(open(orphan.c_str(), O_RDONLY)), ENOENT, "open");
	module::reload([] {});
}

/* It points to operations in there. */
static void stale_descriptor_keeps_the_module()
{
	Control control;
	const Object file = control.file("stale", all_methods);
	UniqueFd fd = file.open();

	check_ok(file.remove(), "removal");
	control.close();
	check_error(module::test_revoke().unload(), EAGAIN, "unloading the module");
	check_error(read_some(fd.get()), gone(), "read");
	fd.reset();
	module::reload([] {});
}

static void failed_open_does_not_keep_the_module()
{
	Control control;
	const Object file = control.file("failing", all_methods | TEST_REVOKE_DETACHED);

	file.behave(TEST_REVOKE_OPEN, {.error = ENOSPC});
	check_error(file.try_open(), ENOSPC, "open");
	control.close();
	module::reload([] {});
}

static void live_descriptor_keeps_the_module()
{
	Control control;
	const Object file = control.file("live", all_methods | TEST_REVOKE_DETACHED);
	UniqueFd fd = file.open();

	control.close();
	check_error(module::test_revoke().unload(), EAGAIN, "unloading the module");
	check_ok(read_some(fd.get()), "read");
	fd.reset();
	module::reload([] {});
}

int main(int argc, char **argv)
{
	std::vector<Case> cases{
		{"control_keeps_the_module", control_keeps_the_module},
		{"killed_owner_leaves_nothing", killed_owner_leaves_nothing},
	};

	if (filesystem().directory != no_kind)
		cases.push_back({"close_of_control_removes", close_of_control_removes});
	if (filesystem().stale_files_keep_module) {
		cases.push_back(
			{"stale_descriptor_keeps_the_module", stale_descriptor_keeps_the_module});
	} else {
		cases.push_back({"unload_with_stale_descriptors", unload_with_stale_descriptors});
		cases.push_back({"stale_descriptor_meets_a_new_module",
				 stale_descriptor_meets_a_new_module});
	}
	if (filesystem().methods & TEST_REVOKE_HAS_RELEASE)
		cases.push_back({"failed_open_does_not_keep_the_module",
				 failed_open_does_not_keep_the_module});
	if (filesystem().open_files_keep_module) {
		cases.push_back(
			{"live_descriptor_keeps_the_module", live_descriptor_keeps_the_module});
	} else {
		cases.push_back({"unload_with_live_descriptors", unload_with_live_descriptors});
		cases.push_back(
			{"unload_wakes_and_awaits_a_reader", unload_wakes_and_awaits_a_reader});
	}
	return run_cases(argc, argv, cases);
}
