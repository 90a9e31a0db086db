// SPDX-License-Identifier: GPL-2.0
#include "checker.hh"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

#include "lifetime.hh"
#include "table.hh"

namespace revoke_stress
{

namespace
{

constexpr std::array<std::string_view, static_cast<std::size_t>(Rule::count)> rule_names{
	"malformed",    "nothing_proved", "late_success", "late_method",     "late_mapping",
	"wrong_result", "wrong_object",   "overtaken",    "missing_release", "second_release",
	"unknown_open", "removed_twice",  "left_hanging", "removal_hangs",   "lost_wakeup",
	"module_fault", "leak",
};

std::string error_text(int error)
{
	const char *name = error ? strerrorname_np(error) : "success";

	return name ? name : fmt::format("errno {}", error);
}

/* A file that is in use: neither its owners' doings nor those of who disturbs. */
bool is_operation(Kind kind)
{
	const Family family = family_of(kind);

	return family != Family::owner && family != Family::elsewhere;
}

class Checker
{
public:
	explicit Checker(const History &history) : history_(history), lifetimes_(history) {}

	Verdict run()
	{
		for (std::size_t task = 0; task < history_.tasks.size(); task++) {
			check_order(task);
			for (std::size_t i = 0; i < history_.tasks[task].size(); i++)
				check_record({&history_.tasks[task][i], {task, i}});
		}
		for (const auto &[identity, life] : lifetimes_.all())
			check_lifetime(identity, life);
		if (!verdict_.operations || !verdict_.removals)
			add(Rule::nothing_proved, {}, history_.finish,
			    fmt::format("{} operations and {} removals prove nothing",
					verdict_.operations, verdict_.removals));
		std::ranges::stable_sort(verdict_.violations, {}, &Violation::time);
		return std::move(verdict_);
	}

private:
	void add(Rule rule, std::optional<Place> culprit, Time time, std::string what)
	{
		verdict_.violations.push_back({rule, std::move(what), culprit, time});
	}
	void add(Rule rule, const Located &culprit, std::string what)
	{
		const Record &record = *culprit.record;

		add(rule, culprit.place, record.ended() ? record.end : history_.finish,
		    std::move(what));
	}

	/* One after the other, and only the last can be without an end. */
	void check_order(std::size_t task)
	{
		const std::vector<Record> &records = history_.tasks[task];

		for (std::size_t i = 0; i < records.size(); i++) {
			const Record &record = records[i];
			const bool last = i + 1 == records.size();
			std::string_view what;

			if (record.ended() && record.end < record.begin)
				what = "ends before it begins";
			else if (!record.ended() && !last)
				what = "has no end although another one follows";
			else if (!last && records[i + 1].begin < record.end)
				what = "ends after the next one begins";
			if (!what.empty())
				add(Rule::malformed, Located{&record, {task, i}},
				    fmt::format("an operation {}", what));
		}
	}

	void check_record(const Located &located)
	{
		const Record &record = *located.record;

		if (is_operation(record.action.kind))
			verdict_.operations++;
		if (record.action.kind == Kind::remove && record.ok())
			verdict_.removals++;
		if (record.action.kind == Kind::census) {
			check_census(located);
			return;
		}
		/* Nothing was received, or whose file it was got lost with its task. */
		if (record.action.kind == Kind::receive && !record.ok())
			return;
		if (family_of(record.action.kind) == Family::elsewhere)
			return;
		const Lifetime *life = lifetimes_.find(identity_of(record));
		if (lifetimes_.is_stray(record)) {
			if (!lifetimes_.owner_of(record)) {
				check_unknown(located, *life);
				return;
			}
			life = lifetimes_.owner_of(record);
		}
		const Phase phase = life->phase_of(record);
		if (is_operation(record.action.kind) && phase == Phase::during)
			verdict_.raced++;
		check_end(located, *life);
		if (record.ended()) {
			check_result(located, *life, phase);
			check_identity(located, *life);
		}
	}

