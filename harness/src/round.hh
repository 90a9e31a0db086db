/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_ROUND_H
#define REVOKE_STRESS_ROUND_H

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "core/fuzzy_sync.hh"
#include "core/history.hh"
#include "source.hh"
#include "workload.hh"

namespace revoke_stress
{

/* How hard it is going to be. */
struct Intensity {
	unsigned int threads = 4;
	unsigned int processes = 2;
	bool nemeses = true;
	std::chrono::milliseconds round{400};
	std::chrono::seconds patience{15};
	std::uint32_t operations = 0; /* of each worker in a round; 0: as many as it can */
};

/* What goes on, while it does. */
struct Live {
	std::size_t in_flight = 0;
};

struct RoundResult {
	History history;
	FuzzySync::Statistics races;
	/* Some tasks have not ended, and cannot be made to: the program has to. */
	bool stuck = false;
	std::string problem; /* a worker ended that should not have */
};

/* Tasks of a history: who makes the objects and removes them in the end, who counts then; workers.
 */
constexpr std::size_t finishing_task = 0;
constexpr std::size_t counting_task = 1;
constexpr std::size_t first_worker = 2;

using Watch = std::function<void(const Live &)>;

/*
 * Objects are made, used, removed, and counted, by tasks that record what they do.
 * Begins and ends with nothing there, so that each history stands for itself.
 */
RoundResult run_round(Source &source, const Workload &workload, const Intensity &intensity,
		      std::uint64_t seed, std::uint64_t number, const Watch &watch);

/* The operations of a history once more, each task in its order. */
RoundResult replay(Source &source, const History &history, const Watch &watch);

} // namespace revoke_stress

#endif
