/* SPDX-License-Identifier: GPL-2.0 */
/* Files by which the kernel is asked and told something, as those of sysfs and configfs. */
#ifndef REVOKE_STRESS_ATTRIBUTE_H
#define REVOKE_STRESS_ATTRIBUTE_H

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/history.hh"

namespace revoke_stress
{

Outcome write_attribute(const std::filesystem::path &path, std::string_view text);

/* Its first line; "" if it cannot be read. */
std::string read_attribute(const std::filesystem::path &path);

/* "name17" is number 17 of `name`; -1 for what is not called like that. */
std::int64_t number_in(std::string_view text, std::string_view name);

/* The lowest number of what is called like that in a folder, -1 if there is nothing. */
std::int64_t find_number(const std::filesystem::path &folder, std::string_view name);

/* The outcome of making something that the kernel numbers; ENODEV if that is nowhere to be seen. */
Outcome numbered(std::int64_t number);

/* Unless the folder is there already, which some driver has in it. */
void mount_configfs(const std::filesystem::path &folder);

} // namespace revoke_stress

#endif
