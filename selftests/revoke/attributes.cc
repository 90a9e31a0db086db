// SPDX-License-Identifier: GPL-2.0
/* What sysfs has besides binary attributes: attributes, alone and in groups, that tell of changes,
 * and that can remove themselves. */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "check.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "race.hh"
#include "waiting.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

Object attribute(const Control &control, std::uint32_t flags = 0)
{
	return control.object(TEST_REVOKE_SYSFS_ATTRIBUTE, "attribute", flags);
}

Result write_some(int fd) { return result_of(pwrite(fd, "text", 4, 0)); }

void check_dead(const UniqueFd &fd)
{
	check_error(read_some(fd.get()), ENODEV, "read");
	check_error(write_some(fd.get()), ENODEV, "write");
	check_error(result_of(lseek(fd.get(), 0, SEEK_SET)), ENODEV, "lseek");
	check_equal(static_cast<std::uint32_t>(poll_mask(fd.get(), ~0)),
		    filesystem().mask_after_removal, "poll");
}

void works_before_fails_after()
{
	const Control control;
	const Object file = attribute(control);
	const UniqueFd fd = file.open();

	check_equal(object_id_of(fd.get()), file.id(), "identity");
	check_ok(write_some(fd.get()), "write");
	check_ok(file.remove(), "removal");
	check_dead(fd);
	check_error(file.try_open(), ENOENT, "open");
	check_equal(file.counters().entered[TEST_REVOKE_READ], 1U, "calls of ->show");
	check_equal(file.counters().entered[TEST_REVOKE_WRITE], 1U, "calls of ->store");
}

/* What a read has left over is the file's, not the attribute's. */
void rest_of_a_read_stays()
{
	const Control control;
	const Object file = attribute(control);
	const UniqueFd fd = file.open();
	char first = 0;

	check_value(result_of(read(fd.get(), &first, 1)), 1, "read of one byte");
	check_ok(file.remove(), "removal");
	char rest[64];
	check_ok(result_of(read(fd.get(), rest, sizeof(rest))), "read of the rest");
	check_error(result_of(read(fd.get(), rest, sizeof(rest))), ENODEV, "read of more");
	check_equal(file.counters().entered[TEST_REVOKE_READ], 1U, "calls of ->show");
}

void removal_waits(test_revoke_method method, const std::function<Result(int fd)> &call)
{
	const Control control;
	const Object file = attribute(control);
	const UniqueFd inside = file.open();
	const UniqueFd outside = file.open();

	file.block(method);
	Worker caller{"call", [&] { return call(inside.get()); }};
	file.await_blocked(method);
	file.pass(method);
	Worker removal{"removal", [&] { return file.remove(); }};
	await_error([&] { return call(outside.get()); }, ENODEV, "call during removal");
	file.check_removal_waits();
	file.kick();
	check_error(caller.join(), ESHUTDOWN, "call when kicked");
	check_ok(removal.join(), "removal");
	check_dead(inside);
	check_dead(outside);
}

void group_goes()
{
	const Control control;
	const Object group = control.object(TEST_REVOKE_SYSFS_GROUP, "group", 0);
	const std::string path = group.path() + "/attribute";
	const UniqueFd fd{open(path.c_str(), O_RDWR | O_CLOEXEC)};

	check(static_cast<bool>(fd), "open of {}: {}", path, error_name(errno));
	check_ok(read_some(fd.get()), "read");
	check_ok(group.remove(), "removal");
	check_dead(fd);
	check_error(result_of(open(path.c_str(), O_RDONLY | O_CLOEXEC)), ENOENT, "open");
	check_error(group.try_open(O_RDONLY), ENOENT, "open of the directory");
}

/* A file goes on with its object, whatever that is called. */
void directory_is_renamed()
{
	const Control control;
	Object directory = control.directory("before");
	const Object file = control.file("file", 0, &directory);
	const UniqueFd fd = file.open(O_RDONLY);

	check_ok(directory.rename("after"), "rename");
	check_ok(read_some(fd.get()), "read of the file that was open");
	check_error(file.try_open(O_RDONLY), ENOENT, "open by the old name");
	const UniqueFd other{open((directory.path() + "/file").c_str(), O_RDONLY | O_CLOEXEC)};
	check(static_cast<bool>(other), "open by the new name: {}", error_name(errno));
	check_ok(directory.remove(), "removal");
	check_error(read_some(fd.get()), ENODEV, "read of the file that was open");
	check_error(read_some(other.get()), ENODEV, "read of the other one");
}

