// SPDX-License-Identifier: GPL-2.0
#include "round.hh"

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "core/table.hh"
#include "nemesis.hh"
#include "races.hh"
#include "task.hh"
#include "world.hh"

namespace revoke_stress
{

namespace
{

/* Begins, in every round, with the same number: that of what this process has open. */
std::int64_t open_descriptors()
{
	std::int64_t count = 0;
	DIR *folder = opendir("/proc/self/fd");

	for (; folder && readdir(folder); count++)
		;
	if (folder)
		closedir(folder);
	return count;
}

/* A thread, and whether it has ended. */
class Thread
{
public:
	template <typename Run> explicit Thread(Run run)
	{
		auto ended = ended_;

		thread_ = std::thread{[run = std::move(run), ended] {
			run();
			ended->store(true);
		}};
	}
	[[nodiscard]] bool ended() const { return *ended_; }
	void join() { thread_.join(); }
	void give_up() { thread_.detach(); }

private:
	std::shared_ptr<std::atomic<bool>> ended_ = std::make_shared<std::atomic<bool>>(false);
	std::thread thread_;
};

/* Everything about one round; kept for ever when it is stuck, as some still use it. */
class Round
{
public:
	Round(Source &source, History frame, const Watch &watch)
		: source_(source), world_(source, std::move(frame)), watch_(watch)
	{
		while (world_.tasks() < first_worker)
			world_.add_task();
	}

	/* Before the first thread: what is forked must be alone. */
	void fork_worker(const Workload &workload, const Intensity &intensity, std::uint64_t seed);
	void start_worker(const Workload &workload, const Intensity &intensity, std::uint64_t seed);
	void start_nemesis(const Nemesis &nemesis, std::uint64_t seed);
	void start_races(std::uint64_t seed, Time until);
	/* A task that does what a task of a history did. */
	void start_again(const std::vector<Record> &records);

	void make_objects();
	/* Watches until then, or until all workers have ended, or somebody hangs. */
	void watch_until(Time end);
	/* Removes all, and waits for those who use it; false when some do not end. */
	bool wind_down();
	void count_all(std::int64_t descriptors_before);
	void give_up();
	[[nodiscard]] History history() const;
	[[nodiscard]] const std::string &problem() const { return problem_; }
	[[nodiscard]] FuzzySync::Statistics races() const
	{
		return races_ ? races_->statistics() : FuzzySync::Statistics{};
	}

private:
	static void work(World &world, std::size_t number, const Workload &workload,
			 const Intensity &intensity, std::uint64_t seed);
	template <typename Run> void start(std::vector<Thread> &threads, Run run)
	{
		threads.emplace_back(std::move(run));
	}
	[[nodiscard]] bool workers_ended();
	void reap();
	[[nodiscard]] bool somebody_hangs() const;
	void remove_all();
	[[nodiscard]] std::vector<std::vector<Thread> *> threads()
	{
		return {&workers_, &removers_, &kickers_};
	}
	[[nodiscard]] Live look() const;

