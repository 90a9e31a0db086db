/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_HISTOGRAM_H
#define REVOKE_STRESS_HISTOGRAM_H

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>

#include "clock.hh"

namespace revoke_stress
{

/* Durations, by powers of two of nanoseconds. */
class Histogram
{
public:
	static constexpr std::size_t buckets = 40;

	void add(Time duration)
	{
		const auto bucket = static_cast<std::size_t>(std::bit_width(duration));

		counts_[std::min(bucket, buckets - 1)]++;
		total_++;
		longest_ = std::max(longest_, duration);
	}
	/* How many took less than 2^i ns, and not less than half of that. */
	[[nodiscard]] const std::array<std::uint64_t, buckets> &counts() const { return counts_; }
	[[nodiscard]] std::uint64_t total() const { return total_; }
	[[nodiscard]] Time longest() const { return longest_; }

private:
	std::array<std::uint64_t, buckets> counts_{};
	std::uint64_t total_ = 0;
	Time longest_ = 0;
};

/* How long removals took, by the number of files that were open: 0, 1, 2-3, 4-7 ... */
class RemovalLatency
{
public:
	void add(std::uint32_t open_files, Time duration)
	{
		by_files_[std::bit_floor(open_files)].add(duration);
	}
	/* The key is the least number of files. */
	[[nodiscard]] const std::map<std::uint32_t, Histogram> &by_files() const
	{
		return by_files_;
	}

private:
	std::map<std::uint32_t, Histogram> by_files_;
};

} // namespace revoke_stress

#endif
