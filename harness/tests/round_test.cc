// SPDX-License-Identifier: GPL-2.0
/*
 * The engine from end to end, on objects of this machine's kernel: what is in order is
 * found to be, and whatever they get wrong is noticed, for the right reason.
 */
#include "round.hh"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/checker.hh"
#include "stand_in.hh"

using namespace revoke_stress;

namespace
{

constexpr std::uint64_t seed = 20;

/* What is seen depends on how the tasks meet; on a busy machine that takes its time. */
constexpr Time long_enough = 120 * second;

Intensity quick(std::chrono::seconds patience)
{
	Intensity intensity;

	intensity.threads = 3;
	/* The gate of the objects is in this process. */
	intensity.processes = 0;
	intensity.round = std::chrono::milliseconds{150};
	intensity.patience = patience;
	return intensity;
}

RoundResult run(Source &source, std::string_view workload, std::uint64_t number,
		std::chrono::seconds patience = std::chrono::seconds{60})
{
	return run_round(source, *find_workload(workload), quick(patience), seed, number,
			 [](const Live &) {});
}

/* Nothing done, or nothing removed: on a busy machine that is no fault of a round. */
bool proves_nothing(const Verdict &verdict)
{
	return !verdict.ok() && verdict.violations.front().rule == Rule::nothing_proved;
}

struct Found {
	Violation violation;
	std::string words;
};

/* Not every round meets the moment at which it shows: what the first says that does. */
template <typename Wanted>
std::optional<Found> find_fault(Fault fault, std::string_view workload, Wanted &&wanted)
{
	StandIn &source = StandIn::lasting(fault);
	const Time deadline = now() + long_enough;

	for (std::uint64_t number = 0; now() < deadline; number++) {
		const RoundResult result = run(source, workload, number, std::chrono::seconds{1});
		const Verdict verdict = check(result.history);

		if (!verdict.ok() && wanted(verdict))
			return Found{verdict.violations.front(),
				     explain(result.history, verdict.violations.front())};
	}
	return std::nullopt;
}

struct Wrong {
	const char *name;
	Fault fault;
	Rule rule;
	const char *workload;
};

class Misbehaving : public testing::TestWithParam<Wrong>
{
};

class InOrder : public testing::TestWithParam<const char *>
{
};

} // namespace

TEST_P(InOrder, IsAccepted)
{
	const Time deadline = now() + long_enough;
	StandIn source;
	std::size_t removals = 0;
	std::size_t raced = 0;

	for (std::uint64_t number = 0;
	     number < 3 || ((removals < 10 || !raced) && now() < deadline); number++) {
		const RoundResult result = run(source, GetParam(), number);
		const Verdict verdict = check(result.history);

		ASSERT_FALSE(result.stuck);
		ASSERT_TRUE(verdict.ok() || proves_nothing(verdict))
			<< explain(result.history, verdict.violations.front());
		removals += verdict.removals;
		raced += verdict.raced;
	}
	EXPECT_GE(removals, 10U);
	EXPECT_GT(raced, 0U);
}

INSTANTIATE_TEST_SUITE_P(Workloads, InOrder,
			 testing::Values("io", "pollers", "descriptors", "memory", "subtree",
					 "race"),
			 [](const auto &one) { return std::string{one.param}; });

TEST_P(Misbehaving, IsNoticed)
{
	const Wrong &wrong = GetParam();
	/* What follows from it may come first, when it took a while itself. */
	EXPECT_TRUE(find_fault(wrong.fault, wrong.workload, [&](const Verdict &verdict) {
		return verdict.has(wrong.rule);
	})) << "nothing was found";
}

INSTANTIATE_TEST_SUITE_P(
	Faults, Misbehaving,
	testing::Values(
		Wrong{"reads_late", Fault::reads_late, Rule::late_success, "io"},
		Wrong{"reads_late_in_races", Fault::reads_late, Rule::late_success, "race"},
		Wrong{"opens_late", Fault::opens_late, Rule::late_success, "io"},
		Wrong{"enters_late", Fault::enters_late, Rule::late_method, "io"},
		Wrong{"overtakes", Fault::overtakes, Rule::overtaken, "io"},
		Wrong{"overtakes_in_races", Fault::overtakes, Rule::overtaken, "race"},
		Wrong{"keeps_mappings", Fault::keeps_mappings, Rule::late_mapping, "memory"},
		Wrong{"never_returns", Fault::never_returns, Rule::removal_hangs, "io"},
		Wrong{"forgets_release", Fault::forgets_release, Rule::missing_release, "io"},
		Wrong{"releases_twice", Fault::releases_twice, Rule::second_release, "io"},
		Wrong{"counts_opens_twice", Fault::counts_opens_twice, Rule::unknown_open, "io"},
		Wrong{"removes_twice", Fault::removes_twice, Rule::removed_twice, "io"},
		Wrong{"mixes_up_errnos", Fault::mixes_up_errnos, Rule::wrong_result, "io"},
		Wrong{"mixes_up_objects", Fault::mixes_up_objects, Rule::wrong_object, "io"},
		Wrong{"complains", Fault::complains, Rule::module_fault, "io"},
		Wrong{"leaks", Fault::leaks, Rule::leak, "io"}),
	[](const auto &one) { return std::string{one.param.name}; });

