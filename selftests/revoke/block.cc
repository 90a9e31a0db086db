// SPDX-License-Identifier: GPL-2.0
/* Removal and the tasks that it finds inside methods. */
#include <poll.h>
#include <sys/ioctl.h>

#include <csignal>
#include <memory>
#include <vector>

#include "check.hh"
#include "child.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "worker.hh"

using namespace revoke_test;

/* Removal has begun as soon as reads that could start are refused. */
static void await_refusal(int fd)
{
	await_error([&] { return read_some(fd); }, gone(), "read during removal");
}

/* The method ends by itself: nobody has to be kicked, and removal must not be earlier. */
static void removal_waits_for_running_method()
{
	const Control control;
	const Object file = control.file("slow", all_methods);
	const UniqueFd fd = file.open();

	file.behave(TEST_REVOKE_READ, {.delay = 2 * watch_time});
	Worker reader{"read", [&] { return read_some(fd.get()); }};
	check(file.wait(TEST_REVOKE_WAIT_INSIDE, TEST_REVOKE_READ, 1, patience()),
	      "no reader inside");
	check_ok(file.remove(), "removal");
	const Counters counters = file.counters();
	check_equal(counters.left[TEST_REVOKE_READ], counters.entered[TEST_REVOKE_READ],
		    "reads that returned before removal did");
	check_ok(reader.join(), "read that was inside");
}

static void one_kick_wakes_many_readers()
{
	constexpr unsigned int readers = 16;
	const Control control;
	const Object file = control.file("many", all_methods);
	const UniqueFd outside = file.open();
	std::vector<UniqueFd> fds;
	std::vector<std::unique_ptr<Worker>> workers;

	file.block(TEST_REVOKE_READ);
	for (unsigned int i = 0; i < readers; i++) {
		fds.push_back(file.open());
		workers.push_back(std::make_unique<Worker>(
			"read", [fd = fds.back().get()] { return read_some(fd); }));
	}
	file.await_blocked(TEST_REVOKE_READ, readers);
	file.pass(TEST_REVOKE_READ);

	Worker removal{"removal", [&] { return file.remove(); }};
	await_refusal(outside.get());
	file.check_removal_waits();
	check_equal(file.counters().blocked[TEST_REVOKE_READ], readers, "readers asleep");
	file.kick();
	for (const auto &worker : workers)
		check_error(worker->join(), ESHUTDOWN, "read when kicked");
	check_ok(removal.join(), "removal");
}

/* On the very file that somebody is inside of: nested calls do not wait for him. */
static void other_methods_are_refused_at_once()
{
	const Control control;
	const Object file = control.file("nested", all_methods);
	const UniqueFd fd = file.open();
	std::uint64_t id = 0;

	file.block(TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(fd.get()); }};
	file.await_blocked(TEST_REVOKE_READ);
	file.pass(TEST_REVOKE_READ);

	check_equal(object_id_of(fd.get()), file.id(), "ioctl beside the reader");
	Worker removal{"removal", [&] { return file.remove(); }};
	await_refusal(fd.get());
	const Counters before = file.counters();
	check_error(result_of(ioctl(fd.get(), TEST_REVOKE_FILE_IOC_ID, &id)),
		    filesystem().errno_after_removal(TEST_REVOKE_IOCTL), "ioctl during removal");
	check_error(result_of(pwrite(fd.get(), "a", 1, 0)), gone(), "write during removal");
	check_equal(static_cast<std::uint32_t>(poll_mask(fd.get(), POLLIN)),
		    told_of_removal(EPOLLIN), "poll during removal");
	const Counters after = file.counters();
	for (const auto method : {TEST_REVOKE_IOCTL, TEST_REVOKE_WRITE, TEST_REVOKE_POLL})
		check_equal(after.entered[method], before.entered[method],
			    "calls that reached the object");

	file.check_removal_waits();
	file.kick();
	check_error(reader.join(), ESHUTDOWN, "read when kicked");
	check_ok(removal.join(), "removal");
}

/* A process that sleeps in ->read. */
static Child blocked_reader(const Object &file, const UniqueFd &fd)
{
	file.block(TEST_REVOKE_READ);
	return Child{[&] { return read_some(fd.get()).error; }};
}

static void killed_reader_lets_removal_go()
{
	const Control control;
	const Object file = control.file("killed", all_methods);
	const UniqueFd fd = file.open();
	const UniqueFd outside = file.open();
	const Child reader = blocked_reader(file, fd);

	file.await_blocked(TEST_REVOKE_READ);
	file.pass(TEST_REVOKE_READ);
	Worker removal{"removal", [&] { return file.remove(); }};
	await_refusal(outside.get());
	file.check_removal_waits();
	reader.signal(SIGKILL);
	check(WIFSIGNALED(reader.wait()), "the reader was not killed");
	check_ok(removal.join(), "removal");
}

