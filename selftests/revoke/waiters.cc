// SPDX-License-Identifier: GPL-2.0
/*
 * Whoever waits for a file while its entry goes is woken, and leaves nothing on the
 * queues of the object: their memory goes with it, at once, and the module looks.
 */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "check.hh"
#include "control.hh"
#include "descriptors.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "held_removal.hh"
#include "ring.hh"
#include "temporary_directory.hh"
#include "waiting.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

/* What of a mask somebody is told who has asked for events. */
std::uint32_t told(const WayToWait &way, std::uint32_t mask, std::uint32_t events)
{
	if (way.has_mask)
		return mask & (events | EPOLLERR | EPOLLHUP);
	/* select(2): an error makes a file readable and writable, a hang-up readable. */
	if (mask & EPOLLERR)
		mask |= EPOLLIN | EPOLLOUT;
	if (mask & EPOLLHUP)
		mask |= EPOLLIN;
	return mask & events & (EPOLLIN | EPOLLOUT | EPOLLPRI);
}

void check_told(const Result &result, const WayToWait &way, std::uint32_t mask,
		std::uint32_t events,
		const std::source_location &where = std::source_location::current())
{
	check_ok(result, way.name, where);
	check_equal(fmt::format("{:#x}", result.value),
		    fmt::format("{:#x}", told(way, mask, events)), way.name, where);
}

void woken_by_the_driver(const WayToWait &way)
{
	const Control control;
	const Object file = control.file("awaited", all_methods);
	const UniqueFd fd = file.open();
	Worker waiter{way.name, [&] { return way.wait(fd.get(), EPOLLIN); }};

	file.await_left(TEST_REVOKE_POLL);
	waiter.await_asleep();
	file.set_ready(EPOLLIN);
	check_told(waiter.join(), way, EPOLLIN, EPOLLIN);
	check_ok(file.remove(), "removal");
}

void woken_by_the_second_queue(const WayToWait &way)
{
	const Control control;
	const Object file = control.file("awaited", all_methods | TEST_REVOKE_TWO_QUEUES);
	const UniqueFd fd = file.open();
	Worker waiter{way.name, [&] { return way.wait(fd.get(), EPOLLIN); }};

	file.await_left(TEST_REVOKE_POLL);
	waiter.await_asleep();
	file.set_ready(EPOLLIN, 1);
	check_told(waiter.join(), way, EPOLLIN, EPOLLIN);
	check_ok(file.remove(), "removal");
}

void not_woken_by_what_it_does_not_wait_for(const WayToWait &way)
{
	const Control control;
	const Object file = control.file("awaited", all_methods);
	const UniqueFd fd = file.open();
	Worker waiter{way.name, [&] { return way.wait(fd.get(), EPOLLOUT); }};

	file.await_left(TEST_REVOKE_POLL);
	waiter.await_asleep();
	const Counters before = file.counters();
	file.set_ready(EPOLLIN);
	std::this_thread::sleep_for(watch_time);
	check(!waiter.has_ended(), "{} has ended", way.name);
	check_equal(file.counters().entered[TEST_REVOKE_POLL], before.entered[TEST_REVOKE_POLL],
		    "calls of ->poll");
	file.set_ready(EPOLLOUT);
	check_told(waiter.join(), way, EPOLLOUT, EPOLLOUT);
	check_ok(file.remove(), "removal");
}

void woken_by_removal(const WayToWait &way, std::uint32_t events)
{
	const Control control;
	const Object file = control.file("awaited", all_methods | TEST_REVOKE_TWO_QUEUES);
	const UniqueFd fd = file.open();
	Worker waiter{way.name, [&] { return way.wait(fd.get(), events); }};

	file.await_left(TEST_REVOKE_POLL);
	waiter.await_asleep();
	check_ok(file.remove(), "removal");
	check_told(waiter.join(), way, filesystem().mask_after_removal, events);
	check_error(read_some(fd.get()), gone(), "read");
}

