/* SPDX-License-Identifier: GPL-2.0 */
/* Counting instructions with the clock of a machine on which each takes one nanosecond. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <algorithm>
#include <cstdint>
#include <limits>

#include <x86intrin.h>

namespace bench
{

/* What the guest's TSC counts under 'qemu -icount shift=0': instructions. */
inline std::uint64_t instructions() { return __rdtsc(); }

/*
 * The least that `timed` took in so many rounds: interrupts and what only the first calls do are in
 * other rounds. `untimed` runs before each.
 */
template <typename Untimed, typename Timed>
std::uint64_t least(int rounds, Untimed &&untimed, Timed &&timed)
{
	std::uint64_t least = std::numeric_limits<std::uint64_t>::max();

	for (int round = 0; round < rounds; round++) {
		untimed();
		const std::uint64_t start = instructions();
		timed();
		least = std::min(least, instructions() - start);
	}
	return least;
}

} // namespace bench

#endif
