// SPDX-License-Identifier: GPL-2.0
#include "mapping.hh"

#include <fcntl.h>
#include <setjmp.h>
#include <unistd.h>

#include <csignal>
#include <mutex>

#include "unique_fd.hh"

namespace revoke_test
{

namespace
{

struct Attempt {
	sigjmp_buf back;
	Touch result;
};

thread_local Attempt *attempt;

void caught(int number, siginfo_t *info, void *)
{
	if (!attempt) {
		/* Not ours: as if there was no handler. */
		std::signal(number, SIG_DFL);
		return;
	}
	attempt->result = {number, info->si_addr, 0};
	siglongjmp(attempt->back, 1);
}

void catch_signals()
{
	static std::once_flag once;

	std::call_once(once, [] {
		struct sigaction action {
		};

		action.sa_sigaction = caught;
		action.sa_flags = SA_SIGINFO | SA_NODEFER;
		check_ok(result_of(sigaction(SIGBUS, &action, nullptr)), "sigaction SIGBUS");
		check_ok(result_of(sigaction(SIGSEGV, &action, nullptr)), "sigaction SIGSEGV");
	});
}

template <typename Access> Touch attempt_access(Access access)
{
	Attempt mine;

	catch_signals();
	attempt = &mine;
	if (sigsetjmp(mine.back, 0) == 0)
		mine.result = {0, nullptr, access()};
	attempt = nullptr;
	return mine.result;
}

void check_bus_error(const Touch &touched, const void *address, std::string_view what,
		     const std::source_location &where)
{
	check_equal(touched.signal, SIGBUS, what, where);
	check_equal(fmt::ptr(touched.address), fmt::ptr(address), what, where);
}

} // namespace

std::size_t page_size()
{
	static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));

	return size;
}

Touch touch(const volatile void *address)
{
	return attempt_access(
		[=] { return *static_cast<const volatile std::uint64_t *>(address); });
}

Touch touch(volatile void *address, std::uint64_t value)
{
	return attempt_access([=] {
		*static_cast<volatile std::uint64_t *>(address) = value;
		return value;
	});
}

Mapping::Mapping(int fd, std::size_t pages, int prot, int flags) : pages_(pages)
{
	void *start = mmap(nullptr, pages * page_size(), prot, flags, fd, 0);

	check(start != MAP_FAILED, "mmap: {}", error_name(errno));
	start_ = static_cast<std::byte *>(start);
}

Mapping::~Mapping()
{
	if (start_)
		munmap(start_, pages_ * page_size());
}

Result Mapping::move()
{
	const std::size_t length = pages_ * page_size();
	/* Mapped once, so that the place is free. */
	void *place = mmap(nullptr, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(place != MAP_FAILED, "mmap of a place to move to: {}", error_name(errno));
	void *moved = mremap(start_, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	if (moved == MAP_FAILED) {
		const Result failed = result_of(-1);

		munmap(place, length);
		return failed;
	}
	start_ = static_cast<std::byte *>(moved);
	return {};
}

void Mapping::protect(int prot) const
{
	check_ok(result_of(mprotect(start_, pages_ * page_size(), prot)), "mprotect");
}

void Mapping::check_reads(std::uint64_t value, const std::source_location &where) const
{
	for (std::size_t i = 0; i < pages_; i++) {
		const Touch touched = touch(page(i));

		check_equal(touched.signal, 0, fmt::format("signal when reading page {}", i),
			    where);
		check_equal(touched.value, value, fmt::format("page {}", i), where);
	}
}

void Mapping::check_gone(const std::source_location &where) const
{
	for (std::size_t i = 0; i < pages_; i++) {
		check_bus_error(touch(page(i)), page(i),
				fmt::format("read of page {} that is gone", i), where);
		check_bus_error(touch(page(i), 1), page(i),
				fmt::format("write to page {} that is gone", i), where);
	}
}

Result try_map(int fd, std::size_t pages, int prot, int flags)
{
	void *start = mmap(nullptr, pages * page_size(), prot, flags, fd, 0);

	if (start == MAP_FAILED)
		return result_of(-1);
	munmap(start, pages * page_size());
	return {};
}

Result peek(const void *address, std::uint64_t &value)
{
	const UniqueFd memory{open("/proc/self/mem", O_RDONLY | O_CLOEXEC)};

	check(static_cast<bool>(memory), "/proc/self/mem: {}", error_name(errno));
	return result_of(pread(memory.get(), &value, sizeof(value),
			       static_cast<off_t>(reinterpret_cast<std::uintptr_t>(address))));
}

} // namespace revoke_test