/* These show in more than one way, of which it depends on the moment which one is the first. */
static bool is_noticed_as(Rule rule, Fault fault, std::string_view workload)
{
	return find_fault(fault, workload,
			  [rule](const Verdict &verdict) { return verdict.has(rule); })
		.has_value();
}

TEST(Misbehaving, WhoForgetsThoseInsideIsNoticed)
{
	EXPECT_TRUE(is_noticed_as(Rule::left_hanging, Fault::forgets_blocked, "io"));
}

TEST(Misbehaving, WhoForgetsWaitersIsNoticed)
{
	EXPECT_TRUE(is_noticed_as(Rule::lost_wakeup, Fault::forgets_waiters, "pollers"));
	EXPECT_TRUE(is_noticed_as(Rule::lost_wakeup, Fault::forgets_waiters, "race"));
}

/*
 * The same seed has each task do the same, as far as it gets. If objects come and go meanwhile,
 * that is not much: what to do next depends on what could be opened.
 */
TEST(Round, RepeatsWhatTheSeedSays)
{
	const auto operations_of = [](std::uint64_t number) {
		StandIn source;
		Intensity calm = quick(std::chrono::seconds{60});

		calm.nemeses = false;
		const RoundResult result = run_round(source, *find_workload("locks"), calm, seed,
						     number, [](const Live &) {});
		std::vector<Kind> kinds;

		for (const Record &record : result.history.tasks.at(first_worker))
			if (record.action.kind != Kind::close)
				kinds.push_back(record.action.kind);
		return kinds;
	};
	const auto same_as_far = [](const std::vector<Kind> &one, const std::vector<Kind> &other) {
		const auto length = static_cast<std::ptrdiff_t>(std::min(one.size(), other.size()));

		return std::equal(one.begin(), one.begin() + length, other.begin());
	};
	const std::vector<Kind> first = operations_of(1);

	EXPECT_TRUE(same_as_far(first, operations_of(1)));
	EXPECT_FALSE(same_as_far(first, operations_of(2)) && same_as_far(first, operations_of(3)) &&
		     same_as_far(first, operations_of(4)));
}

TEST(Round, CanBeReplayed)
{
	StandIn source;
	const Time deadline = now() + long_enough;
	RoundResult first;

	do
		first = run(source, "io", 1);
	while (!check(first.history).operations && now() < deadline);
	/* As many tasks as there can be. */
	first.history.tasks.resize(20);
	const RoundResult second = replay(source, first.history, [](const Live &) {});
	const Verdict verdict = check(second.history);

	EXPECT_TRUE(verdict.ok()) << explain(second.history, verdict.violations.front());
	EXPECT_GT(verdict.operations, 0U);
	/* Each has its number again, so that who is disturbed is who was. */
	for (std::size_t task = 1; task < first.history.tasks.size(); task++)
		EXPECT_TRUE(second.history.tasks[task].empty() ||
			    !first.history.tasks[task].empty())
			<< task;
}

/* Those of the object that goes, and of none that was there before it. */
TEST(Round, CountsTheFilesThatAreOpenAtRemoval)
{
	StandIn source;
	const History history = run(source, "locks", 1).history;
	std::map<std::pair<std::uint16_t, std::uint32_t>, std::uint32_t> opened;

	for (const std::vector<Record> &task : history.tasks)
		for (const Record &record : task)
			if (record.ok() && record.action.kind == Kind::open)
				opened[{record.action.object, record.generation}]++;
	for (const std::vector<Record> &task : history.tasks)
		for (const Record &record : task) {
			if (record.action.kind != Kind::remove)
				continue;
			EXPECT_LE(record.counts.opens,
				  (opened[{record.action.object, record.generation}]));
		}
}
