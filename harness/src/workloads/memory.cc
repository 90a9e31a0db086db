// SPDX-License-Identifier: GPL-2.0
/* Memory that is mapped, touched, and gone. */
#include "workloads.hh"

namespace revoke_stress
{

static Action next(const Task &task, Rng &rng)
{
	const auto page = static_cast<std::uint8_t>(rng.below(Task::pages_max));

	if (task.page(page).address && !rng.once_in(4)) {
		if (rng.once_in(8))
			return {.kind = Kind::unmap, .slot = page};
		return {.kind = Kind::touch,
			.way = static_cast<std::uint8_t>(rng.below(2)),
			.slot = page};
	}
	return with_file(task, rng, [&](std::uint8_t slot) -> Action {
		if (rng.once_in(16))
			return {.kind = Kind::close, .slot = slot};
		if (task.abilities_of(slot).maps && !rng.once_in(4))
			return {.kind = Kind::map, .slot = slot, .other = page};
		return call_some(task, rng, slot);
	});
}

const Workload memory_workload{.name = "memory",
			       .about = "mmap, and touching what is mapped",
			       .wish = Wish::mapping,
			       .next = next};

} // namespace revoke_stress
