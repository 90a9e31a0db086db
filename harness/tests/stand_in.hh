/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Objects that need no module: sockets of this machine's kernel, whose other ends the
 * owner shuts down, and memory files that it cuts off. What is missing to make
 * methods of that is a gate in user space. It can be told to get one thing wrong.
 */
#ifndef REVOKE_STRESS_STAND_IN_H
#define REVOKE_STRESS_STAND_IN_H

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <unique_fd.hh>

#include "source.hh"

namespace revoke_stress
{

enum class Fault : std::uint8_t {
	none,
	reads_late,
	opens_late,
	enters_late,
	overtakes,
	keeps_mappings,
	forgets_waiters,
	forgets_blocked,
	never_returns,
	forgets_release,
	releases_twice,
	counts_opens_twice,
	removes_twice,
	mixes_up_errnos,
	mixes_up_objects,
	complains,
	leaks,
};

class StandIn final : public Source
{
public:
	explicit StandIn(Fault fault = Fault::none) : fault_(fault) {}
	/* One that stays to the end: tasks that hang may use it as long as they like. */
	static StandIn &lasting(Fault fault);

	[[nodiscard]] std::string_view name() const override { return "stand-in"; }
	[[nodiscard]] std::string problem() const override { return ""; }
	void describe(History &history) const override;
	std::vector<ObjectRow> choose(Wish wish, Rng &rng) override;
	void choose_again(const std::vector<ObjectRow> &rows) override;
	[[nodiscard]] const Abilities &abilities(std::uint16_t object) const override;
	void finish() override;
	void let_go() override;

	Outcome create(const Ref &ref) override;
	Outcome remove(const Ref &ref, std::uint8_t way) override;
	Outcome kick(const Ref &ref) override;
	Outcome ready(const Ref &ref, std::uint32_t mask) override;
	Outcome behave(const Ref &ref, std::uint8_t method, std::uint32_t argument) override;
	Outcome counters(const Ref &ref, Counts &counts) override;

	Outcome open(const Ref &ref) override;
	Outcome call(std::uint8_t way, int fd) override;
	Outcome wait(std::uint8_t way, int fd, std::uint32_t events) override;
	Outcome identify(int fd) override;
	Outcome remove_self(int fd) override;
	Outcome map(int fd) override;

private:
	struct Object {
		std::uint64_t token = 0;
		const Object *above = nullptr; /* the directory that it is in */
		bool going = false;
		bool gone = false;
		bool blocks = false;
		std::uint32_t users = 0;
		std::uint64_t kicks = 0;
		Counts counts;
		std::vector<revoke_test::UniqueFd> ends;
		revoke_test::UniqueFd memory;
	};
	using Lock = std::unique_lock<std::mutex>;

	Object *find(const Ref &ref);
	Object *find(int fd);
	/* 0, or what the gate answers. */
	int enter(Object &object);
	void leave(Object &object);
	int block(Object &object, Lock &lock);
	void shut(Object &object);
	/* errno */
	int cut_off(Object &object, Lock &lock);

	const Fault fault_;
	std::vector<ObjectRow> rows_;
	Abilities abilities_;
	Abilities directory_;
	std::mutex mutex_;
	std::condition_variable changed_;
	bool released_ = false; /* nobody is to wait any more */
	std::uint64_t last_token_ = 0;
	std::map<std::pair<std::uint16_t, std::uint32_t>, std::unique_ptr<Object>> objects_;
	std::map<std::uint64_t, Object *> by_inode_;
	std::vector<revoke_test::UniqueFd> leaked_;
};

} // namespace revoke_stress

#endif
