// SPDX-License-Identifier: GPL-2.0
/* The storms one after the other: options, threads, the watchdog, and KTAP. */
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "crashes.h"
#include "storm.h"

namespace
{

using Clock = std::chrono::steady_clock;

constexpr int exit_failed = 1;
constexpr int exit_skipped = 4;

struct Options {
	std::uint64_t seed = 1;
	std::uint64_t revokes = 1'000'000;
	/* More than processors: some are to be held up in the middle of something. */
	unsigned int threads = std::max(4U, 2 * std::min(32U, std::thread::hardware_concurrency()));
	unsigned int preempt_one_in = 500;
	unsigned int patience_s = 30;
	std::vector<std::string> cases;
};

struct Figure {
	event what;
	const char *name;
	/* Kinds of things with which it has to be met for a storm to have been one. */
	std::array<bool, THING_NR_KINDS> expected;
};

constexpr std::array<Figure, NR_EVENTS> figures{{
	/*                                          own  w/o  shrd ownd self */
	{EVENT_REVOKED, "things revoked", {true, true, true, true, true}},
	{EVENT_REVOKE_CALLED, "revocations", {true, true, true, true, true}},
	{EVENT_REVOKED_TOGETHER, "by several tasks at once", {true, true, true, true, true}},
	{EVENT_OPENED, "opens", {true, true, true, true, true}},
	{EVENT_OPEN_FAILED, "failed opens", {true, true, true, true, true}},
	{EVENT_OPEN_WITHOUT_MEMORY, "opens without memory", {true, true, false, false, true}},
	{EVENT_OPEN_REFUSED, "refused opens", {true, true, true, true, true}},
	{EVENT_USED, "uses", {true, true, true, true, true}},
	{EVENT_USE_REFUSED, "refused uses", {true, true, true, true, true}},
	{EVENT_SLEPT_INSIDE, "users asleep, then kicked", {true, true, true, false, false}},
	{EVENT_KICKED_ON_REQUEST, "of them on request", {true, true, true, false, false}},
	{EVENT_CLAIMED_BY_REVOKER, "claimed by a revoker", {true, true, false, true, true}},
	{EVENT_CLAIMED_BY_CLOSER, "claimed by a closer", {true, true, false, true, true}},
	{EVENT_REVOKER_WAITED_FOR_USERS,
	 "revoker waited for users",
	 {true, true, true, true, true}},
	{EVENT_REVOKER_WAITED_FOR_RELEASE,
	 "revoker waited for a closer or revoker",
	 {true, true, false, true, true}},
	{EVENT_CLOSER_WAITED_FOR_REVOKER,
	 "closer waited for a revoker",
	 {true, true, false, true, false}},
	{EVENT_REVOKED_BY_ITS_HOOK, "revoked by its own hook", {false, false, false, false, true}},
	{EVENT_FREED_BY_ITS_HOOK, "freed by its own hook", {false, false, false, false, true}},
	{EVENT_SHOWN_AGAIN, "shown again", {false, false, false, true, false}},
}};

/* Fewer say nothing about what can be met. */
constexpr std::uint64_t enough_to_meet_all = 20'000;

/* What fail() has to say, from whatever thread. */
unsigned int current_number;
std::string current_name;
thread_local const actor *current_actor;

[[noreturn]] void end_failed(const std::string &message)
{
	std::fflush(stderr);
	fmt::print("# {}\nnot ok {} {}\n", message, current_number, current_name);
	std::fflush(stdout);
	_exit(exit_failed);
}

std::uint64_t now_of(const std::uint64_t &counter)
{
	return __atomic_load_n(&counter, __ATOMIC_RELAXED);
}

/* Notices an actor that takes no more steps. */
class Watchdog
{
public:
	Watchdog(const std::vector<actor> &actors, std::chrono::seconds patience)
		: actors_{actors}, patience_{patience}, seen_(actors.size())
	{
	}

	void look()
	{
		const auto now = Clock::now();

		for (std::size_t i = 0; i < actors_.size(); i++) {
			const std::uint64_t steps = now_of(actors_[i].steps);

			if (steps != seen_[i].steps || !seen_[i].alive)
				seen_[i] = {steps, now, true};
			else if (now - seen_[i].since > patience_ && !returned_[i])
				end_failed(describe(i));
		}
	}

	void has_returned(std::size_t i) { returned_[i] = true; }

private:
	struct Seen {
		std::uint64_t steps = 0;
		Clock::time_point since;
		bool alive = false;
	};

	[[nodiscard]] std::string describe(std::size_t i) const
	{
		return fmt::format("actor {} hangs in '{}'", i,
				   __atomic_load_n(&actors_[i].doing, __ATOMIC_RELAXED));
	}

