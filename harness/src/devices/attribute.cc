// SPDX-License-Identifier: GPL-2.0
#include "attribute.hh"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <system_error>

#include <unique_fd.hh>

#include "outcome.hh"

namespace revoke_stress
{

using revoke_test::result_of;
using revoke_test::UniqueFd;

Outcome write_attribute(const std::filesystem::path &path, std::string_view text)
{
	const UniqueFd file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};

	if (!file)
		return {-1, errno, 0};
	return outcome_of(result_of(write(file.get(), text.data(), text.size())));
}

std::string read_attribute(const std::filesystem::path &path)
{
	std::ifstream file{path};
	std::string line;

	std::getline(file, line);
	return line;
}

std::int64_t number_in(std::string_view text, std::string_view name)
{
	std::uint32_t number = 0;

	if (!text.starts_with(name))
		return -1;
	text.remove_prefix(name.size());
	const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
	return error == std::errc{} && end == text.data() + text.size() ? number : -1;
}

std::int64_t find_number(const std::filesystem::path &folder, std::string_view name)
{
	std::int64_t lowest = -1;
	std::error_code none;

	for (const auto &entry : std::filesystem::directory_iterator{folder, none}) {
		const std::int64_t number = number_in(entry.path().filename().native(), name);

		if (number >= 0 && (lowest < 0 || number < lowest))
			lowest = number;
	}
	return lowest;
}

Outcome numbered(std::int64_t number)
{
	if (number < 0)
		return {-1, ENODEV, 0};
	return {0, 0, static_cast<std::uint64_t>(number)};
}

void mount_configfs(const std::filesystem::path &folder)
{
	if (access(folder.c_str(), F_OK) != 0)
		mount("configfs", "/sys/kernel/config", "configfs", 0, nullptr);
}

} // namespace revoke_stress
