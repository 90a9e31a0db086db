// SPDX-License-Identifier: GPL-2.0
/*
 * One of QEMU's devices for education, bound to a driver that leaves it to userspace. Reads from
 * /dev/uioX wait for its interrupts, of which there are none, and are refused at once if they are
 * not of four bytes: here they are of other sizes, and the file does not wait either.
 */
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "attribute.hh"
#include "devices.hh"

namespace revoke_stress
{

static constexpr const char *driver = "uio_pci_generic";
static constexpr const char *bus = "/sys/bus/pci";

/* One that no driver has; empty if there is none. */
static std::filesystem::path find_free()
{
	std::error_code none;

	for (const auto &entry :
	     std::filesystem::directory_iterator{fmt::format("{}/devices", bus), none})
		if (read_attribute(entry.path() / "vendor") == "0x1234" &&
		    read_attribute(entry.path() / "device") == "0x11e8" &&
		    !std::filesystem::exists(entry.path() / "driver", none))
			return entry.path();
	return {};
}

static Outcome create(std::uint32_t)
{
	const std::filesystem::path device = find_free();

	if (device.empty())
		return {-1, ENODEV, 0};
	/* It is for no device by itself. */
	if (const Outcome told = write_attribute(device / "driver_override", driver); told.error)
		return told;
	if (const Outcome bound = write_attribute(fmt::format("{}/drivers_probe", bus),
						  device.filename().native());
	    bound.error)
		return bound;
	return numbered(find_number(device / "uio", "uio"));
}

static Outcome remove(const Made &made)
{
	std::error_code problem;
	const std::filesystem::path device = std::filesystem::canonical(
		fmt::format("/sys/class/uio/uio{}/device", made.token), problem);

	if (problem)
		return {-1, problem.value(), 0};
	const Outcome unbound =
		write_attribute(device / "driver/unbind", device.filename().native());
	return unbound.error ? unbound : write_attribute(device / "driver_override", "\n");
}

static std::string device_name(const Made &made) { return fmt::format("uio{}", made.token); }

Device uio_device()
{
	return {.name = "uio",
		.files = {{"/sys/class/uio/{}/name", "sysfs"},
			  {"/sys/class/uio/{}/event", "sysfs"},
			  {"/sys/class/uio/{}/maps/map0/size", "sysfs"},
			  {"/dev/{}", "uio", O_RDONLY | O_NONBLOCK}},
		.create = create,
		.remove = remove,
		.device_name = device_name,
		.instances = 1,
		.reuses = true,
		.module = driver};
}

} // namespace revoke_stress