	Source &source_;
	World world_;
	const Watch &watch_;
	std::vector<Thread> workers_;
	std::vector<Thread> kickers_;
	std::vector<Thread> removers_;
	struct Process {
		pid_t pid;
		std::size_t task;
	};
	std::vector<Process> processes_;
	std::string problem_;
	std::unique_ptr<Races> races_;
	std::atomic<bool> quiet_{false};
	std::atomic<bool> over_{false};
};

void Round::work(World &world, std::size_t number, const Workload &workload,
		 const Intensity &intensity, std::uint64_t seed)
{
	Task task{world, number};
	Rng rng{seed};

	for (std::uint32_t i = 0;
	     task.goes_on() && (!intensity.operations || i < intensity.operations); i++)
		task.perform(workload.next(task, rng));
	task.close_all();
}

void Round::fork_worker(const Workload &workload, const Intensity &intensity, std::uint64_t seed)
{
	const std::size_t number = world_.add_task();
	const pid_t parent = getpid();

	world_.task(number).process = true;
	const pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			work(world_, number, workload, intensity, seed);
		_exit(0);
	}
	if (pid > 0)
		processes_.push_back({pid, number});
}

void Round::start_worker(const Workload &workload, const Intensity &intensity, std::uint64_t seed)
{
	const std::size_t number = world_.add_task();

	start(workers_, [this, number, &workload, intensity, seed] {
		work(world_, number, workload, intensity, seed);
	});
}

void Round::start_nemesis(const Nemesis &nemesis, std::uint64_t seed)
{
	const std::size_t number = world_.add_task();

	start(nemesis.until_the_end ? kickers_ : workers_, [this, number, &nemesis, seed] {
		Task task{world_, number};
		Rng rng{seed};

		while (nemesis.until_the_end ? !over_ : task.goes_on()) {
			task.perform(nemesis.next(task, rng));
			std::this_thread::sleep_for(std::chrono::microseconds{
				rng.below(static_cast<std::size_t>(nemesis.rest.count())) + 1});
		}
		task.close_all();
	});
}

void Round::start_races(std::uint64_t seed, Time until)
{
	const std::size_t leader = world_.add_task();
	const std::size_t follower = world_.add_task();

	races_ = std::make_unique<Races>(world_, seed, until);
	start(workers_, [this, leader] { races_->lead(leader); });
	start(workers_, [this, follower] { races_->follow(follower); });
}

void Round::start_again(const std::vector<Record> &records)
{
	const std::size_t number = world_.add_task();

	start(workers_, [this, number, &records] {
		Task task{world_, number};

		for (const Record &record : records)
			task.perform(record.action);
		task.close_all();
	});
}

void Round::make_objects()
{
	Task task{world_, finishing_task};

	for (std::uint16_t object = 0; object < world_.rows().size(); object++)
		task.perform({.kind = Kind::create, .object = object});
}

Live Round::look() const
{
	Live live;

	for (std::size_t i = 0; i < world_.tasks(); i++) {
		const Buffer &buffer = world_.task(i).buffer;
		const std::size_t size = buffer.size();

		live.in_flight += size && !buffer.at(size - 1).ended();
	}
	return live;
}

/* Whoever was killed has what he did left unfinished, for good. */
bool Round::somebody_hangs() const
{
	const Time patience = world_.frame().patience;
	const Time time = now();

	for (std::size_t i = 0; i < world_.tasks(); i++) {
		const SharedTask &task = world_.task(i);
		const std::size_t size = task.buffer.size();

		if (!size || task.killed)
			continue;
		const Record last = task.buffer.at(size - 1);
		if (!last.ended() && time > last.begin && time - last.begin > patience + second)
			return true;
	}
	return false;
}

void Round::reap()
{
	std::erase_if(processes_, [this](const Process &process) {
		int status = 0;

		if (waitpid(process.pid, &status, WNOHANG) == 0)
			return false;
		/* It has said what is wrong, as the cases of the kselftests do. */
		if (status && !world_.task(process.task).killed)
			problem_ = fmt::format("worker {} ended with status {:#x}", process.task,
					       status);
		if (status)
			world_.task(process.task).killed = true;
		return true;
	});
}

bool Round::workers_ended()
{
	reap();
	for (const Thread &worker : workers_)
		if (!worker.ended())
			return false;
	return processes_.empty();
}

void Round::watch_until(Time end)
{
	constexpr std::chrono::milliseconds glance{10};

	while (now() < end && !workers_ended() && !somebody_hangs()) {
		std::this_thread::sleep_for(glance);
		watch_(look());
	}
}

/* Until nobody is left who could make another one. */
void Round::remove_all()
{
	Task task{world_, finishing_task};

	do {
		for (std::uint16_t object = 0; object < world_.rows().size(); object++)
			if (world_.present(object))
				task.perform({.kind = Kind::remove, .object = object});
		std::this_thread::sleep_for(std::chrono::milliseconds{1});
	} while (!quiet_);
}

bool Round::wind_down()
{
	constexpr std::chrono::milliseconds glance{2};
	/* Who hangs while it exits does nothing any more that it could be known by. */
	const Time latest = now() + 4 * world_.frame().patience;

	world_.stop();
	start(removers_, [this] { remove_all(); });
	while (!workers_ended()) {
		if (somebody_hangs() || now() > latest)
			return false;
		/* Whoever is stopped may be in a method. */
		for (const Process &process : processes_)
			kill(process.pid, SIGCONT);
		std::this_thread::sleep_for(glance);
	}
	quiet_ = true;
	while (!removers_.front().ended()) {
		if (somebody_hangs())
			return false;
		std::this_thread::sleep_for(glance);
	}
	over_ = true;
	for (std::vector<Thread> *some : threads()) {
		for (Thread &thread : *some)
			thread.join();
		some->clear();
	}
	/* Made at the very last moment. */
	remove_all();
	return true;
}

/* What does not fit would not be judged: all generations, and the census. */
static_assert(World::objects_max * SharedObject::generations < Buffer::capacity);

void Round::count_all(std::int64_t descriptors_before)
{
	world_.drop_mail();
	{
		Task task{world_, counting_task};

		for (std::uint16_t object = 0; object < world_.rows().size(); object++)
			for (std::uint32_t i = 1; i <= world_.latest(object).generation; i++)
				task.count(object, i, flag_final);
	}
	source_.finish();
	/* Those of this process; others' went with them. */
	Record census;
	census.action.kind = Kind::census;
	Buffer &buffer = world_.task(counting_task).buffer;
	buffer.begin(census);
	census.outcome.value = open_descriptors() - descriptors_before;
	buffer.end(census);
}

/* Has those go on who can, so that the next round, if there is one, begins afresh. */
void Round::give_up()
{
	constexpr std::chrono::milliseconds nap{10};
	constexpr int naps = 200;

	quiet_ = true;
	over_ = true;
	for (const Process &process : processes_)
		kill(process.pid, SIGKILL);
	source_.let_go();
	for (int i = 0; i < naps && !workers_ended(); i++)
		std::this_thread::sleep_for(nap);
	for (std::vector<Thread> *some : threads())
		for (Thread &thread : *some) {
			if (thread.ended())
				thread.join();
			else
				thread.give_up();
		}
}

History Round::history() const
{
	History history = world_.frame();

	history.finish = now();
	for (std::size_t i = 0; i < world_.tasks(); i++) {
		history.tasks.push_back(world_.task(i).buffer.copy());
		std::vector<Record> &records = history.tasks.back();

		if (world_.task(i).killed && !records.empty() && !records.back().ended())
			records.back().flags |= flag_killed;
	}
	return history;
}

/* What a round comes to, from the moment when its tasks run. */
RoundResult conclude(std::unique_ptr<Round> round, std::int64_t descriptors_before)
{
	RoundResult result;

	if (round->wind_down()) {
		round->count_all(descriptors_before);
		result.history = round->history();
		result.races = round->races();
		result.problem = round->problem();
		return result;
	}
	result.stuck = true;
	result.history = round->history();
	round->give_up();
	/* On purpose: some tasks may work on it until the program ends. */
	static std::vector<std::unique_ptr<Round>> given_up;
	given_up.push_back(std::move(round));
	return result;
}

/* Each workload begins with other objects, and with the same ones when it runs alone. */
std::uint64_t seed_of(std::string_view workload, std::uint64_t seed, std::uint64_t number)
{
	for (const char letter : workload)
		seed = Rng::derive(seed, static_cast<unsigned char>(letter));
	return Rng::derive(seed, number);
}

History frame_of(Source &source, const Workload &workload, const Intensity &intensity, Rng rng)
{
	History frame;

	source.describe(frame);
	frame.source = source.name();
	frame.workload = workload.name;
	frame.patience = static_cast<Time>(intensity.patience.count()) * second;
	frame.objects = source.choose(workload.wish, rng);
	return frame;
}

} // namespace

