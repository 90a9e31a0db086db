// SPDX-License-Identifier: GPL-2.0
#include "module.hh"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "child.hh"
#include "control.hh"
#include "harness.hh"
#include "unique_fd.hh"
#include "worker.hh"

namespace revoke_test::module
{

static bool modprobe(const std::string &name)
{
	const pid_t pid = fork();

	if (pid == 0) {
		execlp("modprobe", "modprobe", "-q", name.c_str(), nullptr);
		_exit(exit_failed);
	}
	int status = -1;
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static std::string load_file(const std::string &path)
{
	const UniqueFd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
	const Result loaded =
		file ? result_of(syscall(SYS_finit_module, file.get(), "", 0)) : result_of(-1);

	return loaded.ok() ? "" : fmt::format("cannot load {}: {}", path, loaded);
}

std::string Module::load() const
{
	if (!path.empty())
		return load_file(path);
	if (modprobe(name))
		return "";
	return fmt::format("modprobe cannot load {}: build and install it", name);
}

void Module::load_or_skip() const
{
	if (access(fmt::format("/sys/module/{}", name).c_str(), F_OK) == 0)
		skip("{} is in use on this machine", name);
	if (const std::string problem = load(); !problem.empty())
		skip("{}", problem);
}

Result Module::unload() const
{
	return result_of(syscall(SYS_delete_module, name.c_str(), O_NONBLOCK));
}

void Module::check_unloads() const
{
	const std::string what = fmt::format("unloading {}", name);
	const Child rmmod{[this] {
		/* What it waits for has to end with this process, if it should wait. */
		close_range(STDERR_FILENO + 1, ~0U, 0);
		return unload().error;
	}};
	Worker waiter{what, [&] {
			      rmmod.check_exits_with(0, what);
			      return Result{};
		      }};

	waiter.join();
}

Module test_revoke()
{
	const char *path = std::getenv("TEST_REVOKE_KO");

	if (!options().module.empty())
		path = options().module.c_str();
	return {"test_revoke", path ? path : ""};
}

bool is_loaded() { return access(Control::device, F_OK) == 0; }

void reload(const std::function<void()> &while_unloaded)
{
	check_ok(test_revoke().unload(), "unloading the module");
	while_unloaded();
	const std::string problem = test_revoke().load();
	check(problem.empty(), "loading the module again: {}", problem);
}

} // namespace revoke_test::module
