/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel modules that the tests work with. */
#ifndef REVOKE_MODULE_H
#define REVOKE_MODULE_H

#include <string>

#include "check.hh"

namespace revoke_test::module
{

struct Module {
	std::string file;   /* without .ko */
	std::string folder; /* in the kernel's tree */
	std::string path{}; /* overrides the search for it */

	/* From `path`, /lib/modules, or by modprobe; an explanation on failure. */
	[[nodiscard]] std::string load() const;

	/* Does not wait for users: EAGAIN or EWOULDBLOCK tell that there are some. */
	[[nodiscard]] Result unload() const;
};

/* At options().module or $TEST_REVOKE_KO, if there is one. */
Module test_revoke();

/* Whether the control device of test_revoke is there. */
bool is_loaded();

} // namespace revoke_test::module

#endif
