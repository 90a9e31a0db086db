/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_SHRINK_H
#define REVOKE_STRESS_SHRINK_H

#include <cstddef>

#include "checker.hh"
#include "history.hh"

namespace revoke_stress
{

struct Shrunk {
	History history;
	std::size_t checks = 0; /* how often the checker was asked */
};

/*
 * A history of fewer operations that breaks the same rule as the first violation of
 * this one: none of what is left can go (delta debugging, with the checker as the
 * judge). One that is in order comes back as it is.
 */
Shrunk shrink(const History &history);

} // namespace revoke_stress

#endif
