// SPDX-License-Identifier: GPL-2.0
#include "race.hh"

#include <algorithm>
#include <thread>

#include "check.hh"
#include "harness.hh"
#include "sweep.hh"

namespace revoke_test
{

static void count(Order order, RaceStatistics &statistics)
{
	statistics.rounds++;
	switch (order) {
	case Order::first_ahead:
		statistics.first_ahead++;
		break;
	case Order::second_ahead:
		statistics.second_ahead++;
		break;
	case Order::overlapping:
		statistics.overlapping++;
		break;
	}
}

/* Of 1,000 rounds some hundreds are usual. A run of a few proves nothing either way. */
static unsigned int at_least_of(unsigned int rounds) { return rounds / 100; }

void check_seen(unsigned int count, unsigned int rounds, const std::string &what)
{
	const unsigned int at_least = at_least_of(rounds);

	check(count >= at_least, "{}: seen in {} of {} rounds, expected at least {}", what, count,
	      rounds, at_least);
}

void Outcomes::check_both_seen() const
{
	note("{} in {} rounds, {} in {}", one_.name, one_.rounds, other_.name, other_.rounds);
	check_seen(one_.rounds, options().rounds, one_.name);
	check_seen(other_.rounds, options().rounds, other_.name);
}

/* A machine that is busy with something else rarely runs both sides at the same time. */
static bool goes_on(const RaceStatistics &statistics)
{
	constexpr unsigned int most = 10;
	const unsigned int rounds = options().rounds;
	const unsigned int rarest =
		std::min({statistics.first_ahead, statistics.second_ahead, statistics.overlapping});

	return statistics.rounds < rounds ||
	       (rarest < at_least_of(rounds) && statistics.rounds < most * rounds);
}

RaceStatistics run_race(const Race &race)
{
	if (std::thread::hardware_concurrency() < 2)
		skip("a race needs two CPUs");

	const unsigned int rounds = options().rounds;
	RaceStatistics statistics;
	Sweep sweep{options().seed};
	SpinBarrier start;
	SpinBarrier end;
	Ticks offset = 0;
	bool over = false;
	Lap second_lap{};

	std::jthread second{[&] {
		for (;;) {
			/* What the main thread chooses, it does before it comes to the barrier. */
			start.arrive_and_wait();
			if (over)
				return;
			second_lap = run_side(race.second.run, -offset, start);
			end.arrive_and_wait();
		}
	}};

	while (goes_on(statistics)) {
		race.prepare();
		offset = sweep.next();
		start.arrive_and_wait();
		const Lap first_lap = run_side(race.first.run, offset, start);
		end.arrive_and_wait();
		sweep.measured(first_lap, second_lap);
		count(order_of(first_lap, second_lap), statistics);
		race.conclude();
	}
	over = true;
	start.arrive_and_wait();
	second.join();

	note("race: {} rounds: {} ahead in {}, {} ahead in {}, overlapping in {}; "
	     "{} takes {:.0f} ticks, {} takes {:.0f} ticks",
	     statistics.rounds, race.first.name, statistics.first_ahead, race.second.name,
	     statistics.second_ahead, statistics.overlapping, race.first.name, sweep.first(),
	     race.second.name, sweep.second());
	check_seen(statistics.first_ahead, rounds, race.first.name + " ahead");
	check_seen(statistics.second_ahead, rounds, race.second.name + " ahead");
	check_seen(statistics.overlapping, rounds, "overlap");
	return statistics;
}

} // namespace revoke_test
