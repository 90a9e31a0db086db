// SPDX-License-Identifier: GPL-2.0
/* Files of a cgroup, which go with it, or are hidden and shown again; they have something to undo.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "check.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "race.hh"
#include "temporary_directory.hh"
#include "unique_fd.hh"
#include "waiting.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

/* A pressure that lasts for longer than any test. */
constexpr std::string_view trigger{"some 900000 1000000"};

class Cgroup
{
public:
	Cgroup()
	{
		if (const Result mounted = mounted_at_.mount("cgroup2"); !mounted.ok())
			skip("no cgroup2: {}", mounted);
		check_ok(result_of(mkdir(path().c_str(), 0755)), path());
	}
	Cgroup(const Cgroup &) = delete;
	Cgroup &operator=(const Cgroup &) = delete;
	~Cgroup() { rmdir(path().c_str()); }

	[[nodiscard]] std::string path(const std::string &file = "") const
	{
		return mounted_at_.path() + "/revoke" + (file.empty() ? "" : "/" + file);
	}
	[[nodiscard]] Result try_open(const std::string &file, int flags = O_RDWR) const
	{
		return result_of(open(path(file).c_str(), flags | O_CLOEXEC));
	}
	[[nodiscard]] UniqueFd open_file(const std::string &file, int flags = O_RDWR) const
	{
		const Result result = try_open(file, flags);

		if (result.error == ENOENT)
			skip("cgroups have no {}", file);
		check_ok(result, file);
		return UniqueFd{static_cast<int>(result.value)};
	}
	void write_file(const std::string &file, std::string_view text) const
	{
		const UniqueFd fd = open_file(file, O_WRONLY);

		check_value(result_of(write(fd.get(), text.data(), text.size())), text.size(),
			    file);
	}
	void remove() const { check_ok(result_of(rmdir(path().c_str())), "rmdir"); }

private:
	TemporaryDirectory mounted_at_;
};

UniqueFd armed_trigger(const Cgroup &cgroup)
{
	UniqueFd fd = cgroup.open_file("cpu.pressure");

	check_value(result_of(write(fd.get(), trigger.data(), trigger.size())), trigger.size(),
		    "write of a trigger");
	return fd;
}

/* By a kernel thread, for as long as there is one in a cgroup. */
bool trigger_is_watched()
{
	for (const auto &entry : std::filesystem::directory_iterator{"/proc"}) {
		std::ifstream file{entry.path() / "comm"};
		std::string name;

		if (std::getline(file, name) && name == "psimon")
			return true;
	}
	return false;
}

/* Who is told to stop is seen in /proc for a little longer. */
void check_disarmed()
{
	const auto watched = [] { return trigger_is_watched() ? Result{} : Result{-1, ESRCH}; };

	await_error(watched, ESRCH, "the thread that watches for a trigger");
}

void check_dead(const UniqueFd &fd)
{
	check_error(read_some(fd.get()), ENODEV, "read");
	check_equal(static_cast<std::uint32_t>(poll_mask(fd.get(), ~0)),
		    filesystem().mask_after_removal, "poll");
}

void all_files_are_dead_after_rmdir()
{
	const Cgroup cgroup;
	std::vector<UniqueFd> fds;

	for (const auto &entry : std::filesystem::directory_iterator{cgroup.path()}) {
		const Result result = cgroup.try_open(entry.path().filename(), O_RDONLY);

		if (result.ok())
			fds.emplace_back(static_cast<int>(result.value));
	}
	note("{} files", fds.size());
	check(!fds.empty(), "no file can be opened");
	cgroup.remove();
	for (const UniqueFd &fd : fds)
		check_dead(fd);
}

/* Of which each open file has a state, begun by the first read. */
void list_of_processes_is_dead_after_rmdir()
{
	const Cgroup cgroup;
	const UniqueFd fd = cgroup.open_file("cgroup.procs");

	check_value(read_some(fd.get()), 0, "read of an empty cgroup");
	cgroup.remove();
	check_dead(fd);
}

void waiter_is_told_of_rmdir(const WayToWait &way)
{
	const Cgroup cgroup;
	const UniqueFd fd = cgroup.open_file("cgroup.events", O_RDONLY);

	check_ok(read_some(fd.get()), "read");
	Worker waiter{way.name, [&] { return way.wait(fd.get(), EPOLLPRI); }};
	waiter.await_asleep();
	cgroup.remove();
	const Result told = waiter.join();
	check_ok(told, way.name);
	if (way.has_mask)
		check_equal(static_cast<std::uint32_t>(told.value), EPOLLERR | EPOLLPRI, way.name);
	check_dead(fd);
}

