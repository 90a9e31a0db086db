// SPDX-License-Identifier: GPL-2.0
/* Locks on the files of a removed entry last until they are closed, and no longer. */
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "check.hh"
#include "child.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

struct LockKind {
	const char *name;
	/* For ever, or not at all. */
	std::function<Result(int fd, bool wait)> lock;
};

Result lock_range(int fd, int command)
{
	struct flock range {
	};

	range.l_type = F_WRLCK;
	range.l_whence = SEEK_SET;
	return result_of(fcntl(fd, command, &range));
}

/* Of an open file, both. */
const LockKind flock_kind{"flock", [](int fd, bool wait) {
				  return result_of(flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB));
			  }};
const LockKind ofd_kind{
	"ofd", [](int fd, bool wait) { return lock_range(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK); }};

void gone_after_close(const LockKind &kind)
{
	const Control control;
	const Object file = control.file("locked", all_methods);
	UniqueFd holder = file.open();
	const UniqueFd other = file.open();

	check_ok(kind.lock(holder.get(), false), kind.name);
	check_ok(file.remove(), "removal");
	check_error(read_some(holder.get()), gone(), "read");
	check_error(kind.lock(other.get(), false), EAGAIN, "lock that is held");
	holder.reset();
	check_ok(kind.lock(other.get(), false), "lock whose holder was closed");
}

void waiter_gets_it_at_close(const LockKind &kind)
{
	const Control control;
	const Object file = control.file("locked", all_methods);
	UniqueFd holder = file.open();
	const UniqueFd other = file.open();

	check_ok(kind.lock(holder.get(), false), kind.name);
	Worker waiter{kind.name, [&] { return kind.lock(other.get(), true); }};
	waiter.await_asleep();
	check_ok(file.remove(), "removal");
	waiter.await_asleep();
	holder.reset();
	check_ok(waiter.join(), kind.name);
}

void taken_after_removal(const LockKind &kind)
{
	const Control control;
	const Object file = control.file("gone", all_methods);
	UniqueFd holder = file.open();
	const UniqueFd other = file.open();

	check_ok(file.remove(), "removal");
	check_ok(kind.lock(holder.get(), false), kind.name);
	check_error(kind.lock(other.get(), false), EAGAIN, "lock that is held");
	holder.reset();
	check_ok(kind.lock(other.get(), false), "lock whose holder was closed");
}

/* Its owner is a process, which loses it when it closes any file of the entry. */
void posix_lock_goes_with_any_close()
{
	const Control control;
	const Object file = control.file("locked", all_methods);
	const UniqueFd holder = file.open();
	UniqueFd second = file.open();
	const UniqueFd other = file.open();

	check_ok(lock_range(holder.get(), F_SETLK), "F_SETLK");
	check_ok(file.remove(), "removal");
	check_error(lock_range(other.get(), F_OFD_SETLK), EAGAIN, "lock that is held");
	second.reset();
	check_ok(lock_range(other.get(), F_OFD_SETLK), "lock whose holder has closed a file");
}

void posix_lock_goes_with_its_process()
{
	const Control control;
	const Object file = control.file("locked", all_methods);
	const UniqueFd fd = file.open();
	const Child holder{[&] {
		const Result result = lock_range(fd.get(), F_SETLK);

		if (result.ok() && write(fd.get(), "locked", 6) > 0)
			pause();
		return exit_failed;
	}};
	file.await_left(TEST_REVOKE_WRITE);
	Worker waiter{"F_SETLKW", [&] { return lock_range(fd.get(), F_SETLKW); }};
	waiter.await_asleep();
	check_ok(file.remove(), "removal");
	waiter.await_asleep();
	holder.signal(SIGKILL);
	check_ok(waiter.join(), "F_SETLKW");
}

} // namespace

int main(int argc, char **argv)
{
	std::vector<Case> cases;

	for (const LockKind *kind : {&flock_kind, &ofd_kind}) {
		cases.push_back({fmt::format("{}.gone_after_close", kind->name),
				 [kind] { gone_after_close(*kind); }});
		cases.push_back({fmt::format("{}.waiter_gets_it_at_close", kind->name),
				 [kind] { waiter_gets_it_at_close(*kind); }});
		cases.push_back({fmt::format("{}.taken_after_removal", kind->name),
				 [kind] { taken_after_removal(*kind); }});
	}
	cases.push_back({"posix.goes_with_any_close", posix_lock_goes_with_any_close});
	cases.push_back({"posix.goes_with_its_process", posix_lock_goes_with_its_process});
	return run_cases(argc, argv, cases);
}
