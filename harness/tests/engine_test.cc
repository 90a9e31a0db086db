// SPDX-License-Identifier: GPL-2.0
/* What a run leaves behind: KTAP, result.json, and the history of what failed. */
#include "engine.hh"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/shrink.hh"
#include "slab.hh"
#include "stand_in.hh"

using namespace revoke_stress;

namespace
{

class EngineTest : public testing::Test
{
protected:
	EngineTest()
	{
		std::string name = "/tmp/revoke-stress.XXXXXX";

		folder_ = mkdtemp(name.data());
	}
	~EngineTest() override { std::filesystem::remove_all(folder_); }

	int run(Fault fault, std::chrono::milliseconds duration = std::chrono::milliseconds{400})
	{
		StandIn &source = StandIn::lasting(fault);
		Plan plan;
		const std::array supplies{Supply{&source, all_workloads_}};
		Ktap ktap{text_};

		plan.seed = 5;
		plan.duration = duration;
		plan.profile = "quick";
		plan.intensity.processes = 0;
		plan.intensity.round = std::chrono::milliseconds{100};
		plan.intensity.patience =
			std::chrono::seconds{fault == Fault::never_returns ? 1 : 60};
		plan.workloads = workloads_;
		plan.output = folder_;
		plan.kernel_objects = kernel_objects_;
		plan.unload = unload_;
		Engine engine{std::move(plan), ktap, [](std::string_view) {}};
		const int code = engine.run(supplies);

		std::ifstream result{folder_ / "result.json"};
		result_ = nlohmann::json::parse(result);
		return code;
	}

	std::filesystem::path folder_;
	bool all_workloads_ = true;
	std::vector<const Workload *> workloads_{find_workload("io"), find_workload("allocation"),
						 find_workload("locks")};
	std::function<std::optional<std::uint64_t>()> kernel_objects_;
	std::function<std::string()> unload_;
	std::ostringstream text_;
	nlohmann::json result_;
};

} // namespace

TEST_F(EngineTest, PassesWhatIsInOrder)
{
	EXPECT_EQ(run(Fault::none), exit_pass) << text_.str();
	EXPECT_NE(text_.str().find("1..4\n"), std::string::npos);
	EXPECT_NE(text_.str().find("ok 1 stand-in.io\n"), std::string::npos);
	EXPECT_NE(text_.str().find("ok 3 stand-in.locks\n"), std::string::npos);
	EXPECT_NE(text_.str().find("ok 4 kernel.leaks # SKIP"), std::string::npos);
	EXPECT_EQ(result_["ok"], true);
	EXPECT_EQ(result_["seed"], 5);
	EXPECT_GT(result_["workloads"][0]["operations"], 0);
	EXPECT_FALSE(result_["removal_latency"].empty());
	EXPECT_GT(result_["removals"]["stand-in"], 0);
	EXPECT_NE(text_.str().find(" removals of stand-in\n"), std::string::npos);
}

TEST_F(EngineTest, CountsWhatTheKernelKeeps)
{
	kernel_objects_ = [] { return 3; };
	EXPECT_EQ(run(Fault::none), exit_pass) << text_.str();
	EXPECT_NE(text_.str().find("ok 4 kernel.leaks\n"), std::string::npos) << text_.str();
}

TEST_F(EngineTest, NoticesWhatTheKernelHasLost)
{
	kernel_objects_ = [count = 3]() mutable { return count++ == 3 ? 3 : 5; };
	EXPECT_EQ(run(Fault::none), exit_fail);
	EXPECT_NE(text_.str().find("leaked: 5 objects of files that can be revoked, 3 before"),
		  std::string::npos)
		<< text_.str();
	EXPECT_EQ(result_["ok"], false);
}

/* What was not done has not leaked: that is no pass. */
TEST_F(EngineTest, SkipsTheCountOfWhatDidNotRun)
{
	kernel_objects_ = [] { return 3; };
	workloads_ = {find_workload("allocation")};
	EXPECT_EQ(run(Fault::none), exit_skip) << text_.str();
}

TEST_F(EngineTest, NoticesWhatKeepsTheModule)
{
	unload_ = [] { return "the module does not go"; };
	EXPECT_EQ(run(Fault::none), exit_fail);
	EXPECT_NE(text_.str().find("# leaked: the module does not go\nnot ok 4"), std::string::npos)
		<< text_.str();
}

TEST(Slab, ReadsWhatProcTells)
{
	std::istringstream text{"slabinfo - version: 2.1\n# name <active_objs> <num_objs>\n"
				"revoke_file_x 9 9 1\nrevoke_file 17 32 128 32 1\n"};
	std::istringstream again{text.str()};

	EXPECT_EQ(active_objects(text, "revoke_file"), 17U);
	EXPECT_FALSE(active_objects(again, "other"));
}

TEST_F(EngineTest, SavesTheHistoryOfWhatFails)
{
	/* Each ends as soon as it has found something. */
	EXPECT_EQ(run(Fault::reads_late, std::chrono::minutes{10}), exit_fail);
	EXPECT_NE(text_.str().find("# late_success: "), std::string::npos) << text_.str();
	EXPECT_NE(text_.str().find("not ok 1 stand-in.io\n"), std::string::npos) << text_.str();
	EXPECT_EQ(result_["ok"], false);
	std::ifstream file{result_["workloads"][0]["history"].get<std::string>()};
	const History history = load(file);
	ASSERT_FALSE(check(history).ok());
	/* One that was real can be shrunk, too. */
	EXPECT_LE(shrink(history).history.size(), 3U);
}

TEST_F(EngineTest, SkipsTheRestAfterAHang)
{
	EXPECT_EQ(run(Fault::never_returns), exit_fail);
	EXPECT_NE(text_.str().find("removal_hangs"), std::string::npos) << text_.str();
	EXPECT_NE(text_.str().find("ok 3 stand-in.locks # SKIP an earlier one"), std::string::npos)
		<< text_.str();
}

/* As on a machine on which no worker comes to do something before the round is over. */
TEST_F(EngineTest, GoesOnAfterARoundInWhichNothingWasDone)
{
	static std::atomic<Time> begin;
	const Workload late{.name = "late", .about = "", .next = [](const Task &task, Rng &rng) {
				    return now() - begin < 300 * millisecond ? Action{}
									     : open_some(task, rng);
			    }};

	begin = now();
	workloads_ = {&late};
	EXPECT_EQ(run(Fault::none), exit_pass) << text_.str();
}

TEST_F(EngineTest, FailsWhenNothingWasDoneAtAll)
{
	const Workload idle{
		.name = "idle", .about = "", .next = [](const Task &, Rng &) { return Action{}; }};

	workloads_ = {&idle};
	EXPECT_EQ(run(Fault::none), exit_fail);
	EXPECT_NE(text_.str().find("nothing_proved"), std::string::npos) << text_.str();
}

/* What drivers do without memory is for them to say. */
TEST_F(EngineTest, UsesDevicesWithWhatIsPlain)
{
	all_workloads_ = false;
	EXPECT_EQ(run(Fault::none), exit_pass) << text_.str();
	EXPECT_NE(text_.str().find("1..3\n"), std::string::npos) << text_.str();
	EXPECT_EQ(text_.str().find("stand-in.allocation"), std::string::npos) << text_.str();
}
