// SPDX-License-Identifier: GPL-2.0
/* Who may make an object, and who may say that it has gone. */
#include "world.hh"

#include <gtest/gtest.h>

#include "stand_in.hh"

using namespace revoke_stress;

namespace
{

class Makers : public testing::Test
{
protected:
	Makers() : world_(source_, frame()) {}
	/* The next generation, there for everybody. */
	Ref make()
	{
		const Ref ref = world_.begin_making(0).value();

		world_.end_making(ref, true);
		return ref;
	}

private:
	static History frame()
	{
		History history;

		history.objects.resize(1);
		history.objects.front().parent = no_parent;
		return history;
	}

	StandIn source_;

protected:
	World world_;
};

TEST_F(Makers, AreOneAtATime)
{
	ASSERT_TRUE(world_.begin_making(0));
	EXPECT_FALSE(world_.begin_making(0));
	EXPECT_FALSE(world_.present(0));
}

TEST_F(Makers, MakeNothingThatIsThere)
{
	make();
	EXPECT_TRUE(world_.present(0));
	EXPECT_FALSE(world_.begin_making(0));
}

TEST_F(Makers, GoOnToTheNextGeneration)
{
	EXPECT_EQ(make().generation, 1U);
	world_.has_gone(0, 1);
	EXPECT_FALSE(world_.present(0));
	EXPECT_EQ(make().generation, 2U);
}

TEST_F(Makers, UseTheNumberAgainOfWhatCouldNotBeMade)
{
	world_.end_making(world_.begin_making(0).value(), false);
	EXPECT_EQ(world_.latest(0).generation, 0U);
	EXPECT_EQ(make().generation, 1U);
}

/* Two removed the first; one of them says so when the second is being made already. */
TEST_F(Makers, AreNotDisturbedByALateRemover)
{
	make();
	world_.has_gone(0, 1);
	ASSERT_TRUE(world_.begin_making(0));
	world_.has_gone(0, 1);
	EXPECT_FALSE(world_.begin_making(0));
}

TEST_F(Makers, KeepWhatALateRemoverDoesNotMean)
{
	make();
	world_.has_gone(0, 1);
	make();
	world_.has_gone(0, 1);
	EXPECT_TRUE(world_.present(0));
}

} // namespace
