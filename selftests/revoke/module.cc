// SPDX-License-Identifier: GPL-2.0
#include "module.hh"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "control.hh"
#include "harness.hh"
#include "unique_fd.hh"

namespace revoke_test::module
{

static std::vector<std::string> candidates(const Module &module)
{
	if (!module.path.empty())
		return {module.path};

	utsname name{};
	uname(&name);
	const std::string modules = fmt::format("/lib/modules/{}", name.release);
	const std::string file = module.file + ".ko";
	return {"/lib/modules/" + file,
		fmt::format("{}/kernel/{}/{}", modules, module.folder, file), modules + "/" + file};
}

static bool modprobe(const Module &module)
{
	const pid_t pid = fork();

	if (pid == 0) {
		execlp("modprobe", "modprobe", "-q", module.file.c_str(), nullptr);
		_exit(exit_failed);
	}
	int status = -1;
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

std::string Module::load() const
{
	for (const std::string &candidate : candidates(*this)) {
		const UniqueFd opened{open(candidate.c_str(), O_RDONLY | O_CLOEXEC)};

		if (!opened)
			continue;
		const Result loaded = result_of(syscall(SYS_finit_module, opened.get(), "", 0));
		return loaded.ok() ? "" : fmt::format("cannot load {}: {}", candidate, loaded);
	}
	if (modprobe(*this))
		return "";
	return fmt::format("module {} not found: build and install it", file);
}

Result Module::unload() const
{
	std::string name = file;

	std::ranges::replace(name, '-', '_');
	return result_of(syscall(SYS_delete_module, name.c_str(), O_NONBLOCK));
}

Module test_revoke()
{
	const char *path = std::getenv("TEST_REVOKE_KO");

	if (!options().module.empty())
		path = options().module.c_str();
	return {"test_revoke", "lib", path ? path : ""};
}

bool is_loaded() { return access(Control::device, F_OK) == 0; }

} // namespace revoke_test::module
