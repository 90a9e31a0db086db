/* SPDX-License-Identifier: GPL-2.0 */
/* One that does things to objects and their files, and records them. */
#ifndef REVOKE_STRESS_TASK_H
#define REVOKE_STRESS_TASK_H

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <unique_fd.hh>

#include "core/history.hh"
#include "fail_nth.hh"
#include "world.hh"

namespace revoke_stress
{

/* An open file, by one of its descriptors. */
struct OpenFile {
	revoke_test::UniqueFd fd;
	std::uint16_t object = 0;
	std::uint32_t generation = 0;
	std::uint32_t number = 0;
	bool first = false; /* the descriptor that open returned */
};

/* A page of an open file. */
struct MappedPage {
	void *address = nullptr;
	std::uint16_t object = 0;
	std::uint32_t generation = 0;
	std::uint32_t file = 0;
};

class Task
{
public:
	static constexpr std::size_t files_max = 8;
	static constexpr std::size_t pages_max = 4;

	/* Made by the thread that uses it. */
	Task(World &world, std::size_t number);
	~Task();
	Task(const Task &) = delete;
	Task &operator=(const Task &) = delete;

	/* What cannot be done now, as there is no such file, is left out. */
	void perform(const Action &action);
	/* Everything that is open, as operations that are recorded. */
	void close_all();
	/* What an object says of itself, with flags of the record. */
	void count(std::uint16_t object, std::uint32_t generation, std::uint32_t flags);

	[[nodiscard]] World &world() const { return world_; }
	[[nodiscard]] const OpenFile &file(std::size_t slot) const { return files_.at(slot); }
	[[nodiscard]] const MappedPage &page(std::size_t slot) const { return pages_.at(slot); }
	[[nodiscard]] const Abilities &abilities_of(std::size_t slot) const
	{
		return world_.source().abilities(file(slot).object);
	}
	/* There is room to record some more. */
	[[nodiscard]] bool goes_on() const
	{
		return !world_.stopped() && buffer_.size() + margin < Buffer::capacity;
	}
	[[nodiscard]] bool can_fail_allocations() const { return fail_nth_.available(); }
	/* A process can be stopped, which some ways to wait take for an error. */
	[[nodiscard]] bool is_process() const { return world_.task(number_).process; }

private:
	/* For what is done when all is over. */
	static constexpr std::size_t margin = 256;

	template <typename Do> void recorded(Record record, Do &&act);
	void perform_by_owner(const Action &action);
	void perform_on_file(const Action &action);
	void perform_elsewhere(const Action &action);

	void create(const Action &action);
	void remove(const Action &action);
	void removed(std::uint16_t object, std::uint32_t generation);
	template <typename Make>
	void acquire(std::uint8_t slot, const Record &record, bool first, Make &&make);
	void open(const Action &action);
	void tell_apart(std::uint8_t slot);
	void reopen(const Action &action);
	void take(std::uint8_t slot, int fd, const Record &record, bool first);
	void close(const Action &action);
	void map(const Action &action);
	void touch(const Action &action);
	void unmap(std::uint8_t slot);
	void send(const Action &action);
	void receive(const Action &action);
	void duplicate(const Action &action);
	Outcome operate(const Action &action, int fd);

	[[nodiscard]] Record about(const Action &action, const Ref &ref) const;
	[[nodiscard]] Record about(const Action &action, const OpenFile &file) const;
	[[nodiscard]] bool can_be_interrupted(const Action &action) const;

	World &world_;
	std::size_t number_;
	Buffer &buffer_;
	FailNth fail_nth_;
	std::array<OpenFile, files_max> files_;
	std::array<MappedPage, pages_max> pages_;
	std::uint32_t opened_ = 0;
};

/* Signals that tasks are sent interrupt calls, and do nothing else. */
constexpr int disturbing_signal = 10; /* SIGUSR1 */
void ignore_disturbances();

/* The rest of Kind::exec: reads from an inherited descriptor; returns its errno. */
int read_as_executed(int fd);

} // namespace revoke_stress

#endif
