/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs the cases of one test program, each in a process of its own, and reports
 * them as KTAP.
 */
#ifndef REVOKE_HARNESS_H
#define REVOKE_HARNESS_H

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace revoke_test
{

struct Case {
	std::string name;
	std::function<void()> run; /* returns when all is well */
	std::chrono::seconds timeout{60};
};

/* Set by the command line. */
struct Options {
	unsigned int rounds = 1000; /* of each race */
	std::uint64_t seed = 0;     /* of all that is random */
	unsigned int patience = 15; /* seconds that what has to happen may take */
	std::string module;         /* path of test_revoke.ko, empty to look for it */
};

const Options &options();

/* Factor for deadlines: more than 1 where KSFT_MACHINE_SLOW says so. */
int slowness();

constexpr int exit_failed = 1;
constexpr int exit_skipped = 4;

/* For the process of a case: what its parent is to report after exit_skipped. */
void set_skip_reason(std::string_view reason);

/* Parses the command line, loads the module, runs the cases; returns the exit status. */
int run_cases(int argc, char **argv, const std::vector<Case> &cases);

} // namespace revoke_test

#endif
