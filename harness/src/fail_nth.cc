// SPDX-License-Identifier: GPL-2.0
#include "fail_nth.hh"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include <fmt/format.h>

namespace revoke_stress
{

FailNth::FailNth() : file_(open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC)) {}

void FailNth::arm(std::uint32_t n) const
{
	const std::string number = fmt::format("{}", n);

	/* Nothing of this is worth a complaint: without a failure there is no flag either. */
	if (pwrite(file_.get(), number.data(), number.size(), 0) < 0)
		return;
}

bool FailNth::disarm() const
{
	std::array<char, 16> left{};
	const bool told = pread(file_.get(), left.data(), left.size() - 1, 0) > 0;

	arm(0);
	/* It counts down, and is 0 when it has come to the one. */
	return told && std::atoi(left.data()) == 0;
}

} // namespace revoke_stress
