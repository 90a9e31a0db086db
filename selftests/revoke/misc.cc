// SPDX-License-Identifier: GPL-2.0
#include <cerrno>

#include "chardev.hh"

namespace revoke_test
{

static int errno_after_removal(test_revoke_method) { return ENODEV; }

const FileSystem &filesystem()
{
	static constexpr FileSystem misc =
		chardev("/dev/test_revoke_misc", TEST_REVOKE_MISC, errno_after_removal, false);

	return misc;
}

} // namespace revoke_test
