// SPDX-License-Identifier: GPL-2.0
/* Files whose own method removes them. */
#include "workloads.hh"

namespace revoke_stress
{

static Action next(const Task &task, Rng &rng)
{
	return with_file(task, rng, [&](std::uint8_t slot) -> Action {
		if (task.abilities_of(slot).removes_itself && rng.once_in(6))
			return {.kind = Kind::remove_self, .slot = slot};
		if (rng.once_in(16))
			return {.kind = Kind::close, .slot = slot};
		return call_some(task, rng, slot);
	});
}

const Workload self_removal_workload{.name = "self_removal",
				     .about = "attributes that remove themselves",
				     .wish = Wish::self_removal,
				     .next = next};

} // namespace revoke_stress