void renaming_races_reads()
{
	constexpr unsigned int renames = 200;
	const Control control;
	Object directory = control.directory("before");
	const Object file = control.file("file", 0, &directory);
	const UniqueFd fd = file.open(O_RDONLY);
	std::atomic<bool> done{false};
	Worker reader{"read", [&] {
			      Result result;

			      do
				      result = read_some(fd.get());
			      while (result.ok() && !done);
			      return result;
		      }};

	for (unsigned int i = 0; i < renames; i++)
		check_ok(directory.rename(i % 2 ? "before" : "after"), "rename");
	done = true;
	check_ok(reader.join(), "read");
}

/* Changes, of which an attribute tells until it is read */

void check_told(const Result &result, const WayToWait &way, std::uint32_t events)
{
	check_ok(result, way.name);
	if (way.has_mask)
		check_equal(static_cast<std::uint32_t>(result.value), events, way.name);
}

/* Who waits is told of a notification, and, new with the revocation of files, of the removal. */
void told(const WayToWait &way, const std::function<void(const Object &file)> &event)
{
	const Control control;
	const Object file = attribute(control);
	const UniqueFd fd = file.open();

	check_ok(read_some(fd.get()), "read");
	Worker waiter{way.name, [&] { return way.wait(fd.get(), EPOLLPRI); }};
	waiter.await_asleep();
	event(file);
	check_told(waiter.join(), way, EPOLLPRI | EPOLLERR);
}

void notify_file(const Object &file) { file.set_ready(EPOLLPRI); }

void remove_file(const Object &file) { check_ok(file.remove(), "removal"); }

void waiter_does_not_wait_for_a_reader()
{
	const Control control;
	const Object file = attribute(control);
	const UniqueFd fd = file.open();
	const UniqueFd other = file.open();
	pollfd polled{.fd = fd.get(), .events = POLLPRI, .revents = 0};

	check_ok(read_some(fd.get()), "read");
	file.block(TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(other.get()); }};
	file.await_blocked(TEST_REVOKE_READ);
	Worker waiter{"poll", [&] { return result_of(poll(&polled, 1, -1)); }};
	waiter.await_asleep();
	Worker removal{"removal", [&] { return file.remove(); }};
	check_value(waiter.join(), 1, "poll");
	check_equal(polled.revents, POLLPRI | POLLERR, "events");
	file.check_removal_waits();
	file.kick();
	check_error(reader.join(), ESHUTDOWN, "read when kicked");
	check_ok(removal.join(), "removal");
}

/* Whoever joins the queue is told, be it by the removal or at once. */
void waiter_races_removal()
{
	std::unique_ptr<Control> control;
	std::unique_ptr<Epoll> epoll;
	std::optional<Object> file;
	UniqueFd fd;

	run_race({
		.prepare =
			[&] {
				epoll = std::make_unique<Epoll>();
				fd.reset();
				file.reset();
				control = std::make_unique<Control>();
				file = attribute(*control);
				fd = file->open();
				check_ok(read_some(fd.get()), "read");
			},
		.first = {"epoll_ctl", [&] { epoll->add(fd.get(), EPOLLPRI | EPOLLET); }},
		.second = {"removal", [&] { check_ok(file->remove(), "removal"); }},
		.conclude =
			[&] {
				check_equal(epoll->events(), EPOLLERR | EPOLLPRI,
					    "events that epoll tells");
			},
	});
}

/* Removal of an attribute by itself */

void removes_itself()
{
	const Control control;
	const Object file = attribute(control, TEST_REVOKE_REMOVES_ITSELF);
	const UniqueFd fd = file.open();
	const UniqueFd other = file.open();

	check_ok(write_some(fd.get()), "write");
	check_dead(fd);
	check_dead(other);
	check_error(file.try_open(), ENOENT, "open");
	check_equal(file.counters().entered[TEST_REVOKE_WRITE], 1U, "calls of ->store");
	check_ok(file.remove(), "removal of what has removed itself");
}

void itself_waits_for_a_reader()
{
	const Control control;
	const Object file = attribute(control, TEST_REVOKE_REMOVES_ITSELF);
	const UniqueFd fd = file.open();
	const UniqueFd inside = file.open();
	const UniqueFd outside = file.open();

	file.block(TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(inside.get()); }};
	file.await_blocked(TEST_REVOKE_READ);
	file.pass(TEST_REVOKE_READ);
	Worker writer{"write", [&] { return write_some(fd.get()); }};
	await_error([&] { return read_some(outside.get()); }, ENODEV, "read during removal");
	std::this_thread::sleep_for(watch_time);
	check(!writer.has_ended(), "the attribute went although a reader is inside");
	file.kick();
	check_error(reader.join(), ESHUTDOWN, "read when kicked");
	check_ok(writer.join(), "write");
}

