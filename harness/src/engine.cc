// SPDX-License-Identifier: GPL-2.0
#include "engine.hh"

#include <sys/utsname.h>

#include <algorithm>
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

/*
 * Makes sense on any object. What drivers answer when they get no memory, what they need
 * to be removed, and how fast that is, is not for this program to say.
 */
bool is_plain(const Workload &workload)
{
	return workload.wish == Wish::anything && !workload.fails_allocations &&
	       !workload.undisturbed;
}

/* Something was used while it was removed; of races each order was seen. */
bool proves_something(const WorkloadResult &one, const Workload &workload)
{
	const bool raced =
		one.races.leader_ahead && one.races.follower_ahead && one.races.overlapping;

	return workload.races ? raced : one.raced != 0;
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
	result_.notes = plan_.notes;
	result_.kernel = kernel_release();
}

int Engine::run(std::span<const Supply> supplies)
{
	std::vector<std::pair<Source *, const Workload *>> pairs;

	for (const Supply &supply : supplies)
		for (const Workload *workload : plan_.workloads)
			if (supply.all_workloads || is_plain(*workload))
				pairs.emplace_back(supply.source, workload);
	const std::optional<std::uint64_t> objects = count_kernel_objects();

	ktap_.plan(pairs.size() + 1);
	ktap_.note(fmt::format("repeat with --seed {} --profile {}", plan_.seed, plan_.profile));
	if (!FailNth{}.available())
		result_.notes.emplace_back("no fail-nth on this kernel: allocations do not fail");
	else if (!FailNth::include_patient_ones())
		result_.notes.emplace_back("no failslab in debugfs: few allocations fail");
	for (const std::string &note : result_.notes)
		ktap_.note(note);
	for (const auto &[source, workload] : pairs)
		run_one(*source, *workload,
			plan_.duration / static_cast<std::int64_t>(pairs.size()));
	look_for_leaks(objects);
	for (const auto &[kind, removals] : result_.removals)
		ktap_.note(fmt::format("{} removals of {}", removals, kind));
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

	/*
	 * On a machine that is busy with something else two rarely run at the same time, and a
	 * round may be over before it began.
	 */
	const Time latest = start + 10 * (until - start);

	one.source = source.name();
	one.workload = workload.name;
	one.skipped = reason_to_skip(source, workload);
	intensity.round = std::min(intensity.round, time);
	const auto goes_on = [&] {
		if (!one.skipped.empty() || !one.violations.empty() || stuck_)
			return false;
		if (!one.rounds || (!proves_something(one, workload) && now() < latest))
			return true;
		return now() < until && (!plan_.operations || one.operations < plan_.operations);
	};
	/* Should the machine not live to see its end. */
	if (one.skipped.empty())
		ktap_.note(fmt::format("{} begins", test_name(one)));
	while (goes_on()) {
		const RoundResult round =
			run_round(source, workload, intensity, plan_.seed, one.rounds,
				  [&](const Live &live) { show(one, live); });
		const Verdict verdict = check(round.history);

		one.add(verdict, round.races);
		one.seconds = static_cast<double>(now() - start) / second;
		result_.add_removals(round.history);
		stuck_ = round.stuck;
		/* Of a round that is no fault, and it comes after those that are. */
		if (!verdict.ok() && verdict.violations.front().rule != Rule::nothing_proved)
			fail(one, round.history,
			     explain(round.history, verdict.violations.front()));
		else if (!round.problem.empty())
			fail(one, round.history, round.problem);
		else if (round.stuck)
			fail(one, round.history,
			     fmt::format("{}: tasks do not end", name_of(Rule::left_hanging)));
	}
	if (one.rounds && one.violations.empty() && !proves_something(one, workload))
		one.violations.push_back(
			fmt::format("nothing_proved: {}",
				    workload.races ? "the two never met, so there was no race"
						   : "nothing was used while it was removed"));
	report(one);
	result_.workloads.push_back(std::move(one));
}

/* All files are closed by now; the last step of that may be under way still. */
void Engine::look_for_leaks(std::optional<std::uint64_t> before)
{
	constexpr std::chrono::milliseconds nap{100};
	constexpr int naps = 50;
	WorkloadResult one;
	std::optional<std::uint64_t> after = before;

	one.source = "kernel";
	one.workload = "leaks";
	if (std::ranges::all_of(result_.workloads,
				[](const WorkloadResult &other) { return other.rounds == 0; }))
		one.skipped = "nothing has run that could leak";
	else if (!before)
		one.skipped = "the kernel does not count its objects";
	else if (stuck_)
		one.skipped = "tasks that do not end have files open";
	for (int i = 0; i < naps && one.skipped.empty(); i++) {
		after = count_kernel_objects();
		if (after <= before)
			break;
		std::this_thread::sleep_for(nap);
	}
	if (one.skipped.empty() && after > before)
		one.violations.push_back(
			fmt::format("leaked: {} objects of files that can be revoked, {} before",
				    after.value_or(0), *before));
	if (const std::string problem = plan_.unload && !stuck_ ? plan_.unload() : "";
	    !problem.empty()) {
		one.violations.push_back("leaked: " + problem);
		one.skipped.clear();
	}
	report(one);
	result_.workloads.push_back(std::move(one));
}

std::optional<std::uint64_t> Engine::count_kernel_objects() const
{
	return plan_.kernel_objects ? plan_.kernel_objects() : std::nullopt;
}

void Engine::fail(WorkloadResult &one, const History &history, std::string what)
{
	one.violations.push_back(std::move(what));
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
