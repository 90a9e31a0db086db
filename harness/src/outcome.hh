/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_OUTCOME_H
#define REVOKE_STRESS_OUTCOME_H

#include <check.hh>

#include "core/history.hh"

namespace revoke_stress
{

/* What a system call came to, as histories have it. */
inline Outcome outcome_of(const revoke_test::Result &result)
{
	return {result.value, result.error, 0};
}

} // namespace revoke_stress

#endif
