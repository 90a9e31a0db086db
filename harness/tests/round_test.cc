// SPDX-License-Identifier: GPL-2.0
/*
 * The engine from end to end, on objects of this machine's kernel: what is in order is
 * found to be, and whatever they get wrong is noticed, for the right reason.
 */
#include "round.hh"

#include <algorithm>
#include <gtest/gtest.h>

#include "core/checker.hh"
#include "stand_in.hh"

using namespace revoke_stress;

namespace
{

constexpr std::uint64_t seed = 20;

Intensity quick()
{
	Intensity intensity;

	intensity.threads = 3;
	/* The gate of the objects is in this process. */
	intensity.processes = 0;
	intensity.round = std::chrono::milliseconds{150};
	intensity.patience = std::chrono::seconds{1};
	return intensity;
}

RoundResult run(Source &source, std::string_view workload, std::uint64_t number)
{
	return run_round(source, *find_workload(workload), quick(), seed, number,
			 [](const Live &) {});
}

/* Not every round meets the moment at which it shows. */
struct Found {
	Violation violation;
	std::string words;
};

std::optional<Found> find_fault(Fault fault, std::string_view workload)
{
	constexpr std::uint64_t rounds = 20;
	StandIn source{fault};

	for (std::uint64_t number = 0; number < rounds; number++) {
		const RoundResult result = run(source, workload, number);
		const Verdict verdict = check(result.history);

		if (!verdict.ok())
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
	constexpr std::uint64_t rounds = 3;
	StandIn source;
	std::size_t removals = 0;
	std::size_t raced = 0;

	for (std::uint64_t number = 0; number < rounds; number++) {
		const RoundResult result = run(source, GetParam(), number);
		const Verdict verdict = check(result.history);

		ASSERT_FALSE(result.stuck);
		ASSERT_TRUE(verdict.ok()) << explain(result.history, verdict.violations.front());
		removals += verdict.removals;
		raced += verdict.raced;
	}
	EXPECT_GT(removals, 10U);
	EXPECT_GT(raced, 0U);
}

INSTANTIATE_TEST_SUITE_P(Workloads, InOrder,
			 testing::Values("io", "pollers", "descriptors", "memory", "race"),
			 [](const auto &one) { return std::string{one.param}; });

TEST_P(Misbehaving, IsNoticed)
{
	const Wrong &wrong = GetParam();
	const std::optional<Found> found = find_fault(wrong.fault, wrong.workload);

	ASSERT_TRUE(found) << "nothing was found";
	EXPECT_EQ(name_of(found->violation.rule), name_of(wrong.rule)) << found->words;
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
	constexpr std::uint64_t rounds = 20;
	StandIn source{fault};

	for (std::uint64_t number = 0; number < rounds; number++)
		if (check(run(source, workload, number).history).has(rule))
			return true;
	return false;
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

/* The same seed has each task do the same, as far as it gets. */
TEST(Round, RepeatsWhatTheSeedSays)
{
	const auto operations_of = [](std::uint64_t number) {
		StandIn source;
		const RoundResult result = run(source, "locks", number);
		std::vector<Kind> kinds;

		for (const Record &record : result.history.tasks.at(1))
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
	const RoundResult first = run(source, "io", 1);
	const RoundResult second = replay(source, first.history, [](const Live &) {});
	const Verdict verdict = check(second.history);

	EXPECT_TRUE(verdict.ok()) << explain(second.history, verdict.violations.front());
	EXPECT_GT(verdict.operations, 10U);
	EXPECT_GT(verdict.removals, 0U);
}
