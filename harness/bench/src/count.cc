// SPDX-License-Identifier: GPL-2.0
/*
 * Counts the instructions of system calls on all kinds of files, of removing files, and the memory
 * that open ones take.
 *
 * For a guest of one CPU under 'qemu -icount shift=0,sleep=off'. The result is
 * $RESULTS_DIR/count.json: calls[]   {target, call, instructions} removal[] {target, open_files,
 * instructions} memory[]  {target, bytes}: of slab memory, for each open file
 */
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "call.hh"
#include "check.hh"
#include "clock.hh"
#include "module.hh"
#include "program.hh"
#include "target.hh"

/* Their addresses are what trace.c is told. */
extern "C" [[gnu::noinline]] void bench_trace_begin() { __asm__ volatile(""); }
extern "C" [[gnu::noinline]] void bench_trace_end() { __asm__ volatile(""); }

namespace bench
{

namespace
{

using nlohmann::json;

constexpr int rounds = 2000;
constexpr std::array<int, 5> open_files{0, 1, 10, 1000, 10000};
constexpr int files_for_memory = 10000;

const std::array<const Model *, 6> removed{&procfs_shared, &procfs_own,   &sysfs_attribute,
					   &sysfs_binary,  &debugfs_full, &debugfs_short};
/* Whose removal is not counted: uevents and devtmpfs' own thread are in it. */
const std::array<const Model *, 2> devices{&cdev_opted_in, &misc_opted_in};

json cell(const std::string &target, const std::string &call, std::uint64_t count)
{
	return {{"target", target}, {"call", call}, {"instructions", count}};
}

/* What each round will return. Some files cannot go back: only the first read finds something. */
std::optional<long> try_shot(const Shot &shot)
{
	long result = -1;

	for (int attempt = 0; attempt < 2; attempt++) {
		shot.untimed();
		result = shot.timed();
	}
	return result < 0 ? std::nullopt : std::optional{result};
}

/* All rounds have to do what the first one did. */
std::uint64_t count_shot(const Shot &shot, long expected, const std::string &what)
{
	long result = expected;

	return least(
		rounds,
		[&] {
			check(result == expected, what + ": not the same in each round");
			shot.untimed();
		},
		[&] { result = shot.timed(); });
}

/* "target: call" to be run between the markers of trace.c, and nothing else; "" for none. */
std::string traced()
{
	const char *name = std::getenv("BENCH_TRACE");

	return name ? name : "";
}

void trace(const Shot &shot)
{
	for (int round = 0; round < rounds; round++) {
		shot.untimed();
		bench_trace_begin();
		shot.timed();
		bench_trace_end();
	}
}

json count_calls(const Module &module)
{
	json cells = json::array();

	cells.push_back(cell("none", "getppid",
			     least(
				     rounds, [] {}, getppid)));
	for (const Target &target : targets(module)) {
		for (const Call &call : calls()) {
			const Shot shot = call.on(target);

			if (!shot.timed)
				continue;
			const std::optional<long> result = try_shot(shot);
			if (!result)
				continue;
			const std::string what = target.name + ": " + call.name;
			if (what == traced())
				trace(shot);
			if (!traced().empty())
				continue;
			cells.push_back(
				cell(target.name, call.name, count_shot(shot, *result, what)));
		}
		std::printf("# %s\n", target.name.c_str());
		std::fflush(stdout);
	}
	return cells;
}

class OpenFiles
{
public:
	void open(const std::string &path, int count)
	{
		for (int i = 0; i < count; i++)
			fds_.push_back(check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path));
	}
	~OpenFiles() { close(); }
	void close()
	{
		for (const int fd : fds_)
			::close(fd);
		fds_.clear();
	}

private:
	std::vector<int> fds_;
};

/* What takes so long that each round has ticks of the clock in it is not exact. */
std::uint64_t rounded(std::uint64_t count)
{
	constexpr std::uint64_t exact = 1000000, unit = 10000;

	return count < exact ? count : (count + unit / 2) / unit * unit;
}

std::uint64_t count_removal(const Module &module, const Model &model, int files)
{
	const int removals = std::clamp(20000 / std::max(files, 1), 4, 200);
	Module::Object object{};
	OpenFiles open;

	return rounded(least(
		removals,
		[&] {
			open.close();
			object = module.create(model, "removed");
			open.open(object.path, files);
		},
		[&] { module.remove(object); }));
}

json count_removals(const Module &module)
{
	json rows = json::array();

	for (const Model *model : removed) {
		for (const int files : open_files)
			rows.push_back({{"target", model->name},
					{"open_files", files},
					{"instructions", count_removal(module, *model, files)}});
		std::printf("# removal: %s\n", model->name);
		std::fflush(stdout);
	}
	return rows;
}

/* What /proc/meminfo says, with what the CPUs had kept to themselves. */
long slab_bytes()
{
	std::ifstream{"/proc/sys/vm/stat_refresh"}.get();
	std::ifstream file{"/proc/meminfo"};

	for (std::string line; std::getline(file, line);) {
		std::istringstream words{line};
		std::string name;
		long kib = 0;

		if (words >> name >> kib && name == "Slab:")
			return kib * 1024;
	}
	throw std::runtime_error{"/proc/meminfo has no Slab"};
}

long bytes_per_file(const std::string &path)
{
	OpenFiles open;

	/* Their slabs, in part, stay; so does the table of descriptors. */
	open.open(path, files_for_memory);
	open.close();
	sleep(1);
	const long before = slab_bytes();
	open.open(path, files_for_memory);
	return (slab_bytes() - before) / files_for_memory;
}

json measure_memory(const Module &module)
{
	json rows = json::array();

	rows.push_back({{"target", "tmpfs"}, {"bytes", bytes_per_file("/tmp/bench")}});
	rows.push_back(
		{{"target", "procfs, permanent"}, {"bytes", bytes_per_file("/proc/cmdline")}});
	const auto measure = [&](const Model *model) {
		const Module::Object object = module.create(*model, "memory");

		rows.push_back({{"target", model->name}, {"bytes", bytes_per_file(object.path)}});
		module.remove(object);
	};
	std::ranges::for_each(removed, measure);
	std::ranges::for_each(devices, measure);
	return rows;
}

void run()
{
	const Module module;
	json result;

	result["calls"] = count_calls(module);
	if (!traced().empty())
		return;
	result["removal"] = count_removals(module);
	result["memory"] = measure_memory(module);
	save(result, "count.json");
}

} // namespace

} // namespace bench

int main() { return bench::status_of(bench::run); }
