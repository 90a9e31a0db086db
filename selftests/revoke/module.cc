// SPDX-License-Identifier: GPL-2.0
#include "module.hh"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "control.hh"
#include "harness.hh"
#include "unique_fd.hh"

namespace revoke_test::module
{

static std::vector<std::string> candidates()
{
	if (!options().module.empty())
		return {options().module};
	if (const char *path = std::getenv("TEST_REVOKE_KO"))
		return {path};

	utsname name{};
	uname(&name);
	const std::string modules = fmt::format("/lib/modules/{}", name.release);
	return {"/lib/modules/test_revoke.ko", modules + "/kernel/lib/test_revoke.ko",
		modules + "/test_revoke.ko"};
}

static bool modprobe()
{
	const pid_t pid = fork();

	if (pid == 0) {
		execlp("modprobe", "modprobe", "-q", "test_revoke", nullptr);
		_exit(exit_failed);
	}
	int status = -1;
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

bool is_loaded() { return access(Control::device, F_OK) == 0; }

std::string load()
{
	for (const std::string &path : candidates()) {
		const UniqueFd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};

		if (!file)
			continue;
		const Result loaded = result_of(syscall(SYS_finit_module, file.get(), "", 0));
		return loaded.ok() ? "" : fmt::format("cannot load {}: {}", path, loaded);
	}
	if (modprobe())
		return "";
	return "module test_revoke not found: build with CONFIG_TEST_REVOKE=m and install it, or "
	       "set TEST_REVOKE_KO to its path";
}

Result unload() { return result_of(syscall(SYS_delete_module, "test_revoke", O_NONBLOCK)); }

} // namespace revoke_test::module