	/* Of which object, and when that went, is not known. */
	void check_unknown(const Located &located, const Lifetime &life)
	{
		const Record &record = *located.record;

		if (record.ended())
			check_result(located, life, Phase::during);
		if (record.ok() && tells_identity(record) && !lifetimes_.some_unknown())
			add(Rule::wrong_object, located,
			    fmt::format("{} told of object {}, which nobody made",
					name_of(record.action.kind), record.outcome.token));
		if (!record.ended() && !(record.flags & flag_killed) &&
		    too_long(record, record.begin))
			add(Rule::left_hanging, located,
			    fmt::format("{} did not end", name_of(record.action.kind)));
	}

	void check_census(const Located &located)
	{
		if (located.record->outcome.value)
			add(Rule::leak, located,
			    fmt::format("{} descriptors are left over",
					located.record->outcome.value));
	}

	/* Results */

	[[nodiscard]] bool has_leftovers(const Record &record, const Lifetime &life) const
	{
		const auto first = life.first_read.find(record.file);

		return history_.objects.at(record.action.object).reads_on &&
		       first != life.first_read.end() && first->second <= life.gone;
	}

	void check_result(const Located &located, const Lifetime &life, Phase phase)
	{
		const Record &record = *located.record;
		const Expected live = expected_live(history_, record);
		const Expected gone = expected_gone(history_, record, has_leftovers(record, life));
		const bool allowed = (phase != Phase::after && live.allows(record)) ||
				     (phase != Phase::before && gone.allows(record));
		const bool too_early = phase == Phase::before && speaks_of_removal(record);

		if (allowed && !too_early)
			return;
		if (phase == Phase::after && live.allows(record))
			add(late_rule(record.action.kind), located,
			    fmt::format("{} began after removal had returned, and {}",
					name_of(record.action.kind), result_text(record)));
		else
			add(Rule::wrong_result, located,
			    fmt::format("{} {}, which the table of '{}' does not have for an "
					"object that {}",
					name_of(record.action.kind), result_text(record),
					history_.objects.at(record.action.object).table,
					phase_text(phase)));
	}

	/* What only comes of a removal, so that there has to be one. */
	[[nodiscard]] bool speaks_of_removal(const Record &record) const
	{
		switch (record.action.kind) {
		case Kind::poll:
		case Kind::wait:
			return !record.outcome.error && record.outcome.value & EPOLLHUP;
		case Kind::remove:
			/* What is in a directory may be going, or keep it. */
			return record.outcome.error && !is_directory(record.action.object);
		case Kind::remove_self:
			return record.outcome.error == EALREADY;
		default:
			return false;
		}
	}

	[[nodiscard]] bool is_directory(std::uint16_t object) const
	{
		return std::ranges::any_of(history_.objects, [=](const ObjectRow &row) {
			return row.parent == object;
		});
	}

	static Rule late_rule(Kind kind)
	{
		/* To ask for the mask always works: it is the mask that is wrong. */
		if (kind == Kind::wait || kind == Kind::poll)
			return Rule::wrong_result;
		return kind == Kind::touch ? Rule::late_mapping : Rule::late_success;
	}

	static std::string result_text(const Record &record)
	{
		if (record.outcome.error)
			return fmt::format("failed with {}", error_text(record.outcome.error));
		if (record.action.kind == Kind::touch)
			return record.outcome.value
				       ? fmt::format("got signal {}", record.outcome.value)
				       : "read the memory";
		return fmt::format("returned {:#x}", record.outcome.value);
	}

	static std::string_view phase_text(Phase phase)
	{
		switch (phase) {
		case Phase::before:
			return "is there";
		case Phase::during:
			return "is going";
		case Phase::after:
			break;
		}
		return "has gone";
	}

	void check_identity(const Located &located, const Lifetime &life)
	{
		const Record &record = *located.record;

		if (!record.ok() || !life.created || !tells_identity(record))
			return;
		const std::uint64_t made = life.created->record->outcome.token;
		if (made && record.outcome.token != made)
			add(Rule::wrong_object, located,
			    fmt::format("{} told of object {}, but {} was opened",
					name_of(record.action.kind), record.outcome.token, made));
	}

	/* Ends */

