// SPDX-License-Identifier: GPL-2.0
#include "core/history.hh"

#include <gtest/gtest.h>

#include <sstream>

#include "story.hh"

using namespace revoke_stress;

namespace
{

std::string problem_of(const std::string &text)
{
	std::istringstream from{text};

	try {
		load(from);
	} catch (const std::runtime_error &problem) {
		return problem.what();
	}
	return "";
}

std::string saved(const History &history)
{
	std::ostringstream text;

	save(history, text);
	return text.str();
}

} // namespace

TEST(History, ComesBackAsItWas)
{
	History history = story::good();
	Record full = story::reads(20, 0, {-7, EIO, UINT64_MAX});

	history.seed = UINT64_MAX;
	history.source = "source";
	history.workload = "workload";
	history.round = 3;
	history.objects[0].reuses = true;
	full.action = {Kind::wait, 1, 2, 3, 4, 5, 6};
	full.counts = {1, 2, 3, 4, 5};
	full.flags = flag_injected;
	history.tasks.push_back({full});
	history.tasks.push_back({});
	std::istringstream from{saved(history)};
	EXPECT_EQ(load(from), history);
}

TEST(History, KnowsEveryKind)
{
	History history = story::good();

	for (std::size_t kind = 0; kind < static_cast<std::size_t>(Kind::count); kind++) {
		history.tasks[0].front().action.kind = static_cast<Kind>(kind);
		std::istringstream from{saved(history)};
		EXPECT_EQ(load(from), history) << kind;
	}
}

TEST(History, SaysWhereItIsBroken)
{
	const std::string text = saved(story::good());

	EXPECT_EQ(problem_of(""), "empty: not a history");
	EXPECT_EQ(problem_of("{}").find("line 1: "), 0U);
	EXPECT_EQ(problem_of(text + "nonsense\n").find("line 10: "), 0U) << problem_of(text + "x");
	EXPECT_NE(problem_of(text + R"({"task":9,"kind":"call","begin":1})" + "\n"), "");
	EXPECT_NE(problem_of(text + R"({"task":0,"kind":"dance","begin":1})" + "\n").find("dance"),
		  std::string::npos);
}

TEST(History, IsDescribedForPeople)
{
	const History history = story::good();

	EXPECT_EQ(describe(history, 1, history.tasks[1][2], history.tasks[1][2].begin),
		  "[+0.0 +1000.0] task 1: call pread file.1 file 1: EIO");
	EXPECT_EQ(describe(history, 0, story::record(Kind::remove, 5, 0), 5 * millisecond),
		  "[+0.0 ...] task 0: remove file.1: has not ended");
}
