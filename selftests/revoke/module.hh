/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel modules that the tests work with. */
#ifndef REVOKE_MODULE_H
#define REVOKE_MODULE_H

#include <functional>
#include <string>

#include "check.hh"

namespace revoke_test::module
{

struct Module {
	std::string name;   /* as lsmod tells it */
	std::string path{}; /* of a file that was not installed */

	/* From `path`, or by modprobe; an explanation on failure. */
	[[nodiscard]] std::string load() const;
	/* Skips the case when that does not work, or when it is there already. */
	void load_or_skip() const;

	/* Does not wait for users: EAGAIN or EWOULDBLOCK tell that there are some. */
	[[nodiscard]] Result unload() const;
	/* Fails the case, and lets it end, when unloading does not come back. */
	void check_unloads() const;
};

/* At options().module or $TEST_REVOKE_KO, if there is one. */
Module test_revoke();

/* Whether the control device of test_revoke is there. */
bool is_loaded();

/* Unloads test_revoke, and loads it again. */
void reload(const std::function<void()> &while_unloaded);

} // namespace revoke_test::module

#endif
