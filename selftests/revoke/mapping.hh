/* SPDX-License-Identifier: GPL-2.0 */
/* Mapped memory, and what comes of touching it. */
#ifndef REVOKE_MAPPING_H
#define REVOKE_MAPPING_H

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <utility>

#include "check.hh"

namespace revoke_test
{

std::size_t page_size();

/* What an access came to: the memory's value, or a signal and the address it named. */
struct Touch {
	int signal = 0;
	const void *address = nullptr;
	std::uint64_t value = 0;
};

/* Reads, or writes, the 8 bytes at an address. */
Touch touch(const volatile void *address);
Touch touch(volatile void *address, std::uint64_t value);

/* Owns pages mapped from a file. */
class Mapping
{
public:
	Mapping() = default;
	/* Fails the case if that does not work. */
	Mapping(int fd, std::size_t pages, int prot = PROT_READ | PROT_WRITE,
		int flags = MAP_SHARED);
	Mapping(Mapping &&other) noexcept
		: start_(std::exchange(other.start_, nullptr)),
		  pages_(std::exchange(other.pages_, 0))
	{
	}
	Mapping &operator=(Mapping &&other) noexcept
	{
		std::swap(start_, other.start_);
		std::swap(pages_, other.pages_);
		return *this;
	}
	~Mapping();

	[[nodiscard]] std::size_t pages() const { return pages_; }
	[[nodiscard]] std::byte *page(std::size_t index) const
	{
		return start_ + index * page_size();
	}
	/* To somewhere else; it stays when that fails. */
	Result move();
	void protect(int prot) const;

	/* Every page reads as this. */
	void check_reads(std::uint64_t value,
			 const std::source_location &where = std::source_location::current()) const;
	/* Reading and writing any page gives SIGBUS, with the address that was touched. */
	void check_gone(const std::source_location &where = std::source_location::current()) const;

private:
	std::byte *start_ = nullptr;
	std::size_t pages_ = 0;
};

/* mmap(2) without an owner, for calls that are to fail; what succeeds is unmapped again. */
Result try_map(int fd, std::size_t pages, int prot = PROT_READ | PROT_WRITE,
	       int flags = MAP_SHARED);

/* Reads 8 bytes of this process' memory as a debugger would, through /proc/self/mem. */
Result peek(const void *address, std::uint64_t &value);

} // namespace revoke_test

#endif