void does_not_wait_after_removal(const WayToWait &way)
{
	const Control control;
	const Object file = control.file("gone", all_methods);
	const UniqueFd fd = file.open();
	constexpr std::uint32_t events = EPOLLIN | EPOLLPRI;

	check_ok(file.remove(), "removal");
	Worker waiter{way.name, [&] { return way.wait(fd.get(), events); }};
	check_told(waiter.join(), way, filesystem().mask_after_removal, events);
	check_error(read_some(fd.get()), gone(), "read");
	check_equal(file.counters().entered[TEST_REVOKE_POLL], 0U, "calls of ->poll");
}

/* Has nothing to undo, yet needs a queue of its own. */
void file_without_release()
{
	const Control control;
	const Object file = control.file("unreleased", TEST_REVOKE_HAS_POLL);
	const UniqueFd fd = file.open();
	const Epoll epoll;

	epoll.add(fd.get(), EPOLLIN);
	check_equal(epoll.events(), 0U, "events before removal");
	check_ok(file.remove(), "removal");
	check_equal(epoll.events(), told_of_removal(EPOLLIN), "events");
}

/* A file, and an epoll item that waits for it in its own manner. */
struct Item {
	Control control;
	Object file;
	UniqueFd fd;
	Epoll epoll;

	Item(const char *name, std::uint32_t events)
		: file(control.file(name, all_methods)), fd(file.open())
	{
		epoll.add(fd.get(), events);
		check_equal(epoll.events(), 0U, "events before removal");
	}
	void remove_file() const { check_ok(file.remove(), "removal"); }
};

void level_triggered_item_stays()
{
	const Item item{"level", EPOLLIN};

	item.remove_file();
	for (int i = 0; i < 3; i++)
		check_equal(item.epoll.events(), told_of_removal(EPOLLIN), "events");
	check_ok(item.epoll.remove(item.fd.get()), "EPOLL_CTL_DEL");
	check_equal(item.epoll.events(), 0U, "events after EPOLL_CTL_DEL");
}

/* A server that reads what it is told of until EAGAIN must not be told for ever. */
void edge_triggered_item_reports_once()
{
	const Item item{"edge", EPOLLIN | EPOLLET};

	item.remove_file();
	check_equal(item.epoll.events(), told_of_removal(EPOLLIN), "events");
	check_equal(item.epoll.events(watch_time), 0U, "events again");
}

void oneshot_item_reports_once_each_time()
{
	const Item item{"oneshot", EPOLLIN | EPOLLONESHOT};

	item.remove_file();
	check_equal(item.epoll.events(), told_of_removal(EPOLLIN), "events");
	check_equal(item.epoll.events(watch_time), 0U, "events again");
	item.epoll.modify(item.fd.get(), EPOLLPRI | EPOLLONESHOT);
	check_equal(item.epoll.events(), told_of_removal(EPOLLPRI), "events after EPOLL_CTL_MOD");
}

void exclusive_waiters_are_all_told(bool by_removal)
{
	const Control control;
	const Object file = control.file("exclusive", all_methods);
	const UniqueFd fd = file.open();
	const Epoll epolls[2];
	std::vector<std::unique_ptr<Worker>> waiters;

	for (const Epoll &epoll : epolls) {
		epoll.add(fd.get(), EPOLLIN | EPOLLEXCLUSIVE);
		waiters.push_back(std::make_unique<Worker>("epoll_wait", [&epoll] {
			return Result{epoll.events(std::chrono::milliseconds{-1}), 0};
		}));
	}
	for (const auto &waiter : waiters)
		waiter->await_asleep();
	if (by_removal)
		check_ok(file.remove(), "removal");
	else
		file.set_ready(EPOLLIN);
	for (const auto &waiter : waiters)
		check_value(waiter->join(), by_removal ? told_of_removal(EPOLLIN) : EPOLLIN,
			    "events");
}

void waiter_that_left_is_on_no_queue()
{
	const Control control;
	const Object file = control.file("left", all_methods);
	const UniqueFd fd = file.open();
	pollfd polled{.fd = fd.get(), .events = POLLIN, .revents = 0};

	{
		const Epoll epoll;
		epoll.add(fd.get(), EPOLLIN);
		check_ok(epoll.remove(fd.get()), "EPOLL_CTL_DEL");
		epoll.add(fd.get(), EPOLLIN);
	}
	check_value(result_of(poll(&polled, 1, 1)), 0, "poll with a timeout");
	check_ok(file.remove(), "removal");
}

