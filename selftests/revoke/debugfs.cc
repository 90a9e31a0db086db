// SPDX-License-Identifier: GPL-2.0
#include <cerrno>

#include "control.hh"
#include "filesystem.hh"

namespace revoke_test
{

static int errno_after_removal(test_revoke_method method)
{
	return method == TEST_REVOKE_OPEN ? ENOENT : EIO;
}

const FileSystem &filesystem()
{
	static constexpr FileSystem debugfs{
		.root = "/sys/kernel/debug/test_revoke",
		.file = TEST_REVOKE_DEBUGFS_FILE,
		.directory = TEST_REVOKE_DEBUGFS_DIR,
		.methods = all_methods & ~TEST_REVOKE_HAS_COMPAT_IOCTL,
		.has_read_iter = false,
		.errno_without_write = EINVAL,
		.errno_without_mmap = ENODEV,
		.errno_after_removal = errno_after_removal,
		.mask_after_removal = EPOLLHUP,
		.mremap_asks_file = true,
		.name_is_free_at_once = false,
		.open_files_keep_module = true,
	};

	return debugfs;
}

} // namespace revoke_test
