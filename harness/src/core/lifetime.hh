/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_LIFETIME_H
#define REVOKE_STRESS_LIFETIME_H

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "checker.hh"
#include "history.hh"

namespace revoke_stress
{

/* An object, from being made to being gone; the next one of its name is another. */
using Identity = std::pair<std::uint16_t, std::uint32_t>;

inline Identity identity_of(const Record &record)
{
	return {record.action.object, record.generation};
}

/* Whoever reads the first word of a page is told as well, unless by a signal. */
inline bool tells_identity(const Record &record)
{
	return record.action.kind == Kind::identify ||
	       (record.action.kind == Kind::touch && !record.action.way && !record.outcome.value);
}

/* Where an operation stands to the removal of its object. */
enum class Phase : std::uint8_t { before, during, after };

/* A pointer into the history, which stays as it is. */
struct Located {
	const Record *record = nullptr;
	Place place;
};

struct Lifetime {
	std::optional<Located> created;
	/* What took it away: its own removal, that of its directory, or it removed itself. */
	std::vector<Located> removals;
	std::vector<Located> readies;
	std::vector<Located> counters;
	/* And how many of them worked for certain, and how many perhaps. */
	std::vector<Located> opens_tried;
	std::uint32_t opens = 0;
	std::uint32_t uncertain_opens = 0;
	/* Files that were read from, and since when. */
	std::map<std::uint32_t, Time> first_read;

	/* From when on it may be going, and from when on it is gone; 0: never. */
	Time going = 0;
	Time gone = 0;

	[[nodiscard]] Phase phase_of(const Record &record) const
	{
		if (!going || (record.ended() && record.end < going))
			return Phase::before;
		return gone && record.begin > gone ? Phase::after : Phase::during;
	}
};

/* All of them. */
class Lifetimes
{
public:
	explicit Lifetimes(const History &history);

	[[nodiscard]] const Lifetime *find(const Identity &identity) const
	{
		const auto found = lifetimes_.find(identity);

		return found == lifetimes_.end() ? nullptr : &found->second;
	}
	[[nodiscard]] const std::map<Identity, Lifetime> &all() const { return lifetimes_; }
	/* It is about a file of which, by the time that it was opened, it is not known whether
	 * what led there had led to another object. */
	[[nodiscard]] bool is_stray(const Record &record) const
	{
		return strays_.contains(record.file);
	}
	/* That of the object which a stray file has told of; nullptr if it has told of none. */
	[[nodiscard]] const Lifetime *owner_of(const Record &record) const
	{
		return strays_.at(record.file);
	}
	/* Who was killed may have made one whose token nobody knows. */
	[[nodiscard]] bool some_unknown() const { return some_unknown_; }

private:
	void collect(const Located &located);
	void remove_with_directories();
	void settle();
	void count_opens();
	void count_open(Lifetime &life, const Record &open);
	void ask_strays();
	[[nodiscard]] bool may_stray(const Record &open) const;
	[[nodiscard]] bool same_numbers(const Record &one, const Record &other) const;

	const History &history_;
	std::map<Identity, Lifetime> lifetimes_;
	std::map<std::uint32_t, Lifetime *> strays_; /* by number of the file, with their owners */
	bool some_unknown_ = false;
};

} // namespace revoke_stress

#endif
