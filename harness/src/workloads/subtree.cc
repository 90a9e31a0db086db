// SPDX-License-Identifier: GPL-2.0
/* Files that go with the directory that they are in. */
#include "workloads.hh"

namespace revoke_stress
{

static Action next(const Task &task, Rng &rng) { return io_workload.next(task, rng); }

const Workload subtree_workload{.name = "subtree",
				.about = "directories are removed with all that is in them",
				.wish = Wish::directories,
				.next = next};

} // namespace revoke_stress
