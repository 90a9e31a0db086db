// SPDX-License-Identifier: GPL-2.0
#include "engine.hh"

#include <sys/utsname.h>

#include <array>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "core/rng.hh"
#include "fail_nth.hh"

namespace revoke_stress
{

std::span<const Profile> all_profiles()
{
	using namespace std::chrono_literals;
	static const std::array<Profile, 4> profiles{{
		{"quick", "some threads and processes, everything that disturbs them", {}},
		{"calm",
		 "nobody disturbs: what is left are the workers and removal at the end",
		 {.threads = 4, .processes = 2, .nemeses = false, .round = 200ms}},
		{"crowd",
		 "as many as there is room for",
		 {.threads = 8, .processes = 6, .nemeses = true, .round = 600ms}},
		{"patient",
		 "for kernels that are slow by their detectors",
		 {.threads = 3,
		  .processes = 1,
		  .nemeses = true,
		  .round = 2000ms,
		  .patience = 120s}},
	}};

	return profiles;
}

namespace
{

std::string kernel_release()
{
	utsname names{};

	return uname(&names) == 0 ? names.release : "";
}

/* Each has a line of its own in the KTAP. */
std::string test_name(const WorkloadResult &one)
{
	return fmt::format("{}.{}", one.source, one.workload);
}

/* Each order was seen; else nothing is proved either way. */
bool has_raced(const WorkloadResult &one)
{
	return one.races.leader_ahead && one.races.follower_ahead && one.races.overlapping;
}

} // namespace

std::string save_history(const History &history, const std::filesystem::path &folder)
{
	const std::filesystem::path path =
		folder / fmt::format("history-{}-{}-{}.jsonl", history.source, history.workload,
				     history.round);
	std::ofstream file{path};

	save(history, file);
	if (!file)
		throw std::runtime_error{fmt::format("cannot write {}", path.string())};
	return path.string();
}

Engine::Engine(Plan plan, Ktap &ktap, Show show)
	: plan_(std::move(plan)), ktap_(ktap), show_(std::move(show))
{
	result_.seed = plan_.seed;
	result_.profile = plan_.profile;
	result_.kernel = kernel_release();
}

int Engine::run(std::span<const Supply> supplies)
{
	std::vector<std::pair<Source *, const Workload *>> pairs;

	for (const Supply &supply : supplies)
		for (const Workload *workload : plan_.workloads)
			if (supply.all_workloads || workload->wish == Wish::anything)
				pairs.emplace_back(supply.source, workload);
	ktap_.plan(pairs.size());
	ktap_.note(fmt::format("repeat with --seed {} --profile {}", plan_.seed, plan_.profile));
	if (!FailNth{}.available())
		result_.notes.emplace_back("no fail-nth on this kernel: allocations do not fail");
	for (const std::string &note : result_.notes)
		ktap_.note(note);
	for (const auto &[source, workload] : pairs)
		run_one(*source, *workload,
			plan_.duration / static_cast<std::int64_t>(pairs.size()));
	save_result();
	return ktap_.finish();
}

std::string Engine::reason_to_skip(const Source &source, const Workload &workload) const
{
	if (stuck_)
		return "an earlier one has left tasks that do not end";
	if (workload.races && std::thread::hardware_concurrency() < 2)
		return "a race needs two CPUs";
	if (workload.fails_allocations && !FailNth{}.available())
		return "no fail-nth on this kernel";
	return source.problem();
}

void Engine::run_one(Source &source, const Workload &workload, std::chrono::milliseconds time)
{
	WorkloadResult one;
	Intensity intensity = plan_.intensity;
	const Time start = now();
	const Time until = start + static_cast<Time>(time.count()) * millisecond;

	/* A machine that is busy with something else rarely runs both sides at the same time. */
	const Time latest = start + 10 * (until - start);

	one.source = source.name();
	one.workload = workload.name;
	one.skipped = reason_to_skip(source, workload);
	intensity.round = std::min(intensity.round, time);
	const auto goes_on = [&] {
		if (!one.skipped.empty() || !one.violations.empty() || stuck_)
			return false;
		if (!one.rounds || (workload.races && !has_raced(one) && now() < latest))
			return true;
		return now() < until && (!plan_.operations || one.operations < plan_.operations);
	};
	while (goes_on()) {
		const RoundResult round =
			run_round(source, workload, intensity, plan_.seed, one.rounds,
				  [&](const Live &live) { show(one, live); });
		const Verdict verdict = check(round.history);

		one.add(verdict, round.races);
		one.seconds = static_cast<double>(now() - start) / second;
		result_.add_removals(round.history);
		stuck_ = round.stuck;
		if (!verdict.ok())
			fail(one, round.history, verdict.violations.front());
		else if (!round.problem.empty())
			one.violations.push_back(round.problem);
		else if (round.stuck)
			fail(one, round.history,
			     {Rule::left_hanging, "tasks do not end", std::nullopt, now()});
	}
	if (workload.races && one.rounds && one.violations.empty() && !has_raced(one))
		one.violations.push_back("nothing_proved: the two never met, so there was no race");
	report(one);
	result_.workloads.push_back(std::move(one));
}

void Engine::fail(WorkloadResult &one, const History &history, const Violation &violation)
{
	one.violations.push_back(explain(history, violation));
	one.history = save_history(history, plan_.output);
}

void Engine::report(const WorkloadResult &one)
{
	const std::string name = test_name(one);

	show_("");
	if (!one.skipped.empty()) {
		ktap_.skip(name, one.skipped);
		return;
	}
	ktap_.note(fmt::format("{}: {} operations, {} removals, {} raced, {} rounds, {:.1f} s",
			       name, one.operations, one.removals, one.raced, one.rounds,
			       one.seconds));
	if (one.races.rounds)
		ktap_.note(fmt::format("{}: operation ahead in {}, removal ahead in {}, "
				       "overlapping in {}",
				       name, one.races.leader_ahead, one.races.follower_ahead,
				       one.races.overlapping));
	if (one.violations.empty()) {
		ktap_.pass(name);
		return;
	}
	for (const std::string &violation : one.violations)
		ktap_.note(violation);
	if (!one.history.empty())
		ktap_.note(fmt::format("the history is {}", one.history));
	ktap_.fail(name);
}

void Engine::show(const WorkloadResult &one, const Live &live)
{
	const Time time = now();

	if (time - last_shown_ < 200 * millisecond)
		return;
	last_shown_ = time;
	const double seconds = one.seconds > 0 ? one.seconds : 1;
	show_(fmt::format("{}: round {}, {:.0f} operations/s, {:.0f} removals/s, {} in flight, "
			  "{} violations",
			  test_name(one), one.rounds, static_cast<double>(one.operations) / seconds,
			  static_cast<double>(one.removals) / seconds, live.in_flight,
			  one.violations.size()));
}

void Engine::save_result()
{
	const std::filesystem::path path = plan_.output / "result.json";
	std::ofstream file{path};

	save(result_, file);
	if (!file)
		throw std::runtime_error{fmt::format("cannot write {}", path.string())};
}

} // namespace revoke_stress
