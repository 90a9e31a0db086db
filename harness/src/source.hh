/* SPDX-License-Identifier: GPL-2.0 */
/* Where objects come from: what makes and removes them, and how their files are used. */
#ifndef REVOKE_STRESS_SOURCE_H
#define REVOKE_STRESS_SOURCE_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/history.hh"
#include "core/rng.hh"

namespace revoke_stress
{

/* What a workload needs of its objects. */
enum class Wish : std::uint8_t { anything, waiting, mapping, directories, self_removal };

/* What can be done with the files of an object. */
struct Abilities {
	std::vector<std::uint8_t> calls; /* indices of History::calls */
	bool waits = false;
	bool readies = false; /* waiters are told of Kind::ready */
	bool maps = false;
	bool identifies = false;
	bool reopens = false;
	bool removes_itself = false;
	bool awaits = false;   /* methods can sleep until it is removed */
	bool has_files = true; /* it is no directory */
};

/* One that somebody uses: nobody keeps it from going meanwhile. */
struct Ref {
	std::uint16_t object = 0;
	std::uint32_t generation = 0;
	std::uint64_t token = 0;
	std::uint32_t parent_generation = 0;
	std::uint64_t parent_token = 0;
};

enum BehaveBits : std::uint32_t {
	behave_block = 0x1,
	behave_fail = 0x2,
	behave_await = 0x4,     /* sleep until the object is removed */
	behave_delay_shift = 8, /* microseconds */
};

/*
 * Used by many tasks at once, some of which are processes: what changes after
 * choose() has to be in the kernel, or in shared memory.
 */
class Source
{
public:
	Source() = default;
	Source(const Source &) = delete;
	Source &operator=(const Source &) = delete;
	virtual ~Source() = default;

	[[nodiscard]] virtual std::string_view name() const = 0;
	/* Why it cannot be used on this machine; empty if it can. */
	[[nodiscard]] virtual std::string problem() const = 0;
	/* Tables, ways and names of faults. */
	virtual void describe(History &history) const = 0;

	/* Begins a round; the objects of the one before are no more. */
	virtual std::vector<ObjectRow> choose(Wish wish, Rng &rng) = 0;
	/* The same objects as in a history. */
	virtual void choose_again(const std::vector<ObjectRow> &rows) = 0;
	[[nodiscard]] virtual const Abilities &abilities(std::uint16_t object) const = 0;
	/* Ends it. What has not been removed is. */
	virtual void finish() = 0;
	/* Has those go on who should have been told to, as far as possible. */
	virtual void let_go() {}

	virtual Outcome create(const Ref &ref) = 0;
	virtual Outcome remove(const Ref &ref, std::uint8_t way) = 0;
	virtual Outcome kick(const Ref &) { return {}; }
	virtual Outcome ready(const Ref &, std::uint32_t) { return {}; }
	virtual Outcome behave(const Ref &, std::uint8_t, std::uint32_t) { return {}; }
	virtual Outcome counters(const Ref &, Counts &) { return {}; }

	/* The descriptor is the value. */
	virtual Outcome open(const Ref &ref) = 0;
	virtual Outcome call(std::uint8_t way, int fd) = 0;
	virtual Outcome wait(std::uint8_t way, int fd, std::uint32_t events) = 0;
	virtual Outcome identify(int fd) = 0;
	virtual Outcome remove_self(int fd) = 0;
	virtual Outcome map(int fd) = 0; /* one page; its address is the value */
};

} // namespace revoke_stress

#endif
