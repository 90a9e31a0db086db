/* SPDX-License-Identifier: GPL-2.0 */
/* What does not work ends the program: a figure that is missing is seen. */
#ifndef BENCH_CHECK_H
#define BENCH_CHECK_H

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace bench
{

inline void check(bool ok, const std::string &what)
{
	if (!ok)
		throw std::runtime_error{what};
}

/* Of a system call: its result, if that is no error. */
inline int check(int result, const std::string &what)
{
	check(result >= 0, what + ": " + std::strerror(errno));
	return result;
}

} // namespace bench

#endif
