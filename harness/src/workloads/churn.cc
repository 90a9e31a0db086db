// SPDX-License-Identifier: GPL-2.0
/* Workers make and remove objects themselves, as fast as they can, with files open. */
#include "workloads.hh"

#include "nemesis.hh"

namespace revoke_stress
{

static Action next(const Task &task, Rng &rng)
{
	if (rng.once_in(4))
		return make_or_remove(task, rng);
	if (rng.once_in(2))
		return open_some(task, rng);
	return with_file(task, rng, [&](std::uint8_t slot) -> Action {
		if (rng.once_in(4))
			return {.kind = Kind::close, .slot = slot};
		return call_some(task, rng, slot);
	});
}

const Workload churn_workload{.name = "churn",
			      .about = "objects come and go as fast as can be, with files open",
			      .next = next,
			      .undisturbed = true};

} // namespace revoke_stress
