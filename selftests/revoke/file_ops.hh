/* SPDX-License-Identifier: GPL-2.0 */
/* The ways from userspace to the methods of a file. */
#ifndef REVOKE_FILE_OPS_H
#define REVOKE_FILE_OPS_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <lib/test_revoke_uapi.h>

#include "check.hh"

namespace revoke_test
{

/*
 * A way to call a method. To judge what comes back it is enough to know whether
 * it works: with an object that is there it returns something positive or 0.
 */
struct FileOp {
	std::string name;
	test_revoke_method method;
	bool needs_read_iter; /* not offered for files with ->read */
	std::function<Result(int fd)> call;
};

/* Those that this machine has; all work on a file with all_methods. */
const std::vector<FileOp> &file_ops();

/* poll(2) without waiting; the mask that comes back. */
short poll_mask(int fd, short events);

/* read(2) of some bytes, for tests of something else. */
Result read_some(int fd);

/* What the object says of itself, through its ioctl: tells old from new ones of one name. */
std::uint64_t object_id_of(int fd);

} // namespace revoke_test

#endif
