/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_BUFFER_H
#define REVOKE_STRESS_BUFFER_H

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "clock.hh"
#include "history.hh"

namespace revoke_stress
{

/*
 * Where one task records what it does, while others look on. An operation is written
 * down before it begins, and its result after it ended: one that hangs, or kills its
 * task, is there to be seen.
 *
 * It has no pointers and no locks, and so works in memory that is shared between
 * processes, whatever happens to the one that writes.
 */
class Buffer
{
public:
	static constexpr std::size_t capacity = 4096;

	[[nodiscard]] bool full() const { return size() == capacity; }
	[[nodiscard]] std::size_t size() const { return count_.load(std::memory_order_acquire); }

	/* By the task that records. The time of the beginning is taken last. */
	void begin(Record record)
	{
		const std::size_t index = count_.load(std::memory_order_relaxed);

		record.end = 0;
		records_[index].record = record;
		records_[index].record.begin = now();
		/* Pairs with size(): whoever sees the record sees what is in it. */
		count_.store(index + 1, std::memory_order_release);
	}
	/* Fills in the last one; the time is taken first. */
	void end(const Record &result)
	{
		const Time time = now();
		Entry &entry = records_[count_.load(std::memory_order_relaxed) - 1];

		entry.result = result;
		/* Pairs with copy(): whoever sees the end sees the result. */
		entry.end.store(time, std::memory_order_release);
	}

	/* By anybody, at any time. */
	[[nodiscard]] std::vector<Record> copy() const
	{
		std::vector<Record> records(size());

		for (std::size_t i = 0; i < records.size(); i++)
			records[i] = at(i);
		return records;
	}
	/* One of those there are. */
	[[nodiscard]] Record at(std::size_t index) const
	{
		const Entry &entry = records_[index];
		Record record = entry.record;

		record.end = entry.end.load(std::memory_order_acquire);
		if (!record.ended())
			return record;
		record.outcome = entry.result.outcome;
		record.counts = entry.result.counts;
		record.action.object = entry.result.action.object;
		record.generation = entry.result.generation;
		record.file = entry.result.file;
		record.flags = entry.result.flags;
		return record;
	}

private:
	/* Nothing is written twice, so that nobody sees one half of this and one of that. */
	struct Entry {
		Record record;
		Record result;
		std::atomic<Time> end{0};
	};
	static_assert(std::atomic<Time>::is_always_lock_free);

	std::atomic<std::size_t> count_{0};
	std::array<Entry, capacity> records_{};
};

} // namespace revoke_stress

#endif
