// SPDX-License-Identifier: GPL-2.0
#include "world.hh"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace revoke_stress
{

World::World(Source &source, History frame) : source_(source), frame_(std::move(frame))
{
	std::array<int, 2> ends{};
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
		throw std::system_error{errno, std::generic_category(), "socketpair"};
	sender_.reset(ends[0]);
	receiver_.reset(ends[1]);
}

Ref World::ref(std::uint16_t index, std::uint32_t generation) const
{
	const SharedObject &shared = object(index);
	const std::size_t place = generation % SharedObject::generations;
	Ref ref{.object = index,
		.generation = generation,
		.token = shared.tokens[place],
		.parent_generation = shared.parents[place],
		.parent_token = 0};

	if (rows()[index].parent != no_parent)
		ref.parent_token =
			object(rows()[index].parent)
				.tokens[ref.parent_generation % SharedObject::generations];
	return ref;
}

std::optional<Ref> World::begin_making(std::uint16_t index) const
{
	const std::uint16_t parent = rows()[index].parent;
	std::atomic<Standing> &standing = object(index).standing;
	Standing now = standing;

	if (now.state != ObjectState::absent || now.generation + 1 >= SharedObject::generations ||
	    (parent != no_parent && !present(parent)) ||
	    !standing.compare_exchange_strong(now, {ObjectState::being_made, now.generation}))
		return std::nullopt;
	Ref ref{.object = index,
		.generation = now.generation + 1,
		.token = 0,
		.parent_generation = 0,
		.parent_token = 0};
	if (parent != no_parent) {
		const Ref above = latest(parent);

		ref.parent_generation = above.generation;
		ref.parent_token = above.token;
	}
	return ref;
}

void World::end_making(const Ref &ref, bool made) const
{
	SharedObject &shared = object(ref.object);

	/* To be seen in memory before somebody uses it. */
	shared.parents[ref.generation] = ref.parent_generation;
	shared.tokens[ref.generation] = ref.token;
	shared.standing = made ? Standing{ObjectState::present, ref.generation}
			       : Standing{ObjectState::absent, ref.generation - 1};
}

void World::has_gone(std::uint16_t index, std::uint32_t generation) const
{
	Standing expected{ObjectState::present, generation};

	object(index).standing.compare_exchange_strong(expected, {ObjectState::absent, generation});
}

} // namespace revoke_stress
