// SPDX-License-Identifier: GPL-2.0
#include "driver.hh"

#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace revoke_stress
{

/* Files may have dashes where names have underscores. */
static std::string name_of(const std::filesystem::path &file)
{
	std::string name = file.stem();

	std::ranges::replace(name, '-', '_');
	return name;
}

revoke_test::module::Module with_file(revoke_test::module::Module module)
{
	utsname kernel{};
	std::error_code none;

	if (!module.path.empty() || uname(&kernel) != 0)
		return module;
	const std::filesystem::path folder{std::string{"/lib/modules/"} + kernel.release};
	for (const auto &entry : std::filesystem::recursive_directory_iterator{folder, none})
		if (entry.path().extension() == ".ko" && name_of(entry.path()) == module.name)
			module.path = entry.path();
	return module;
}

} // namespace revoke_stress
