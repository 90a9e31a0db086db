/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_KTAP_H
#define REVOKE_STRESS_KTAP_H

#include <cstddef>
#include <iosfwd>
#include <string_view>

namespace revoke_stress
{

/* Exit codes of kselftests. */
constexpr int exit_pass = 0;
constexpr int exit_fail = 1;
constexpr int exit_skip = 4;

/* Writes KTAP, and sums up: no test, or one too few, is a failure. */
class Ktap
{
public:
	explicit Ktap(std::ostream &to) : to_(to) {}

	void plan(std::size_t tests);
	/* Of several lines, each is a diagnostic. */
	void note(std::string_view text);
	void pass(std::string_view name);
	void fail(std::string_view name);
	void skip(std::string_view name, std::string_view reason);
	/* The last line, and what to exit with. */
	int finish();

private:
	void result(std::string_view status, std::string_view name, std::string_view about);

	std::ostream &to_;
	std::size_t planned_ = 0;
	std::size_t passed_ = 0;
	std::size_t failed_ = 0;
	std::size_t skipped_ = 0;
};

} // namespace revoke_stress

#endif
