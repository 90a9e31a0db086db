// SPDX-License-Identifier: GPL-2.0
/* Other descriptors of a file: dup'ed, sent, inherited; and the last one of all. */
#include "workloads.hh"

namespace revoke_stress
{

static Action next(const Task &task, Rng &rng)
{
	return with_file(task, rng, [&](std::uint8_t slot) -> Action {
		switch (rng.below(16)) {
		case 0:
		case 1:
			return {.kind = Kind::duplicate, .slot = slot, .other = any_slot(rng)};
		case 2:
		case 3:
			return {.kind = Kind::send, .slot = slot};
		case 4:
		case 5:
			return {.kind = Kind::receive, .slot = slot};
		case 6:
			if (task.abilities_of(slot).reopens)
				return {.kind = Kind::reopen, .slot = slot, .other = any_slot(rng)};
			break;
		case 7:
			if (task.abilities_of(slot).reopens && rng.once_in(4))
				return {.kind = Kind::child, .slot = slot};
			break;
		case 8:
			if (task.abilities_of(slot).reopens && rng.once_in(8))
				return {.kind = Kind::exec, .slot = slot};
			break;
		case 9:
		case 10:
		case 11:
			return {.kind = Kind::close, .slot = slot};
		default:
			break;
		}
		return call_some(task, rng, slot);
	});
}

const Workload descriptors_workload{.name = "descriptors",
				    .about = "dup, SCM_RIGHTS, fork, exec, re-open and close",
				    .next = next};

} // namespace revoke_stress
