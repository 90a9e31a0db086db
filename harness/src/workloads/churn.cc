// SPDX-License-Identifier: GPL-2.0
/* Workers make and remove objects themselves, as fast as they can, with files open. */
#include "workloads.hh"

#include "nemesis.hh"

namespace revoke_stress
{

/* Most of what is removed has one to three open files; what is used is often gone. */
static Action next(const Task &task, Rng &rng)
{
	constexpr std::size_t files_at_most = 3;
	const World &world = task.world();
	const auto object = static_cast<std::uint16_t>(rng.below(world.rows().size()));

	if (!world.present(object))
		return {.kind = Kind::create, .object = object};
	if (world.open_files(world.latest(object)) <= rng.below(files_at_most))
		return {.kind = Kind::open, .object = object, .slot = any_slot(rng)};
	if (!rng.once_in(4))
		return remove_somehow(object, rng);
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
