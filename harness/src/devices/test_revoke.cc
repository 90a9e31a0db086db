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

static std::string number_of(const Made &made) { return fmt::format("{}", made.number); }

/* To the module all names are of one kind. */
struct Object {
	const char *name; /* before the number */
	test_revoke_kind kind;
	std::uint32_t flags;
};

static constexpr std::array objects{
	Object{"file.", TEST_REVOKE_PROC_FILE, revoke_test::all_methods},
	Object{"attribute.", TEST_REVOKE_SYSFS_ATTRIBUTE, 0},
};

static Outcome create(std::uint32_t number)
{
	if (!load())
		return {-1, ENODEV, 0};
	/* Whoever has it open keeps the module. */
	const revoke_test::Control control;
	for (const Object &object : objects) {
		const std::string name = fmt::format("{}{}", object.name, number);
		test_revoke_create request{};

		request.kind = object.kind;
		request.flags = object.flags | TEST_REVOKE_DETACHED;
		name.copy(request.name, sizeof(request.name) - 1);
		if (const Result made = control.call(TEST_REVOKE_IOC_CREATE, request); !made.ok())
			return outcome_of(made);
	}
	return {};
}

Device test_revoke_module()
{
	return {.name = "test_revoke",
		.files = {{"/proc/test_revoke/file.{}", "procfs"},
			  {"/sys/kernel/test_revoke/attribute.{}", "sysfs"}},
		.create = create,
		.remove = unload,
		.device_name = number_of,
		.instances = 1,
		.prepare = prepare,
		.restore = restore};
}

} // namespace revoke_stress
