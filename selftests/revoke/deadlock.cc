// SPDX-License-Identifier: GPL-2.0
/*
 * A method that removes its own file in the way that is not for methods waits for
 * itself for ever. What can be done about it: lockdep tells, and nobody else is held up.
 */
#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "check.hh"
#include "child.hh"
#include "control.hh"
#include "file_ops.hh"
#include "harness.hh"
#include "module.hh"
#include "unique_fd.hh"

using namespace revoke_test;

namespace
{

/* The first words of the report, and what it is about. */
constexpr std::string_view report{"possible recursive locking detected"};
constexpr std::string_view lock{"(kn->active#"};

/* What the kernel has said since this was made. */
class KernelLog
{
public:
	KernelLog() : fd_{open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC)}
	{
		if (!fd_)
			skip("/dev/kmsg: {}", error_name(errno));
		check_ok(result_of(lseek(fd_.get(), 0, SEEK_END)), "lseek to the end of the log");
	}
	void say(const std::string &line) const
	{
		check_value(result_of(write(fd_.get(), line.data(), line.size())), line.size(),
			    "write to the log");
	}
	[[nodiscard]] std::string text() const
	{
		char record[8192];
		std::string text;
		Result length;

		while ((length = result_of(read(fd_.get(), record, sizeof(record)))).ok())
			text.append(record, static_cast<std::size_t>(length.value));
		check_error(length, EAGAIN, "read of the log");
		return text;
	}

private:
	UniqueFd fd_;
};

bool lockdep_is_on()
{
	std::ifstream statistics{"/proc/lockdep_stats"};

	for (std::string line; std::getline(statistics, line);)
		if (line.find("debug_locks:") != std::string::npos)
			return line.back() == '1';
	skip("needs a kernel with CONFIG_PROVE_LOCKING");
}

void removal_in_its_own_method_is_reported()
{
	check(lockdep_is_on(), "lockdep is off already");
	const Control control;
	const Object bystander = control.file("bystander", 0);
	const Object file = control.object(TEST_REVOKE_SYSFS_ATTRIBUTE, "deadlock",
					   TEST_REVOKE_REMOVES_PLAINLY | TEST_REVOKE_DETACHED);
	const UniqueFd fd = file.open();
	const UniqueFd other = file.open();

	/* For whoever reads the console. */
	KernelLog{}.say(fmt::format("f_revoke: expected report: {} in kernfs_drain\n", report));
	const KernelLog log;
	const Child writer{[&] { return result_of(write(fd.get(), "1", 1)).error; }};
	writer.await_state('D');
	const std::string text = log.text();
	const std::size_t found = text.find(report);
	check(found != std::string::npos, "lockdep has not reported anything");
	check(text.find(lock, found) != std::string::npos, "the report is about another lock");
	check(text.find(report, found + 1) == std::string::npos, "there is more than one report");
	check(!lockdep_is_on(), "lockdep is still on");

	check_error(read_some(other.get()), ENODEV, "read by somebody else");
	check_error(file.try_open(), ENOENT, "open");
	check_ok(bystander.remove(), "removal of another file");
	std::this_thread::sleep_for(10 * watch_time);
	writer.await_state('D');
}

} // namespace

int main(int argc, char **argv)
{
	/* Who sleeps for ever keeps the module, so that unloading it is no test here. */
	module::test_revoke().load_or_skip();
	return run_cases(
		argc, argv,
		{{"removal_in_its_own_method_is_reported", removal_in_its_own_method_is_reported}});
}
