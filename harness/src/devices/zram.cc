// SPDX-License-Identifier: GPL-2.0
/* Disks of compressed memory, with the lowest number that is free. */
#include <cerrno>

#include <fmt/format.h>

#include "attribute.hh"
#include "devices.hh"

namespace revoke_stress
{

/* To read it is to make one. */
static Outcome create(std::uint32_t)
{
	return numbered(number_in(read_attribute("/sys/class/zram-control/hot_add"), ""));
}

static Outcome remove(const Made &made)
{
	return write_attribute("/sys/class/zram-control/hot_remove", fmt::format("{}", made.token));
}

static std::string device_name(const Made &made) { return fmt::format("zram{}", made.token); }

Device zram_device()
{
	return {.name = "zram",
		.files = {{"/sys/block/{}/mm_stat", "sysfs"},
			  {"/sys/block/{}/io_stat", "sysfs"},
			  {"/sys/kernel/debug/zram/{}/block_state", "zram"}},
		.create = create,
		.remove = remove,
		.device_name = device_name,
		.reuses = true,
		.module = "zram"};
}

} // namespace revoke_stress
