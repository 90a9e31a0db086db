// SPDX-License-Identifier: GPL-2.0
#include "result.hh"

#include <algorithm>
#include <ostream>

#include <nlohmann/json.hpp>

namespace revoke_stress
{

using Json = nlohmann::json;

namespace
{

Json to_json(const FuzzySync::Statistics &races)
{
	return {{"rounds", races.rounds},
		{"operation_ahead", races.leader_ahead},
		{"removal_ahead", races.follower_ahead},
		{"overlapping", races.overlapping}};
}

Json to_json(const WorkloadResult &one)
{
	return {{"source", one.source},         {"workload", one.workload},
		{"skipped", one.skipped},       {"rounds", one.rounds},
		{"operations", one.operations}, {"removals", one.removals},
		{"raced", one.raced},           {"seconds", one.seconds},
		{"races", to_json(one.races)},  {"violations", one.violations},
		{"history", one.history}};
}

/* Bucket i: less than 2^i ns, and not less than half of that. */
Json to_json(const RemovalLatency &latency)
{
	Json rows = Json::array();

	for (const auto &[files, histogram] : latency.by_files())
		rows.push_back({{"open_files", files},
				{"buckets", histogram.counts()},
				{"total", histogram.total()},
				{"longest_ns", histogram.longest()}});
	return rows;
}

/* Its name without the number that it has in a round. */
std::string kind_of(const ObjectRow &row)
{
	return row.name.substr(0, row.name.find_last_of("#."));
}

} // namespace

void WorkloadResult::add(const Verdict &verdict, const FuzzySync::Statistics &statistics)
{
	rounds++;
	operations += verdict.operations;
	removals += verdict.removals;
	raced += verdict.raced;
	races += statistics;
}

void RunResult::add_removals(const History &history)
{
	for (const std::vector<Record> &task : history.tasks)
		for (const Record &record : task)
			if (record.action.kind == Kind::remove && record.ok()) {
				latency.add(record.counts.opens, record.end - record.begin);
				removals[kind_of(history.objects.at(record.action.object))]++;
			}
}

bool RunResult::ok() const
{
	return std::ranges::all_of(
		workloads, [](const WorkloadResult &one) { return one.violations.empty(); });
}

void save(const RunResult &result, std::ostream &to)
{
	Json workloads = Json::array();

	for (const WorkloadResult &one : result.workloads)
		workloads.push_back(to_json(one));
	const Json json{{"seed", result.seed},         {"profile", result.profile},
			{"kernel", result.kernel},     {"ok", result.ok()},
			{"workloads", workloads},      {"removal_latency", to_json(result.latency)},
			{"removals", result.removals}, {"notes", result.notes}};
	to << json.dump(1, '\t') << '\n';
}

} // namespace revoke_stress
