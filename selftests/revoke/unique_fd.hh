/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_UNIQUE_FD_H
#define REVOKE_UNIQUE_FD_H

#include <unistd.h>

#include <utility>

namespace revoke_test
{

/* Owns a file descriptor. */
class UniqueFd
{
public:
	UniqueFd() = default;
	explicit UniqueFd(int fd) : fd_(fd) {}
	UniqueFd(UniqueFd &&other) noexcept : fd_(other.release()) {}
	UniqueFd &operator=(UniqueFd &&other) noexcept
	{
		reset(other.release());
		return *this;
	}
	~UniqueFd() { reset(); }

	[[nodiscard]] int get() const { return fd_; }
	explicit operator bool() const { return fd_ >= 0; }
	int release() { return std::exchange(fd_, -1); }
	void reset(int fd = -1)
	{
		if (const int old = std::exchange(fd_, fd); old >= 0)
			::close(old);
	}

private:
	int fd_ = -1;
};

} // namespace revoke_test

#endif
