// SPDX-License-Identifier: GPL-2.0
#include "ktap.hh"

#include <ostream>

#include <fmt/format.h>

namespace revoke_stress
{

void Ktap::plan(std::size_t tests)
{
	planned_ = tests;
	to_ << fmt::format("TAP version 13\n1..{}\n", tests) << std::flush;
}

void Ktap::note(std::string_view text)
{
	while (!text.empty()) {
		const std::size_t end = text.find('\n');

		to_ << "# " << text.substr(0, end) << '\n';
		text = end == std::string_view::npos ? "" : text.substr(end + 1);
	}
	to_ << std::flush;
}

void Ktap::result(std::string_view status, std::string_view name, std::string_view about)
{
	to_ << fmt::format("{} {} {}{}{}\n", status, passed_ + failed_ + skipped_, name,
			   about.empty() ? "" : " # ", about)
	    << std::flush;
}

void Ktap::pass(std::string_view name)
{
	passed_++;
	result("ok", name, "");
}

void Ktap::fail(std::string_view name)
{
	failed_++;
	result("not ok", name, "");
}

void Ktap::skip(std::string_view name, std::string_view reason)
{
	skipped_++;
	result("ok", name, fmt::format("SKIP {}", reason));
}

int Ktap::finish()
{
	const std::size_t run = passed_ + failed_ + skipped_;

	to_ << fmt::format("# Totals: pass:{} fail:{} xfail:0 xpass:0 skip:{} error:0\n", passed_,
			   failed_, skipped_)
	    << std::flush;
	if (run == 0 || run != planned_ || failed_)
		return exit_fail;
	return passed_ ? exit_pass : exit_skip;
}

} // namespace revoke_stress
