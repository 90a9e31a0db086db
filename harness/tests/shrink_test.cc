// SPDX-License-Identifier: GPL-2.0
#include "core/shrink.hh"

#include <gtest/gtest.h>

#include "story.hh"

using namespace revoke_stress;
using namespace revoke_stress::story;

namespace
{

/* A history of many operations, of which one should have failed. */
History with_needle()
{
	History history = good();
	std::vector<Record> hay;

	for (Time i = 0; i < 200; i++)
		hay.push_back(reads(gone + 10 + 2 * i, gone + 11 + 2 * i, {-1, EIO, 0}));
	hay[137].outcome = {5, 0, 0};
	history.tasks.push_back(hay);
	history.tasks.push_back(hay);
	history.tasks[3][137].outcome = {-1, EIO, 0};
	return history;
}

} // namespace

TEST(Shrink, KeepsTheCulpritAndTheRemoval)
{
	const History history = with_needle();
	const Shrunk shrunk = shrink(history);
	const Verdict verdict = check(shrunk.history);

	ASSERT_FALSE(verdict.ok());
	EXPECT_EQ(verdict.violations.front().rule, Rule::late_success);
	EXPECT_EQ(shrunk.history.size(), 2U);
	ASSERT_EQ(shrunk.history.tasks[0].size(), 1U);
	EXPECT_EQ(shrunk.history.tasks[0][0].action.kind, Kind::remove);
	ASSERT_EQ(shrunk.history.tasks[2].size(), 1U);
	EXPECT_EQ(shrunk.history.tasks[2][0], history.tasks[2][137]);
	EXPECT_LT(shrunk.checks, 200U);
}

/* What makes a read of another object a fault is that the object was made. */
TEST(Shrink, KeepsWhatMakesItAFault)
{
	const Shrunk shrunk =
		shrink(good_and({on_file(Kind::identify, 20, 21, {0, 0, identity + 1})}));

	EXPECT_EQ(shrunk.history.size(), 2U);
	EXPECT_EQ(shrunk.history.tasks[0].front().action.kind, Kind::create);
}

/* Without the open, the counters were wrong as well, but for another reason. */
TEST(Shrink, DoesNotTurnOneFaultIntoAnother)
{
	History history = good();
	history.tasks[0][2].counts.releases = 0;
	const Shrunk shrunk = shrink(history);

	EXPECT_EQ(check(shrunk.history).violations.front().rule, Rule::missing_release);
	EXPECT_EQ(shrunk.history.size(), 2U);
}

TEST(Shrink, LeavesWhatIsInOrder) { EXPECT_EQ(shrink(good()).history, good()); }