	[[nodiscard]] bool too_long(const Record &record, Time since) const
	{
		const Time end = record.ended() ? record.end : history_.finish;

		return end > since && end - since > history_.patience;
	}

	void check_end(const Located &located, const Lifetime &life)
	{
		const Record &record = *located.record;

		if (record.flags & flag_killed)
			return;
		if (record.action.kind == Kind::remove) {
			if (too_long(record, record.begin))
				add(Rule::removal_hangs, located, "removal did not return in time");
			return;
		}
		if (record.action.kind == Kind::wait && was_not_told(record, life)) {
			add(Rule::lost_wakeup, located, "a waiter was not told of a change");
			return;
		}
		if (life.gone && too_long(record, std::max(record.begin, life.gone))) {
			const bool waits = family_of(record.action.kind) == Family::wait;

			add(waits ? Rule::lost_wakeup : Rule::left_hanging, located,
			    waits ? "a waiter was not told of the removal"
				  : fmt::format("{} went on after the removal",
						name_of(record.action.kind)));
			return;
		}
		if (!record.ended() && too_long(record, record.begin) && !life.going)
			add(Rule::left_hanging, located,
			    fmt::format("{} did not end", name_of(record.action.kind)));
	}

	/* Something it waits for came, and stayed; and it went on waiting. */
	[[nodiscard]] bool was_not_told(const Record &wait, const Lifetime &life) const
	{
		const std::uint32_t wanted = wait.action.argument | EPOLLERR | EPOLLHUP;
		const auto sets = [&](const Located &ready) {
			return (ready.record->action.argument & wanted) != 0;
		};
		const auto clears_after = [&](const Located &ready, Time time) {
			return !sets(ready) && ready.record->begin <= time + history_.patience &&
			       (!ready.record->ended() || ready.record->end >= time);
		};

		return std::ranges::any_of(life.readies, [&](const Located &ready) {
			return sets(ready) && ready.record->ok() &&
			       ready.record->end >= wait.begin &&
			       too_long(wait, ready.record->end) &&
			       std::ranges::none_of(life.readies, [&](const Located &other) {
				       return clears_after(other, ready.record->begin);
			       });
		});
	}

	/* What an object says of itself */

	void check_lifetime(const Identity &identity, const Lifetime &life)
	{
		check_removals(identity, life);
		for (std::size_t i = 0; i < life.counters.size(); i++) {
			const Located &counters = life.counters[i];

			if (counters.record->counts.faults)
				add(Rule::module_fault, counters,
				    fmt::format("the object complains: {}",
						fault_text(counters.record->counts.faults)));
			check_counts(counters, life, history_.objects.at(identity.first));
			if (i)
				check_entered(life.counters[i - 1], counters, life);
		}
	}

	/* Twice by itself, or once more after its directory; with that it goes a second time. */
	void check_removals(const Identity &identity, const Lifetime &life)
	{
		const auto is_own = [&](const Located &removal) {
			return identity_of(*removal.record) == identity;
		};

		for (std::size_t i = 0; i < life.removals.size(); i++) {
			const Located &removal = life.removals[i];
			if (!worked(removal) || !is_own(removal))
				continue;
			for (std::size_t j = 0; j < life.removals.size(); j++) {
				const Located &other = life.removals[j];
				if (worked(other) &&
				    (is_own(other) ? j < i
						   : other.record->end < removal.record->begin))
					add(Rule::removed_twice, removal,
					    "it had been removed already");
			}
		}
	}

	/* By an owner, and so completely. */
	static bool worked(const Located &removal)
	{
		return removal.record->action.kind == Kind::remove && removal.record->ok();
	}

	[[nodiscard]] std::string fault_text(std::uint32_t bits) const
	{
		std::string text;

		for (std::size_t i = 0; i < 32; i++) {
			if (!(bits & (1U << i)))
				continue;
			text += text.empty() ? "" : ", ";
			text += i < history_.faults.size() ? history_.faults[i]
							   : fmt::format("fault {}", i);
		}
		return text;
	}

