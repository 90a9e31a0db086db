// SPDX-License-Identifier: GPL-2.0
/* All of the above at the same time. */
#include "workloads.hh"

#include <array>

namespace revoke_stress
{

static Action next(const Task &task, Rng &rng)
{
	static constexpr std::array parts{&io_workload,      &transfer_workload,
					  &pollers_workload, &descriptors_workload,
					  &locks_workload,   &memory_workload};

	return rng.pick(parts)->next(task, rng);
}

const Workload mixture_workload{.name = "mixture",
				.about = "all of these at the same time",
				.wish = Wish::mapping,
				.next = next};

} // namespace revoke_stress
