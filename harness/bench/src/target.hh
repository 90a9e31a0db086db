/* SPDX-License-Identifier: GPL-2.0 */
/* Open files of all kinds that calls are counted on. */
#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H

#include <functional>
#include <string>
#include <vector>

#include "module.hh"

namespace bench
{

struct Target {
	std::string name;
	std::string path; /* "" if it cannot be opened by a name */
	int fd;
	unsigned long ioctl = 0;       /* that takes the address of a number; 0 for none */
	bool maps = false;             /* and its pages can be touched */
	std::function<void()> fill{};  /* before it is read, where that takes something away */
	std::function<void()> drain{}; /* before it is written to, where there is a limit */
};

/* Those of the module live as long as that. */
std::vector<Target> targets(const Module &module);

} // namespace bench

#endif
