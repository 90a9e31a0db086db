// SPDX-License-Identifier: GPL-2.0
#include "race.hh"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>

#include "check.hh"
#include "harness.hh"

namespace revoke_test
{

namespace
{

/* Units of now(). */
using Ticks = std::int64_t;

/*
 * Finer than what the system's clock may be: without a good source of time, as in
 * some virtual machines, that steps with the timer interrupt.
 */
Ticks now()
{
#if defined(__x86_64__)
	return static_cast<Ticks>(__builtin_ia32_rdtsc());
#else
	return std::chrono::steady_clock::now().time_since_epoch().count();
#endif
}

/* Lets two threads go at the same moment: whoever sleeps in a futex is too late. */
class SpinBarrier
{
public:
	void arrive_and_wait()
	{
		const unsigned int generation = generation_.load();

		if (waiting_.fetch_add(1) == 1) {
			waiting_.store(0);
			generation_.store(generation + 1);
			return;
		}
		/* On a single CPU the other one needs it. */
		for (unsigned int spins = 1; generation_.load() == generation; spins++) {
			if (spins % 1024 == 0)
				std::this_thread::yield();
		}
	}

private:
	std::atomic<unsigned int> waiting_{0};
	std::atomic<unsigned int> generation_{0};
};

struct Lap {
	Ticks start;
	Ticks end;
};

/* A mean that follows, and that a preempted round does not spoil. */
class Mean
{
public:
	void add(const Lap &lap)
	{
		const auto duration = static_cast<double>(lap.end - lap.start);

		if (mean_ == 0)
			mean_ = duration;
		mean_ += (std::min(duration, outlier * mean_) - mean_) * weight;
	}
	[[nodiscard]] double get() const { return mean_; }

private:
	static constexpr double outlier = 4;
	static constexpr double weight = 1.0 / 16;
	double mean_ = 0;
};

enum class Order { first_ahead, second_ahead, overlapping };

Order order_of(const Lap &first, const Lap &second)
{
	if (first.end <= second.start)
		return Order::first_ahead;
	return second.end <= first.start ? Order::second_ahead : Order::overlapping;
}

/*
 * Chooses by how much the first side starts later than the second: at random,
 * from both sides of what makes them meet. That is not 0 when one of the threads
 * is slower to start, so it is moved away from the order that was seen last.
 */
class Sweep
{
public:
	explicit Sweep(std::uint64_t seed) : random_(seed) {}

	Ticks next()
	{
		constexpr double margin = 1.5;
		std::uniform_real_distribution<double> offset{-margin * first_.get(),
							      margin * second_.get()};

		return static_cast<Ticks>(centre_ + offset(random_));
	}
	void measured(const Lap &first, const Lap &second)
	{
		first_.add(first);
		second_.add(second);

		const double step = (first_.get() + second_.get()) / 16;
		const Order order = order_of(first, second);
		if (order == Order::first_ahead)
			centre_ += step;
		else if (order == Order::second_ahead)
			centre_ -= step;
	}
	[[nodiscard]] double first() const { return first_.get(); }
	[[nodiscard]] double second() const { return second_.get(); }

private:
	std::mt19937_64 random_;
	Mean first_;
	Mean second_;
	double centre_ = 0;
};

} // namespace

static Lap run_side(const RaceSide &side, Ticks delay, SpinBarrier &barrier)
{
	Lap lap{};

	barrier.arrive_and_wait();
	const Ticks not_before = now() + delay;
	do {
		lap.start = now();
	} while (lap.start < not_before);
	side.run();
	lap.end = now();
	return lap;
}

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
			second_lap = run_side(race.second, -offset, start);
			end.arrive_and_wait();
		}
	}};

	while (goes_on(statistics)) {
		race.prepare();
		offset = sweep.next();
		start.arrive_and_wait();
		const Lap first_lap = run_side(race.first, offset, start);
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
