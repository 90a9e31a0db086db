// SPDX-License-Identifier: GPL-2.0
/* Every way to the methods of a file, but those that move data somewhere else. */
#include "workloads.hh"

#include <sys/epoll.h>

namespace revoke_stress
{

static Action next(const Task &task, Rng &rng)
{
	return with_file(task, rng, [&](std::uint8_t slot) -> Action {
		const Abilities &abilities = task.abilities_of(slot);

		switch (rng.below(16)) {
		case 0:
			return {.kind = Kind::close, .slot = slot};
		case 1:
			if (abilities.identifies)
				return {.kind = Kind::identify, .slot = slot};
			break;
		case 2:
			if (task.world().rows()[task.file(slot).object].reads_on)
				return {.kind = Kind::read_part, .slot = slot};
			break;
		case 3:
			if (abilities.waits)
				return {.kind = Kind::poll, .slot = slot, .argument = EPOLLIN};
			break;
		default:
			break;
		}
		return call_some(task, rng, slot);
	});
}

const Workload io_workload{
	.name = "io", .about = "read, write, seek, ioctl and poll, in all ways", .next = next};

} // namespace revoke_stress
