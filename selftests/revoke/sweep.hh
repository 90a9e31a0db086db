/* SPDX-License-Identifier: GPL-2.0 */
/*
 * By how much one side of a race starts later than the other: random within what
 * makes sense, as measured while the race goes on.
 */
#ifndef REVOKE_SWEEP_H
#define REVOKE_SWEEP_H

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>

namespace revoke_test
{

/* Units of ticks_now(). */
using Ticks = std::int64_t;

/*
 * Finer than what the system's clock may be: without a good source of time, as in
 * some virtual machines, that steps with the timer interrupt.
 */
inline Ticks ticks_now()
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

inline Order order_of(const Lap &first, const Lap &second)
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

/* Runs one side once both have come to the barrier, and a delay later than that. */
template <typename Side> Lap run_side(Side &&side, Ticks delay, SpinBarrier &barrier)
{
	Lap lap{};

	barrier.arrive_and_wait();
	const Ticks not_before = ticks_now() + delay;
	do {
		lap.start = ticks_now();
	} while (lap.start < not_before);
	side();
	lap.end = ticks_now();
	return lap;
}

} // namespace revoke_test

#endif
