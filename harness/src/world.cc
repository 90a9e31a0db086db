// SPDX-License-Identifier: GPL-2.0
#include "world.hh"

#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace revoke_stress
{

World::World(Source &source, History frame) : source_(source), frame_(std::move(frame))
{
	void *memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		throw std::system_error{errno, std::generic_category(), "memory to record in"};
	shared_ = new (memory) Shared;

	std::array<int, 2> ends{};
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
		throw std::system_error{errno, std::generic_category(), "socketpair"};
	sender_.reset(ends[0]);
	receiver_.reset(ends[1]);
}

World::~World()
{
	shared_->~Shared();
	munmap(shared_, sizeof(Shared));
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

} // namespace revoke_stress
