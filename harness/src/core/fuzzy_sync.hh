/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_FUZZY_SYNC_H
#define REVOKE_STRESS_FUZZY_SYNC_H

#include <atomic>
#include <cstdint>

#include <sweep.hh>

namespace revoke_stress
{

/*
 * Lets an operation and a removal start with a delay that sweeps the window in which
 * they can meet, as it was measured in the rounds before; how often each came first
 * tells whether there was a race at all.
 *
 * One task leads: it prepares each round, and says when there are no more. The other
 * one follows.
 */
class FuzzySync
{
public:
	struct Statistics {
		std::uint32_t rounds = 0;
		std::uint32_t leader_ahead = 0;
		std::uint32_t follower_ahead = 0;
		std::uint32_t overlapping = 0;

		void operator+=(const Statistics &other)
		{
			rounds += other.rounds;
			leader_ahead += other.leader_ahead;
			follower_ahead += other.follower_ahead;
			overlapping += other.overlapping;
		}
	};

	explicit FuzzySync(std::uint64_t seed) : sweep_(seed) {}

	/* By the leader: one round. What is prepared before, the follower sees. */
	template <typename Side> void lead(Side &&side)
	{
		offset_ = sweep_.next();
		start_.arrive_and_wait();
		const revoke_test::Lap lap = run_side(side, offset_, start_);
		end_.arrive_and_wait();
		sweep_.measured(lap, follower_lap_);
		count(order_of(lap, follower_lap_));
	}
	void finish()
	{
		over_ = true;
		start_.arrive_and_wait();
	}
	/* By the follower: rounds, until there are no more. */
	template <typename Side> void follow(Side &&side)
	{
		for (;;) {
			/* What the leader chooses, it does before it comes to the barrier. */
			start_.arrive_and_wait();
			if (over_)
				return;
			follower_lap_ = run_side(side, -offset_, start_);
			end_.arrive_and_wait();
		}
	}

	[[nodiscard]] const Statistics &statistics() const { return statistics_; }

private:
	void count(revoke_test::Order order)
	{
		statistics_.rounds++;
		switch (order) {
		case revoke_test::Order::first_ahead:
			statistics_.leader_ahead++;
			break;
		case revoke_test::Order::second_ahead:
			statistics_.follower_ahead++;
			break;
		case revoke_test::Order::overlapping:
			statistics_.overlapping++;
			break;
		}
	}

	revoke_test::Sweep sweep_;
	revoke_test::SpinBarrier start_;
	revoke_test::SpinBarrier end_;
	/* Written by one side, and read by the other one after a barrier. */
	revoke_test::Ticks offset_ = 0;
	revoke_test::Lap follower_lap_{};
	bool over_ = false;
	Statistics statistics_;
};

} // namespace revoke_stress

#endif
