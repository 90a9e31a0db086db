// SPDX-License-Identifier: GPL-2.0
/*
 * Every way to a method of a file, before, during and after removal:
 * what fails, with which errno, and that removal waits for a call in progress
 * but not for the next one.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <fstream>

#include "check.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "worker.hh"

using namespace revoke_test;

/* Ready, since io_uring asks ->poll first and does not go on before. */
static Object ready_file(const Control &control, std::uint32_t flags)
{
	const Object file = control.file("io", flags);

	file.set_ready(EPOLLIN | EPOLLOUT);
	return file;
}

static void works_before_fails_after(const FileOp &op, std::uint32_t flags)
{
	const Control control;
	const Object file = ready_file(control, flags);
	const UniqueFd fd = file.open();

	check_ok(op.call(fd.get()), op.name + " before removal");
	check(file.counters().entered[op.method] >= 1, "{} did not reach the method", op.name);

	const Counters before = file.counters();
	check_ok(file.remove(), "removal");
	check_error(op.call(fd.get()), filesystem().errno_after_removal(op.method),
		    op.name + " after removal");
	check_equal(file.counters().entered[op.method], before.entered[op.method],
		    "calls that reached the method");
}

/* Two opens, since read and write of one file wait for each other, by its position. */
static void removal_waits_and_refuses(const FileOp &op, std::uint32_t flags)
{
	const Control control;
	const Object file = ready_file(control, flags);
	const UniqueFd inside = file.open();
	const UniqueFd outside = file.open();
	const int refused = filesystem().errno_after_removal(op.method);

	file.block(op.method);
	Worker call{op.name, [&] { return op.call(inside.get()); }};
	file.await_blocked(op.method);
	file.pass(op.method);

	Worker removal{"removal", [&] { return file.remove(); }};
	await_error([&] { return op.call(outside.get()); }, refused, op.name + " during removal");
	file.check_removal_waits();
	check(!call.has_ended(), "{} ended although nobody kicked it", op.name);

	file.kick();
	check_error(call.join(), ESHUTDOWN, op.name + " when kicked");
	check_ok(removal.join(), "removal");
	check_error(op.call(inside.get()), refused, op.name + " after removal");
	check_error(op.call(outside.get()), refused, op.name + " after removal");
}

/* A method that the file never had answers as before. */
static void missing_methods_answer_alike()
{
	const Control control;
	const Object file = control.file("bare", 0);
	const UniqueFd fd = file.open();
	const UniqueFd sink{memfd_create("sink", MFD_CLOEXEC)};
	const auto check_answers = [&](std::string_view when) {
		const auto text = [&](std::string_view call) {
			return fmt::format("{} {}", call, when);
		};

		check_error(result_of(write(fd.get(), "a", 1)), filesystem().errno_without_write,
			    text("write"));
		check_error(result_of(lseek(fd.get(), 0, SEEK_SET)), ESPIPE, text("lseek"));
		check_error(result_of(sendfile(sink.get(), fd.get(), nullptr, 1)), EINVAL,
			    text("sendfile"));
		const void *mapping = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd.get(), 0);
		check_error(result_of(mapping == MAP_FAILED ? -1 : 0),
			    filesystem().errno_without_mmap, text("mmap"));
		check_equal(static_cast<std::uint32_t>(poll_mask(fd.get(), ~0)), always_ready,
			    text("poll"));
		for (const FileOp &op : file_ops()) {
			if (op.method == TEST_REVOKE_IOCTL || op.method == TEST_REVOKE_COMPAT_IOCTL)
				check_error(op.call(fd.get()), ENOTTY, text(op.name));
		}
	};

	check_answers("before removal");
	check_ok(file.remove(), "removal");
	check_answers("after removal");
}

/* Not of the entry but of the open file: that remains. */
static void fdinfo_stays_readable()
{
	const Control control;
	const Object file = control.file("info", all_methods);
	const UniqueFd fd = file.open();

	check_ok(file.remove(), "removal");
	std::ifstream info{fmt::format("/proc/self/fdinfo/{}", fd.get())};
	std::string line;
	check(std::getline(info, line) && line.starts_with("pos:"), "fdinfo: got '{}'", line);
	check_value(result_of(fcntl(fd.get(), F_GETFL) & O_ACCMODE), O_RDWR, "F_GETFL");
}

/* Each of the interfaces that remove an entry. */
static void each_way_of_removal()
{
	for (const auto way :
	     {TEST_REVOKE_REMOVE, TEST_REVOKE_REMOVE_NAME, TEST_REVOKE_REMOVE_SUBTREE}) {
		const Control control;
		const Object file = control.file("way", all_methods);
		const UniqueFd fd = file.open();

		check_ok(file.remove(way), "removal");
		check_error(read_some(fd.get()), gone(), "read after removal");
		check_error(file.try_open(), ENOENT, "open after removal");
	}
}

/* What a method of the file is told to do must not matter for the others. */
static void methods_allocate_and_fail()
{
	const Control control;
	const Object file = control.file("busy", all_methods);
	const UniqueFd fd = file.open();

	file.behave(TEST_REVOKE_READ, {.flags = TEST_REVOKE_ALLOCATE});
	check_ok(read_some(fd.get()), "read that allocates");
	file.behave(TEST_REVOKE_READ, {.error = ENOSPC});
	check_error(read_some(fd.get()), ENOSPC, "read that fails");
	file.behave(TEST_REVOKE_RELEASE, {.flags = TEST_REVOKE_ALLOCATE});
	check_ok(file.remove(), "removal");
	check_error(read_some(fd.get()), gone(), "read after removal");
}

static bool is_reached(const FileOp &op)
{
	switch (op.method) {
	case TEST_REVOKE_LSEEK:
		return filesystem().methods & TEST_REVOKE_HAS_LSEEK;
	case TEST_REVOKE_IOCTL:
		return filesystem().methods & TEST_REVOKE_HAS_IOCTL;
	case TEST_REVOKE_COMPAT_IOCTL:
		return filesystem().methods & TEST_REVOKE_HAS_COMPAT_IOCTL;
	default:
		return true;
	}
}

int main(int argc, char **argv)
{
	std::vector<Case> cases{
		{"fdinfo_stays_readable", fdinfo_stays_readable},
		{"each_way_of_removal", each_way_of_removal},
		{"methods_allocate_and_fail", methods_allocate_and_fail},
	};

	/* Where it can be opened at all. */
	if (filesystem().errno_without_write != EACCES)
		cases.push_back({"missing_methods_answer_alike", missing_methods_answer_alike});
	for (const bool read_iter : {false, true}) {
		if (read_iter && !filesystem().has_read_iter)
			continue;
		const std::string variant = read_iter ? "with_read_iter" : "with_read";
		std::uint32_t flags = all_methods;
		if (read_iter)
			flags |= TEST_REVOKE_HAS_READ_ITER;

		for (const FileOp &op : file_ops()) {
			if ((op.needs_read_iter && !read_iter) || !is_reached(op))
				continue;
			cases.push_back({fmt::format("{}.{}.before_and_after", op.name, variant),
					 [&op, flags] { works_before_fails_after(op, flags); }});
			cases.push_back({fmt::format("{}.{}.during", op.name, variant),
					 [&op, flags] { removal_waits_and_refuses(op, flags); }});
		}
	}
	return run_cases(argc, argv, cases);
}
