/* SPDX-License-Identifier: GPL-2.0 */
/* What all tasks of a round share, processes included. */
#ifndef REVOKE_STRESS_WORLD_H
#define REVOKE_STRESS_WORLD_H

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <unique_fd.hh>

#include "core/buffer.hh"
#include "core/history.hh"
#include "shared.hh"
#include "source.hh"

namespace revoke_stress
{

enum class ObjectState : std::uint32_t { absent, being_made, present };

/*
 * One word: who removed one generation late is not to take the next one, which
 * is being made by then, for absent.
 */
struct Standing {
	ObjectState state = ObjectState::absent;
	std::uint32_t generation = 0; /* the latest; 0: there was none yet */
};

/* Of one object; its generations follow one another. */
struct SharedObject {
	static constexpr std::size_t generations = 384;

	std::atomic<Standing> standing{};
	std::array<std::atomic<std::uint64_t>, generations> tokens{};
	std::array<std::atomic<std::uint32_t>, generations> parents{}; /* of the directory */
	std::array<std::atomic<std::uint32_t>, generations> open_files{};
};

/* Processes share it, so that no lock of one of them may stand in for the instruction. */
static_assert(std::atomic<Standing>::is_always_lock_free);

struct SharedTask {
	std::atomic<pid_t> thread{0}; /* while it runs */
	std::atomic<bool> process{false};
	std::atomic<bool> killed{false};
	Buffer buffer;
};

class World
{
public:
	static constexpr std::size_t objects_max = 10;
	static constexpr std::size_t tasks_max = 22; /* a crowd, or one again and who kicks */

	/* `frame` is a history without records: objects, tables and ways. */
	World(Source &source, History frame);
	World(const World &) = delete;
	World &operator=(const World &) = delete;

	[[nodiscard]] Source &source() const { return source_; }
	[[nodiscard]] const std::vector<ObjectRow> &rows() const { return frame_.objects; }
	[[nodiscard]] const History &frame() const { return frame_; }
	[[nodiscard]] SharedObject &object(std::uint16_t index) const
	{
		return shared_->objects.at(index);
	}
	[[nodiscard]] SharedTask &task(std::size_t index) const { return shared_->tasks.at(index); }
	[[nodiscard]] std::size_t tasks() const { return task_count_; }
	std::size_t add_task() { return task_count_++; }

	[[nodiscard]] Ref ref(std::uint16_t object, std::uint32_t generation) const;
	[[nodiscard]] Ref latest(std::uint16_t object) const
	{
		return ref(object, this->object(object).standing.load().generation);
	}
	[[nodiscard]] bool present(std::uint16_t index) const
	{
		return object(index).standing.load().state == ObjectState::present;
	}
	/* How many there are, of any task. */
	[[nodiscard]] std::atomic<std::uint32_t> &open_files(const Ref &ref) const
	{
		return object(ref.object).open_files.at(ref.generation % SharedObject::generations);
	}
	/* The object to be made next; nothing if it is there, or somebody makes it. */
	[[nodiscard]] std::optional<Ref> begin_making(std::uint16_t index) const;
	void end_making(const Ref &ref, bool made) const;
	/* Says nothing of later generations. */
	void has_gone(std::uint16_t index, std::uint32_t generation) const;

	void stop() const { shared_->stopped = true; }
	[[nodiscard]] bool stopped() const { return shared_->stopped; }

	/* Files in flight between tasks, each with a message of who they are. */
	[[nodiscard]] int sender() const { return sender_.get(); }
	[[nodiscard]] int receiver() const { return receiver_.get(); }
	void drop_mail()
	{
		sender_.reset();
		receiver_.reset();
	}

private:
	struct Content {
		std::atomic<bool> stopped{false};
		std::array<SharedObject, objects_max> objects;
		std::array<SharedTask, tasks_max> tasks;
	};

	Source &source_;
	History frame_;
	Shared<Content> shared_;
	/* Some run already when others are added. */
	std::atomic<std::size_t> task_count_{0};
	revoke_test::UniqueFd sender_;
	revoke_test::UniqueFd receiver_;
};

} // namespace revoke_stress

#endif
