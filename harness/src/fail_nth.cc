// SPDX-License-Identifier: GPL-2.0
#include "fail_nth.hh"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

namespace revoke_stress
{

namespace
{

bool tell(const char *file, std::string_view word)
{
	const revoke_test::UniqueFd fd{open(file, O_WRONLY | O_CLOEXEC)};

	return fd && write(fd.get(), word.data(), word.size()) == static_cast<ssize_t>(word.size());
}

} // namespace

bool FailNth::include_patient_ones()
{
	/* And not a word about each on the console. */
	return tell("/sys/kernel/debug/failslab/ignore-gfp-wait", "N") &&
	       tell("/sys/kernel/debug/failslab/verbose", "0") &&
	       tell("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N") &&
	       tell("/sys/kernel/debug/fail_page_alloc/verbose", "0");
}

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
