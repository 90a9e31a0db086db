// SPDX-License-Identifier: GPL-2.0
/* What the files of the kselftests ask of the program that they are part of. */
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "filesystem.hh"
#include "harness.hh"
#include "tables.hh"

namespace revoke_test
{

const Options &options()
{
	static const Options defaults;

	return defaults;
}

int slowness()
{
	constexpr int of_slow_machines = 8;
	const char *slow = std::getenv("KSFT_MACHINE_SLOW");

	return slow && std::string_view{slow} == "yes" ? of_slow_machines : 1;
}

void set_skip_reason(std::string_view reason) { fmt::print("# {}\n", reason); }

/* Control makes paths with it; objects of this program know their own. */
const FileSystem &filesystem() { return procfs_filesystem(); }

} // namespace revoke_test
