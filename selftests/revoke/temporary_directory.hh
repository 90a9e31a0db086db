/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_TEMPORARY_DIRECTORY_H
#define REVOKE_TEMPORARY_DIRECTORY_H

#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "check.hh"

namespace revoke_test
{

/* A place to mount something at, which goes with what is mounted there. */
class TemporaryDirectory
{
public:
	TemporaryDirectory() { check(mkdtemp(path_.data()), "mkdtemp: {}", error_name(errno)); }
	TemporaryDirectory(const TemporaryDirectory &) = delete;
	TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;
	~TemporaryDirectory()
	{
		umount2(path_.c_str(), MNT_DETACH);
		rmdir(path_.c_str());
	}

	[[nodiscard]] const std::string &path() const { return path_; }

	/* Of a file system that needs no device. */
	[[nodiscard]] Result mount(const char *type, const std::string &options = "") const
	{
		return result_of(::mount(type, path_.c_str(), type, 0, options.c_str()));
	}

private:
	std::string path_ = "/tmp/revoke.XXXXXX";
};

} // namespace revoke_test

#endif
