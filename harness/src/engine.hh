/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_ENGINE_H
#define REVOKE_STRESS_ENGINE_H

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ktap.hh"
#include "result.hh"
#include "round.hh"
#include "source.hh"
#include "workload.hh"

namespace revoke_stress
{

/* How hard, by name. */
struct Profile {
	std::string_view name;
	std::string_view about;
	Intensity intensity;
};

std::span<const Profile> all_profiles();

struct Plan {
	std::uint64_t seed = 0;
	std::chrono::milliseconds duration{20'000}; /* of all workloads together */
	std::uint64_t operations = 0;               /* stop after so many; 0: when time is over */
	std::string profile;
	Intensity intensity;
	std::vector<const Workload *> workloads;
	std::filesystem::path output;   /* folder for result.json and what failed */
	std::vector<std::string> notes; /* to be kept with the result */
	/* Objects that the kernel has for open files; if it cannot tell, nothing. */
	std::function<std::optional<std::uint64_t>()> kernel_objects;
	/* Ends what was begun for the run; why that did not work. */
	std::function<std::string()> unload;
};

/* A source, and which of the workloads it can serve. */
struct Supply {
	Source *source;
	bool all_workloads; /* else only the plain ones, on what others made */
};

class Engine
{
public:
	/* Shows what goes on, if there is somebody to look. */
	using Show = std::function<void(std::string_view line)>;

	Engine(Plan plan, Ktap &ktap, Show show);

	/* The exit code. It does not return to normal after a hang: the caller is to exit. */
	int run(std::span<const Supply> supplies);
	[[nodiscard]] const RunResult &result() const { return result_; }

private:
	void run_one(Source &source, const Workload &workload, std::chrono::milliseconds time);
	void report(const WorkloadResult &one);
	void fail(WorkloadResult &one, const History &history, std::string what);
	void show(const WorkloadResult &one, const Live &live);
	[[nodiscard]] std::optional<std::uint64_t> count_kernel_objects() const;
	void look_for_leaks(std::optional<std::uint64_t> before);
	void save_result();
	[[nodiscard]] std::string reason_to_skip(const Source &source,
						 const Workload &workload) const;

	Plan plan_;
	Ktap &ktap_;
	Show show_;
	RunResult result_;
	bool stuck_ = false;
	Time last_shown_ = 0;
};

/* Saves a history where others find it; returns the name of the file. */
std::string save_history(const History &history, const std::filesystem::path &folder);

} // namespace revoke_stress

#endif