	const std::vector<actor> &actors_;
	std::chrono::seconds patience_;
	std::vector<Seen> seen_;
	std::array<std::atomic<bool>, 256> returned_{};
};

std::vector<actor> make_actors(const Options &options, unsigned int count)
{
	std::vector<actor> actors(count);

	for (unsigned int i = 0; i < count; i++) {
		actors[i].number = i;
		actors[i].random = (options.seed << 16) + i + 1;
		actors[i].doing = "nothing";
	}
	return actors;
}

std::uint64_t sum_of(const std::vector<actor> &actors, event what)
{
	std::uint64_t sum = 0;

	for (const actor &one : actors)
		sum += one.events[what];
	return sum;
}

void report(const std::vector<actor> &actors, std::chrono::duration<double> took)
{
	for (const Figure &figure : figures)
		if (const std::uint64_t sum = sum_of(actors, figure.what); sum)
			fmt::print("# {:>40}: {}\n", figure.name, sum);
	const double revoked = static_cast<double>(sum_of(actors, EVENT_REVOKED));
	fmt::print("# {:>40}: {:.1f}, things revoked each: {:.0f}\n", "seconds", took.count(),
		   revoked / took.count());
}

/* A storm in which nobody met anybody proves nothing. */
void check_met(const std::vector<actor> &actors, const storm_plan &plan)
{
	if (plan.revocations < enough_to_meet_all)
		return;
	for (const Figure &figure : figures)
		if (figure.expected[plan.kind] && !sum_of(actors, figure.what))
			end_failed(fmt::format("never seen: {}", figure.name));
}

void run_storm(const Options &options, const storm_plan &plan)
{
	const auto start = Clock::now();
	/* The last one is this thread's. */
	std::vector<actor> actors = make_actors(options, plan.actors + 1);
	actor &own = actors.back();
	Watchdog watchdog{actors, std::chrono::seconds{options.patience_s}};
	std::atomic<unsigned int> left{plan.actors};
	storm *const storm = storm_start(&plan);
	std::vector<std::jthread> threads;
	bool woken = false;

	watchdog.has_returned(plan.actors);
	for (unsigned int i = 0; i < plan.actors; i++) {
		threads.emplace_back([&, i] {
			current_actor = &actors[i];
			storm_act(storm, &actors[i]);
			watchdog.has_returned(i);
			left--;
		});
	}
	while (left) {
		std::this_thread::sleep_for(std::chrono::milliseconds{10});
		watchdog.look();
		if (storm_is_over(storm) && !woken) {
			woken = true;
			storm_wake_all(storm, &own);
		}
	}
	threads.clear();
	storm_end(storm, &own);
	report(actors, Clock::now() - start);
	check_met(actors, plan);
}

struct Case {
	std::string name;
	std::function<void(const Options &)> run;
};

Case storm_case(const std::string &name, thing_kind kind)
{
	return {name, [kind](const Options &options) {
			run_storm(options, {.kind = kind,
					    .actors = options.threads,
					    .revocations = options.revokes / THING_NR_KINDS,
					    .preempt_one_in = options.preempt_one_in});
		}};
}

Case check_case(const std::string &name, void (*check)(actor *))
{
	return {name, [check](const Options &options) {
			std::vector<actor> actors = make_actors(options, 1);

			current_actor = &actors[0];
			check(&actors[0]);
		}};
}

std::vector<Case> all_cases()
{
	return {
		check_case("refusals", check_refusals),
		check_case("answers", check_answers),
		check_case("kicks", check_kicks),
		check_case("report", check_report),
		storm_case("own_gates", THING_OWN_GATES),
		storm_case("without_hook", THING_WITHOUT_HOOK),
		storm_case("shared_gate", THING_SHARED_GATE),
		storm_case("owned", THING_OWNED),
		storm_case("removes_itself", THING_REMOVES_ITSELF),
	};
}

bool is_chosen(const Options &options, const std::string &name)
{
	return options.cases.empty() ||
	       std::find(options.cases.begin(), options.cases.end(), name) != options.cases.end();
}

int run_all(const Options &options)
{
	const std::vector<Case> cases = all_cases();
	unsigned int skipped = 0;

	fmt::print("KTAP version 1\n1..{}\n", cases.size());
	for (const Case &one : cases) {
		current_number++;
		current_name = one.name;
		if (!is_chosen(options, one.name)) {
			fmt::print("ok {} {} # SKIP not chosen\n", current_number, one.name);
			skipped++;
			continue;
		}
		one.run(options);
		fmt::print("ok {} {}\n", current_number, one.name);
		std::fflush(stdout);
	}
	return skipped == cases.size() ? exit_skipped : 0;
}

} // namespace

extern "C" void fail(const char *format, ...)
{
	std::array<char, 256> text{};
	std::va_list arguments;

	va_start(arguments, format);
	std::vsnprintf(text.data(), text.size(), format, arguments);
	va_end(arguments);
	if (current_actor)
		end_failed(fmt::format("actor {} in '{}': {}", current_actor->number,
				       current_actor->doing, text.data()));
	end_failed(text.data());
}

int main(int argc, char **argv)
{
	Options options;
	CLI::App app{"fs/revoke.c under a storm of users, openers, closers and revokers"};

	app.add_option("--seed", options.seed, "of what the actors do; when they do it is chance")
		->capture_default_str();
	app.add_option("--revokes", options.revokes, "things to revoke, in all storms together")
		->capture_default_str();
	app.add_option("--threads", options.threads, "actors in a storm")
		->check(CLI::Range(2, 200))
		->capture_default_str();
	app.add_option("--preempt-one-in", options.preempt_one_in,
		       "how often a step of the core is held up; 0: never")
		->capture_default_str();
	app.add_option("--patience", options.patience_s, "seconds after which an actor hangs")
		->capture_default_str();
	app.add_option("--case", options.cases, "only these");
	CLI11_PARSE(app, argc, argv);

	handle_crashes();
	things_init();
	return run_all(options);
}
