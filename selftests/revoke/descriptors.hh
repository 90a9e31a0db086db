/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_DESCRIPTORS_H
#define REVOKE_DESCRIPTORS_H

#include <sys/resource.h>

#include <algorithm>

#include "check.hh"

namespace revoke_test
{

/* Raises the limit for a case that opens many files, or skips it. */
inline void allow_open_files(rlim_t files)
{
	constexpr rlim_t others = 64;
	rlimit limit{};

	check_ok(result_of(getrlimit(RLIMIT_NOFILE, &limit)), "getrlimit");
	limit.rlim_cur = std::max(limit.rlim_cur, files + others);
	limit.rlim_max = std::max(limit.rlim_max, limit.rlim_cur);
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		skip("cannot open {} files: {}", files, error_name(errno));
}

} // namespace revoke_test

#endif
