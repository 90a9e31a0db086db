/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_RACES_H
#define REVOKE_STRESS_RACES_H

#include "core/fuzzy_sync.hh"
#include "core/rng.hh"
#include "world.hh"

namespace revoke_stress
{

/*
 * One operation on an object meets its removal, or what waiters are to be told of, with
 * the delay between them swept: round after round, each with an object and a file of
 * its own.
 */
class Races
{
public:
	Races(World &world, std::uint64_t seed, Time until);

	/* By two threads; they return when the time is over. */
	void lead(std::size_t task);
	void follow(std::size_t task);

	/* When both have returned. */
	[[nodiscard]] FuzzySync::Statistics statistics() const { return statistics_; }

private:
	World &world_;
	Rng rng_;
	std::uint64_t seed_;
	Time until_;
	FuzzySync::Statistics statistics_;
	/* What the two agree on; changes between rounds only. */
	FuzzySync *sync_ = nullptr;
	revoke_test::SpinBarrier chosen_;
	std::uint16_t object_ = 0;
	Action against_;
};

} // namespace revoke_stress

#endif
