// SPDX-License-Identifier: GPL-2.0
/* Whoever begins, changes or ends to wait for a file while its entry goes is told, or not queued.
 */
#include <poll.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "check.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "race.hh"
#include "ring.hh"
#include "waiting.hh"

using namespace revoke_test;

namespace
{

/* What each round has anew: an open file, somebody who waits, and an entry to be removed. */
struct Round {
	std::unique_ptr<Control> control;
	std::optional<Object> file;
	UniqueFd fd;
	std::optional<Epoll> epoll;

	void prepare()
	{
		epoll.reset();
		fd.reset();
		file.reset();
		control = std::make_unique<Control>();
		file = control->file("raced", all_methods | TEST_REVOKE_TWO_QUEUES);
		fd = file->open();
		epoll.emplace();
	}
	void prepare_item()
	{
		prepare();
		epoll->add(fd.get(), EPOLLIN);
	}
	[[nodiscard]] RaceSide removal() const
	{
		return {"removal", [this] { check_ok(file->remove(), "removal"); }};
	}
};

void epoll_add()
{
	Outcomes outcomes{"asked the driver", "refused"};
	Round round;

	run_race({
		.prepare = [&] { round.prepare(); },
		.first = {"EPOLL_CTL_ADD", [&] { round.epoll->add(round.fd.get(), EPOLLPRI); }},
		.second = round.removal(),
		.conclude =
			[&] {
				outcomes.count(round.file->counters().entered[TEST_REVOKE_POLL]);
				check_equal(round.epoll->events(), told_of_removal(EPOLLPRI),
					    "events");
			},
	});
	outcomes.check_both_seen();
}

void epoll_modify()
{
	Round round;

	run_race({
		.prepare = [&] { round.prepare_item(); },
		.first = {"EPOLL_CTL_MOD", [&] { round.epoll->modify(round.fd.get(), EPOLLPRI); }},
		.second = round.removal(),
		.conclude =
			[&] {
				check_equal(round.epoll->events(), told_of_removal(EPOLLPRI),
					    "events");
			},
	});
}

void epoll_delete()
{
	Round round;

	run_race({
		.prepare = [&] { round.prepare_item(); },
		.first = {"EPOLL_CTL_DEL",
			  [&] { check_ok(round.epoll->remove(round.fd.get()), "EPOLL_CTL_DEL"); }},
		.second = round.removal(),
		.conclude = [&] { check_equal(round.epoll->events(), 0U, "events"); },
	});
}

void epoll_close()
{
	Round round;

	run_race({
		.prepare = [&] { round.prepare_item(); },
		.first = {"close", [&] { round.epoll->close(); }},
		.second = round.removal(),
		.conclude = [&] { check_error(read_some(round.fd.get()), gone(), "read"); },
	});
}

/* The last one of a file with an item: both sides take its relays away, one of them does. */
void file_close()
{
	Outcomes outcomes{"released by removal", "released by close"};
	Round round;

	run_race({
		.prepare = [&] { round.prepare_item(); },
		.first = {"close", [&] { round.fd.reset(); }},
		.second = round.removal(),
		.conclude =
			[&] {
				const Counters counters = round.file->counters();

				check_equal(counters.releases, 1U, "releases");
				outcomes.count(counters.forced_releases);
				check_equal(round.epoll->events(), 0U, "events");
			},
	});
	outcomes.check_both_seen();
}

/* What poll returns comes from the method, or it is what a removed entry has. */
void poll_without_waiting()
{
	Outcomes outcomes{"not ready", "told"};
	pollfd polled{};
	Result result;
	Round round;

	run_race({
		.prepare =
			[&] {
				round.prepare();
				polled = {.fd = round.fd.get(), .events = POLLIN, .revents = 0};
			},
		.first = {"poll", [&] { result = result_of(poll(&polled, 1, 0)); }},
		.second = round.removal(),
		.conclude =
			[&] {
				const bool asked = round.file->counters().entered[TEST_REVOKE_POLL];

				const bool told = result == Result{1, 0};

				check(told || (asked && result == Result{}), "poll: {}", result);
				check_equal(static_cast<std::uint32_t>(polled.revents),
					    told ? told_of_removal(EPOLLIN) : 0, "events");
				outcomes.count(!told);
			},
	});
	outcomes.check_both_seen();
}

/* A request that has begun to wait is told, whenever that was. */
void io_uring_poll()
{
	Outcomes outcomes{"asked the driver", "refused"};
	Ring ring;
	Round round;

	ring.require();
	run_race({
		.prepare =
			[&] {
				round.prepare();
				io_uring_prep_poll_add(ring.next(), round.fd.get(), EPOLLPRI);
			},
		.first = {"poll", [&] { ring.start(); }},
		.second = round.removal(),
		.conclude =
			[&] {
				check_value(ring.expect().result, told_of_removal(EPOLLPRI),
					    "events");
				outcomes.count(round.file->counters().entered[TEST_REVOKE_POLL]);
			},
	});
	outcomes.check_both_seen();
}

void io_uring_cancel()
{
	constexpr std::uint64_t polled = 1;
	Outcomes outcomes{"cancelled", "told"};
	Ring ring;
	Round round;

	ring.require();
	run_race({
		.prepare =
			[&] {
				round.prepare();
				io_uring_sqe *poll = ring.next();
				io_uring_prep_poll_add(poll, round.fd.get(), EPOLLPRI);
				poll->user_data = polled;
				ring.start();
				io_uring_prep_cancel64(ring.next(), polled, 0);
			},
		.first = {"cancel", [&] { ring.start(); }},
		.second = round.removal(),
		.conclude =
			[&] {
				for (int i = 0; i < 2; i++) {
					const Completion end = ring.expect();

					if (end.number != polled)
						continue;
					const bool cancelled = end.result == Result{-1, ECANCELED};
					outcomes.count(cancelled);
					if (!cancelled)
						check_value(end.result, told_of_removal(EPOLLPRI),
							    "events");
				}
			},
	});
	outcomes.check_both_seen();
}

/* Both are the first to wait for a file. */
void two_pollers()
{
	std::optional<Epoll> second;
	Round round;

	run_race({
		.prepare =
			[&] {
				second.reset();
				round.prepare();
				second.emplace();
			},
		.first = {"EPOLL_CTL_ADD",
			  [&] { round.epoll->add(round.fd.get(), EPOLLIN | EPOLLET); }},
		.second = {"EPOLL_CTL_ADD",
			   [&] { second->add(round.fd.get(), EPOLLIN | EPOLLET); }},
		.conclude =
			[&] {
				round.file->set_ready(EPOLLIN, 1);
				for (const Epoll *epoll : {&*round.epoll, &*second})
					check_equal(epoll->events(), EPOLLIN, "events");
				check_ok(round.file->remove(), "removal");
				for (const Epoll *epoll : {&*round.epoll, &*second})
					check_equal(epoll->events(), told_of_removal(EPOLLIN),
						    "events");
			},
	});
}

} // namespace

int main(int argc, char **argv)
{
	constexpr std::chrono::seconds race_time{120};
	constexpr std::pair<const char *, void (*)()> races[] = {
		{"epoll_add", epoll_add},         {"epoll_modify", epoll_modify},
		{"epoll_delete", epoll_delete},   {"epoll_close", epoll_close},
		{"file_close", file_close},       {"poll_without_waiting", poll_without_waiting},
		{"io_uring_poll", io_uring_poll}, {"io_uring_cancel", io_uring_cancel},
		{"two_pollers", two_pollers},
	};
	std::vector<Case> cases;

	for (const auto &[name, race] : races)
		cases.push_back({name, race, race_time});
	return run_cases(argc, argv, cases);
}
