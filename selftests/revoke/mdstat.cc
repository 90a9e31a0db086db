// SPDX-License-Identifier: GPL-2.0
/* md's module can go while somebody waits for /proc/mdstat. */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "check.hh"
#include "file_ops.hh"
#include "harness.hh"
#include "module.hh"
#include "waiting.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

const module::Module md{"md_mod"};

UniqueFd open_mdstat()
{
	UniqueFd fd{open("/proc/mdstat", O_RDONLY | O_CLOEXEC)};

	check(static_cast<bool>(fd), "/proc/mdstat: {}", error_name(errno));
	return fd;
}

void check_unloads()
{
	md.check_unloads();
	check_error(result_of(access("/proc/mdstat", F_OK)), ENOENT, "/proc/mdstat");
}

void unloads_with_an_epoll_instance()
{
	md.load_or_skip();
	const UniqueFd fd = open_mdstat();
	const Epoll epoll;

	epoll.add(fd.get(), EPOLLPRI);
	check_equal(epoll.events(), 0U, "events before");
	check_unloads();
	check_equal(epoll.events(), EPOLLPRI | EPOLLERR | EPOLLHUP, "events");
	check_error(read_some(fd.get()), EIO, "read");
}

/* As md's own tools wait. */
void unloads_with_a_waiter_for_priority()
{
	md.load_or_skip();
	const UniqueFd fd = open_mdstat();
	pollfd polled{.fd = fd.get(), .events = POLLPRI, .revents = 0};
	Worker waiter{"poll", [&] { return result_of(poll(&polled, 1, -1)); }};

	waiter.await_asleep();
	check_unloads();
	check_value(waiter.join(), 1, "poll");
	check_equal(polled.revents, POLLPRI | POLLERR | POLLHUP, "events");
}

void loads_again_while_the_old_file_is_open()
{
	md.load_or_skip();
	const UniqueFd old = open_mdstat();
	const Epoll epoll;

	epoll.add(old.get(), EPOLLPRI);
	check_unloads();
	const std::string problem = md.load();
	check(problem.empty(), "{}", problem);
	const UniqueFd current = open_mdstat();
	check_ok(read_some(current.get()), "read of the new file");
	check_error(read_some(old.get()), EIO, "read of the old file");
	check_equal(epoll.events(), EPOLLPRI | EPOLLERR | EPOLLHUP, "events of the old file");
	check_unloads();
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(
		argc, argv,
		{
			{"unloads_with_an_epoll_instance", unloads_with_an_epoll_instance},
			{"unloads_with_a_waiter_for_priority", unloads_with_a_waiter_for_priority},
			{"loads_again_while_the_old_file_is_open",
			 loads_again_while_the_old_file_is_open},
		});
}
