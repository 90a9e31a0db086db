/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_WORKLOADS_H
#define REVOKE_STRESS_WORKLOADS_H

#include "workload.hh"

namespace revoke_stress
{

extern const Workload io_workload, transfer_workload, pollers_workload, descriptors_workload,
	locks_workload, memory_workload, subtree_workload, self_removal_workload,
	allocation_workload, churn_workload, mixture_workload, race_workload;

} // namespace revoke_stress

#endif
