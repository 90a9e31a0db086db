/* SPDX-License-Identifier: GPL-2.0 */
/* Files of a line or a word, as sysfs and configfs have them. */
#ifndef REVOKE_TEXT_FILE_H
#define REVOKE_TEXT_FILE_H

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "check.hh"
#include "unique_fd.hh"

namespace revoke_test
{

inline void write_file(const std::filesystem::path &path, std::string_view text)
{
	const UniqueFd fd{open(path.c_str(), O_WRONLY | O_CLOEXEC)};

	check(static_cast<bool>(fd), "{}: {}", path.string(), error_name(errno));
	check_value(result_of(write(fd.get(), text.data(), text.size())), text.size(),
		    path.string());
}

/* Empty if there is none. */
inline std::string read_line(const std::filesystem::path &path)
{
	std::ifstream file{path};
	std::string line;

	std::getline(file, line);
	return line;
}

} // namespace revoke_test

#endif
