/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two sides that race, again and again, with a delay between their starts that
 * is random within what makes sense: from one side being through before the
 * other starts to the opposite, as measured while the race goes on.
 */
#ifndef REVOKE_RACE_H
#define REVOKE_RACE_H

#include <functional>
#include <string>
#include <utility>

namespace revoke_test
{

struct RaceSide {
	std::string name;
	std::function<void()> run;
};

struct RaceStatistics {
	unsigned int rounds = 0;
	unsigned int first_ahead = 0;  /* the first side was through when the second started */
	unsigned int second_ahead = 0; /* the other way round */
	unsigned int overlapping = 0;
};

/* One race; prepare and conclude run before and after each round, alone. */
struct Race {
	std::function<void()> prepare;
	RaceSide first;
	RaceSide second;
	std::function<void()> conclude;
};

/*
 * Runs options().rounds rounds, more if one of the orders has hardly been seen by
 * then; prints how they went, and fails the case if it stays so: then there was no
 * race.
 */
RaceStatistics run_race(const Race &race);

/* Fails the case if an outcome that both orders should bring about was hardly seen. */
void check_seen(unsigned int count, unsigned int rounds, const std::string &what);

/* The two ways in which rounds end, and how many did. */
class Outcomes
{
public:
	Outcomes(std::string one, std::string other)
		: one_{std::move(one)}, other_{std::move(other)}
	{
	}
	void count(bool one) { (one ? one_ : other_).rounds++; }
	/* Prints them, and fails the case if one of them was hardly seen. */
	void check_both_seen() const;

private:
	struct Outcome {
		std::string name;
		unsigned int rounds = 0;
	};
	Outcome one_;
	Outcome other_;
};

} // namespace revoke_test

#endif
