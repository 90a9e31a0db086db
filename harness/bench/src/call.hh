/* SPDX-License-Identifier: GPL-2.0 */
/* System calls on open files. */
#ifndef BENCH_CALL_H
#define BENCH_CALL_H

#include <functional>
#include <string>
#include <vector>

#include "target.hh"

namespace bench
{

/* A system call on a file, ready to be repeated. */
struct Shot {
	std::function<void()> untimed;
	std::function<long()> timed; /* -1 if the file cannot do it */
};

struct Call {
	std::string name;
	/* Without ->timed for a file that cannot be asked. */
	Shot (*on)(const Target &target);
};

const std::vector<Call> &calls();

} // namespace bench

#endif
