// SPDX-License-Identifier: GPL-2.0
/*
 * Simulated GPIO chips, made by the folders of configfs, which have names of ours; the chips have
 * the lowest number that is free.
 */
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "attribute.hh"
#include "devices.hh"
#include "outcome.hh"

namespace revoke_stress
{

using revoke_test::result_of;

static constexpr const char *chips = "/sys/kernel/config/gpio-sim";

static std::string folder_of(std::uint32_t number)
{
	return fmt::format("{}/rvk{}", chips, number);
}

static std::string bank_of(std::uint32_t number) { return folder_of(number) + "/bank"; }

static Outcome remove_folders(std::uint32_t number)
{
	const Outcome bank = outcome_of(result_of(rmdir(bank_of(number).c_str())));

	return bank.error ? bank : outcome_of(result_of(rmdir(folder_of(number).c_str())));
}

/* With the first step the chip has gone. */
static Outcome remove(const Made &made)
{
	const Outcome off = write_attribute(folder_of(made.number) + "/live", "0");

	return off.error ? off : remove_folders(made.number);
}

static Outcome create(std::uint32_t number)
{
	for (const std::string &folder : {folder_of(number), bank_of(number)})
		if (const Outcome made = outcome_of(result_of(mkdir(folder.c_str(), 0755)));
		    made.error)
			return made;
	const Outcome on = write_attribute(folder_of(number) + "/live", "1");
	if (on.error) {
		remove_folders(number);
		return on;
	}
	return numbered(number_in(read_attribute(bank_of(number) + "/chip_name"), "gpiochip"));
}

static std::string device_name(const Made &made) { return fmt::format("gpiochip{}", made.token); }

static void prepare() { mount_configfs(chips); }

Device gpio_sim_device()
{
	return {.name = "gpio-sim",
		.files = {{"/sys/bus/gpio/devices/{}/sim_gpio0/value", "sysfs"},
			  {"/sys/bus/gpio/devices/{}/sim_gpio0/pull", "sysfs"}},
		.create = create,
		.remove = remove,
		.device_name = device_name,
		.reuses = true,
		.module = "gpio_sim",
		.prepare = prepare};
}

} // namespace revoke_stress