/* One that ppoll(2) lets through, and nothing else. */
void signal_ends_the_wait()
{
	const Control control;
	const Object file = control.file("signalled", all_methods);
	const UniqueFd fd = file.open();
	struct sigaction action {
	};
	sigset_t blocked;
	std::atomic<pthread_t> thread{};

	action.sa_handler = [](int) {};
	check_ok(result_of(sigaction(SIGUSR1, &action, nullptr)), "sigaction");
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
	Worker waiter{"ppoll", [&] {
			      pollfd polled{.fd = fd.get(), .events = POLLIN, .revents = 0};
			      sigset_t none;

			      sigemptyset(&none);
			      thread = pthread_self();
			      return result_of(ppoll(&polled, 1, nullptr, &none));
		      }};
	waiter.await_asleep();
	pthread_kill(thread, SIGUSR1);
	check_error(waiter.join(), EINTR, "ppoll");
	check_ok(file.remove(), "removal");
}

/* 9p waits for the file that it talks to its server through. */
void poller_in_the_kernel_is_told()
{
	const Control control;
	const Object file = control.file("transport", all_methods);
	const UniqueFd fd = file.open();
	const TemporaryDirectory place;

	if (place.mount("9p", "trans=fd").error == ENODEV)
		skip("no 9p");
	Worker mounter{"mount", [&] {
			       return place.mount(
				       "9p", fmt::format("trans=fd,rfdno={0},wfdno={0}", fd.get()));
		       }};
	file.await_left(TEST_REVOKE_POLL);
	mounter.await_asleep();
	check_ok(file.remove(), "removal");
	check(!mounter.join().ok(), "mounted from a file that is gone");
}

void many_waiters_on_one_file()
{
	constexpr std::size_t count = 1000;
	const Control control;
	const Object file = control.file("popular", all_methods);
	const UniqueFd fd = file.open();
	allow_open_files(count);
	const std::vector<Epoll> epolls(count);

	for (const Epoll &epoll : epolls)
		epoll.add(fd.get(), EPOLLIN);
	check_ok(file.remove(), "removal");
	for (const Epoll &epoll : epolls)
		check_equal(epoll.events(), told_of_removal(EPOLLIN), "events");
}

void many_files_with_one_waiter()
{
	constexpr std::size_t count = 1000;
	const Control control;
	const Object file = control.file("popular", all_methods);
	const Epoll epoll;
	std::vector<UniqueFd> fds;
	std::set<std::uint64_t> told;

	allow_open_files(count);
	for (std::size_t i = 0; i < count; i++) {
		fds.push_back(file.open());
		epoll.add(fds.back().get(), EPOLLIN, i);
	}
	check_ok(file.remove(), "removal");
	for (const epoll_event &event : epoll.wait(std::chrono::milliseconds{0}, count))
		told.insert(event.data.u64);
	check_equal(told.size(), count, "files that are ready");
}

/* Each finds the waiter queued, and is waited for: the deadline ends a case that loses one. */
void no_wake_up_is_lost(const WayToWait &way)
{
	constexpr unsigned int wake_ups = 500;
	const Control control;
	const Object file = control.file("counted", all_methods);
	const UniqueFd fd = file.open();
	std::atomic<std::uint64_t> polled{0};
	std::atomic<unsigned int> seen{0};

	Worker waiter{way.name, [&] {
			      while (seen < wake_ups) {
				      const Result result = way.wait(fd.get(), EPOLLIN);

				      if (result != Result{EPOLLIN, 0})
					      return result;
				      file.set_ready(0);
				      polled = file.counters().left[TEST_REVOKE_POLL];
				      seen++;
			      }
			      return Result{};
		      }};
	for (unsigned int sent = 0; sent < wake_ups; sent++) {
		while (seen < sent && !waiter.has_ended())
			std::this_thread::yield();
		if (waiter.has_ended())
			fail("{}: {} after {} wake-ups", way.name, waiter.join(), seen.load());
		file.await_left(TEST_REVOKE_POLL, polled + 1);
		file.set_ready(EPOLLIN);
	}
	check_ok(waiter.join(), way.name);
	check_ok(file.remove(), "removal");
}

