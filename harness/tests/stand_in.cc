// SPDX-License-Identifier: GPL-2.0
#include "stand_in.hh"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include <fmt/format.h>

#include <mapping.hh>
#include <waiting.hh>

namespace revoke_stress
{

using revoke_test::UniqueFd;

namespace
{

constexpr std::uint8_t read_way = 0;
constexpr std::uint8_t seek_way = 1;

std::uint64_t inode_of(int fd)
{
	struct stat status {
	};

	return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

} // namespace

StandIn &StandIn::lasting(Fault fault)
{
	static std::vector<std::unique_ptr<StandIn>> all;

	return *all.emplace_back(std::make_unique<StandIn>(fault));
}

void StandIn::describe(History &history) const
{
	history.tables["stand-in"] = {
		{{"", EIO}, {"open", ENOENT}, {"lseek", EINVAL}}, EPOLLIN | EPOLLHUP, {ESHUTDOWN}};
	history.calls = {{"read", "read", true}, {"lseek", "lseek", true}};
	for (const revoke_test::WayToWait &way : revoke_test::ways_to_wait())
		history.waits.push_back({way.name, "", way.has_mask});
	history.faults = {"complaint"};
}

std::vector<ObjectRow> StandIn::choose(Wish wish, Rng &)
{
	constexpr std::size_t wanted = 3;
	std::vector<ObjectRow> rows;
	std::uint16_t parent = no_parent;

	if (wish == Wish::directories) {
		rows.push_back({"directory", "stand-in", Release::none, no_parent, false});
		parent = 0;
	}
	for (std::size_t i = 0; i < wanted; i++)
		rows.push_back({fmt::format("stand-in.{}", i), "stand-in", Release::with_removal,
				parent, true});
	choose_again(rows);
	return rows;
}

void StandIn::choose_again(const std::vector<ObjectRow> &rows)
{
	rows_ = rows;
	directory_.has_files = false;
	abilities_ = {.calls = {read_way, seek_way},
		      .waits = true,
		      .readies = true,
		      .maps = true,
		      .identifies = true,
		      .reopens = false,
		      .removes_itself = true,
		      .has_files = true};
	released_ = false;
}

const Abilities &StandIn::abilities(std::uint16_t object) const
{
	return rows_.at(object).counts ? abilities_ : directory_;
}

void StandIn::finish()
{
	const Lock lock{mutex_};

	if (fault_ == Fault::leaks)
		leaked_.emplace_back(memfd_create("leak", MFD_CLOEXEC));
	by_inode_.clear();
	objects_.clear();
}

void StandIn::let_go()
{
	const Lock lock{mutex_};

	released_ = true;
	for (auto &[identity, object] : objects_)
		shut(*object);
	changed_.notify_all();
}

StandIn::Object *StandIn::find(const Ref &ref)
{
	const auto found = objects_.find({ref.object, ref.generation});

	return found == objects_.end() ? nullptr : found->second.get();
}

StandIn::Object *StandIn::find(int fd)
{
	const auto found = by_inode_.find(inode_of(fd));

	return found == by_inode_.end() ? nullptr : found->second;
}

/* Owners */

Outcome StandIn::create(const Ref &ref)
{
	const Lock lock{mutex_};
	auto object = std::make_unique<Object>();

	if (const std::uint16_t parent = rows_.at(ref.object).parent; parent != no_parent) {
		object->above = find(Ref{.object = parent, .generation = ref.parent_generation});
		if (!object->above || object->above->going)
			return {-1, ENOENT, 0};
	}
	object->token = ++last_token_;
	object->memory.reset(memfd_create("stand-in", MFD_CLOEXEC));
	if (ftruncate(object->memory.get(), static_cast<off_t>(revoke_test::page_size())) != 0 ||
	    pwrite(object->memory.get(), &object->token, sizeof(object->token), 0) < 0)
		return {-1, errno, 0};
	const std::uint64_t token = object->token;
	objects_[{ref.object, ref.generation}] = std::move(object);
	return {0, 0, token};
}

/* The kernel tells who waits, and takes mappings away. */
void StandIn::shut(Object &object)
{
	for (const UniqueFd &end : object.ends)
		shutdown(end.get(), SHUT_RDWR);
}

/* With what is in it: all of that goes, or nothing. */
Outcome StandIn::remove(const Ref &ref, std::uint8_t)
{
	Lock lock{mutex_};
	Object *object = find(ref);
	std::vector<Object *> claimed;

	if (!object)
		return {-1, ENOENT, 0};
	if (object->going)
		return {-1, fault_ == Fault::removes_twice && object->gone ? 0 : EBUSY, 0};
	claimed.push_back(object);
	for (const auto &[identity, other] : objects_) {
		if (other->above != object || other->gone)
			continue;
		if (other->going)
			return {-1, EBUSY, 0};
		claimed.push_back(other.get());
	}
	for (Object *one : claimed)
		one->going = true;
	for (Object *one : claimed)
		if (const int error = cut_off(*one, lock); error)
			return {-1, error, 0};
	return {};
}

int StandIn::cut_off(Object &object, Lock &lock)
{
	object.kicks++;
	changed_.notify_all();
	if (fault_ == Fault::never_returns)
		changed_.wait(lock, [&] { return released_; });
	if (fault_ != Fault::overtakes && fault_ != Fault::forgets_blocked)
		changed_.wait(lock, [&] { return object.users == 0; });
	if (fault_ != Fault::forgets_waiters)
		shut(object);
	if (fault_ != Fault::keeps_mappings && ftruncate(object.memory.get(), 0) != 0)
		return errno;
	object.counts.releases = object.counts.opens;
	if (fault_ == Fault::forgets_release && object.counts.opens)
		object.counts.releases--;
	if (fault_ == Fault::releases_twice && object.counts.opens)
		object.counts.releases++;
	object.gone = true;
	return 0;
}

Outcome StandIn::kick(const Ref &ref)
{
	const Lock lock{mutex_};

	if (Object *object = find(ref); object)
		object->kicks++;
	changed_.notify_all();
	return {};
}

/* What was sent cannot be taken back: ready once, ready for ever. */
Outcome StandIn::ready(const Ref &ref, std::uint32_t mask)
{
	const Lock lock{mutex_};
	Object *object = find(ref);

	if (!object || object->going || !(mask & EPOLLIN))
		return {-1, ENOENT, 0};
	for (const UniqueFd &end : object->ends)
		send(end.get(), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return {};
}

Outcome StandIn::behave(const Ref &ref, std::uint8_t, std::uint32_t argument)
{
	const Lock lock{mutex_};

	if (Object *object = find(ref); object)
		object->blocks = argument & behave_block;
	return {};
}

Outcome StandIn::counters(const Ref &ref, Counts &counts)
{
	const Lock lock{mutex_};
	const Object *object = find(ref);

	if (!object)
		return {-1, ENOENT, 0};
	counts = object->counts;
	counts.faults = fault_ == Fault::complains;
	return {};
}

/* Files */

int StandIn::enter(Object &object)
{
	if (!object.going) {
		object.users++;
		object.counts.entered++;
		return 0;
	}
	if (fault_ == Fault::enters_late && object.gone) {
		object.counts.entered++;
		object.counts.left++;
	}
	return fault_ == Fault::mixes_up_errnos ? EPERM : EIO;
}

void StandIn::leave(Object &object)
{
	object.counts.left++;
	object.users--;
	changed_.notify_all();
}

Outcome StandIn::open(const Ref &ref)
{
	const Lock lock{mutex_};
	std::array<int, 2> ends{};
	Object *object = find(ref);

	if (!object || (object->going && !(fault_ == Fault::opens_late && object->gone)))
		return {-1, ENOENT, 0};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
		return {-1, errno, 0};
	object->ends.emplace_back(ends[1]);
	by_inode_[inode_of(ends[0])] = object;
	object->counts.opens += fault_ == Fault::counts_opens_twice ? 2 : 1;
	return {ends[0], 0, 0};
}

int StandIn::block(Object &object, Lock &lock)
{
	const std::uint64_t kicks = object.kicks;
	const bool deaf = fault_ == Fault::forgets_blocked;

	changed_.wait(lock, [&] { return released_ || (!deaf && object.kicks != kicks); });
	return ESHUTDOWN;
}

Outcome StandIn::call(std::uint8_t way, int fd)
{
	Lock lock{mutex_};
	Object *object = find(fd);

	if (!object)
		return {-1, EBADF, 0};
	if (fault_ == Fault::reads_late && object->gone)
		return {1, 0, 0};
	const int refused = enter(*object);
	if (refused)
		return {-1, way == seek_way && refused == EIO ? EINVAL : refused, 0};
	int error = 0;
	if (object->blocks)
		error = block(*object, lock);
	lock.unlock();
	std::this_thread::yield();
	if (fault_ == Fault::overtakes)
		std::this_thread::sleep_for(std::chrono::milliseconds{5});
	lock.lock();
	leave(*object);
	return {error ? -1 : 1, error, 0};
}

Outcome StandIn::wait(std::uint8_t way, int fd, std::uint32_t events)
{
	const revoke_test::Result result = revoke_test::ways_to_wait().at(way).wait(fd, events);

	/* Of sockets some ways tell that the other side writes no more, and some do not. */
	return {result.value & ~EPOLLRDHUP, result.error, 0};
}

Outcome StandIn::identify(int fd)
{
	const Lock lock{mutex_};
	Object *object = find(fd);

	if (!object)
		return {-1, EBADF, 0};
	if (const int refused = enter(*object); refused)
		return {-1, refused, 0};
	leave(*object);
	return {1, 0, object->token + (fault_ == Fault::mixes_up_objects)};
}

Outcome StandIn::remove_self(int fd) { return call(read_way, fd); }

Outcome StandIn::map(int fd)
{
	Lock lock{mutex_};
	Object *object = find(fd);

	if (!object)
		return {-1, EBADF, 0};
	if (const int refused = enter(*object); refused)
		return {-1, refused, 0};
	void *start = mmap(nullptr, revoke_test::page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
			   object->memory.get(), 0);
	leave(*object);
	if (start == MAP_FAILED)
		return {-1, errno, 0};
	return {static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(start)), 0, 0};
}

} // namespace revoke_stress
