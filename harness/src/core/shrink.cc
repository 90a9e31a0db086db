// SPDX-License-Identifier: GPL-2.0
#include "shrink.hh"

#include <algorithm>
#include <vector>

namespace revoke_stress
{

namespace
{

using Places = std::vector<Place>;

Places all_places(const History &history)
{
	Places places;

	for (std::size_t task = 0; task < history.tasks.size(); task++)
		for (std::size_t i = 0; i < history.tasks[task].size(); i++)
			places.push_back({task, i});
	return places;
}

History only(const History &history, const Places &places)
{
	History part = history;

	for (std::vector<Record> &task : part.tasks)
		task.clear();
	for (const Place &place : places)
		part.tasks[place.task].push_back(history.tasks[place.task][place.index]);
	return part;
}

/*
 * Leaving something out must not make a violation of its own: without its removal an
 * object counts releases that nobody asked for, and so on. The rule alone does not
 * tell, so the culprit has to be the same, too.
 */
class Judge
{
public:
	Judge(const History &history, const Violation &wanted)
		: history_(history), wanted_(wanted), culprit_(culprit_of(history, wanted))
	{
	}

	bool still_fails(const Places &places)
	{
		checks_++;
		const History part = only(history_, places);
		return std::ranges::any_of(check(part).violations, [&](const Violation &one) {
			return one.rule == wanted_.rule && culprit_of(part, one) == culprit_ &&
			       one.what == wanted_.what;
		});
	}
	[[nodiscard]] std::size_t checks() const { return checks_; }

private:
	static Record culprit_of(const History &history, const Violation &violation)
	{
		if (!violation.culprit)
			return {};
		return history.tasks[violation.culprit->task][violation.culprit->index];
	}

	const History &history_;
	Violation wanted_;
	Record culprit_;
	std::size_t checks_ = 0;
};

Places without(const Places &places, std::size_t from, std::size_t to)
{
	Places rest{places.begin(), places.begin() + static_cast<std::ptrdiff_t>(from)};

	rest.insert(rest.end(), places.begin() + static_cast<std::ptrdiff_t>(to), places.end());
	return rest;
}

/* Drops chunks that are not needed; whether there were some. */
bool drop_chunks(Places &places, std::size_t chunk, Judge &judge)
{
	bool dropped = false;

	for (std::size_t from = 0; from < places.size();) {
		const Places rest = without(places, from, std::min(from + chunk, places.size()));

		if (judge.still_fails(rest)) {
			places = rest;
			dropped = true;
		} else {
			from += chunk;
		}
	}
	return dropped;
}

} // namespace

Shrunk shrink(const History &history)
{
	const Verdict verdict = check(history);

	if (verdict.ok())
		return {history, 1};
	Judge judge{history, verdict.violations.front()};
	Places places = all_places(history);
	std::size_t chunk = std::max<std::size_t>(places.size() / 2, 1);
	for (;;) {
		const bool dropped = drop_chunks(places, chunk, judge);

		if (chunk == 1 && !dropped)
			break;
		chunk = std::max<std::size_t>(chunk / 2, 1);
	}
	return {only(history, places), judge.checks() + 1};
}

} // namespace revoke_stress
