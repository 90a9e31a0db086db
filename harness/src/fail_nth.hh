/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_FAIL_NTH_H
#define REVOKE_STRESS_FAIL_NTH_H

#include <cstdint>

#include <unique_fd.hh>

namespace revoke_stress
{

/* Has the kernel fail one allocation of the calling thread, where it is built to do so. */
class FailNth
{
public:
	/* For the thread that makes it. */
	FailNth();

	/* Has it concern those, too, that would rather wait for memory: most of them. False if
	 * the kernel cannot be told, for want of debugfs. */
	static bool include_patient_ones();

	[[nodiscard]] bool available() const { return static_cast<bool>(file_); }
	/* The n-th from now on; 0 for none. */
	void arm(std::uint32_t n) const;
	/* Ends it; whether it has failed. */
	[[nodiscard]] bool disarm() const;

private:
	revoke_test::UniqueFd file_;
};

} // namespace revoke_stress

#endif