/* One item, and one event for each wake-up. */
void edge_triggered_item_reports_each_wake_up()
{
	constexpr unsigned int wake_ups = 1000;
	const Item item{"edge", EPOLLIN | EPOLLET};

	for (unsigned int sent = 0; sent < wake_ups; sent++) {
		item.file.set_ready(EPOLLIN);
		check_equal(item.epoll.events(), EPOLLIN, "events");
		check_equal(item.epoll.events(), 0U, "events again");
	}
	item.remove_file();
	check_equal(item.epoll.events(), told_of_removal(EPOLLIN), "events");
}

void multishot_request_reports_each_wake_up()
{
	constexpr unsigned int wake_ups = 1000;
	const Control control;
	const Object file = control.file("multishot", all_methods);
	const UniqueFd fd = file.open();
	Ring ring;

	ring.require();
	io_uring_prep_poll_multishot(ring.next(), fd.get(), EPOLLIN);
	ring.start();
	for (unsigned int sent = 0; sent < wake_ups; sent++) {
		file.set_ready(EPOLLIN);
		const Completion completion = ring.expect();
		check(completion.more, "wake-up {} ended the request", sent);
		check_value(completion.result, EPOLLIN, "events");
	}
	check_ok(file.remove(), "removal");
	check_value(ring.expect().result, told_of_removal(EPOLLIN), "events");
	check(!ring.wait(watch_time), "told again and again");
}

/* Its relay stays, with nobody to pass anything on to. */
void request_that_timed_out_is_on_no_queue()
{
	const Control control;
	const Object file = control.file("timed", all_methods);
	const UniqueFd fd = file.open();
	__kernel_timespec short_time{.tv_sec = 0, .tv_nsec = 1'000'000};
	Ring ring;

	ring.require();
	io_uring_sqe *poll = ring.next();
	io_uring_prep_poll_add(poll, fd.get(), EPOLLIN);
	poll->flags |= IOSQE_IO_LINK;
	poll->user_data = 1;
	io_uring_prep_link_timeout(ring.next(), &short_time, 0);
	ring.start();
	for (int i = 0; i < 2; i++) {
		const Completion completion = ring.wait();
		check_error(completion.result, completion.number == 1 ? ECANCELED : ETIME,
			    "result");
	}
	file.set_ready(EPOLLIN);
	check_ok(file.remove(), "removal");
}

void told_before_the_last_caller_has_left(const WayToWait &way)
{
	const Control control;
	const Object file = control.file("held", all_methods);
	const UniqueFd fd = file.open();
	Worker waiter{way.name, [&] { return way.wait(fd.get(), EPOLLPRI); }};

	file.await_left(TEST_REVOKE_POLL);
	waiter.await_asleep();
	HeldRemoval removal{file};
	check_told(waiter.join(), way, filesystem().mask_after_removal, EPOLLPRI);
	removal.finish();
}

/* Not once as removal begins, and once more as it ends. */
void edge_triggered_item_reports_once_while_removal_waits()
{
	const Item item{"held", EPOLLIN | EPOLLET};
	HeldRemoval removal{item.file};

	check_equal(item.epoll.events(patience()), told_of_removal(EPOLLIN), "events");
	removal.finish();
	check_equal(item.epoll.events(watch_time), 0U, "events again");
}

/*
 * Wake-ups come from two sides, for somebody who waits for them, when the entry is
 * being removed and while the queues go.
 */
