/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_TABLE_H
#define REVOKE_STRESS_TABLE_H

#include <cstdint>
#include <optional>
#include <vector>

#include "history.hh"

namespace revoke_stress
{

/* What may come of an operation on an object that is there, or that has gone. */
struct Expected {
	std::vector<int> errors;           /* 0 stands for success */
	std::optional<std::int64_t> value; /* with success, if it has to be a certain one */
	bool value_is_set = false;         /* with success, the value must not be 0 */

	[[nodiscard]] bool allows(const Record &record) const;
};

/* What an operation is, seen from the object. */
enum class Family : std::uint8_t {
	owner,   /* create, remove ... */
	method,  /* leads to a method, and has to pass the gate */
	wait,    /* is woken by removal */
	memory,  /* touches a mapping */
	ungated, /* works on the file without asking the object: close, fstat, fdinfo, locks ... */
	elsewhere, /* has nothing to do with the object */
};

Family family_of(Kind kind);

/* The row for an operation on an object that has not begun to go. */
Expected expected_live(const History &history, const Record &record);
/* The row for one that began after removal returned. */
Expected expected_gone(const History &history, const Record &record, bool has_leftovers);

/* Whether it reads: kernfs keeps for the file what it has not taken. */
bool reads(const History &history, const Record &record);
/* Whether it reads on from where the file is: that is where it is given what was kept. */
bool reads_on(const History &history, const Record &record);

/* What waiting for these events brings once the object has gone. */
std::uint32_t told_when_gone(const Table &table, std::uint32_t events);

} // namespace revoke_stress

#endif
