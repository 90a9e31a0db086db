/* SPDX-License-Identifier: GPL-2.0 */
/* What was done to objects that go away, by whom, when, and what came of it. */
#ifndef REVOKE_STRESS_HISTORY_H
#define REVOKE_STRESS_HISTORY_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "clock.hh"

namespace revoke_stress
{

enum class Kind : std::uint8_t {
	/* By those who own the objects. */
	create,
	remove,
	kick,
	ready,
	behave,
	counters,
	census,
	/* By those who use their files. */
	open,
	reopen,
	close,
	call,
	remove_self,
	identify,
	read_part,
	poll,
	wait,
	map,
	touch,
	unmap,
	lock,
	fasync,
	stat,
	fdinfo,
	duplicate,
	send,
	receive,
	child,
	exec,
	/* By those who disturb. */
	signal,
	stop,
	resume,
	kill,
	move,
	count
};

std::string_view name_of(Kind kind);

/* What somebody is to do; enough to do it again. */
struct Action {
	Kind kind = Kind::count;
	std::uint8_t way = 0;       /* of calling, waiting, removing ...: meaning depends on kind */
	std::uint16_t object = 0;   /* index of the object, or of the task to be disturbed */
	std::uint8_t slot = 0;      /* of the task's own table of files, or of mappings */
	std::uint8_t other = 0;     /* the slot where something new goes */
	std::uint32_t argument = 0; /* events to wait for, mask to set, ... */
	std::uint32_t fail_nth = 0; /* which allocation in it is to fail, 0 for none */
	bool operator==(const Action &) const = default;
};

/* What came of it. */
struct Outcome {
	std::int64_t value = 0;  /* what the call returned, a mask, a signal */
	std::int32_t error = 0;  /* errno */
	std::uint64_t token = 0; /* the identity that data, or the object, told */
	bool operator==(const Outcome &) const = default;
};

/* What an object says of itself. */
struct Counts {
	std::uint32_t opens = 0;
	std::uint32_t releases = 0;
	std::uint32_t entered = 0; /* all methods but release */
	std::uint32_t left = 0;
	std::uint32_t faults = 0; /* one bit for each kind, History::faults names them */
	bool operator==(const Counts &) const = default;
};

enum Flag : std::uint32_t {
	flag_signals = 0x1,  /* could be interrupted */
	flag_injected = 0x2, /* an allocation was made to fail */
	flag_killed = 0x4,   /* its task was killed meanwhile: what came of it is not known */
	flag_final = 0x8,    /* counters: of an object that nobody uses any more */
};

struct Record {
	Action action;
	Outcome outcome;
	Counts counts;                /* of Kind::counters; of remove: opens is open files */
	std::uint32_t generation = 0; /* of the object: it is made again and again */
	std::uint32_t file = 0;       /* the open file, whichever descriptor; 0 for none */
	std::uint32_t flags = 0;
	Time begin = 0;
	Time end = 0; /* 0: it did not end */

	[[nodiscard]] bool ended() const { return end != 0; }
	[[nodiscard]] bool ok() const { return ended() && outcome.error == 0; }
	bool operator==(const Record &) const = default;
};

/* When the release hook has to have run. */
enum class Release : std::uint8_t {
	none,          /* there is none, or it is not counted */
	with_removal,  /* before removal returns */
	at_last_close, /* documented as late */
};

constexpr std::uint16_t no_parent = UINT16_MAX;

struct ObjectRow {
	std::string name;
	std::string table; /* in History::tables */
	Release release = Release::none;
	std::uint16_t parent = no_parent; /* index of the directory that it is in */
	bool counts = false;              /* Kind::counters works on it */
	bool reads_on = false;            /* a part that was not read is kept by the file */
	bool reuses = false; /* its number or name is used again: a late open may get the next */
	bool operator==(const ObjectRow &) const = default;
};

/* What a filesystem answers: programs rely on it. */
struct Table {
	/* After removal, by method; "" for all others but "fasync", which few files have. */
	std::map<std::string, int> gone;
	std::uint32_t mask_gone = 0; /* for poll */
	/* What files answer while they are there, besides success. */
	std::vector<int> live;
	bool operator==(const Table &) const = default;
};

/* A way to call a method, or to wait. */
struct Way {
	std::string name;
	std::string method;
	bool has_mask = true; /* waiting tells all that the file is ready for */
	bool operator==(const Way &) const = default;
};

struct History {
	std::uint64_t seed = 0;
	std::uint64_t round = 0;
	std::string source;
	std::string workload;
	Time patience = 15 * second; /* how long what has to happen may take */
	Time finish = 0;             /* when recording ended */
	std::vector<ObjectRow> objects;
	std::map<std::string, Table> tables;
	std::vector<Way> calls;          /* what Action::way stands for in Kind::call */
	std::vector<Way> waits;          /* ... in Kind::wait */
	std::vector<std::string> faults; /* what the bits of Counts::faults stand for */
	std::vector<std::vector<Record>> tasks;

	[[nodiscard]] std::size_t size() const;
	bool operator==(const History &) const = default;
};

/* Lines of JSON: one that describes the objects, then one for each record. */
void save(const History &history, std::ostream &to);
/* Throws std::runtime_error, with the number of the line, for what is not a history. */
History load(std::istream &from);

/* One line about a record, for people; times are relative to `origin`. */
std::string describe(const History &history, std::size_t task, const Record &record, Time origin);

} // namespace revoke_stress

#endif
