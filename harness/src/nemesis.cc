// SPDX-License-Identifier: GPL-2.0
#include "nemesis.hh"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <lib/test_revoke_uapi.h>

namespace revoke_stress
{

namespace
{

std::uint16_t any_object(const Task &task, Rng &rng)
{
	return static_cast<std::uint16_t>(rng.below(task.world().rows().size()));
}

/* Whoever calls the method sleeps until removal. Not an open: that would say so in its own way. */
Action await_some(Rng &rng, std::uint16_t object)
{
	constexpr std::array methods{TEST_REVOKE_READ, TEST_REVOKE_WRITE, TEST_REVOKE_LSEEK,
				     TEST_REVOKE_IOCTL};

	return {.kind = Kind::behave,
		.way = static_cast<std::uint8_t>(rng.pick(methods)),
		.object = object,
		.argument = behave_await};
}

Action behave_some(const Task &task, Rng &rng)
{
	constexpr std::array methods{TEST_REVOKE_OPEN,  TEST_REVOKE_RELEASE, TEST_REVOKE_READ,
				     TEST_REVOKE_WRITE, TEST_REVOKE_LSEEK,   TEST_REVOKE_POLL,
				     TEST_REVOKE_IOCTL, TEST_REVOKE_MMAP,    TEST_REVOKE_FAULT};
	constexpr std::array can_fail{TEST_REVOKE_OPEN, TEST_REVOKE_READ, TEST_REVOKE_WRITE,
				      TEST_REVOKE_LSEEK, TEST_REVOKE_IOCTL};
	constexpr std::size_t longest_delay = 500;
	const test_revoke_method method = rng.pick(methods);
	const std::uint16_t object = any_object(task, rng);
	const bool awaits = task.world().source().abilities(object).awaits;
	std::uint32_t argument = rng.below(longest_delay) << behave_delay_shift;

	if (awaits && rng.once_in(2))
		return await_some(rng, object);
	/* To release, to poll and to map cannot fail; so they must not block either. */
	if (std::ranges::find(can_fail, method) != can_fail.end()) {
		/* There nobody kicks. */
		if (!awaits && rng.once_in(3))
			argument |= behave_block;
		else if (rng.once_in(3))
			argument |= behave_fail;
	}
	/* Mostly they are to do their work. */
	return {.kind = Kind::behave,
		.way = static_cast<std::uint8_t>(method),
		.object = object,
		.argument = rng.once_in(2) ? argument : 0};
}

Action drive(const Task &task, Rng &rng)
{
	constexpr std::array<std::uint32_t, 4> masks{0, EPOLLIN, EPOLLPRI, EPOLLIN | EPOLLOUT};

	switch (rng.below(4)) {
	case 0:
		return behave_some(task, rng);
	case 1:
		return {.kind = Kind::ready,
			.object = any_object(task, rng),
			.argument = rng.pick(masks)};
	default:
		return kick_some(task, rng);
	}
}

/* Whoever is stopped goes on next: removal waits for those who are inside a method. */
Action disturb(const Task &task, Rng &rng)
{
	static const auto cpus =
		static_cast<std::uint32_t>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L));
	const World &world = task.world();
	const auto victim = static_cast<std::uint16_t>(rng.below(world.tasks()));

	switch (rng.below(8)) {
	case 0:
		return {.kind = Kind::stop, .object = victim};
	case 1:
	case 2:
	case 3:
		return {.kind = Kind::resume, .object = victim};
	case 4:
		if (rng.once_in(16))
			return {.kind = Kind::kill, .object = victim};
		return {.kind = Kind::signal, .object = victim};
	case 5:
		return {.kind = Kind::move, .object = victim, .argument = rng.below(cpus)};
	default:
		return {.kind = Kind::signal, .object = victim};
	}
}

} // namespace

Action kick_some(const Task &task, Rng &rng)
{
	const std::uint16_t object = any_object(task, rng);

	/* Who awaits removal is to be woken by that alone. */
	if (task.world().source().abilities(object).awaits)
		return {};
	return {.kind = Kind::kick, .object = object};
}

Action remove_somehow(std::uint16_t object, Rng &rng)
{
	return {.kind = Kind::remove,
		.way = static_cast<std::uint8_t>(rng.below(TEST_REVOKE_NR_WAYS)),
		.object = object};
}

Action make_or_remove(const Task &task, Rng &rng)
{
	const std::uint16_t object = any_object(task, rng);

	if (!task.world().present(object))
		return {.kind = Kind::create, .object = object};
	return remove_somehow(object, rng);
}

std::span<const Nemesis> all_nemeses()
{
	using namespace std::chrono_literals;
	static constexpr std::array nemeses{
		Nemesis{"owner", make_or_remove, 600us},
		Nemesis{"second owner", make_or_remove, 1500us},
		Nemesis{"driver", drive, 400us},
		Nemesis{"disturber", disturb, 500us},
		Nemesis{"kicker", kick_some, 1000us, true},
	};

	return nemeses;
}

} // namespace revoke_stress
