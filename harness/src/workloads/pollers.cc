// SPDX-License-Identifier: GPL-2.0
/* Who waits for a file is told when it goes, in whichever way. */
#include "workloads.hh"

#include <sys/epoll.h>

namespace revoke_stress
{

static Action next(const Task &task, Rng &rng)
{
	return with_file(task, rng, [&](std::uint8_t slot) -> Action {
		switch (rng.below(8)) {
		case 0:
			return {.kind = Kind::close, .slot = slot};
		case 1:
			return call_some(task, rng, slot);
		case 2:
			if (task.abilities_of(slot).waits)
				return {.kind = Kind::poll, .slot = slot, .argument = EPOLLPRI};
			break;
		default:
			break;
		}
		return wait_some(task, rng, slot);
	});
}

const Workload pollers_workload{
	.name = "pollers",
	.about = "poll, select, epoll in all its modes, aio and io_uring wait for files",
	.wish = Wish::waiting,
	.next = next};

} // namespace revoke_stress
