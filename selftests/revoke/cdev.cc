// SPDX-License-Identifier: GPL-2.0
#include <cerrno>

#include "chardev.hh"

namespace revoke_test
{

static int errno_after_removal(test_revoke_method method)
{
	return method == TEST_REVOKE_OPEN ? ENXIO : ENODEV;
}

const FileSystem &filesystem()
{
	static constexpr FileSystem cdev =
		chardev("/dev/test_revoke_cdev", TEST_REVOKE_CDEV, errno_after_removal, true);

	return cdev;
}

} // namespace revoke_test
