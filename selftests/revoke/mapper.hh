/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_MAPPER_H
#define REVOKE_MAPPER_H

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <thread>

#include "check.hh"
#include "mapping.hh"
#include "worker.hh"

namespace revoke_test
{

/* A thread that maps a page and touches it until mapping fails, and keeps the last mappings. */
class Mapper
{
public:
	/* Touches the 8 bytes at this offset. */
	Mapper(int fd, std::size_t offset)
		: offset_{offset}, worker_{"mmap", [this, fd] { return map_on(fd); }}
	{
	}
	~Mapper()
	{
		for (std::byte *page : last_)
			if (page)
				munmap(page, page_size());
	}

	void await_mappings() const
	{
		while (!made_) {
			check(!worker_.has_ended(), "nothing can be mapped");
			std::this_thread::yield();
		}
	}
	/* To be called once. Returns the number of mappings that there were. */
	std::size_t check_gone()
	{
		check_error(worker_.join(), ENODEV, "mmap");
		check_equal(odd_signal_, 0, "signal other than SIGBUS");
		for (const std::byte *page : last_)
			if (page)
				check_equal(touch(page + offset_).signal, SIGBUS, "signal");
		return made_;
	}

private:
	Result map_on(int fd)
	{
		for (;;) {
			void *start = mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
					   fd, 0);

			if (start == MAP_FAILED)
				return result_of(-1);
			std::byte *&place = last_[made_ % last_.size()];
			if (place)
				munmap(place, page_size());
			place = static_cast<std::byte *>(start);
			const int signal = touch(place + offset_).signal;
			if (signal && signal != SIGBUS)
				odd_signal_ = signal;
			made_++;
		}
	}

	std::size_t offset_;
	std::array<std::byte *, 64> last_{};
	std::atomic<std::size_t> made_{0};
	int odd_signal_ = 0;
	Worker worker_;
};

} // namespace revoke_test

#endif
