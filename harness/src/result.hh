/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_RESULT_H
#define REVOKE_STRESS_RESULT_H

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "core/checker.hh"
#include "core/fuzzy_sync.hh"
#include "core/histogram.hh"
#include "core/history.hh"

namespace revoke_stress
{

/* What became of one workload on the objects of one source. */
struct WorkloadResult {
	std::string source;
	std::string workload;
	std::string skipped; /* why; empty if it ran */
	std::uint64_t rounds = 0;
	std::uint64_t operations = 0;
	std::uint64_t removals = 0;
	std::uint64_t raced = 0;
	double seconds = 0;
	FuzzySync::Statistics races;
	std::vector<std::string> violations; /* for people; the first one of a round */
	std::string history;                 /* file of the round that had them */

	void add(const Verdict &verdict, const FuzzySync::Statistics &statistics);
};

struct RunResult {
	std::uint64_t seed = 0;
	std::string profile;
	std::string kernel;
	std::vector<WorkloadResult> workloads;
	RemovalLatency latency;
	std::map<std::string, std::uint64_t> removals; /* by kind of object */
	std::vector<std::string> notes;

	void add_removals(const History &history);
	[[nodiscard]] bool ok() const;
};

/* result.json */
void save(const RunResult &result, std::ostream &to);

} // namespace revoke_stress

#endif