	/* Methods that are entered by a removal, to release, are not among those counted. */
	void check_counts(const Located &located, const Lifetime &life, const ObjectRow &row)
	{
		const Record &record = *located.record;
		const Counts &counts = record.counts;
		const bool removed = fully_removed(life, record.begin);
		const bool final = record.flags & flag_final;

		if (removed && counts.left < counts.entered)
			add(final ? Rule::leak : Rule::overtaken, located,
			    fmt::format("{} methods were running after removal had returned",
					counts.entered - counts.left));
		if (row.release == Release::none)
			return;
		if (counts.releases > counts.opens)
			add(Rule::second_release, located,
			    fmt::format("{} releases of {} open files", counts.releases,
					counts.opens));
		const bool due = (row.release == Release::with_removal && removed) || final;
		if (due && counts.releases < counts.opens)
			add(Rule::missing_release, located,
			    fmt::format("{} releases of {} open files", counts.releases,
					counts.opens));
		if (final &&
		    (counts.opens < life.opens || counts.opens > life.opens + life.uncertain_opens))
			add(Rule::unknown_open, located,
			    fmt::format("it counts {} opens; {} succeeded, {} did not",
					counts.opens, life.opens, life.uncertain_opens));
	}

	/* By its owner: one that removed itself may be in the method that did so. */
	[[nodiscard]] static bool fully_removed(const Lifetime &life, Time time)
	{
		return std::ranges::any_of(life.removals, [time](const Located &removal) {
			return worked(removal) && removal.record->end < time;
		});
	}

	void check_entered(const Located &before, const Located &after, const Lifetime &life)
	{
		const std::uint32_t now_entered = after.record->counts.entered;
		const std::uint32_t then_entered = before.record->counts.entered;

		if (fully_removed(life, before.record->begin) && now_entered > then_entered)
			add(Rule::late_method, after,
			    fmt::format("{} methods were entered after removal had returned",
					now_entered - then_entered));
	}

	const History &history_;
	Lifetimes lifetimes_;
	Verdict verdict_;
};

constexpr std::size_t shown_before = 8;
constexpr std::size_t shown_after = 4;

} // namespace

std::string_view name_of(Rule rule) { return rule_names.at(static_cast<std::size_t>(rule)); }

bool Verdict::has(Rule rule) const
{
	return std::ranges::any_of(violations,
				   [rule](const Violation &one) { return one.rule == rule; });
}

Verdict check(const History &history)
{
	for (const std::vector<Record> &task : history.tasks)
		for (const Record &record : task)
			if (is_operation(record.action.kind) &&
			    record.action.object >= history.objects.size())
				throw std::runtime_error{
					"operation on an object that is not listed"};
	return Checker{history}.run();
}

std::string explain(const History &history, const Violation &violation)
{
	std::string text = fmt::format("{}: {}\n", name_of(violation.rule), violation.what);

	if (!violation.culprit)
		return text;
	const Record &culprit =
		history.tasks.at(violation.culprit->task).at(violation.culprit->index);
	std::vector<Located> same;
	for (std::size_t task = 0; task < history.tasks.size(); task++)
		for (std::size_t i = 0; i < history.tasks[task].size(); i++)
			if (identity_of(history.tasks[task][i]) == identity_of(culprit) &&
			    family_of(history.tasks[task][i].action.kind) != Family::elsewhere)
				same.push_back({&history.tasks[task][i], {task, i}});
	std::ranges::sort(same, {}, [](const Located &located) { return located.record->begin; });
	const auto middle = std::ranges::find(same, *violation.culprit, &Located::place);
	const auto index = static_cast<std::size_t>(middle - same.begin());
	for (std::size_t i = 0; i < same.size(); i++) {
		const bool near = i + shown_before >= index && i <= index + shown_after;
		const Record &record = *same[i].record;
		const bool turns = (record.action.kind == Kind::create ||
				    record.action.kind == Kind::remove) &&
				   (record.ok() || !record.ended());

		if (near || turns)
			text += fmt::format("{} {}\n", i == index ? "->" : "  ",
					    describe(history, same[i].place.task, *same[i].record,
						     culprit.begin));
	}
	return text;
}

} // namespace revoke_stress
