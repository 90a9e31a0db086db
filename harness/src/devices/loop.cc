// SPDX-License-Identifier: GPL-2.0
/* Disks that show files, made by number. */
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>

#include <fmt/format.h>

#include <check.hh>
#include <unique_fd.hh>

#include "devices.hh"

namespace revoke_stress
{

using revoke_test::Result;
using revoke_test::result_of;
using revoke_test::UniqueFd;

static Outcome control(unsigned long request, std::uint32_t number)
{
	const UniqueFd control{open("/dev/loop-control", O_RDWR | O_CLOEXEC)};

	if (!control)
		return {-1, errno, 0};
	const Result result = result_of(ioctl(control.get(), request, number));
	/* What has gone is not known by its number any more. */
	return {0, result.error == ENODEV ? ENOENT : result.error, 0};
}

static Outcome create(std::uint32_t number) { return control(LOOP_CTL_ADD, number); }

static Outcome remove(const Made &made) { return control(LOOP_CTL_REMOVE, made.number); }

static std::string device_name(const Made &made) { return fmt::format("loop{}", made.number); }

Device loop_device()
{
	return {.name = "loop",
		.files = {{"/sys/block/{}/size", "sysfs"},
			  {"/sys/block/{}/queue/nr_requests", "sysfs"},
			  {"/sys/kernel/debug/block/{}/state", "debugfs"}},
		.create = create,
		.remove = remove,
		.device_name = device_name};
}

} // namespace revoke_stress