void removal_in_a_storm_of_wake_ups()
{
	constexpr unsigned int rounds = 50;
	constexpr unsigned int wake_ups = 20;

	for (unsigned int i = 0; i < rounds; i++) {
		const Control control;
		const Object file = control.file("storm", all_methods | TEST_REVOKE_TWO_QUEUES);
		const UniqueFd fd = file.open();
		std::atomic<unsigned int> sent{0};
		const auto storm = [&](std::uint32_t queue) {
			while (file.try_set_ready(EPOLLIN, queue).ok() &&
			       file.try_set_ready(0, queue).ok())
				sent++;
		};
		const auto await_more = [&] {
			const unsigned int enough = sent + wake_ups;

			await([&] { return sent >= enough; }, "wake-ups");
		};

		Worker waiter{"poll", [&] {
				      pollfd polled{.fd = fd.get(), .events = POLLIN, .revents = 0};

				      while (!(polled.revents & POLLHUP)) {
					      const Result result = result_of(poll(&polled, 1, -1));
					      if (result != Result{1, 0})
						      return result;
				      }
				      return Result{};
			      }};
		const Epoll epoll;
		epoll.add(fd.get(), EPOLLPRI | EPOLLET);
		const std::jthread first{storm, 0};
		const std::jthread second{storm, 1};
		await_more();
		HeldRemoval removal{file};
		await_more();
		removal.finish();
		check_ok(waiter.join(), "poll");
		check_equal(epoll.events(), told_of_removal(EPOLLPRI), "events");
	}
}

using WayTest = void (*)(const WayToWait &way);

} // namespace

int main(int argc, char **argv)
{
	constexpr std::pair<const char *, WayTest> of_each_way[] = {
		{"woken_by_the_driver", woken_by_the_driver},
		{"woken_by_the_second_queue", woken_by_the_second_queue},
		{"not_woken_by_what_it_does_not_wait_for", not_woken_by_what_it_does_not_wait_for},
		{"woken_by_removal",
		 [](const WayToWait &way) { woken_by_removal(way, EPOLLIN | EPOLLOUT); }},
		{"does_not_wait_after_removal", does_not_wait_after_removal},
		{"no_wake_up_is_lost", no_wake_up_is_lost},
	};
	constexpr std::pair<const char *, WayTest> of_ways_to_wait_for_priority[] = {
		{"woken_by_removal_if_it_waits_for_priority",
		 [](const WayToWait &way) { woken_by_removal(way, EPOLLPRI); }},
		{"told_before_the_last_caller_has_left", told_before_the_last_caller_has_left},
	};
	std::vector<Case> cases;

	for (const WayToWait &way : ways_to_wait()) {
		for (const auto &[name, test] : of_each_way)
			cases.push_back({fmt::format("{}.{}", way.name, name),
					 [test, &way] { test(way); }});
		/* A mere hang-up is nothing to who asks select(2) for exceptions. */
		if (!told(way, filesystem().mask_after_removal, EPOLLPRI))
			continue;
		for (const auto &[name, test] : of_ways_to_wait_for_priority)
			cases.push_back({fmt::format("{}.{}", way.name, name),
					 [test, &way] { test(way); }});
	}
	for (const Case &one : std::initializer_list<Case>{
		     {"file_without_release", file_without_release},
		     {"level_triggered_item_stays", level_triggered_item_stays},
		     {"edge_triggered_item_reports_once", edge_triggered_item_reports_once},
		     {"oneshot_item_reports_once_each_time", oneshot_item_reports_once_each_time},
		     {"exclusive_waiters_are_told_by_the_driver",
		      [] { exclusive_waiters_are_all_told(false); }},
		     {"exclusive_waiters_are_told_by_removal",
		      [] { exclusive_waiters_are_all_told(true); }},
		     {"edge_triggered_item_reports_each_wake_up",
		      edge_triggered_item_reports_each_wake_up},
		     {"multishot_request_reports_each_wake_up",
		      multishot_request_reports_each_wake_up},
		     {"request_that_timed_out_is_on_no_queue",
		      request_that_timed_out_is_on_no_queue},
		     {"waiter_that_left_is_on_no_queue", waiter_that_left_is_on_no_queue},
		     {"signal_ends_the_wait", signal_ends_the_wait},
		     {"poller_in_the_kernel_is_told", poller_in_the_kernel_is_told},
		     {"many_waiters_on_one_file", many_waiters_on_one_file},
		     {"many_files_with_one_waiter", many_files_with_one_waiter},
		     {"edge_triggered_item_reports_once_while_removal_waits",
		      edge_triggered_item_reports_once_while_removal_waits},
		     {"removal_in_a_storm_of_wake_ups", removal_in_a_storm_of_wake_ups,
		      std::chrono::seconds{120}},
	     })
		cases.push_back(one);
	return run_cases(argc, argv, cases);
}
