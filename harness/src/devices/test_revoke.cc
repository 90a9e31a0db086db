// SPDX-License-Identifier: GPL-2.0
/*
 * The test module itself, with objects that nobody owns: they go with it. None is of debugfs, where
 * an open file keeps the module.
 */
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include <control.hh>

#include "devices.hh"
#include "driver.hh"
#include "outcome.hh"

namespace revoke_stress
{

using revoke_test::Result;

/* Whether the module is to be there between rounds. */
static bool is_wanted = false;

static void prepare() { is_wanted = revoke_test::module::is_loaded(); }

static const revoke_test::module::Module &module()
{
	static const revoke_test::module::Module module =
		with_file(revoke_test::module::test_revoke());

	return module;
}

static bool load() { return revoke_test::module::is_loaded() || module().load().empty(); }

static void restore()
{
	if (is_wanted)
		load();
}

static Outcome unload(const Made &) { return outcome_of(module().unload()); }

static std::string device_name(const Made &made) { return fmt::format("unloaded.{}", made.number); }

static test_revoke_create object(test_revoke_kind kind, std::uint32_t flags)
{
	test_revoke_create request{};

	request.kind = kind;
	request.flags = flags | TEST_REVOKE_DETACHED;
	return request;
}

static Outcome create(std::uint32_t number)
{
	const std::string name = device_name({.number = number});
	std::array objects{object(TEST_REVOKE_PROC_FILE, revoke_test::all_methods),
			   object(TEST_REVOKE_SYSFS_ATTRIBUTE, 0)};

	if (!load())
		return {-1, ENODEV, 0};
	/* Whoever has it open keeps the module. */
	const revoke_test::Control control;
	for (test_revoke_create &request : objects) {
		name.copy(request.name, sizeof(request.name) - 1);
		if (const Result made = control.call(TEST_REVOKE_IOC_CREATE, request); !made.ok())
			return outcome_of(made);
	}
	return {};
}

Device test_revoke_module()
{
	return {.name = "test_revoke",
		.files = {{"/proc/test_revoke/{}", "procfs"},
			  {"/sys/kernel/test_revoke/{}", "sysfs"}},
		.create = create,
		.remove = unload,
		.device_name = device_name,
		.instances = 1,
		.prepare = prepare,
		.restore = restore};
}

} // namespace revoke_stress
