/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs have in common: where figures go, and how failure is told. */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

namespace bench
{

/* Into the folder that is taken home from the guest. */
inline void save(const nlohmann::json &result, const std::string &file)
{
	const char *folder = std::getenv("RESULTS_DIR");

	std::ofstream{std::string{folder ? folder : "."} + "/" + file} << result.dump(1) << '\n';
}

/* Status to exit with. */
inline int status_of(void (*run)())
{
	try {
		run();
	} catch (const std::exception &error) {
		std::printf("# %s\n", error.what());
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

} // namespace bench

#endif
