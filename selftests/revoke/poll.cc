// SPDX-License-Identifier: GPL-2.0
/* What poll, select and epoll say of an entry that is gone. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "check.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "worker.hh"

using namespace revoke_test;

static constexpr short all_events = always_ready | POLLPRI;

static std::string mask_text(short mask) { return fmt::format("{:#x}", mask); }

static void mask_is_the_drivers_before_removal()
{
	const Control control;
	const Object file = control.file("ready", all_methods);
	const UniqueFd fd = file.open();

	check_equal(poll_mask(fd.get(), all_events), 0, "poll of a file that is not ready");
	file.set_ready(EPOLLIN | EPOLLRDNORM);
	check_equal(poll_mask(fd.get(), all_events), POLLIN | POLLRDNORM,
		    "poll of a file that is ready");
	check_ok(file.remove(), "removal");
}

static void mask_after_removal_without_poll()
{
	const Control control;
	const Object file = control.file("plain", TEST_REVOKE_HAS_RELEASE);
	const UniqueFd fd = file.open();

	check_ok(file.remove(), "removal");
	check_equal(mask_text(poll_mask(fd.get(), all_events)), mask_text(always_ready),
		    "poll after removal");
}

/* Programs that wait for what they can read have always been told to go on. */
static void readable_after_removal()
{
	const Control control;
	const Object file = control.file("gone", all_methods);
	const UniqueFd fd = file.open();
	fd_set readable;
	timeval no_time{};

	check_ok(file.remove(), "removal");
	FD_ZERO(&readable);
	FD_SET(fd.get(), &readable);
	check_value(result_of(select(fd.get() + 1, &readable, nullptr, nullptr, &no_time)), 1,
		    "select after removal");
	check_equal(file.counters().entered[TEST_REVOKE_POLL], 0U, "calls of ->poll");
}

static void mask_after_removal_tells_that_it_is_gone()
{
	const Control control;
	const Object file = control.file("gone", all_methods);
	const UniqueFd fd = file.open();

	check_ok(file.remove(), "removal");
	check_equal(mask_text(poll_mask(fd.get(), all_events)),
		    mask_text(told_of_removal(all_events)), "poll after removal");
}

static void epoll_after_removal()
{
	const Control control;
	const Object file = control.file("epolled", all_methods);
	const UniqueFd fd = file.open();
	const UniqueFd before{epoll_create1(EPOLL_CLOEXEC)};
	const UniqueFd after{epoll_create1(EPOLL_CLOEXEC)};
	epoll_event event{.events = EPOLLIN, .data = {.u64 = file.id()}};
	const auto add_to = [&](const UniqueFd &epoll) {
		return result_of(epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &event));
	};

	check_ok(add_to(before), "EPOLL_CTL_ADD before removal");
	check_value(result_of(epoll_wait(before.get(), &event, 1, 0)), 0,
		    "epoll_wait before removal");
	check_ok(file.remove(), "removal");
	for (const UniqueFd *epoll : {&before, &after}) {
		if (epoll == &after)
			check_ok(add_to(after), "EPOLL_CTL_ADD after removal");
		event = {};
		check_value(result_of(epoll_wait(epoll->get(), &event, 1, 0)), 1,
			    "epoll_wait after removal");
		check_equal(event.events, told_of_removal(EPOLLIN), "events after removal");
		check_equal(event.data.u64, file.id(), "data of the event");
	}
	check_ok(result_of(epoll_ctl(before.get(), EPOLL_CTL_DEL, fd.get(), nullptr)),
		 "EPOLL_CTL_DEL after removal");
}

/* io_uring waits in poll before it reads: the waiter has no task of its own. */
static void read_that_waits_in_poll_ends(const FileOp &op)
{
	const Control control;
	const Object file = control.file("awaited", all_methods);
	const UniqueFd fd = file.open();

	Worker reader{op.name, [&] { return op.call(fd.get()); }};
	file.await_left(TEST_REVOKE_POLL);
	check(!reader.has_ended(), "{} did not wait", op.name);
	check_ok(file.remove(), "removal");
	check_error(reader.join(), gone(), op.name);
	check_equal(file.counters().entered[TEST_REVOKE_READ], 0U, "calls of ->read");
}

static void removal_waits_for_poll()
{
	const Control control;
	const Object file = control.file("polling", all_methods);
	const UniqueFd fd = file.open();

	file.block(TEST_REVOKE_POLL);
	Worker poller{"poll", [&] {
			      poll_mask(fd.get(), all_events);
			      return Result{};
		      }};
	file.await_blocked(TEST_REVOKE_POLL);
	file.pass(TEST_REVOKE_POLL);
	Worker removal{"removal", [&] { return file.remove(); }};
	await_error([&] { return read_some(fd.get()); }, gone(), "read during removal");
	file.check_removal_waits();
	file.kick();
	check_ok(poller.join(), "poll");
	check_ok(removal.join(), "removal");
}

int main(int argc, char **argv)
{
	std::vector<Case> cases{
		{"mask_is_the_drivers_before_removal", mask_is_the_drivers_before_removal},
		{"mask_after_removal_without_poll", mask_after_removal_without_poll},
		{"readable_after_removal", readable_after_removal},
		{"mask_after_removal_tells_that_it_is_gone",
		 mask_after_removal_tells_that_it_is_gone},
		{"epoll_after_removal", epoll_after_removal},
		{"removal_waits_for_poll", removal_waits_for_poll},
	};

	for (const FileOp &op : file_ops()) {
		if (op.name == "io_uring_read")
			cases.push_back({"io_uring_read_that_waits_in_poll_ends",
					 [&op] { read_that_waits_in_poll_ends(op); }});
	}
	return run_cases(argc, argv, cases);
}
