// SPDX-License-Identifier: GPL-2.0
/* revoke-stress: files that are used in all ways while what they stand for goes away. */
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <random>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/checker.hh"
#include "core/shrink.hh"
#include "devices/devices.hh"
#include "engine.hh"
#include "foreign_source.hh"
#include "module_source.hh"
#include "slab.hh"
#include "task.hh"

using namespace revoke_stress;

namespace
{

struct CommandLine {
	std::optional<std::uint64_t> seed;
	double duration = 20;
	std::uint64_t operations = 0;
	std::vector<std::string> workloads;
	std::vector<std::string> devices;
	std::string profile = "quick";
	std::string output = ".";
	std::string history;
	std::string shrunk;
	int fd = -1;
};

[[noreturn]] void leave(int code)
{
	std::cout.flush();
	/* Some tasks may be stuck in the kernel: nobody is to wait for them. */
	_exit(code);
}

History load_file(const std::string &path)
{
	std::ifstream file{path};

	if (!file)
		throw std::runtime_error{fmt::format("cannot read {}", path)};
	return load(file);
}

std::vector<const Workload *> chosen_workloads(const std::vector<std::string> &names)
{
	const std::span<const Workload *const> all = all_workloads();
	std::vector<const Workload *> chosen;

	if (names.empty())
		return {all.begin(), all.end()};
	for (const std::string &name : names) {
		chosen.push_back(find_workload(name));
		if (!chosen.back())
			throw std::runtime_error{
				fmt::format("there is no workload '{}'; see list", name)};
	}
	return chosen;
}

std::vector<Device> chosen_devices(const std::vector<std::string> &names)
{
	const std::vector<Device> all = all_devices();
	std::vector<Device> chosen;

	if (names.empty())
		return all;
	for (const std::string &name : names) {
		const std::size_t before = chosen.size();

		std::ranges::copy_if(all, std::back_inserter(chosen),
				     [&](const Device &one) { return one.name == name; });
		if (chosen.size() == before)
			throw std::runtime_error{fmt::format("there is no device '{}'", name)};
	}
	return chosen;
}

const Profile &chosen_profile(const std::string &name)
{
	const auto found =
		std::ranges::find(all_profiles(), std::string_view{name}, &Profile::name);

	if (found == all_profiles().end())
		throw std::runtime_error{fmt::format("there is no profile '{}'; see list", name)};
	return *found;
}

/* On a terminal the line is renewed all the time; a log gets one now and then. */
void show_line(std::string_view line)
{
	constexpr Time now_and_then = 10 * second;
	static const bool watched = isatty(STDERR_FILENO);
	static Time last = now();

	if (watched) {
		std::cerr << "\r\033[K" << line << std::flush;
	} else if (!line.empty() && now() - last > now_and_then) {
		last = now();
		std::cout << "# " << line << std::endl;
	}
}

int list()
{
	fmt::print("workloads:\n");
	for (const Workload *workload : all_workloads())
		fmt::print("  {:<14} {}\n", workload->name, workload->about);
	fmt::print("profiles:\n");
	for (const Profile &profile : all_profiles())
		fmt::print("  {:<14} {}\n", profile.name, profile.about);
	return exit_pass;
}

/* One line, and the exit code by which kselftests are skipped. */
int skip(const std::string &why)
{
	fmt::print("1..0 # SKIP {}\n", why);
	return exit_skip;
}

int run(const CommandLine &line)
{
	ModuleSource ours;
	const Profile &profile = chosen_profile(line.profile);

	ours.load();
	if (const std::string problem = ours.problem(); !problem.empty())
		return skip(problem);
	ForeignSource others{chosen_devices(line.devices)};
	Plan plan{.seed = line.seed.value_or(std::random_device{}()),
		  .duration = std::chrono::milliseconds{static_cast<long>(line.duration * 1000)},
		  .operations = line.operations,
		  .profile = line.profile,
		  .intensity = profile.intensity,
		  .workloads = chosen_workloads(line.workloads),
		  .output = line.output,
		  .notes = {"files of devices:" + others.files()},
		  .kernel_objects = [] { return slab_objects("revoke_file"); },
		  .unload = [&] { return others.unload() + ours.unload(); }};
	std::vector<Supply> supplies{{&others, false}};
	if (line.devices.empty())
		supplies.insert(supplies.begin(), {&ours, true});
	Ktap ktap{std::cout};
	Engine engine{std::move(plan), ktap, show_line};
	/* With the sources as they are: who is stuck works on them. */
	leave(engine.run(supplies));
}

/* What the checker says about a history; the exit code. */
int judge(const History &history)
{
	const Verdict verdict = check(history);

	fmt::print("{} records, {} operations, {} removals, {} raced, {} violations\n",
		   history.size(), verdict.operations, verdict.removals, verdict.raced,
		   verdict.violations.size());
	if (!verdict.ok())
		fmt::print("{}", explain(history, verdict.violations.front()));
	return verdict.ok() ? exit_pass : exit_fail;
}

int check_file(const CommandLine &line) { return judge(load_file(line.history)); }

int shrink_file(const CommandLine &line)
{
	const History history = load_file(line.history);
	const Shrunk shrunk = shrink(history);
	const std::string path = line.shrunk.empty() ? line.history + ".shrunk" : line.shrunk;
	std::ofstream file{path};

	if (check(history).ok()) {
		fmt::print(stderr, "{} is in order: nothing to shrink\n", line.history);
		return exit_fail;
	}
	save(shrunk.history, file);
	fmt::print("{} of {} records are enough, as {} checks say: {}\n", shrunk.history.size(),
		   history.size(), shrunk.checks, path);
	judge(shrunk.history);
	return exit_pass;
}

int replay_file(const CommandLine &line)
{
	const History history = load_file(line.history);
	std::unique_ptr<Source> source;

	/* To look for devices is to make some. */
	if (history.source == ModuleSource::source_name) {
		auto ours = std::make_unique<ModuleSource>();

		ours->load();
		source = std::move(ours);
	} else {
		source = std::make_unique<ForeignSource>(all_devices());
	}
	if (const std::string problem = source->problem(); !problem.empty())
		return skip(problem);
	const RoundResult result = replay(*source, history, [](const Live &) {});
	leave(judge(result.history));
}

int main_of(int argc, char **argv)
{
	CLI::App app{"Files that are used while what they stand for goes away"};
	CommandLine line;

	app.add_option("-s,--seed", line.seed, "seed, to repeat a run");
	app.add_option("-d,--duration", line.duration, "seconds, of all workloads together")
		->check(CLI::PositiveNumber)
		->capture_default_str();
	app.add_option("-o,--ops", line.operations, "end each workload after so many operations");
	app.add_option("-w,--workloads", line.workloads, "only these; see list")->delimiter(',');
	app.add_option("--devices", line.devices, "nothing but these, by comma: loop, zram ...")
		->delimiter(',');
	app.add_option("-p,--profile", line.profile, "how hard; see list")->capture_default_str();
	app.add_option("--output", line.output, "folder for result.json, and histories that fail")
		->envname("RESULTS_DIR")
		->check(CLI::ExistingDirectory)
		->capture_default_str();
	app.require_subcommand(0, 1);
	const CLI::App *listing = app.add_subcommand("list", "list workloads and profiles");
	CLI::App *checking = app.add_subcommand("check", "judge a history that was saved");
	CLI::App *shrinking = app.add_subcommand(
		"shrink", "cut a failing history down to what the checker needs");
	CLI::App *replaying = app.add_subcommand(
		"replay", "do the operations of a history again, each task in its order");
	CLI::App *reading = app.add_subcommand("read-inherited", "for the program's own use");
	for (CLI::App *command : {checking, shrinking, replaying})
		command->add_option("history", line.history, "file")
			->required()
			->check(CLI::ExistingFile);
	shrinking->add_option("--to", line.shrunk, "where to write it; HISTORY.shrunk");
	reading->add_option("fd", line.fd)->required();
	reading->group("");
	CLI11_PARSE(app, argc, argv);

	if (reading->parsed())
		return read_as_executed(line.fd);
	if (listing->parsed())
		return list();
	ignore_disturbances();
	if (checking->parsed())
		return check_file(line);
	if (shrinking->parsed())
		return shrink_file(line);
	return replaying->parsed() ? replay_file(line) : run(line);
}

} // namespace

int main(int argc, char **argv)
{
	try {
		leave(main_of(argc, argv));
	} catch (const std::exception &problem) {
		fmt::print(stderr, "error: {}\n", problem.what());
		leave(exit_fail);
	}
}
