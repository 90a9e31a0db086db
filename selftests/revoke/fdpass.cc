// SPDX-License-Identifier: GPL-2.0
/* Other descriptors of the same open file: dup'ed, inherited, sent, or taken. */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include "check.hh"
#include "child.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "race.hh"

using namespace revoke_test;

static void check_released_once(const Object &file)
{
	const Counters counters = file.counters();

	check_equal(counters.opens, counted(1U), "opens");
	check_equal(counters.releases, counted(1U), "releases");
}

static UniqueFd duplicate(const UniqueFd &fd)
{
	return UniqueFd{fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)};
}

/* Two connected sockets to send descriptors through. */
class Post
{
public:
	Post()
	{
		std::array<int, 2> ends{};
		check_ok(result_of(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data())),
			 "socketpair");
		sender_.reset(ends[0]);
		receiver_.reset(ends[1]);
	}

	void send(const UniqueFd &fd)
	{
		Message message;
		cmsghdr *control = CMSG_FIRSTHDR(&message.header);
		const int value = fd.get();

		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(sizeof(value));
		std::memcpy(CMSG_DATA(control), &value, sizeof(value));
		check_value(result_of(sendmsg(sender_.get(), &message.header, 0)), 1, "sendmsg");
	}
	UniqueFd receive()
	{
		Message message;
		int value = -1;

		check_value(result_of(recvmsg(receiver_.get(), &message.header, MSG_CMSG_CLOEXEC)),
			    1, "recvmsg");
		const cmsghdr *control = CMSG_FIRSTHDR(&message.header);
		check(control && control->cmsg_type == SCM_RIGHTS, "no descriptor received");
		std::memcpy(&value, CMSG_DATA(control), sizeof(value));
		return UniqueFd{value};
	}

private:
	/* One byte of data and one descriptor. */
	struct Message {
		Message()
		{
			header.msg_iov = &part;
			header.msg_iovlen = 1;
			header.msg_control = control.data();
			header.msg_controllen = control.size();
		}
		msghdr header{};
		char byte = 'x';
		iovec part{&byte, 1};
		alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
	};
	UniqueFd sender_;
	UniqueFd receiver_;
};

static void duplicates_are_one_file()
{
	const Control control;
	const Object file = control.file("dup", all_methods);
	UniqueFd fd = file.open();
	UniqueFd copy = duplicate(fd);

	fd.reset();
	check_equal(file.counters().releases, 0U, "releases while a descriptor is left");
	check_ok(read_some(copy.get()), "read before removal");
	fd = duplicate(copy);
	check_ok(file.remove(), "removal");
	check_error(read_some(fd.get()), gone(), "read after removal");
	check_error(read_some(copy.get()), gone(), "read after removal");
	fd.reset();
	copy.reset();
	check_released_once(file);
}

static void child_inherits()
{
	const Control control;
	const Object file = control.file("fork", all_methods);
	UniqueFd fd = file.open();
	std::array<int, 2> ends{};
	char byte = 0;

	check_ok(result_of(pipe2(ends.data(), O_CLOEXEC)), "pipe2");
	const UniqueFd go_read{ends[0]};
	const UniqueFd go_write{ends[1]};
	const Child child{[&] {
		return read(go_read.get(), &byte, 1) == 1 ? read_some(fd.get()).error : ENOMSG;
	}};
	fd.reset();

	check_ok(file.remove(), "removal");
	check_value(result_of(write(go_write.get(), &byte, 1)), 1, "write");
	child.check_exits_with(gone(), "read in the child");
	check_released_once(file);
}

static void received_before_removal()
{
	const Control control;
	const Object file = control.file("received", all_methods);
	UniqueFd fd = file.open();
	Post post;

	post.send(fd);
	fd.reset();
	UniqueFd received = post.receive();
	check_ok(read_some(received.get()), "read before removal");
	check_ok(file.remove(), "removal");
	check_error(read_some(received.get()), gone(), "read after removal");
	received.reset();
	check_released_once(file);
}

/* In a socket a file is in no table of descriptors: nothing but the kernel knows it. */
static void in_flight_during_removal()
{
	const Control control;
	const Object file = control.file("in_flight", all_methods);
	UniqueFd fd = file.open();
	Post post;

	post.send(fd);
	fd.reset();
	check_ok(file.remove(), "removal");
	check_released_once(file);
	UniqueFd received = post.receive();
	check_error(read_some(received.get()), gone(), "read after removal");
	received.reset();
	check_released_once(file);
}

static void never_received()
{
	const Control control;
	const Object file = control.file("lost", all_methods);

	{
		UniqueFd fd = file.open();
		Post post;
		post.send(fd);
		fd.reset();
		check_ok(file.remove(), "removal");
	}
	check_released_once(file);
}

/* The socket drops its file by a path of its own. */
static void socket_close_races_removal()
{
	Outcomes outcomes{"released by close", "released by removal"};
	std::unique_ptr<Control> control;
	std::optional<Object> file;
	std::unique_ptr<Post> post;

	run_race({
		.prepare =
			[&] {
				control = std::make_unique<Control>();
				file = control->file("raced", all_methods);
				post = std::make_unique<Post>();
				post->send(file->open());
			},
		.first = {"close", [&] { post.reset(); }},
		.second = {"removal", [&] { check_ok(file->remove(), "removal"); }},
		.conclude =
			[&] {
				check_released_once(*file);
				outcomes.count(!file->counters().forced_releases);
			},
	});
	outcomes.check_both_seen();
}

static void taken_with_pidfd_getfd()
{
	const Control control;
	const Object file = control.file("taken", all_methods);
	UniqueFd fd = file.open();
	const UniqueFd pidfd{static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0))};

	check_ok(file.remove(), "removal");
	const Result taken = result_of(syscall(SYS_pidfd_getfd, pidfd.get(), fd.get(), 0));
	if (taken.error == ENOSYS)
		skip("no pidfd_getfd on this kernel");
	check_ok(taken, "pidfd_getfd");
	UniqueFd copy{static_cast<int>(taken.value)};
	fd.reset();
	check_error(read_some(copy.get()), gone(), "read after removal");
	copy.reset();
	check_released_once(file);
}

int main(int argc, char **argv)
{
	constexpr std::chrono::seconds race_time{120};

	std::vector<Case> cases{
		{"duplicates_are_one_file", duplicates_are_one_file},
		{"child_inherits", child_inherits},
		{"received_before_removal", received_before_removal},
		{"in_flight_during_removal", in_flight_during_removal},
		{"never_received", never_received},
		{"taken_with_pidfd_getfd", taken_with_pidfd_getfd},
	};

	if (filesystem().methods & TEST_REVOKE_HAS_RELEASE)
		cases.push_back(
			{"socket_close_races_removal", socket_close_races_removal, race_time});
	return run_cases(argc, argv, cases);
}
