/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_NEMESIS_H
#define REVOKE_STRESS_NEMESIS_H

#include <chrono>
#include <span>
#include <string_view>

#include "core/history.hh"
#include "core/rng.hh"
#include "task.hh"

namespace revoke_stress
{

/* Somebody who makes the workers' life hard: what he does next, and how long he rests at most. */
struct Nemesis {
	std::string_view name;
	Action (*next)(const Task &task, Rng &rng);
	std::chrono::microseconds rest;
	/* Goes on until the last worker has ended: without him some would never. */
	bool until_the_end = false;
};

std::span<const Nemesis> all_nemeses();

/* By any of the interfaces that its owner has for that. */
Action remove_somehow(std::uint16_t object, Rng &rng);
/* Objects are there for as long as they are absent, more or less. */
Action make_or_remove(const Task &task, Rng &rng);
/* Lets those go who are told to block. */
Action kick_some(const Task &task, Rng &rng);

} // namespace revoke_stress

#endif
