/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Holds a history against what removal promises. It knows nothing of how it came
 * about, and so works on one that was saved as well.
 *
 * Only what is certain counts: of two operations one came first if it had ended
 * before the other began, by the clock that all share.
 */
#ifndef REVOKE_STRESS_CHECKER_H
#define REVOKE_STRESS_CHECKER_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "history.hh"

namespace revoke_stress
{

enum class Rule : std::uint8_t {
	malformed,       /* it is no history: a task does one thing after the other */
	nothing_proved,  /* nothing was removed, or nothing was done */
	late_success,    /* began after removal returned, and worked */
	late_method,     /* a method was entered after removal returned */
	late_mapping,    /* memory of an object that had gone could be used */
	wrong_result,    /* not what the filesystem's table says */
	wrong_object,    /* told by another object than the one that was opened */
	overtaken,       /* removal returned while a method was running */
	missing_release, /* an open file was not released in time */
	second_release,  /* more releases than opens */
	unknown_open,    /* the object counts other opens than there were */
	removed_twice,   /* two removals of one object succeeded */
	left_hanging,    /* an operation did not end although its object had gone */
	removal_hangs,   /* removal did not return */
	lost_wakeup,     /* a waiter was not told */
	module_fault,    /* the object complained itself */
	leak,            /* something was left over in the end */
	count
};

std::string_view name_of(Rule rule);

/* Where a record is. */
struct Place {
	std::size_t task = 0;
	std::size_t index = 0;
	bool operator==(const Place &) const = default;
};

struct Violation {
	Rule rule;
	std::string what;
	std::optional<Place> culprit;
	Time time = 0; /* when it could first be seen */
};

struct Verdict {
	std::vector<Violation> violations; /* the first one first */
	std::size_t operations = 0;        /* on files */
	std::size_t removals = 0;
	std::size_t raced = 0; /* operations that overlapped the removal of their object */

	[[nodiscard]] bool ok() const { return violations.empty(); }
	[[nodiscard]] bool has(Rule rule) const;
};

Verdict check(const History &history);

/* The violation, with the operations on the same object around it, for people. */
std::string explain(const History &history, const Violation &violation);

} // namespace revoke_stress

#endif