RoundResult run_round(Source &source, const Workload &workload, const Intensity &intensity,
		      std::uint64_t seed, std::uint64_t number, const Watch &watch)
{
	const std::int64_t descriptors = open_descriptors();
	std::uint64_t task = seed_of(workload.name, seed, number);
	History frame = frame_of(source, workload, intensity, Rng{task});

	frame.seed = seed;
	frame.round = number;
	auto round = std::make_unique<Round>(source, std::move(frame), watch);
	const Time until = now() + static_cast<Time>(intensity.round.count()) * millisecond;

	if (workload.races) {
		round->start_races(task, until);
		/* They end by themselves; only who hangs is waited for that long. */
		round->watch_until(UINT64_MAX);
		return conclude(std::move(round), descriptors);
	}
	round->make_objects();
	if (!workload.undisturbed)
		for (unsigned int i = 0; i < intensity.processes; i++)
			round->fork_worker(workload, intensity, Rng::derive(task, i));
	for (unsigned int i = 0; i < intensity.threads; i++)
		round->start_worker(workload, intensity, Rng::derive(task, 100 + i));
	const bool disturbed = intensity.nemeses && !workload.undisturbed;
	for (const Nemesis &nemesis : all_nemeses())
		if (disturbed || nemesis.until_the_end)
			round->start_nemesis(nemesis, Rng::derive(++task, 200));
	round->watch_until(until);
	return conclude(std::move(round), descriptors);
}

RoundResult replay(Source &source, const History &history, const Watch &watch)
{
	const std::int64_t descriptors = open_descriptors();
	History frame = history;

	frame.tasks.clear();
	source.choose_again(history.objects);
	auto round = std::make_unique<Round>(source, std::move(frame), watch);
	round->make_objects();
	/* Those before made them, finished and counted: the others have their numbers again. */
	for (std::size_t i = first_worker; i < history.tasks.size(); i++)
		round->start_again(history.tasks[i]);
	/* As in the original, somebody lets those go who block. */
	round->start_nemesis(all_nemeses().back(), history.seed);
	round->watch_until(UINT64_MAX);
	return conclude(std::move(round), descriptors);
}

} // namespace revoke_stress
