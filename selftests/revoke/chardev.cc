// SPDX-License-Identifier: GPL-2.0
/*
 * What only character devices have: methods that sleep until their file is revoked, and
 * nodes that stay when the device goes.
 */
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <vector>

#include "check.hh"
#include "child.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "held_removal.hh"
#include "temporary_directory.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

void await(const Object &file, test_revoke_method method)
{
	file.behave(method, {.flags = TEST_REVOKE_AWAIT});
}

/* Nobody kicks them. */
void removal_ends_sleepers()
{
	constexpr unsigned int readers = 16;
	const Control control;
	const Object file = control.file("asleep", all_methods);
	std::vector<UniqueFd> fds;
	std::vector<std::unique_ptr<Worker>> workers;

	await(file, TEST_REVOKE_READ);
	for (unsigned int i = 0; i < readers; i++) {
		/* Some have their file with others. */
		if (i % 2 == 0)
			fds.push_back(file.open());
		workers.push_back(std::make_unique<Worker>(
			"read", [fd = fds.back().get()] { return read_some(fd); }));
	}
	file.await_blocked(TEST_REVOKE_READ, readers);
	check_ok(file.remove(), "removal");
	for (const auto &worker : workers)
		check_error(worker->join(), ENODEV, "read");
	check_equal(file.counters().releases, fds.size(), "releases");
}

/* For misc devices that is under a lock which their removal takes. */
void removal_ends_an_open_that_sleeps()
{
	const Control control;
	const Object file = control.file("opening", all_methods);

	await(file, TEST_REVOKE_OPEN);
	Worker opener{"open", [&] { return file.try_open(); }};
	file.await_blocked(TEST_REVOKE_OPEN);
	check_ok(file.remove(), "removal");
	check_error(opener.join(), ENODEV, "open");
	check_equal(file.counters().failed_opens, 1U, "failed opens");
}

void sleeper_is_served()
{
	const Control control;
	const Object file = control.file("served", all_methods);
	const UniqueFd fd = file.open();

	await(file, TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(fd.get()); }};
	file.await_blocked(TEST_REVOKE_READ);
	file.kick();
	check_error(reader.join(), ESHUTDOWN, "read when kicked");
	check_ok(file.remove(), "removal");
}

void sleeper_is_killed()
{
	const Control control;
	const Object file = control.file("killed", all_methods);
	const UniqueFd fd = file.open();

	await(file, TEST_REVOKE_READ);
	const Child reader{[&] { return read_some(fd.get()).error; }};
	file.await_blocked(TEST_REVOKE_READ);
	reader.signal(SIGKILL);
	check(WIFSIGNALED(reader.wait()), "the reader was not killed");
	check_ok(file.remove(), "removal");
}

/* The driver decides, and could go on to sleep. */
void removal_waits_for_other_sleepers()
{
	const Control control;
	const Object file = control.file("both", all_methods);
	const UniqueFd fd = file.open();

	file.block(TEST_REVOKE_WRITE);
	await(file, TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(fd.get()); }};
	Worker writer{"write", [&] { return result_of(pwrite(fd.get(), "a", 1, 0)); }};
	file.await_blocked(TEST_REVOKE_READ);
	file.await_blocked(TEST_REVOKE_WRITE);
	Worker removal{"removal", [&] { return file.remove(); }};
	check_error(reader.join(), ENODEV, "read");
	file.check_removal_waits();
	file.kick();
	check_error(writer.join(), ESHUTDOWN, "write when kicked");
	check_ok(removal.join(), "removal");
}

/* A method that is waited for may need one of them, and all misc devices have a lock in common. */
void others_are_opened_while_removal_waits()
{
	const Control control;
	const Object file = control.file("busy", all_methods);
	const Object other = control.file("other", all_methods);

	HeldRemoval removal{file};
	/* Methods of a misc device may look at ->this_device, and want it registered. */
	if (!filesystem().name_is_free_at_once)
		check_ok(result_of(access(file.path().c_str(), F_OK)), file.path());
	Worker opener{"open", [&] { return other.try_open(); }};
	const UniqueFd opened{static_cast<int>(opener.join().value)};
	check_ok(read_some(opened.get()), "read of the other device");
	removal.finish();
}

/* A device node that nobody removes with the device. */
class Node
{
public:
	explicit Node(const Object &file)
	{
		struct stat status {
		};

		check_ok(result_of(stat(file.path().c_str(), &status)), file.path());
		number_ = status.st_rdev;
		check_ok(result_of(mknod(path().c_str(), S_IFCHR | 0600, number_)), "mknod");
	}
	~Node() { unlink(path().c_str()); }
	[[nodiscard]] Result try_open() const
	{
		return result_of(open(path().c_str(), O_RDWR | O_CLOEXEC));
	}
	[[nodiscard]] UniqueFd open_node() const
	{
		const Result opened = try_open();

		check_ok(opened, path());
		return UniqueFd{static_cast<int>(opened.value)};
	}
	[[nodiscard]] dev_t number() const { return number_; }

private:
	[[nodiscard]] std::string path() const { return folder_.path() + "/node"; }

	TemporaryDirectory folder_;
	dev_t number_ = 0;
};

/* Through one inode: what the old device leaves there must not get at the new one. */
void node_leads_to_the_next_device()
{
	const Control control;
	const Object old_file = control.file("old", all_methods);
	const Node node{old_file};
	UniqueFd stale = node.open_node();
	UniqueFd other = node.open_node();

	check_equal(object_id_of(stale.get()), old_file.id(), "identity of the old device");
	check_ok(old_file.remove(), "removal");
	check_error(node.try_open(), filesystem().errno_after_removal(TEST_REVOKE_OPEN),
		    "open without a device");
	stale.reset();

	const Object new_file = control.file("new", all_methods);
	const Node same{new_file};
	check_equal(same.number(), node.number(), "device number");
	const UniqueFd fd = node.open_node();
	check_equal(object_id_of(fd.get()), new_file.id(), "identity of the new device");
	check_error(read_some(other.get()), ENODEV, "read of the old device");
	other.reset();
	check_ok(read_some(fd.get()), "read of the new device");
	check_equal(new_file.counters().releases, 0U, "releases of the new device");
	check_ok(new_file.remove(), "removal of the new device");
	check_equal(new_file.counters().releases, 1U, "releases of the new device");
	check_error(read_some(fd.get()), ENODEV, "read after removal");
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(
		argc, argv,
		{
			{"removal_ends_sleepers", removal_ends_sleepers},
			{"removal_ends_an_open_that_sleeps", removal_ends_an_open_that_sleeps},
			{"sleeper_is_served", sleeper_is_served},
			{"sleeper_is_killed", sleeper_is_killed},
			{"removal_waits_for_other_sleepers", removal_waits_for_other_sleepers},
			{"others_are_opened_while_removal_waits",
			 others_are_opened_while_removal_waits},
			{"node_leads_to_the_next_device", node_leads_to_the_next_device},
		});
}
