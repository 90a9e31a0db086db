// SPDX-License-Identifier: GPL-2.0
#include "file_ops.hh"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "filesystem.hh"
#include "ring.hh"
#include "unique_fd.hh"

namespace revoke_test
{

namespace
{

using Buffer = std::array<char, 64>;

struct Pipe {
	Pipe()
	{
		std::array<int, 2> ends{};
		check_ok(result_of(pipe2(ends.data(), O_CLOEXEC)), "pipe2");
		read_end.reset(ends[0]);
		write_end.reset(ends[1]);
	}
	UniqueFd read_end;
	UniqueFd write_end;
};

} // namespace

static Result op_read(int fd)
{
	Buffer buffer;

	/* The position may be at the end already: it is the call that counts. */
	return result_of(read(fd, buffer.data(), buffer.size()));
}

static Result op_pread(int fd)
{
	Buffer buffer;

	return result_of(pread(fd, buffer.data(), buffer.size(), 0));
}

static Result op_readv(int fd)
{
	Buffer buffer;
	const std::array<iovec, 2> parts{iovec{buffer.data(), 1}, iovec{buffer.data() + 1, 1}};

	return result_of(readv(fd, parts.data(), parts.size()));
}

static Result op_preadv(int fd)
{
	Buffer buffer;
	const std::array<iovec, 2> parts{iovec{buffer.data(), 1}, iovec{buffer.data() + 1, 1}};

	return result_of(preadv(fd, parts.data(), parts.size(), 0));
}

static Result op_preadv2(int fd)
{
	Buffer buffer;
	const iovec part{buffer.data(), buffer.size()};

	return result_of(preadv2(fd, &part, 1, 0, RWF_HIPRI));
}

static Result op_write(int fd) { return result_of(write(fd, "a", 1)); }

static Result op_pwrite(int fd) { return result_of(pwrite(fd, "a", 1, 0)); }

static Result op_writev(int fd)
{
	char byte = 'a';
	const std::array<iovec, 2> parts{iovec{&byte, 1}, iovec{&byte, 1}};

	return result_of(writev(fd, parts.data(), parts.size()));
}

static Result op_pwritev(int fd)
{
	char byte = 'a';
	const std::array<iovec, 2> parts{iovec{&byte, 1}, iovec{&byte, 1}};

	return result_of(pwritev(fd, parts.data(), parts.size(), 0));
}

static Result op_lseek(int fd) { return result_of(lseek(fd, 0, SEEK_SET)); }

static Result op_ioctl(int fd)
{
	std::uint64_t id = 0;

	return result_of(ioctl(fd, TEST_REVOKE_FILE_IOC_ID, &id));
}

static Result op_sendfile(int fd)
{
	const Pipe pipe;
	off_t position = 0;

	return result_of(sendfile(pipe.write_end.get(), fd, &position, sizeof(Buffer)));
}

static Result op_splice(int fd)
{
	const Pipe pipe;
	loff_t position = 0;

	return result_of(splice(fd, &position, pipe.write_end.get(), nullptr, sizeof(Buffer), 0));
}

static Result op_aio_read(int fd)
{
	Buffer buffer;
	aio_context_t context = 0;
	iocb request{};
	iocb *requests = &request;
	io_event event{};

	check_ok(result_of(syscall(SYS_io_setup, 1, &context)), "io_setup");
	request.aio_lio_opcode = IOCB_CMD_PREAD;
	request.aio_fildes = static_cast<std::uint32_t>(fd);
	request.aio_buf = reinterpret_cast<std::uintptr_t>(buffer.data());
	request.aio_nbytes = buffer.size();
	check_ok(result_of(syscall(SYS_io_submit, context, 1, &requests)), "io_submit");
	check_ok(uninterrupted([&] {
			 return result_of(
				 syscall(SYS_io_getevents, context, 1, 1, &event, nullptr));
		 }),
		 "io_getevents");
	syscall(SYS_io_destroy, context);
	return result_of_negative_errno(static_cast<long>(event.res));
}

static Result op_io_uring_read(int fd)
{
	Buffer buffer;

	return Ring{}.submit([&](io_uring_sqe *sqe) {
		io_uring_prep_read(sqe, fd, buffer.data(), buffer.size(), 0);
	});
}

static Result op_io_uring_readv(int fd)
{
	Buffer buffer;
	const std::array<iovec, 2> parts{iovec{buffer.data(), 1}, iovec{buffer.data() + 1, 1}};

	return Ring{}.submit([&](io_uring_sqe *sqe) {
		io_uring_prep_readv(sqe, fd, parts.data(), parts.size(), 0);
	});
}

static Result op_io_uring_read_registered(int fd)
{
	Buffer buffer;
	Ring ring;

	ring.register_file(fd);
	return ring.submit([&](io_uring_sqe *sqe) {
		io_uring_prep_read(sqe, 0, buffer.data(), buffer.size(), 0);
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	});
}

static Result op_io_uring_write(int fd)
{
	return Ring{}.submit([&](io_uring_sqe *sqe) { io_uring_prep_write(sqe, fd, "a", 1, 0); });
}

#ifdef __x86_64__
/* The system call of a 32-bit program, which a 64-bit one can make as well. */
static long compat_syscall(long number, long first, long second, void *third)
{
	long value = number;

	asm volatile("int $0x80"
		     : "+a"(value)
		     : "b"(first), "c"(second), "d"(third)
		     : "memory", "r8", "r9", "r10", "r11");
	return static_cast<int>(value);
}

static Result op_compat_ioctl(int fd)
{
	constexpr long nr_ioctl = 54;
	constexpr size_t size = 4096;
	void *low = mmap(nullptr, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	check(low != MAP_FAILED, "mmap: {}", error_name(errno));

	const long value =
		compat_syscall(nr_ioctl, fd, static_cast<long>(TEST_REVOKE_FILE_IOC_ID), low);
	munmap(low, size);
	return result_of_negative_errno(value);
}

/* Without 32-bit emulation the interrupt is a fault, so it is tried where that does no harm. */
static bool has_compat()
{
	constexpr long nr_getpid = 20;
	const pid_t pid = fork();

	check(pid >= 0, "fork: {}", error_name(errno));
	if (pid == 0)
		_exit(compat_syscall(nr_getpid, 0, 0, nullptr) == getpid() ? 0 : 1);
	int status = -1;
	return waitpid(pid, &status, 0) == pid && status == 0;
}
#endif

const std::vector<FileOp> &file_ops()
{
	static const std::vector<FileOp> ops = [] {
		std::vector<FileOp> all{
			{"read", TEST_REVOKE_READ, false, op_read},
			{"pread", TEST_REVOKE_READ, false, op_pread},
			{"readv", TEST_REVOKE_READ, false, op_readv},
			{"preadv", TEST_REVOKE_READ, false, op_preadv},
			{"preadv2", TEST_REVOKE_READ, true, op_preadv2},
			{"sendfile", TEST_REVOKE_READ, true, op_sendfile},
			{"splice", TEST_REVOKE_READ, true, op_splice},
			{"aio_read", TEST_REVOKE_READ, true, op_aio_read},
			{"write", TEST_REVOKE_WRITE, false, op_write},
			{"pwrite", TEST_REVOKE_WRITE, false, op_pwrite},
			{"writev", TEST_REVOKE_WRITE, false, op_writev},
			{"pwritev", TEST_REVOKE_WRITE, false, op_pwritev},
			{"lseek", TEST_REVOKE_LSEEK, false, op_lseek},
			{"ioctl", TEST_REVOKE_IOCTL, false, op_ioctl},
		};
		if (Ring{}.setup().ok()) {
			all.insert(all.end(), {
						      {"io_uring_read", TEST_REVOKE_READ, false,
						       op_io_uring_read},
						      {"io_uring_readv", TEST_REVOKE_READ, false,
						       op_io_uring_readv},
						      {"io_uring_read_registered", TEST_REVOKE_READ,
						       false, op_io_uring_read_registered},
						      {"io_uring_write", TEST_REVOKE_WRITE, false,
						       op_io_uring_write},
					      });
		}
#ifdef __x86_64__
		if (has_compat())
			all.push_back(
				{"compat_ioctl", TEST_REVOKE_COMPAT_IOCTL, false, op_compat_ioctl});
#endif
		return all;
	}();
	return ops;
}

short poll_mask(int fd, short events)
{
	pollfd polled{.fd = fd, .events = events, .revents = 0};

	check_ok(result_of(poll(&polled, 1, 0)), "poll");
	return polled.revents;
}

Result read_some(int fd) { return op_pread(fd); }

/* The text of an object ends with it. */
static std::uint64_t object_id_from_text(int fd)
{
	char text[128] = "";

	check_ok(result_of(pread(fd, text, sizeof(text) - 1, 0)), "pread");
	const char *number = std::strrchr(text, ' ');
	check(number, "no identity in '{}'", text);
	return std::strtoull(number, nullptr, 10);
}

std::uint64_t object_id_of(int fd)
{
	std::uint64_t id = 0;

	if (!(filesystem().methods & TEST_REVOKE_HAS_IOCTL))
		return object_id_from_text(fd);
	check_ok(result_of(ioctl(fd, TEST_REVOKE_FILE_IOC_ID, &id)), "TEST_REVOKE_FILE_IOC_ID");
	return id;
}

} // namespace revoke_test
