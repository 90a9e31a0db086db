/* SPDX-License-Identifier: GPL-2.0 */
/* Histories by hand: one that is in order, to be spoilt by each test in its own way. */
#ifndef REVOKE_STRESS_STORY_H
#define REVOKE_STRESS_STORY_H

#include <sys/epoll.h>

#include <cerrno>
#include <csignal>

#include "core/history.hh"

namespace revoke_stress::story
{

constexpr std::uint64_t identity = 7;
constexpr std::uint8_t read_way = 0;
constexpr std::uint8_t seek_way = 1;
constexpr std::uint8_t read_on_way = 2;
constexpr std::uint8_t poll_way = 0;
constexpr std::uint8_t select_way = 1;
constexpr std::uint16_t file_object = 0;
constexpr std::uint16_t directory = 1;
constexpr std::uint16_t file_below = 2;

/* When things happen, in milliseconds. */
constexpr Time created = 1;
constexpr Time opened = 3;
constexpr Time going = 100;
constexpr Time gone = 110;
constexpr Time counted = 120;
constexpr Time finish = 60'000;

inline Record record(Kind kind, Time begin, Time end, Outcome outcome = {})
{
	Record made;

	made.action.kind = kind;
	made.begin = begin * millisecond;
	made.end = end * millisecond;
	made.outcome = outcome;
	made.generation = 1;
	return made;
}

inline Record create(std::uint16_t object, Time begin, std::uint64_t token,
		     std::uint32_t parent = 0)
{
	Record made = record(Kind::create, begin, begin + 1, {0, 0, token});

	made.action.object = object;
	made.action.argument = parent;
	return made;
}

inline Record on_file(Kind kind, Time begin, Time end, Outcome outcome = {})
{
	Record made = record(kind, begin, end, outcome);

	made.file = 1;
	return made;
}

inline Record reads(Time begin, Time end, Outcome outcome)
{
	Record made = on_file(Kind::call, begin, end, outcome);

	made.action.way = read_way;
	return made;
}

/* From where the file is. */
inline Record reads_on(Time begin, Time end, Outcome outcome)
{
	Record made = reads(begin, end, outcome);

	made.action.way = read_on_way;
	return made;
}

inline Record remove(std::uint16_t object, Time begin, Time end, int error = 0)
{
	Record made = record(Kind::remove, begin, end, {error ? -1 : 0, error, 0});

	made.action.object = object;
	return made;
}

inline Record wait(Time begin, Time end, std::uint32_t events, std::uint32_t told,
		   std::uint8_t way = poll_way)
{
	Record made = on_file(Kind::wait, begin, end, {told, 0, 0});

	made.action.way = way;
	made.action.argument = events;
	return made;
}

inline Record ready(Time begin, std::uint32_t mask)
{
	Record made = record(Kind::ready, begin, begin + 1);

	made.action.argument = mask;
	return made;
}

inline Record counters(Time begin, const Counts &counts, std::uint32_t flags = 0)
{
	Record made = record(Kind::counters, begin, begin + 1);

	made.counts = counts;
	made.flags = flags;
	return made;
}

/* An object with one open file is removed; task 0 owns it, task 1 uses it. */
inline History good()
{
	History history;

	history.patience = 15 * second;
	history.finish = finish * millisecond;
	history.tables["fs"] = {{{"", EIO}, {"open", ENOENT}, {"lseek", EINVAL}},
				EPOLLIN | EPOLLHUP | EPOLLPRI,
				{ESHUTDOWN}};
	history.objects = {{"file", "fs", Release::with_removal, no_parent, true},
			   {"directory", "fs", Release::none, no_parent, false},
			   {"below", "fs", Release::with_removal, directory, true}};
	history.calls = {
		{"pread", "read", true}, {"lseek", "lseek", true}, {"readv", "read", true}};
	history.waits = {{"poll", "", true}, {"select", "", false}};
	history.faults = {"late method"};
	history.tasks = {
		{
			create(file_object, created, identity),
			record(Kind::remove, going, gone),
			counters(counted, {1, 1, 2, 2, 0}),
			counters(counted + 100, {1, 1, 2, 2, 0}, flag_final),
		},
		{
			on_file(Kind::open, opened, opened + 1),
			reads(10, 11, {5, 0, 0}),
			reads(gone + 1, gone + 2, {-1, EIO, 0}),
			on_file(Kind::close, gone + 3, gone + 4),
		},
	};
	return history;
}

/* With one more task. */
inline History good_and(std::vector<Record> records)
{
	History history = good();

	history.tasks.push_back(std::move(records));
	return history;
}

} // namespace revoke_stress::story

#endif
