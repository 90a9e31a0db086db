// SPDX-License-Identifier: GPL-2.0
/* Disks without anything behind them, made by the folders of configfs. */
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "attribute.hh"
#include "devices.hh"
#include "outcome.hh"

namespace revoke_stress
{

using revoke_test::result_of;

static constexpr const char *disks = "/sys/kernel/config/nullb";

static std::string device_name(const Made &made) { return fmt::format("null{}", made.number); }

static std::string folder_of(const Made &made)
{
	return fmt::format("{}/{}", disks, device_name(made));
}

static Outcome remove(const Made &made)
{
	return outcome_of(result_of(rmdir(folder_of(made).c_str())));
}

static Outcome create(std::uint32_t number)
{
	const Made made{.number = number};
	const Outcome folder = outcome_of(result_of(mkdir(folder_of(made).c_str(), 0755)));

	if (folder.error)
		return folder;
	const Outcome on = write_attribute(folder_of(made) + "/power", "1");
	if (on.error)
		remove(made);
	return on;
}

static void prepare() { mount_configfs(disks); }

Device null_blk_device()
{
	return {.name = "null_blk",
		.files = {{"/sys/block/{}/stat", "sysfs"},
			  {"/sys/block/{}/mq/0/nr_tags", "sysfs"},
			  {"/sys/kernel/debug/block/{}/hctx0/flags", "debugfs"}},
		.create = create,
		.remove = remove,
		.device_name = device_name,
		.module = "null_blk",
		.prepare = prepare};
}

} // namespace revoke_stress
