/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_WORKLOAD_H
#define REVOKE_STRESS_WORKLOAD_H

#include <span>
#include <string_view>

#include "core/history.hh"
#include "core/rng.hh"
#include "source.hh"
#include "task.hh"

namespace revoke_stress
{

/* What workers do, one action after the other; a file of workloads/ each. */
struct Workload {
	std::string_view name;
	std::string_view about;
	Wish wish = Wish::anything;
	/* What a worker does next. */
	Action (*next)(const Task &task, Rng &rng) = nullptr;
	/* Two tasks, an operation against a removal, with the delay between them swept. */
	bool races = false;
	/* Threads alone: processes, and who blocks, stops or kills them, would slow them down. */
	bool undisturbed = false;
	/* Makes no sense where the kernel cannot be made to fail allocations. */
	bool fails_allocations = false;
};

/* In the order in which they are run. */
std::span<const Workload *const> all_workloads();
/* nullptr if there is none of that name. */
const Workload *find_workload(std::string_view name);

/* Building blocks of workloads */

/* Opens a file, of any object that has some. */
Action open_some(const Task &task, Rng &rng);
/* A slot with an open file, and what to do with it; now and then something is opened instead. */
template <typename Do> Action with_file(const Task &task, Rng &rng, Do &&act)
{
	constexpr std::size_t open_often = 12;
	const auto slot = static_cast<std::uint8_t>(rng.below(Task::files_max));

	if (!task.file(slot).fd || rng.once_in(open_often))
		return open_some(task, rng);
	return act(slot);
}
std::uint8_t any_slot(Rng &rng);

/* One of the ways to call that the file has. */
Action call_some(const Task &task, Rng &rng, std::uint8_t slot);
/* Waits for ever: until it is told of a change, or of the removal. */
Action wait_some(const Task &task, Rng &rng, std::uint8_t slot);
Action wait_in(const Task &task, std::uint8_t way, std::uint8_t slot, Rng &rng);

} // namespace revoke_stress

#endif
