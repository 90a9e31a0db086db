/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between the filesystems whose files go away. */
#ifndef REVOKE_FILESYSTEM_H
#define REVOKE_FILESYSTEM_H

#include <sys/epoll.h>

#include <cstdint>
#include <string_view>

#include <lib/test_revoke_uapi.h>

#include "check.hh"

namespace revoke_test
{

constexpr test_revoke_kind no_kind = TEST_REVOKE_NR_KINDS;

struct FileSystem {
	std::string_view root; /* folder of what the module makes */
	test_revoke_kind file;
	test_revoke_kind directory; /* no_kind where there are none */
	/* All that userspace can get at through a file, and whether ->read_iter is in it. */
	std::uint32_t methods; /* enum test_revoke_flags */
	bool has_read_iter;
	/* What files without ->write and without ->mmap answer. */
	int errno_without_write;
	int errno_without_mmap;
	/* What a removed file answers: programs rely on it. An open may find it still. */
	int (*errno_after_removal)(test_revoke_method method);
	std::uint32_t mask_after_removal; /* of a file with ->poll */
	/* Moving a mapping asks the file, which can be gone. */
	bool mremap_asks_file;
	/* A name can be used again while users of the removed file are waited for. */
	bool name_is_free_at_once;
	/* An open file that has not been removed keeps the module, or even one that has been. */
	bool open_files_keep_module;
	bool stale_files_keep_module = false;
};

/* The one that this program is linked with. */
const FileSystem &filesystem();

/* What most methods of a removed file fail with. */
inline int gone() { return filesystem().errno_after_removal(TEST_REVOKE_READ); }

/* How many of so many opens, or releases, the module hears of. */
inline std::uint64_t counted(std::uint64_t number)
{
	return filesystem().methods & TEST_REVOKE_HAS_RELEASE ? number : 0;
}

/* An open that failed since the file was going, or gone. */
inline void check_late_open(const Result &opened)
{
	check(opened.error == ENOENT ||
		      opened.error == filesystem().errno_after_removal(TEST_REVOKE_OPEN),
	      "open: {}", opened);
}

/* What waiters for these events are told when their file is removed, as EPOLL* bits. */
inline std::uint32_t told_of_removal(std::uint32_t events)
{
	return filesystem().mask_after_removal & (events | EPOLLERR | EPOLLHUP);
}

/* What a file without ->poll always is: DEFAULT_POLLMASK of the kernel. */
constexpr std::uint32_t always_ready = EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;

} // namespace revoke_test

#endif
