// SPDX-License-Identifier: GPL-2.0
#include "module.hh"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "check.hh"

namespace bench
{

namespace
{

constexpr std::uint32_t reads_and_writes = TEST_REVOKE_HAS_WRITE | TEST_REVOKE_HAS_LSEEK;
constexpr std::uint32_t everything =
	reads_and_writes | TEST_REVOKE_HAS_RELEASE | TEST_REVOKE_HAS_POLL | TEST_REVOKE_HAS_IOCTL;

constexpr const char *in_proc = "/proc/test_revoke/";
constexpr const char *in_sys = "/sys/kernel/test_revoke/";
constexpr const char *in_debug = "/sys/kernel/debug/test_revoke/";

} // namespace

const Model procfs_shared{
	"procfs", in_proc, TEST_REVOKE_PROC_FILE, reads_and_writes, TEST_REVOKE_MAP_NONE, ""};
const Model procfs_iter{"procfs iter",         in_proc,
			TEST_REVOKE_PROC_FILE, reads_and_writes | TEST_REVOKE_HAS_READ_ITER,
			TEST_REVOKE_MAP_NONE,  ""};
const Model procfs_own{"procfs, released",    in_proc, TEST_REVOKE_PROC_FILE, everything,
		       TEST_REVOKE_MAP_FAULT, ""};
const Model sysfs_attribute{"sysfs attribute",    in_sys, TEST_REVOKE_SYSFS_ATTRIBUTE, 0,
			    TEST_REVOKE_MAP_NONE, ""};
const Model sysfs_binary{"sysfs binary",           in_sys,
			 TEST_REVOKE_SYSFS_BINARY, TEST_REVOKE_HAS_WRITE,
			 TEST_REVOKE_MAP_NONE,     ""};
const Model sysfs_mapped{"sysfs mapped",           in_sys,
			 TEST_REVOKE_SYSFS_BINARY, reads_and_writes,
			 TEST_REVOKE_MAP_MKWRITE,  ""};
const Model debugfs_full{"debugfs full",       in_debug, TEST_REVOKE_DEBUGFS_FILE, everything,
			 TEST_REVOKE_MAP_NONE, ""};
const Model debugfs_short{"debugfs short",           in_debug,
			  TEST_REVOKE_DEBUGFS_SHORT, reads_and_writes,
			  TEST_REVOKE_MAP_NONE,      ""};
const Model debugfs_unsafe{"debugfs unsafe",           in_debug,
			   TEST_REVOKE_DEBUGFS_UNSAFE, everything | TEST_REVOKE_HAS_COMPAT_IOCTL,
			   TEST_REVOKE_MAP_PAGES,      ""};
const Model debugfs_values{"debugfs value",      in_debug, TEST_REVOKE_DEBUGFS_VALUES, 0,
			   TEST_REVOKE_MAP_NONE, "/u32"};
const Model cdev_opted_in{"cdev, opted in", "/dev/test_revoke_cdev/", TEST_REVOKE_CDEV,
			  everything,       TEST_REVOKE_MAP_FAULT,    ""};
const Model misc_opted_in{"misc device, opted in", "/dev/test_revoke_misc/",
			  TEST_REVOKE_MISC,        everything,
			  TEST_REVOKE_MAP_FAULT,   ""};

Module::Module() : fd_(-1)
{
	if (access(device, F_OK) != 0)
		check(std::system("modprobe test_revoke") == 0, "modprobe test_revoke");
	fd_ = check(open(device, O_RDWR | O_CLOEXEC), device);
}

Module::~Module() { close(fd_); }

Module::Object Module::create(const Model &model, const std::string &name) const
{
	test_revoke_create request{};

	request.kind = model.kind;
	request.flags = model.flags;
	request.mapping = model.mapping;
	name.copy(request.name, sizeof(request.name) - 1);
	check(ioctl(fd_, TEST_REVOKE_IOC_CREATE, &request), "TEST_REVOKE_IOC_CREATE");
	if (model.flags & TEST_REVOKE_HAS_POLL) {
		const test_revoke_ready ready{
			.id = request.id, .mask = EPOLLIN | EPOLLOUT, .queue = 0};

		check(ioctl(fd_, TEST_REVOKE_IOC_READY, &ready), "TEST_REVOKE_IOC_READY");
	}
	return {request.id, model.folder + name + model.below};
}

void Module::remove(const Object &object) const
{
	const test_revoke_remove request{.id = object.id, .way = TEST_REVOKE_REMOVE, .reserved = 0};

	check(ioctl(fd_, TEST_REVOKE_IOC_REMOVE, &request), "TEST_REVOKE_IOC_REMOVE");
}

} // namespace bench
