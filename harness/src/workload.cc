// SPDX-License-Identifier: GPL-2.0
#include "workload.hh"

#include <sys/epoll.h>

#include <algorithm>
#include <array>

#include "workloads/workloads.hh"

namespace revoke_stress
{

std::span<const Workload *const> all_workloads()
{
	static constexpr std::array workloads{
		&io_workload,         &transfer_workload, &pollers_workload, &descriptors_workload,
		&locks_workload,      &memory_workload,   &subtree_workload, &self_removal_workload,
		&allocation_workload, &churn_workload,    &mixture_workload, &race_workload,
	};

	return workloads;
}

const Workload *find_workload(std::string_view name)
{
	const auto found = std::ranges::find(all_workloads(), name, &Workload::name);

	return found == all_workloads().end() ? nullptr : *found;
}

std::uint8_t any_slot(Rng &rng) { return static_cast<std::uint8_t>(rng.below(Task::files_max)); }

Action open_some(const Task &task, Rng &rng)
{
	const World &world = task.world();
	constexpr int tries = 4;
	std::uint16_t object = 0;

	/* One that is there, mostly: it is soon said what the others answer. */
	for (int i = 0; i < tries; i++) {
		object = static_cast<std::uint16_t>(rng.below(world.rows().size()));
		if (world.present(object))
			break;
	}
	if (!world.source().abilities(object).has_files)
		return {}; /* nothing, this time */
	return {.kind = Kind::open, .object = object, .slot = any_slot(rng)};
}

/* Those that wait in a queue of their own take it for an error when they are stopped. */
static bool can_be_stopped(const Way &way)
{
	return !way.name.starts_with("aio") && !way.name.starts_with("io_uring");
}

Action call_some(const Task &task, Rng &rng, std::uint8_t slot)
{
	const Abilities &abilities = task.abilities_of(slot);

	if (abilities.calls.empty())
		return {.kind = Kind::stat, .slot = slot};
	const std::uint8_t way = rng.pick(abilities.calls);
	if (task.is_process() && !can_be_stopped(task.world().frame().calls[way]))
		return {.kind = Kind::stat, .slot = slot};
	return {.kind = Kind::call, .way = way, .slot = slot};
}

Action wait_in(const Task &task, std::uint8_t way, std::uint8_t slot, Rng &rng)
{
	constexpr std::array<std::uint32_t, 2> events{EPOLLIN, EPOLLPRI};
	const bool has_mask = task.world().frame().waits[way].has_mask;

	/* A mere hang-up is nothing to who asks select(2) for exceptions. */
	return {.kind = Kind::wait,
		.way = way,
		.slot = slot,
		.argument = has_mask ? rng.pick(events) : EPOLLIN};
}

Action wait_some(const Task &task, Rng &rng, std::uint8_t slot)
{
	/* The first ones take no harm when their task is stopped. */
	constexpr std::size_t robust = 3;
	const std::size_t ways = task.world().frame().waits.size();
	const auto way = static_cast<std::uint8_t>(
		rng.below(task.is_process() ? std::min(ways, robust) : ways));

	if (!task.abilities_of(slot).waits)
		return call_some(task, rng, slot);
	return wait_in(task, way, slot, rng);
}

} // namespace revoke_stress
