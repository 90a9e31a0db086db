// SPDX-License-Identifier: GPL-2.0
#include "slab.hh"

#include <fstream>
#include <sstream>

namespace revoke_stress
{

std::optional<std::uint64_t> active_objects(std::istream &slabinfo, const std::string &cache)
{
	for (std::string line; std::getline(slabinfo, line);) {
		std::istringstream words{line};
		std::string name;
		std::uint64_t active = 0;

		if (words >> name >> active && name == cache)
			return active;
	}
	return std::nullopt;
}

std::optional<std::uint64_t> slab_objects(const std::string &cache)
{
	/* What CPUs keep for themselves counts as in use. */
	std::ofstream{"/sys/kernel/slab/" + cache + "/shrink"} << "1";
	std::ifstream slabinfo{"/proc/slabinfo"};

	return active_objects(slabinfo, cache);
}

} // namespace revoke_stress
