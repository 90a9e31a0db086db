// SPDX-License-Identifier: GPL-2.0
/* What works on a file whatever becomes of its object. */
#include "workloads.hh"

namespace revoke_stress
{

static Action next(const Task &task, Rng &rng)
{
	constexpr std::size_t lock_ways = 3;

	return with_file(task, rng, [&](std::uint8_t slot) -> Action {
		switch (rng.below(8)) {
		case 0:
		case 1:
		case 2:
			return {.kind = Kind::lock,
				.way = static_cast<std::uint8_t>(rng.below(lock_ways)),
				.slot = slot};
		case 3:
			return {.kind = Kind::fasync, .slot = slot};
		case 4:
			return {.kind = Kind::stat, .slot = slot};
		case 5:
			return {.kind = Kind::fdinfo, .slot = slot};
		case 6:
			return {.kind = Kind::close, .slot = slot};
		default:
			return call_some(task, rng, slot);
		}
	});
}

const Workload locks_workload{
	.name = "locks", .about = "file locks, O_ASYNC, fstat and fdinfo", .next = next};

} // namespace revoke_stress