void armed_trigger_goes_with_the_cgroup()
{
	const Cgroup cgroup;
	const UniqueFd fd = armed_trigger(cgroup);
	const Epoll epoll;

	epoll.add(fd.get(), EPOLLPRI);
	check_equal(epoll.events(), 0U, "events before");
	cgroup.remove();
	check_equal(epoll.events(), EPOLLERR | EPOLLPRI, "events");
	check_dead(fd);
}

/* Hidden, a file is gone for those who have it open, for good. */
void hidden_file_stays_dead()
{
	const Cgroup cgroup;
	const UniqueFd fd = armed_trigger(cgroup);
	const Epoll epoll;

	epoll.add(fd.get(), EPOLLPRI);
	for (unsigned int round = 0; round < 3; round++) {
		const UniqueFd idle = cgroup.open_file("memory.pressure");

		check_ok(read_some(idle.get()), "read");
		cgroup.write_file("cgroup.pressure", "0");
		check_error(cgroup.try_open("cpu.pressure"), ENOENT, "open while hidden");
		check_equal(epoll.events(), EPOLLERR | EPOLLPRI, "events");
		check_dead(fd);
		check_dead(idle);
		cgroup.write_file("cgroup.pressure", "1");
		check_dead(fd);
		check_dead(idle);
		const UniqueFd again = armed_trigger(cgroup);
		check_ok(read_some(again.get()), "read of the file that was shown");
	}
}

/* Whoever reads while it is hidden and shown has been through, and is too late then. */
void hiding_races_reads()
{
	const unsigned int rounds = std::min(options().rounds, 200U);
	const Cgroup cgroup;

	for (unsigned int round = 0; round < rounds; round++) {
		const UniqueFd fd = armed_trigger(cgroup);
		std::atomic<unsigned int> reads{0};
		Worker reader{"read", [&] {
				      Result result;

				      for (;;) {
					      result = read_some(fd.get());
					      if (!result.ok())
						      return result;
					      reads++;
				      }
			      }};

		while (!reads)
			std::this_thread::yield();
		cgroup.write_file("cgroup.pressure", "0");
		cgroup.write_file("cgroup.pressure", "1");
		check_error(reader.join(), ENODEV, "read");
	}
}

/* The last close of a file with something to undo, and the removal that would undo it. */
void close_races_rmdir()
{
	std::unique_ptr<Cgroup> cgroup;
	UniqueFd fd;

	run_race({
		.prepare =
			[&] {
				cgroup.reset();
				cgroup = std::make_unique<Cgroup>();
				fd = armed_trigger(*cgroup);
			},
		.first = {"close", [&] { fd.reset(); }},
		.second = {"rmdir", [&] { cgroup->remove(); }},
		.conclude = [] {},
	});
	check_disarmed();
}

/* Its release is not left to the last close. */
void removal_disarms_the_trigger()
{
	const Cgroup cgroup;
	const UniqueFd fd = armed_trigger(cgroup);

	check(trigger_is_watched(), "nobody watches for the trigger");
	cgroup.remove();
	check_disarmed();
	check_dead(fd);
}

} // namespace

int main(int argc, char **argv)
{
	std::vector<Case> cases{
		{"all_files_are_dead_after_rmdir", all_files_are_dead_after_rmdir},
		{"list_of_processes_is_dead_after_rmdir", list_of_processes_is_dead_after_rmdir},
		{"armed_trigger_goes_with_the_cgroup", armed_trigger_goes_with_the_cgroup},
		{"hidden_file_stays_dead", hidden_file_stays_dead},
		{"hiding_races_reads", hiding_races_reads, std::chrono::seconds{120}},
		{"close_races_rmdir", close_races_rmdir, std::chrono::seconds{120}},
		{"removal_disarms_the_trigger", removal_disarms_the_trigger},
	};

	for (const WayToWait &way : ways_to_wait())
		cases.push_back({fmt::format("{}.waiter_is_told_of_rmdir", way.name),
				 [&way] { waiter_is_told_of_rmdir(way); }});
	return run_cases(argc, argv, cases);
}
