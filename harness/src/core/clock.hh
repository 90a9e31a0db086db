/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_CLOCK_H
#define REVOKE_STRESS_CLOCK_H

#include <time.h>

#include <cstdint>

namespace revoke_stress
{

/*
 * Nanoseconds of a clock that all tasks share. It may step coarsely: of two moments
 * that read alike nobody may say which came first.
 */
using Time = std::uint64_t;

constexpr Time millisecond = 1'000'000;
constexpr Time second = 1000 * millisecond;

inline Time now()
{
	timespec time{};

	clock_gettime(CLOCK_MONOTONIC, &time);
	return static_cast<Time>(time.tv_sec) * second + static_cast<Time>(time.tv_nsec);
}

} // namespace revoke_stress

#endif
