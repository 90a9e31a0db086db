// SPDX-License-Identifier: GPL-2.0
/*
 * A sound card that is in the driver's module: it comes when that is loaded. An open file below
 * /proc/asound keeps the module, so that the card has to go first; with files of sysfs open the
 * module is unloaded, and the card with it. Either way nothing keeps the module after that.
 */
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "attribute.hh"
#include "devices.hh"
#include "driver.hh"
#include "outcome.hh"

namespace revoke_stress
{

static constexpr const char *platform_device = "snd_dummy.0";

static const revoke_test::module::Module &driver()
{
	static const revoke_test::module::Module driver = with_file({"snd_dummy"});

	return driver;
}

static Outcome unload(const Made &) { return outcome_of(driver().unload()); }

static Outcome create(std::uint32_t)
{
	/* Somebody else's card. */
	if (access("/sys/module/snd_dummy", F_OK) == 0)
		return {-1, EEXIST, 0};
	if (!driver().load().empty())
		return {-1, ENODEV, 0};
	const Outcome card = numbered(find_number(
		fmt::format("/sys/devices/platform/{}/sound", platform_device), "card"));
	if (card.error)
		unload({});
	return card;
}

static Outcome unbind_and_unload(const Made &made)
{
	const Outcome unbound =
		write_attribute("/sys/bus/platform/drivers/snd_dummy/unbind", platform_device);

	return unbound.error ? unbound : unload(made);
}

/* Of several folders, all of which have the number in their names. */
static std::string number_of(const Made &made) { return fmt::format("{}", made.token); }

Device snd_dummy_module()
{
	return {.name = "snd-dummy",
		.files = {{"/sys/class/sound/card{}/id", "sysfs"},
			  {"/sys/class/sound/card{}/number", "sysfs"},
			  {"/sys/class/sound/pcmC{}D0p/pcm_class", "sysfs"}},
		.create = create,
		.remove = unload,
		.device_name = number_of,
		.instances = 1,
		.reuses = true,
		.module = "snd_pcm"};
}

Device snd_dummy_device()
{
	return {.name = "snd-dummy",
		.files = {{"/proc/asound/card{}/id", "procfs"},
			  {"/proc/asound/card{}/pcm0p/info", "procfs"},
			  {"/proc/asound/card{}/pcm0p/sub0/status", "procfs"}},
		.create = create,
		.remove = unbind_and_unload,
		.device_name = number_of,
		.instances = 1,
		.reuses = true,
		.module = "snd_pcm"};
}

} // namespace revoke_stress