/* Of those who are inside when it goes, all but one return when it is done, and are told. */
void check_removed_by_one(const std::vector<Result> &results)
{
	unsigned int removed = 0;

	for (const Result &result : results) {
		removed += result.ok();
		check(result.ok() || result.error == EALREADY || result.error == ENODEV,
		      "write: {}", result);
	}
	check_equal(removed, 1U, "writes that removed it");
}

void several_remove_it()
{
	constexpr unsigned int writers = 4;
	const Control control;
	const Object file = attribute(control, TEST_REVOKE_REMOVES_ITSELF);
	std::vector<UniqueFd> fds;
	std::vector<std::unique_ptr<Worker>> workers;
	std::vector<Result> results;

	for (unsigned int i = 0; i < writers; i++)
		fds.push_back(file.open());
	/* Long enough for all of them to be inside before the first one goes on. */
	file.behave(TEST_REVOKE_WRITE, {.delay = 2 * slowness() * watch_time});
	for (const UniqueFd &fd : fds)
		workers.push_back(
			std::make_unique<Worker>("write", [&fd] { return write_some(fd.get()); }));
	check(file.wait(TEST_REVOKE_WAIT_INSIDE, TEST_REVOKE_WRITE, writers, patience()),
	      "not all writers are inside");
	for (const auto &worker : workers)
		results.push_back(worker->join());
	check_removed_by_one(results);
	for (const Result &result : results)
		check(result.error != ENODEV, "a writer was not inside");
	for (const UniqueFd &fd : fds)
		check_dead(fd);
}

void two_race_to_remove_it()
{
	Outcomes outcomes{"both were inside", "one came too late"};
	std::unique_ptr<Control> control;
	std::optional<Object> file;
	std::vector<UniqueFd> fds;
	std::vector<Result> results(2);

	run_race({
		.prepare =
			[&] {
				fds.clear();
				file.reset();
				control = std::make_unique<Control>();
				file = attribute(*control, TEST_REVOKE_REMOVES_ITSELF);
				fds.push_back(file->open());
				fds.push_back(file->open());
			},
		.first = {"write", [&] { results[0] = write_some(fds[0].get()); }},
		.second = {"write", [&] { results[1] = write_some(fds[1].get()); }},
		.conclude =
			[&] {
				check_removed_by_one(results);
				outcomes.count(results[0].error == EALREADY ||
					       results[1].error == EALREADY);
				for (const UniqueFd &fd : fds)
					check_dead(fd);
			},
	});
	outcomes.check_both_seen();
}

/* By itself, and by its owner at the same time. */
void owner_races_itself()
{
	Outcomes outcomes{"written", "came too late"};
	std::unique_ptr<Control> control;
	std::optional<Object> file;
	UniqueFd fd;
	Result result;

	run_race({
		.prepare =
			[&] {
				fd.reset();
				file.reset();
				control = std::make_unique<Control>();
				file = attribute(*control, TEST_REVOKE_REMOVES_ITSELF);
				fd = file->open();
			},
		.first = {"write", [&] { result = write_some(fd.get()); }},
		.second = {"removal", [&] { check_ok(file->remove(), "removal"); }},
		.conclude =
			[&] {
				check(result.ok() || result.error == ENODEV, "write: {}", result);
				outcomes.count(result.ok());
				check_dead(fd);
			},
	});
	outcomes.check_both_seen();
}

} // namespace

int main(int argc, char **argv)
{
	constexpr std::chrono::seconds race_time{120};
	std::vector<Case> cases{
		{"works_before_fails_after", works_before_fails_after},
		{"rest_of_a_read_stays", rest_of_a_read_stays},
		{"removal_waits_for_show", [] { removal_waits(TEST_REVOKE_READ, read_some); }},
		{"removal_waits_for_store", [] { removal_waits(TEST_REVOKE_WRITE, write_some); }},
		{"group_goes", group_goes},
		{"directory_is_renamed", directory_is_renamed},
		{"renaming_races_reads", renaming_races_reads},
		{"waiter_does_not_wait_for_a_reader", waiter_does_not_wait_for_a_reader},
		{"waiter_races_removal", waiter_races_removal, race_time},
		{"removes_itself", removes_itself},
		{"itself_waits_for_a_reader", itself_waits_for_a_reader},
		{"several_remove_it", several_remove_it},
		{"two_race_to_remove_it", two_race_to_remove_it, race_time},
		{"owner_races_itself", owner_races_itself, race_time},
	};

	for (const WayToWait &way : ways_to_wait()) {
		cases.push_back(
			{fmt::format("{}.notified", way.name), [&way] { told(way, notify_file); }});
		cases.push_back({fmt::format("{}.told_of_removal", way.name),
				 [&way] { told(way, remove_file); }});
	}
	return run_cases(argc, argv, cases);
}
