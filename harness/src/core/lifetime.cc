// SPDX-License-Identifier: GPL-2.0
#include "lifetime.hh"

#include <algorithm>

#include "table.hh"

namespace revoke_stress
{

namespace
{

/* One that has not ended may have done its work. */
bool may_have_worked(const Record &record) { return !record.ended() || record.ok(); }

/* ->open may have been called and what came after it failed; then the file is released. */
bool is_uncertain(const Record &open) { return !open.ended() || open.flags & flag_injected; }

} // namespace

Lifetimes::Lifetimes(const History &history)
{
	for (std::size_t task = 0; task < history.tasks.size(); task++)
		for (std::size_t i = 0; i < history.tasks[task].size(); i++)
			collect(history, {&history.tasks[task][i], {task, i}});
	remove_with_directories(history);
	settle();
	count_opens(history);
}

void Lifetimes::collect(const History &history, const Located &located)
{
	const Record &record = *located.record;
	/* Not all are about an object; those end up at one that nobody asks for. */
	Lifetime &life = lifetimes_[identity_of(record)];

	switch (record.action.kind) {
	case Kind::create:
		if (record.ok())
			life.created = located;
		break;
	case Kind::remove:
	case Kind::remove_self:
		if (may_have_worked(record))
			life.removals.push_back(located);
		break;
	case Kind::ready:
		if (may_have_worked(record))
			life.readies.push_back(located);
		break;
	case Kind::counters:
		if (record.ok())
			life.counters.push_back(located);
		break;
	case Kind::open:
	case Kind::reopen:
		if (record.ok() || is_uncertain(record))
			life.opened.push_back(located);
		break;
	default:
		break;
	}
	if (record.ok() && reads(history, record)) {
		Time &first = life.first_read.try_emplace(record.file, record.begin).first->second;
		first = std::min(first, record.begin);
	}
}

/* With a directory goes what was made in it: `argument` has the generation of that. */
void Lifetimes::remove_with_directories(const History &history)
{
	for (auto &[identity, life] : lifetimes_) {
		if (!life.created)
			continue;
		const ObjectRow &row = history.objects.at(identity.first);
		if (row.parent == no_parent)
			continue;
		const Lifetime *directory =
			find({row.parent, life.created->record->action.argument});
		if (directory)
			std::ranges::copy_if(directory->removals, std::back_inserter(life.removals),
					     [](const Located &removal) {
						     return removal.record->action.kind ==
							    Kind::remove;
					     });
	}
}

/* It may be going as soon as the first begins, and is gone for certain when one returned. */
void Lifetimes::settle()
{
	for (auto &[identity, life] : lifetimes_) {
		for (const Located &removal : life.removals) {
			const Record &record = *removal.record;

			if (!life.going || record.begin < life.going)
				life.going = record.begin;
			if (record.ok() && (!life.gone || record.end < life.gone))
				life.gone = record.end;
		}
		std::ranges::sort(life.counters, {},
				  [](const Located &located) { return located.record->begin; });
	}
}

/* A stray one may be counted by any of those that it could have got. */
void Lifetimes::count_opens(const History &history)
{
	const auto reuses = [&](const Identity &identity) {
		return identity.first < history.objects.size() &&
		       history.objects[identity.first].reuses;
	};

	for (auto &[identity, life] : lifetimes_)
		for (const Located &open : life.opened) {
			const Record &record = *open.record;

			if (reuses(identity) && life.phase_of(record) != Phase::before)
				strays_.insert(record.file);
			else
				(record.ok() ? life.opens : life.uncertain_opens)++;
		}
	for (auto &[identity, life] : lifetimes_)
		if (reuses(identity))
			life.uncertain_opens += static_cast<std::uint32_t>(strays_.size());
}

} // namespace revoke_stress
