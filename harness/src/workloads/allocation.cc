// SPDX-License-Identifier: GPL-2.0
/* Allocations fail, one after the other, wherever a call makes some. */
#include "workloads.hh"

#include <sys/epoll.h>

namespace revoke_stress
{

/* The first of the ways to wait is one call. */
constexpr std::uint8_t poll_way = 0;

static Action failing(Action action, Rng &rng)
{
	constexpr std::size_t allocations = 12;

	action.fail_nth = 1 + rng.below(allocations);
	return action;
}

/* What a file can do of those operations that are one call each: to others there is more,
 * a ring or a pipe, for which a failure is the end. */
static Action use(const Task &task, Rng &rng, std::uint8_t slot)
{
	switch (rng.below(6)) {
	case 0:
		if (!task.abilities_of(slot).waits)
			break;
		/* Only who waits needs a place on a queue. */
		if (rng.once_in(2))
			return wait_in(task, poll_way, slot, rng);
		return {.kind = Kind::poll, .slot = slot, .argument = EPOLLIN};
	case 1:
		if (task.abilities_of(slot).maps)
			return {.kind = Kind::map, .slot = slot, .other = any_slot(rng)};
		break;
	case 2:
		return {.kind = Kind::duplicate, .slot = slot, .other = any_slot(rng)};
	case 3:
		return {.kind = Kind::fasync, .slot = slot};
	case 4:
		return {.kind = Kind::close, .slot = slot};
	default:
		break;
	}
	return {.kind = Kind::identify, .slot = slot};
}

/* Owners have failures as well: what could not be made is not there, what is removed is gone. */
static Action next(const Task &task, Rng &rng)
{
	const std::uint16_t object =
		static_cast<std::uint16_t>(rng.below(task.world().rows().size()));

	switch (rng.below(16)) {
	case 0:
		return failing({.kind = Kind::create, .object = object}, rng);
	case 1:
		return failing({.kind = Kind::remove, .object = object}, rng);
	default:
		return failing(with_file(task, rng,
					 [&](std::uint8_t slot) { return use(task, rng, slot); }),
			       rng);
	}
}

const Workload allocation_workload{.name = "allocation",
				   .about = "use, make and remove files while allocations fail",
				   .next = next,
				   .fails_allocations = true};

} // namespace revoke_stress
