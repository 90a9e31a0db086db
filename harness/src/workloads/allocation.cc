// SPDX-License-Identifier: GPL-2.0
/* Allocations fail, one after the other, wherever a call makes some. */
#include "workloads.hh"

#include <sys/epoll.h>

namespace revoke_stress
{

static Action failing(Action action, Rng &rng)
{
	constexpr std::size_t allocations = 12;

	action.fail_nth = 1 + rng.below(allocations);
	return action;
}

static Action next(const Task &task, Rng &rng)
{
	/* A ring, a pipe: what else there is to some calls takes a failure for the end. */
	return with_file(task, rng, [&](std::uint8_t slot) -> Action {
		switch (rng.below(4)) {
		case 0:
			return failing(open_some(task, rng), rng);
		case 1:
			if (task.abilities_of(slot).waits)
				return failing(
					{.kind = Kind::poll, .slot = slot, .argument = EPOLLIN},
					rng);
			break;
		case 2:
			return failing({.kind = Kind::identify, .slot = slot}, rng);
		default:
			break;
		}
		return {.kind = Kind::close, .slot = slot};
	});
}

const Workload allocation_workload{.name = "allocation",
				   .about = "open, poll and read while allocations fail",
				   .next = next,
				   .fails_allocations = true};

} // namespace revoke_stress
