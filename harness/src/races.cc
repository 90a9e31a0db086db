// SPDX-License-Identifier: GPL-2.0
#include "races.hh"

#include <sys/epoll.h>

#include <memory>
#include <optional>
#include <vector>

#include "core/table.hh"
#include "task.hh"
#include "workload.hh"

namespace revoke_stress
{

namespace
{

constexpr std::uint8_t first_slot = 0;
constexpr std::uint8_t second_slot = 1;

/* What races; with some there is something to be done before. */
struct Contest {
	Action act;
	std::optional<Action> before;
	Kind against = Kind::remove;
};

Contest choose(const Task &task, Rng &rng, std::uint16_t object)
{
	const Abilities &abilities = task.world().source().abilities(object);
	const std::size_t waits = task.world().frame().waits.size();
	const Action open{.kind = Kind::open, .object = object, .slot = second_slot};

	switch (rng.below(12)) {
	case 0:
		return {open, {}};
	case 1:
		/* The last descriptor, at the worst moment. */
		return {{.kind = Kind::close, .slot = first_slot}, {}};
	case 2:
		return {{.kind = Kind::close, .slot = first_slot},
			Action{.kind = Kind::send, .slot = first_slot}};
	case 3:
		if (abilities.reopens)
			return {{.kind = Kind::reopen, .slot = first_slot, .other = second_slot},
				{}};
		break;
	case 4:
	case 5:
		if (abilities.maps)
			return {{.kind = Kind::map, .slot = first_slot}, {}};
		break;
	case 6:
	case 7:
		if (abilities.maps)
			return {{.kind = Kind::touch,
				 .way = static_cast<std::uint8_t>(rng.below(2))},
				Action{.kind = Kind::map, .slot = first_slot}};
		break;
	case 8:
		/* Who waits is told by the driver, and not by removal: it comes later. */
		if (abilities.readies)
			return {{.kind = Kind::wait,
				 .way = static_cast<std::uint8_t>(rng.below(waits)),
				 .slot = first_slot,
				 .argument = EPOLLIN},
				{},
				Kind::ready};
		break;
	case 9:
		if (abilities.waits)
			return {wait_in(task, static_cast<std::uint8_t>(rng.below(waits)),
					first_slot, rng),
				{}};
		break;
	case 10:
		if (abilities.waits)
			return {{.kind = Kind::poll, .slot = first_slot, .argument = EPOLLIN}, {}};
		break;
	default:
		break;
	}
	return {call_some(task, rng, first_slot), {}};
}

} // namespace

Races::Races(World &world, std::uint64_t seed, Time until)
	: world_(world), rng_(seed), seed_(seed), until_(until)
{
}

/* What an operation takes differs by kind, so each has a sweep of its own for a while. */
void Races::lead(std::size_t number)
{
	constexpr unsigned int rounds_of_each = 24;
	Task task{world_, number};

	while (now() < until_ && task.goes_on()) {
		FuzzySync sync{Rng::derive(seed_, rng_.next())};

		object_ = static_cast<std::uint16_t>(rng_.below(world_.rows().size()));
		sync_ = &sync;
		chosen_.arrive_and_wait();
		std::optional<Contest> contest;
		for (unsigned int i = 0; i < rounds_of_each && task.goes_on(); i++) {
			task.perform({.kind = Kind::create, .object = object_});
			task.perform({.kind = Kind::open, .object = object_, .slot = first_slot});
			if (!contest)
				contest = choose(task, rng_, object_);
			if (contest->before)
				task.perform(*contest->before);
			against_ = {.kind = contest->against,
				    .object = object_,
				    .argument = contest->against == Kind::ready ? EPOLLIN : 0U};
			sync.lead([&] { task.perform(contest->act); });
			if (contest->against != Kind::remove)
				task.perform({.kind = Kind::remove, .object = object_});
			task.close_all();
		}
		sync.finish();
		/* Until the other one is through with it. */
		chosen_.arrive_and_wait();
		statistics_ += sync.statistics();
	}
	sync_ = nullptr;
	chosen_.arrive_and_wait();
}

void Races::follow(std::size_t number)
{
	Task task{world_, number};

	for (;;) {
		chosen_.arrive_and_wait();
		if (!sync_)
			return;
		sync_->follow([&] { task.perform(against_); });
		chosen_.arrive_and_wait();
	}
}

} // namespace revoke_stress
