/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_RNG_H
#define REVOKE_STRESS_RNG_H

#include <cstddef>
#include <cstdint>

namespace revoke_stress
{

/*
 * A generator (splitmix64) of which each task has its own, made from the seed of
 * the run: what a task does depends on the seed and on nothing that others do. Not
 * one of <random>: its distributions differ between libraries, so a seed would not
 * mean the same everywhere.
 */
class Rng
{
public:
	explicit Rng(std::uint64_t seed) : state_(seed) {}

	std::uint64_t next()
	{
		state_ += 0x9e3779b97f4a7c15;
		std::uint64_t mixed = state_;
		mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
		mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
		return mixed ^ (mixed >> 31);
	}
	/* Less than `limit`, which is not 0. */
	std::uint32_t below(std::size_t limit)
	{
		return static_cast<std::uint32_t>(next() % limit);
	}
	/* Once in so many times. */
	bool once_in(std::size_t times) { return below(times) == 0; }
	template <typename Range> const auto &pick(const Range &from)
	{
		return from[below(from.size())];
	}
	/* The seed of somebody else, that differs for each number. */
	[[nodiscard]] static std::uint64_t derive(std::uint64_t seed, std::uint64_t number)
	{
		return Rng{Rng{seed}.next() ^ (number * 0xd1342543de82ef95 + 1)}.next();
	}

private:
	std::uint64_t state_;
};

} // namespace revoke_stress

#endif
