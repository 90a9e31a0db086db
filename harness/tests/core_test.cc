// SPDX-License-Identifier: GPL-2.0
/* The small parts of the core. */
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <thread>

#include "core/fuzzy_sync.hh"
#include "core/histogram.hh"
#include "core/ktap.hh"
#include "core/rng.hh"

using namespace revoke_stress;

TEST(Rng, RepeatsItself)
{
	Rng one{7};
	Rng other{7};

	for (int i = 0; i < 100; i++)
		EXPECT_EQ(one.next(), other.next());
}

/* So that a seed means the same on every machine. */
TEST(Rng, IsWhatItWas) { EXPECT_EQ(Rng{0}.next(), 0xe220a8397b1dcdafU); }

TEST(Rng, GivesEachTaskItsOwn)
{
	std::set<std::uint64_t> seen;

	for (std::uint64_t seed = 0; seed < 100; seed++)
		for (std::uint64_t number = 0; number < 100; number++)
			seen.insert(Rng::derive(seed, number));
	EXPECT_EQ(seen.size(), 10'000U);
}

TEST(Histogram, CountsByPowersOfTwo)
{
	Histogram histogram;

	for (const Time duration : {0, 1, 2, 3, 4, 1000})
		histogram.add(duration);
	histogram.add(UINT64_MAX);
	EXPECT_EQ(histogram.counts()[0], 1U);
	EXPECT_EQ(histogram.counts()[1], 1U);
	EXPECT_EQ(histogram.counts()[2], 2U);
	EXPECT_EQ(histogram.counts()[3], 1U);
	EXPECT_EQ(histogram.counts()[10], 1U);
	EXPECT_EQ(histogram.counts().back(), 1U);
	EXPECT_EQ(histogram.total(), 7U);
}

TEST(Histogram, KeepsApartHowManyFilesWereOpen)
{
	RemovalLatency latency;

	for (const std::uint32_t files : {0, 1, 2, 3, 100})
		latency.add(files, 5);
	ASSERT_EQ(latency.by_files().size(), 4U);
	EXPECT_EQ(latency.by_files().at(2).total(), 2U);
	EXPECT_EQ(latency.by_files().at(64).total(), 1U);
}

TEST(Ktap, SaysWhatHappened)
{
	std::ostringstream text;
	Ktap ktap{text};

	ktap.plan(3);
	ktap.note("two\nlines");
	ktap.pass("one");
	ktap.skip("other", "not here");
	ktap.fail("third");
	EXPECT_EQ(ktap.finish(), exit_fail);
	EXPECT_EQ(text.str(), "TAP version 13\n1..3\n# two\n# lines\nok 1 one\n"
			      "ok 2 other # SKIP not here\nnot ok 3 third\n"
			      "# Totals: pass:1 fail:1 xfail:0 xpass:0 skip:1 error:0\n");
}

TEST(Ktap, TakesNothingForAPass)
{
	std::ostringstream text;
	Ktap none{text};
	Ktap few{text};
	Ktap skipped{text};
	Ktap good{text};

	none.plan(0);
	EXPECT_EQ(none.finish(), exit_fail);
	few.plan(2);
	few.pass("one");
	EXPECT_EQ(few.finish(), exit_fail);
	skipped.plan(1);
	skipped.skip("one", "why");
	EXPECT_EQ(skipped.finish(), exit_skip);
	good.plan(2);
	good.pass("one");
	good.skip("two", "why");
	EXPECT_EQ(good.finish(), exit_pass);
}

/* Both sides are seen to come first, and to meet, though one takes far longer. */
TEST(FuzzySync, SweepsTheWindow)
{
	constexpr std::uint32_t at_least = 3;
	/* On a machine that is busy with something else the two seldom run at the same time. */
	const Time deadline = now() + 300 * second;
	FuzzySync sync{3};
	const auto spin = [](int steps) {
		for (int i = 0; i < steps; i++)
			asm volatile("");
	};
	if (std::thread::hardware_concurrency() < 2)
		GTEST_SKIP() << "a race needs two CPUs";
	std::thread follower{[&] { sync.follow([&] { spin(40'000); }); }};

	const FuzzySync::Statistics &seen = sync.statistics();
	while (now() < deadline &&
	       std::min({seen.leader_ahead, seen.follower_ahead, seen.overlapping}) < at_least)
		sync.lead([&] { spin(4000); });
	sync.finish();
	follower.join();
	EXPECT_EQ(seen.leader_ahead + seen.follower_ahead + seen.overlapping, seen.rounds);
	EXPECT_GE(seen.leader_ahead, at_least);
	EXPECT_GE(seen.follower_ahead, at_least);
	EXPECT_GE(seen.overlapping, at_least);
}
