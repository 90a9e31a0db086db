/* SPDX-License-Identifier: GPL-2.0 */
/* Kinds of devices that can be made and removed: what one has to know of each. */
#ifndef REVOKE_STRESS_DEVICE_H
#define REVOKE_STRESS_DEVICE_H

#include <fcntl.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/history.hh"

namespace revoke_stress
{

/* One that was made. */
struct Made {
	std::uint32_t number = 0; /* of ours: no other one of the round has it */
	std::uint64_t token = 0;  /* of the kernel, where that chooses */
};

struct Device {
	/* What comes and goes with it. */
	struct File {
		std::string path; /* with {} for the name of the device */
		const char *table;
		int flags = O_RDONLY; /* to open it with */
	};
	static constexpr std::size_t any_number = SIZE_MAX;

	/* Two kinds of one name share their instances. */
	std::string name;
	std::vector<File> files;
	/* Number -> with the token as that of the outcome. */
	Outcome (*create)(std::uint32_t number);
	Outcome (*remove)(const Made &made);
	std::string (*device_name)(const Made &made);
	/* How many there can be at a time. */
	std::size_t instances = any_number;
	/* What it is called is given out again. */
	bool reuses = false;
	/* What is to be loaded before one is made, and unloaded in the end. */
	const char *module = nullptr;
	/* Once, after that; and after each round. */
	void (*prepare)() = nullptr;
	void (*restore)() = nullptr;
};

} // namespace revoke_stress

#endif
