// SPDX-License-Identifier: GPL-2.0
/* What mounts itself on debugfs does so as before: tracefs. */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fstream>

#include "check.hh"
#include "file_ops.hh"
#include "harness.hh"
#include "unique_fd.hh"

using namespace revoke_test;

namespace
{

constexpr const char *folder = "/sys/kernel/debug/tracing";
constexpr const char *file = "/sys/kernel/debug/tracing/trace_clock";

/* Asked for without using it. */
bool is_mounted()
{
	std::ifstream mounts{"/proc/self/mounts"};

	for (std::string line; std::getline(mounts, line);)
		if (line.find(fmt::format(" {} tracefs ", folder)) != std::string::npos)
			return true;
	return false;
}

void mounts_when_it_is_used()
{
	if (access(folder, F_OK) != 0)
		skip("tracefs is not there, or not mounted on debugfs");

	for (unsigned int round = 0; round < 3; round++) {
		/* What the round before has left, or this machine. */
		if (is_mounted())
			check_ok(result_of(umount2(folder, MNT_DETACH)), "umount");
		check(!is_mounted(), "{} is still mounted", folder);
		const UniqueFd fd{open(file, O_RDONLY | O_CLOEXEC)};
		struct statfs stat {
		};

		check(static_cast<bool>(fd), "open of {}: {}", file, error_name(errno));
		check_ok(result_of(fstatfs(fd.get(), &stat)), "fstatfs");
		check_equal(stat.f_type, TRACEFS_MAGIC, "filesystem");
		check_ok(read_some(fd.get()), "read");
	}
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(argc, argv, {{"mounts_when_it_is_used", mounts_when_it_is_used}});
}
