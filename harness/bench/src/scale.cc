// SPDX-License-Identifier: GPL-2.0
/*
 * How many reads per second tasks make together, each with a descriptor of its own for the same
 * file.
 *
 * For a guest whose CPUs run at once (TCG with thread=multi, or KVM). The result is
 * $RESULTS_DIR/scale.json: rows[] {target, tasks, reads_per_second}, one for each round.
 */
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "check.hh"
#include "module.hh"
#include "program.hh"
#include "target.hh"

namespace bench
{

namespace
{

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto duration = 300ms;
constexpr int rounds = 3;

/* On CPUs of their own, so that the scheduler has no part in it. */
void pin_to(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	check(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

std::uint64_t read_until(const std::atomic<bool> &over, int fd)
{
	std::array<char, 8> text{};
	std::uint64_t reads = 0;

	for (; !over.load(std::memory_order_relaxed); reads++)
		check(static_cast<int>(pread(fd, text.data(), text.size(), 0)), "pread");
	return reads;
}

double reads_per_second(const std::string &path, unsigned int tasks)
{
	std::latch ready{tasks + 1};
	std::atomic<bool> over{false};
	std::atomic<std::uint64_t> reads{0};
	std::vector<std::jthread> threads;

	for (unsigned int task = 0; task < tasks; task++)
		threads.emplace_back([&, task] {
			const int fd = check(open(path.c_str(), O_RDONLY | O_CLOEXEC), path);

			pin_to(task);
			ready.arrive_and_wait();
			reads += read_until(over, fd);
			close(fd);
		});
	ready.arrive_and_wait();
	const auto start = std::chrono::steady_clock::now();
	std::this_thread::sleep_for(duration);
	over = true;
	const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
	threads.clear();
	return static_cast<double>(reads) / took.count();
}

json measure()
{
	const Module module;
	const unsigned int cpus = std::thread::hardware_concurrency();
	json rows = json::array();

	for (const Target &target : targets(module)) {
		std::array<char, 8> text{};

		if (target.path.empty() || pread(target.fd, text.data(), text.size(), 0) < 0)
			continue;
		for (int round = 0; round < rounds; round++)
			for (unsigned int tasks = 1; tasks <= cpus; tasks *= 2)
				rows.push_back({{"target", target.name},
						{"tasks", tasks},
						{"reads_per_second",
						 reads_per_second(target.path, tasks)}});
		std::printf("# %s\n", target.name.c_str());
		std::fflush(stdout);
	}
	return rows;
}

void run()
{
	const json result{{"rows", measure()}};

	save(result, "scale.json");
}

} // namespace

} // namespace bench

int main() { return bench::status_of(bench::run); }
