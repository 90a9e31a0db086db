// SPDX-License-Identifier: GPL-2.0
#include <cerrno>

#include "control.hh"
#include "filesystem.hh"

namespace revoke_test
{

static int errno_after_removal(test_revoke_method method)
{
	return method == TEST_REVOKE_IOCTL || method == TEST_REVOKE_COMPAT_IOCTL ? ENOTTY : ENODEV;
}

const FileSystem &filesystem()
{
	static constexpr FileSystem sysfs{
		.root = "/sys/kernel/test_revoke",
		.file = TEST_REVOKE_SYSFS_BINARY,
		.directory = TEST_REVOKE_SYSFS_DIR,
		/* Seeks come to those that can be mapped, only. */
		.methods = TEST_REVOKE_HAS_WRITE,
		.has_read_iter = true,
		/* Does not come to that: the file cannot be opened for writing. */
		.errno_without_write = EACCES,
		.errno_without_mmap = ENODEV,
		.errno_after_removal = errno_after_removal,
		.mask_after_removal = always_ready | EPOLLERR | EPOLLPRI,
		.mremap_asks_file = false,
		.name_is_free_at_once = false,
		.open_files_keep_module = false,
	};

	return sysfs;
}

} // namespace revoke_test
