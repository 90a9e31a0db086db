// SPDX-License-Identifier: GPL-2.0
#include <cerrno>

#include "control.hh"
#include "filesystem.hh"

namespace revoke_test
{

static int errno_after_removal(test_revoke_method method)
{
	switch (method) {
	case TEST_REVOKE_OPEN:
		return ENOENT;
	case TEST_REVOKE_LSEEK:
		return EINVAL;
	case TEST_REVOKE_IOCTL:
	case TEST_REVOKE_COMPAT_IOCTL:
		return ENOTTY;
	default:
		return EIO;
	}
}

const FileSystem &filesystem()
{
	static constexpr FileSystem procfs{
		.root = "/proc/test_revoke",
		.file = TEST_REVOKE_PROC_FILE,
		.directory = TEST_REVOKE_PROC_DIR,
		.methods = all_methods,
		.has_read_iter = true,
		.errno_without_write = EIO,
		.errno_without_mmap = EIO,
		.errno_after_removal = errno_after_removal,
		/* EPOLLERR, EPOLLHUP and EPOLLPRI are new with the revocation of files. */
		.mask_after_removal = always_ready | EPOLLERR | EPOLLHUP | EPOLLPRI,
		.mremap_asks_file = true,
		.name_is_free_at_once = true,
		.open_files_keep_module = false,
	};

	return procfs;
}

} // namespace revoke_test
