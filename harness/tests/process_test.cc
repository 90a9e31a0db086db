// SPDX-License-Identifier: GPL-2.0
/*
 * What needs no gate: workers that are processes, and what is done with descriptors,
 * on memory files. They work for ever, so removal comes when nobody uses them any more.
 */
#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <thread>

#include "core/checker.hh"
#include "round.hh"

using namespace revoke_stress;

namespace
{

class MemoryFiles final : public Source
{
public:
	[[nodiscard]] std::string_view name() const override { return "memory"; }
	[[nodiscard]] std::string problem() const override { return ""; }
	void describe(History &history) const override
	{
		history.tables["memory"] = {{{"", EIO}}, 0, {}};
		history.calls = {{"pread", "read", true}};
	}
	std::vector<ObjectRow> choose(Wish, Rng &) override
	{
		choose_again({});
		return {{"file", "memory", Release::none, no_parent, false}};
	}
	void choose_again(const std::vector<ObjectRow> &) override
	{
		abilities_.calls = {0};
		abilities_.reopens = true;
	}
	[[nodiscard]] const Abilities &abilities(std::uint16_t) const override
	{
		return abilities_;
	}
	void finish() override {}

	Outcome create(const Ref &) override { return {}; }
	/* Whoever had begun something is through with it by then. */
	Outcome remove(const Ref &, std::uint8_t) override
	{
		std::this_thread::sleep_for(std::chrono::milliseconds{200});
		return {};
	}
	Outcome open(const Ref &) override { return {memfd_create("file", MFD_CLOEXEC), 0, 0}; }
	Outcome call(std::uint8_t, int fd) override
	{
		char byte = 0;
		const ssize_t length = pread(fd, &byte, 1, 0);

		return {length, length < 0 ? errno : 0, 0};
	}
	Outcome wait(std::uint8_t, int, std::uint32_t) override { return {-1, ENOTSUP, 0}; }
	Outcome identify(int) override { return {-1, ENOTSUP, 0}; }
	Outcome remove_self(int) override { return {-1, ENOTSUP, 0}; }
	Outcome map(int) override { return {-1, ENOTSUP, 0}; }

private:
	Abilities abilities_;
};

} // namespace

TEST(Processes, PassDescriptorsAround)
{
	MemoryFiles source;
	Intensity intensity;
	std::set<Kind> worked;
	std::set<std::size_t> took_part;
	const Time deadline = now() + 120 * second;

	intensity.threads = 2;
	intensity.processes = 3;
	intensity.nemeses = false;
	intensity.round = std::chrono::milliseconds{300};
	/* The processes are tasks 1, 2 and 3; on a busy machine they may come too late for a round.
	 */
	const std::set<std::size_t> processes{1, 2, 3};
	const std::set<Kind> wanted{Kind::duplicate, Kind::send, Kind::receive, Kind::reopen,
				    Kind::child,     Kind::exec, Kind::close};
	for (std::uint64_t number = 0;
	     now() < deadline && !(std::ranges::includes(worked, wanted) && took_part == processes);
	     number++) {
		const RoundResult result = run_round(source, *find_workload("descriptors"),
						     intensity, 1, number, [](const Live &) {});
		const Verdict verdict = check(result.history);

		ASSERT_TRUE(verdict.ok() || verdict.violations.front().rule == Rule::nothing_proved)
			<< explain(result.history, verdict.violations.front());
		for (const std::size_t task : processes)
			if (!result.history.tasks.at(task).empty())
				took_part.insert(task);
		for (const std::vector<Record> &task : result.history.tasks)
			for (const Record &record : task)
				if (record.ok())
					worked.insert(record.action.kind);
	}
	EXPECT_EQ(took_part, processes);
	for (const Kind kind : wanted)
		EXPECT_TRUE(worked.contains(kind)) << name_of(kind);
}

/* Files that nobody received go with the mailbox. */
TEST(Processes, LeaveNothingOpen)
{
	MemoryFiles source;
	Intensity intensity;

	intensity.threads = 2;
	intensity.processes = 1;
	intensity.nemeses = false;
	intensity.round = std::chrono::milliseconds{100};
	const History history =
		run_round(source, *find_workload("descriptors"), intensity, 2, 0, [](const Live &) {
		}).history;
	const Record &last = history.tasks.at(counting_task).back();
	EXPECT_EQ(last.action.kind, Kind::census);
	EXPECT_EQ(last.outcome.value, 0);
}

/* In the kernel that would be one who was killed, and hangs when its files are closed. */
TEST(Processes, AreGivenUpWhenTheyDoNotEnd)
{
	MemoryFiles source;
	Intensity intensity;
	const Workload sleepy{
		.name = "sleepy", .about = "", .next = [](const Task &task, Rng &) -> Action {
			while (task.is_process())
				pause();
			return {};
		}};

	intensity.threads = 1;
	intensity.processes = 1;
	intensity.nemeses = false;
	intensity.round = std::chrono::milliseconds{100};
	intensity.patience = std::chrono::seconds{1};
	EXPECT_TRUE(run_round(source, sleepy, intensity, 1, 0, [](const Live &) {}).stuck);
}
