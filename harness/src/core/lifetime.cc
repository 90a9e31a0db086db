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

Lifetimes::Lifetimes(const History &history) : history_(history)
{
	for (std::size_t task = 0; task < history.tasks.size(); task++)
		for (std::size_t i = 0; i < history.tasks[task].size(); i++)
			collect({&history.tasks[task][i], {task, i}});
	remove_with_directories();
	settle();
	count_opens();
}

void Lifetimes::collect(const Located &located)
{
	const Record &record = *located.record;
	/* Not all are about an object; those end up at one that nobody asks for. */
	Lifetime &life = lifetimes_[identity_of(record)];

	switch (record.action.kind) {
	case Kind::create:
		if (record.ok())
			life.created = located;
		else if (!record.ended())
			some_unknown_ = true;
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
		life.opens_tried.push_back(located);
		break;
	default:
		break;
	}
	if (record.ok() && reads(history_, record)) {
		Time &first = life.first_read.try_emplace(record.file, record.begin).first->second;
		first = std::min(first, record.begin);
	}
}

/* With a directory goes what was made in it: `argument` has the generation of that. */
void Lifetimes::remove_with_directories()
{
	for (auto &[identity, life] : lifetimes_) {
		if (!life.created)
			continue;
		const ObjectRow &row = history_.objects.at(identity.first);
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

bool Lifetimes::may_stray(const Record &open) const
{
	const std::uint16_t object = open.action.object;

	return object < history_.objects.size() && history_.objects[object].reuses &&
	       find(identity_of(open))->phase_of(open) != Phase::before;
}

/* For good: a file stays with the object that it got. */
void Lifetimes::ask_strays()
{
	std::map<std::uint64_t, Lifetime *> made;

	for (auto &[identity, life] : lifetimes_)
		if (life.created && life.created->record->outcome.token)
			made[life.created->record->outcome.token] = &life;
	for (const std::vector<Record> &task : history_.tasks)
		for (const Record &record : task)
			if (record.ok() && is_stray(record) && tells_identity(record) &&
			    made.contains(record.outcome.token))
				strays_[record.file] = made[record.outcome.token];
}

void Lifetimes::count_opens()
{
	for (const auto &[identity, life] : lifetimes_)
		for (const Located &open : life.opens_tried)
			if (may_stray(*open.record))
				strays_[open.record->file] = nullptr;
	ask_strays();
	for (auto &[identity, life] : lifetimes_)
		for (const Located &open : life.opens_tried)
			count_open(life, *open.record);
}

/* One that has not told may be counted by any of those that it could have got. */
void Lifetimes::count_open(Lifetime &life, const Record &open)
{
	const auto stray = strays_.find(open.file);

	if (!open.ok() && !is_uncertain(open))
		return;
	if (stray == strays_.end()) {
		(open.ok() ? life.opens : life.uncertain_opens)++;
		return;
	}
	if (stray->second) {
		stray->second->opens++;
		return;
	}
	for (auto &[identity, other] : lifetimes_)
		if (other.created && same_numbers(open, *other.created->record) &&
		    other.phase_of(open) != Phase::after)
			other.uncertain_opens++;
}

/* Those of one kind are numbered together. */
bool Lifetimes::same_numbers(const Record &one, const Record &other) const
{
	const ObjectRow &row = history_.objects.at(one.action.object);

	return row.reuses && history_.objects.at(other.action.object).table == row.table;
}

} // namespace revoke_stress
