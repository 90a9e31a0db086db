// SPDX-License-Identifier: GPL-2.0
/* What a run leaves behind: KTAP, result.json, and the history of what failed. */
#include "engine.hh"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/shrink.hh"
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

	int run(Fault fault)
	{
		StandIn source{fault};
		Plan plan;
		const std::array supplies{Supply{&source, true}};
		Ktap ktap{text_};

		plan.seed = 5;
		plan.duration = std::chrono::milliseconds{400};
		plan.profile = "quick";
		plan.intensity.processes = 0;
		plan.intensity.round = std::chrono::milliseconds{100};
		plan.intensity.patience = std::chrono::seconds{1};
		plan.workloads = {find_workload("io"), find_workload("allocation"),
				  find_workload("locks")};
		plan.output = folder_;
		Engine engine{std::move(plan), ktap, [](std::string_view) {}};
		const int code = engine.run(supplies);

		std::ifstream result{folder_ / "result.json"};
		result_ = nlohmann::json::parse(result);
		return code;
	}

	std::filesystem::path folder_;
	std::ostringstream text_;
	nlohmann::json result_;
};

} // namespace

TEST_F(EngineTest, PassesWhatIsInOrder)
{
	EXPECT_EQ(run(Fault::none), exit_pass) << text_.str();
	EXPECT_NE(text_.str().find("1..3\n"), std::string::npos);
	EXPECT_NE(text_.str().find("ok 1 stand-in.io\n"), std::string::npos);
	EXPECT_NE(text_.str().find("ok 3 stand-in.locks\n"), std::string::npos);
	EXPECT_EQ(result_["ok"], true);
	EXPECT_EQ(result_["seed"], 5);
	EXPECT_GT(result_["workloads"][0]["operations"], 100);
	EXPECT_FALSE(result_["removal_latency"].empty());
}

TEST_F(EngineTest, SavesTheHistoryOfWhatFails)
{
	EXPECT_EQ(run(Fault::reads_late), exit_fail);
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
