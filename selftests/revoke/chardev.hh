/* SPDX-License-Identifier: GPL-2.0 */
/* What the two ways to make a character device have in common. */
#ifndef REVOKE_CHARDEV_H
#define REVOKE_CHARDEV_H

#include <cerrno>

#include "control.hh"
#include "filesystem.hh"

namespace revoke_test
{

constexpr FileSystem chardev(std::string_view root, test_revoke_kind kind,
			     int (*errno_after_removal)(test_revoke_method method),
			     bool name_is_free_at_once)
{
	return {
		.root = root,
		.file = kind,
		.directory = no_kind,
		.methods = all_methods,
		.has_read_iter = true,
		.errno_without_write = EINVAL,
		.errno_without_mmap = ENODEV,
		.errno_after_removal = errno_after_removal,
		.mask_after_removal = EPOLLERR | EPOLLHUP | EPOLLPRI,
		.mremap_asks_file = false,
		.name_is_free_at_once = name_is_free_at_once,
		.open_files_keep_module = true,
		.stale_files_keep_module = true,
	};
}

} // namespace revoke_test

#endif
