// SPDX-License-Identifier: GPL-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

#include "task.hh"

#ifdef __SANITIZE_THREAD__
/* liburing maps and unmaps rings by system calls of its own: memory that is used again, later. */
extern "C" const char *__tsan_default_suppressions();
const char *__tsan_default_suppressions() { return "race:io_uring\n"; }
#endif

int main(int argc, char **argv)
{
	/* What tests have executed is this program. */
	if (argc == 3 && std::string_view{argv[1]} == "read-inherited")
		return revoke_stress::read_as_executed(std::atoi(argv[2]));
	testing::InitGoogleTest(&argc, argv);
	revoke_stress::ignore_disturbances();
	return RUN_ALL_TESTS();
}
