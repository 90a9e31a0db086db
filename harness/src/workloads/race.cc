// SPDX-License-Identifier: GPL-2.0
/* One operation against the removal of its object, again and again; see races.cc. */
#include "workloads.hh"

namespace revoke_stress
{

const Workload race_workload{.name = "race",
			     .about = "one operation meets one removal, at every moment of both",
			     .wish = Wish::mapping,
			     .races = true};

} // namespace revoke_stress
