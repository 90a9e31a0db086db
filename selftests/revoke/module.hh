/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel module that the tests work with. */
#ifndef REVOKE_MODULE_H
#define REVOKE_MODULE_H

#include <string>

#include "check.hh"

namespace revoke_test::module
{

/* Whether its control device is there. */
bool is_loaded();

/* From options().module, $TEST_REVOKE_KO, /lib/modules, or by modprobe; an explanation on failure.
 */
std::string load();

/* Does not wait for users: EAGAIN or EWOULDBLOCK tell that there are some. */
Result unload();

} // namespace revoke_test::module

#endif