/* What stops a task takes effect when it leaves the kernel, and so does not keep it inside. */
static void stopped_reader_can_be_kicked()
{
	const Control control;
	const Object file = control.file("stopped", all_methods);
	const UniqueFd fd = file.open();
	const UniqueFd outside = file.open();
	const Child reader = blocked_reader(file, fd);

	file.await_blocked(TEST_REVOKE_READ);
	file.pass(TEST_REVOKE_READ);
	reader.signal(SIGSTOP);
	Worker removal{"removal", [&] { return file.remove(); }};
	await_refusal(outside.get());
	file.check_removal_waits();
	file.kick();
	check_ok(removal.join(), "removal");
	check(WIFSTOPPED(reader.wait(WUNTRACED)), "the reader did not stop");
	reader.signal(SIGCONT);
	reader.check_exits_with(ESHUTDOWN, "read when kicked");
}

/* A descriptor in a task that does not run is no reason to wait. */
static void stopped_holder_does_not_block_removal()
{
	const Control control;
	const Object file = control.file("held", all_methods);
	UniqueFd fd = file.open();
	const Child holder{[&] {
		raise(SIGSTOP);
		return read_some(fd.get()).error;
	}};

	fd.reset();
	check(WIFSTOPPED(holder.wait(WUNTRACED)), "the holder did not stop");
	check_ok(file.remove(), "removal");
	const Counters counters = file.counters();
	check_equal(counters.releases, counted(1U), "releases");
	check_equal(counters.forced_releases, counted(1U), "releases by the removing task");
	holder.signal(SIGCONT);
	holder.check_exits_with(gone(), "read in the holder");
}

static void removal_waits_for_open()
{
	const Control control;
	const Object file = control.file("opening", all_methods);

	file.block(TEST_REVOKE_OPEN);
	Worker opener{"open", [&] { return file.try_open(); }};
	file.await_blocked(TEST_REVOKE_OPEN);
	file.pass(TEST_REVOKE_OPEN);
	Worker removal{"removal", [&] { return file.remove(); }};
	file.await_state(TEST_REVOKE_REMOVING);
	file.check_removal_waits();
	file.kick();
	check_error(opener.join(), ESHUTDOWN, "open when kicked");
	check_ok(removal.join(), "removal");
	const Counters counters = file.counters();
	check_equal(counters.failed_opens, counted(1U), "failed opens");
	check_equal(counters.releases, 0U, "releases of a file whose open failed");
}

static void removal_waits_for_release()
{
	const Control control;
	const Object file = control.file("closing", all_methods);
	UniqueFd fd = file.open();

	file.block(TEST_REVOKE_RELEASE);
	Worker closer{"close", [&] { return result_of(close(fd.release())); }};
	file.await_blocked(TEST_REVOKE_RELEASE);
	Worker removal{"removal", [&] { return file.remove(); }};
	file.await_state(TEST_REVOKE_REMOVING);
	file.check_removal_waits();
	file.kick();
	check_ok(closer.join(), "close");
	check_ok(removal.join(), "removal");
	const Counters counters = file.counters();
	check_equal(counters.releases, counted(1U), "releases");
	check_equal(counters.forced_releases, 0U, "releases by the removing task");
}

/* The other way round: removal has begun to release the file when it is closed. */
static void close_waits_for_release_by_removal()
{
	const Control control;
	const Object file = control.file("closed", all_methods);
	UniqueFd fd = file.open();

	file.block(TEST_REVOKE_RELEASE);
	Worker removal{"removal", [&] { return file.remove(); }};
	file.await_blocked(TEST_REVOKE_RELEASE);
	Worker closer{"close", [&] { return result_of(close(fd.release())); }};
	file.check_removal_waits();
	check(!closer.has_ended(), "close returned while ->release of the file was running");
	file.kick();
	check_ok(removal.join(), "removal");
	check_ok(closer.join(), "close");
	const Counters counters = file.counters();
	check_equal(counters.releases, counted(1U), "releases");
	check_equal(counters.forced_releases, counted(1U), "releases by the removing task");
}

int main(int argc, char **argv)
{
	std::vector<Case> cases{
		{"removal_waits_for_running_method", removal_waits_for_running_method},
		{"one_kick_wakes_many_readers", one_kick_wakes_many_readers},
		{"killed_reader_lets_removal_go", killed_reader_lets_removal_go},
		{"stopped_reader_can_be_kicked", stopped_reader_can_be_kicked},
		{"stopped_holder_does_not_block_removal", stopped_holder_does_not_block_removal},
	};

	if (filesystem().methods & TEST_REVOKE_HAS_IOCTL)
		cases.push_back(
			{"other_methods_are_refused_at_once", other_methods_are_refused_at_once});
	if (filesystem().methods & TEST_REVOKE_HAS_RELEASE) {
		cases.push_back({"removal_waits_for_open", removal_waits_for_open});
		cases.push_back({"removal_waits_for_release", removal_waits_for_release});
		cases.push_back(
			{"close_waits_for_release_by_removal", close_waits_for_release_by_removal});
	}
	return run_cases(argc, argv, cases);
}
