// SPDX-License-Identifier: GPL-2.0
/*
 * What debugfs has besides files with all their operations: short ones, "unsafe"
 * ones, values of all sorts; and files whose release removes them.
 */
#include <poll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "check.hh"
#include "control.hh"
#include "descriptors.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "mapping.hh"
#include "module.hh"
#include "race.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

constexpr std::uint32_t short_methods = TEST_REVOKE_HAS_WRITE | TEST_REVOKE_HAS_LSEEK;

/* Its operations have all of this, and it must not come to anybody's hands by accident. */
void only_some_methods_are_reachable()
{
	const Control control;
	const Object file = control.object(TEST_REVOKE_DEBUGFS_FILE, "guarded", all_methods);
	const UniqueFd fd = file.open();
	const UniqueFd sink{memfd_create("sink", MFD_CLOEXEC)};
	const auto check_answers = [&] {
		check_error(try_map(fd.get(), 1), ENODEV, "mmap");
		check_error(result_of(sendfile(sink.get(), fd.get(), nullptr, 1)), EINVAL,
			    "sendfile");
		for (const FileOp &op : file_ops()) {
			if (op.name == "splice")
				check_error(op.call(fd.get()), EINVAL, op.name);
			if (op.method == TEST_REVOKE_COMPAT_IOCTL)
				check_error(op.call(fd.get()), ENOTTY, op.name);
		}
	};

	check_answers();
	check_ok(file.remove(), "removal");
	check_answers();
	const Counters counters = file.counters();
	check_equal(counters.entered[TEST_REVOKE_MMAP], 0U, "calls of ->mmap");
	check_equal(counters.entered[TEST_REVOKE_COMPAT_IOCTL], 0U, "calls of ->compat_ioctl");
}

bool has_short(const FileOp &op)
{
	return !op.needs_read_iter &&
	       (op.method == TEST_REVOKE_READ || op.method == TEST_REVOKE_WRITE ||
		op.method == TEST_REVOKE_LSEEK);
}

void short_file_before_and_after()
{
	const Control control;
	const Object file = control.object(TEST_REVOKE_DEBUGFS_SHORT, "short", short_methods);
	const UniqueFd fd = file.open();

	for (const FileOp &op : file_ops()) {
		if (has_short(op))
			check_ok(op.call(fd.get()), op.name);
	}
	check_ok(file.remove(), "removal");
	for (const FileOp &op : file_ops()) {
		if (has_short(op))
			check_error(op.call(fd.get()), EIO, op.name);
		else if (op.method == TEST_REVOKE_IOCTL)
			check_error(op.call(fd.get()), ENOTTY, op.name);
	}
	check_error(file.try_open(), ENOENT, "open");
	check_equal(static_cast<std::uint32_t>(poll_mask(fd.get(), ~0)), always_ready, "poll");
}

void short_file_without_methods_answers_alike()
{
	const Control control;
	const Object file = control.object(TEST_REVOKE_DEBUGFS_SHORT, "bare", 0);
	const UniqueFd fd = file.open();
	const auto check_answers = [&] {
		check_error(result_of(write(fd.get(), "a", 1)), EINVAL, "write");
		check_error(result_of(lseek(fd.get(), 0, SEEK_SET)), ESPIPE, "lseek");
	};

	check_answers();
	check_ok(file.remove(), "removal");
	check_answers();
}

/* epoll refuses what has no ->poll, and always has. */
void short_file_cannot_be_polled()
{
	const Control control;
	const Object file = control.object(TEST_REVOKE_DEBUGFS_SHORT, "short", short_methods);
	const UniqueFd fd = file.open();
	const UniqueFd epoll{epoll_create1(EPOLL_CLOEXEC)};
	const auto check_refused = [&] {
		epoll_event event{.events = EPOLLIN, .data = {}};

		check_error(result_of(epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &event)),
			    EPERM, "EPOLL_CTL_ADD");
	};

	check_refused();
	check_ok(file.remove(), "removal");
	check_refused();
}

/* It has no owner to keep: the module goes, and takes the file with it. */
void short_file_lets_the_module_go()
{
	Control control;
	const Object file = control.object(TEST_REVOKE_DEBUGFS_SHORT, "short",
					   short_methods | TEST_REVOKE_DETACHED);
	const UniqueFd fd = file.open();

	control.close();
	module::reload([&] { check_error(read_some(fd.get()), EIO, "read"); });
}

void removal_waits_for(test_revoke_kind kind, std::uint32_t flags)
{
	const Control control;
	const Object file = control.object(kind, "busy", flags);
	const UniqueFd fd = file.open();

	file.block(TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(fd.get()); }};
	file.await_blocked(TEST_REVOKE_READ);
	Worker removal{"removal", [&] { return file.remove(); }};
	file.await_state(TEST_REVOKE_REMOVING);
	file.check_removal_waits();
	file.kick();
	check_error(reader.join(), ESHUTDOWN, "read when kicked");
	check_ok(removal.join(), "removal");
}

void unsafe_file_before_and_after()
{
	const Control control;
	const Object file = control.object(TEST_REVOKE_DEBUGFS_UNSAFE, "unsafe", all_methods);
	const UniqueFd fd = file.open();

	file.set_ready(EPOLLIN | EPOLLOUT);
	for (const FileOp &op : file_ops())
		check_ok(op.call(fd.get()), op.name);
	check_ok(file.remove(), "removal");
	const Counters counters = file.counters();
	check_equal(counters.releases, counters.opens, "releases");
	for (const FileOp &op : file_ops())
		check_error(op.call(fd.get()), EIO, op.name);
	check_equal(static_cast<std::uint32_t>(poll_mask(fd.get(), POLLIN)),
		    told_of_removal(EPOLLIN), "poll");
	check_error(file.try_open(), ENOENT, "open");
}

void unsafe_file_is_unmapped()
{
	const Control control;
	const Object file =
		control.mapped("unsafe", TEST_REVOKE_MAP_PAGES, all_methods | TEST_REVOKE_KEEP,
			       TEST_REVOKE_DEBUGFS_UNSAFE);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), 1};

	mapping.check_reads(file.id());
	check_ok(file.remove(), "removal");
	mapping.check_gone();
}

/* Its operations are the module's, and the open file points to them. */
void unsafe_file_keeps_the_module_until_it_is_closed()
{
	Control control;
	const Object file = control.object(TEST_REVOKE_DEBUGFS_UNSAFE, "unsafe", all_methods);
	UniqueFd fd = file.open();

	check_ok(file.remove(), "removal");
	control.close();
	check_error(module::test_revoke().unload(), EAGAIN, "unloading the module");
	check_error(read_some(fd.get()), EIO, "read");
	fd.reset();
	module::reload([] {});
}

struct Value {
	std::string path;
	UniqueFd fd;
};

std::vector<Value> open_values(const Object &directory)
{
	std::vector<Value> values;

	for (const auto &entry : std::filesystem::directory_iterator{directory.path()}) {
		const std::string path = entry.path();
		UniqueFd fd{open(path.c_str(), O_RDWR | O_CLOEXEC)};

		check(static_cast<bool>(fd), "{}: {}", path, error_name(errno));
		values.push_back({path, std::move(fd)});
	}
	return values;
}

/* Their memory goes with the directory. */
void values_before_and_after()
{
	constexpr std::size_t expected = 14;
	const std::set<std::string> read_only{"seq", "u32_array"};
	const Control control;
	const Object directory = control.object(TEST_REVOKE_DEBUGFS_VALUES, "values", 0);
	const std::vector<Value> values = open_values(directory);
	char text[64];

	check_equal(values.size(), expected, "files");
	for (const Value &value : values)
		check_ok(result_of(read(value.fd.get(), text, sizeof(text))), value.path);
	check_ok(directory.remove(), "removal");
	for (const Value &value : values) {
		const bool has_write =
			!read_only.contains(std::filesystem::path{value.path}.filename());

		check_error(result_of(read(value.fd.get(), text, sizeof(text))), EIO,
			    value.path + ": read");
		check_error(result_of(write(value.fd.get(), "1", 1)), has_write ? EIO : EINVAL,
			    value.path + ": write");
	}
}

/* Opened anew for each, as they do not seek. */
void values_are_written()
{
	const Control control;
	const Object directory = control.object(TEST_REVOKE_DEBUGFS_VALUES, "values", 0);
	const auto open_value = [&](const char *name) {
		const std::string path = fmt::format("{}/{}", directory.path(), name);
		UniqueFd fd{open(path.c_str(), O_RDWR | O_CLOEXEC)};

		check(static_cast<bool>(fd), "{}: {}", path, error_name(errno));
		return fd;
	};
	const auto check_reads = [&](const char *name, std::string_view expected) {
		char text[64];
		const Result length = result_of(read(open_value(name).get(), text, sizeof(text)));

		check_ok(length, name);
		check_equal(std::string_view(text, static_cast<std::size_t>(length.value)),
			    expected, name);
	};
	const auto check_keeps = [&](const char *name, std::string_view written,
				     std::string_view expected) {
		check_ok(result_of(write(open_value(name).get(), written.data(), written.size())),
			 name);
		check_reads(name, expected);
	};

	check_keeps("u8", "200", "200\n");
	check_keeps("x16", "0xabc", "0x0abc\n");
	check_keeps("u32", "77", "77\n");
	check_keeps("atomic_t", "-3", "-3\n");
	check_keeps("bool", "y", "Y\n");
	check_keeps("str", "other", "other\n");
	check_reads("u32_array", "0 0 0 0\n");
}

void attribute_is_waited_for(const char *name)
{
	const Control control;
	const Object directory = control.object(TEST_REVOKE_DEBUGFS_VALUES, "values", 0);
	const std::string path = fmt::format("{}/{}", directory.path(), name);
	const UniqueFd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
	/* At its position, as not all of them seek. */
	const auto read_next = [&] {
		char text[64];
		return result_of(read(fd.get(), text, sizeof(text)));
	};

	directory.block(TEST_REVOKE_READ);
	Worker reader{"read", read_next};
	directory.await_blocked(TEST_REVOKE_READ);
	Worker removal{"removal", [&] { return directory.remove(); }};
	directory.await_state(TEST_REVOKE_REMOVING);
	directory.check_removal_waits();
	directory.kick();
	check_error(reader.join(), ESHUTDOWN, "read when kicked");
	check_ok(removal.join(), "removal");
	check_error(read_next(), EIO, "read after removal");
}

/* debugfs_file_get(), which is no method. */
void holder_is_waited_for()
{
	const Control control;
	const Object file = control.file("held", all_methods);
	const UniqueFd fd = file.open();
	Worker holder{"hold", [&] { return file.hold(); }};

	file.await_blocked(TEST_REVOKE_READ);
	file.kick();
	check_ok(holder.join(), "hold");

	Worker late_holder{"hold", [&] { return file.hold(); }};
	file.await_blocked(TEST_REVOKE_READ);
	Worker removal{"removal", [&] { return file.remove(); }};
	await_error([&] { return read_some(fd.get()); }, EIO, "read during removal");
	file.check_removal_waits();
	file.kick();
	check_error(late_holder.join(), EIO, "hold during removal");
	check_ok(removal.join(), "removal");
}

/* Who is stuck in one file must not keep others from the directory. */
void directory_works_while_removal_waits()
{
	const Control control;
	const Object directory = control.directory("shared");
	const Object file = control.file("busy", all_methods, &directory);
	const Object other = control.file("other", all_methods, &directory);
	const UniqueFd fd = file.open();

	file.block(TEST_REVOKE_READ);
	Worker reader{"read", [&] { return read_some(fd.get()); }};
	file.await_blocked(TEST_REVOKE_READ);
	Worker removal{"removal", [&] { return file.remove(); }};
	file.await_state(TEST_REVOKE_REMOVING);
	file.check_removal_waits();
	/* Not one that has been looked up before. */
	Worker lookup{"lookup", [&] {
			      const std::string absent = directory.path() + "/absent";
			      return result_of(access(absent.c_str(), F_OK));
		      }};
	check_error(lookup.join(), ENOENT, "lookup");
	Worker creation{"creation", [&] {
				const Object added = control.file("added", all_methods, &directory);
				return added.remove();
			}};
	check_ok(creation.join(), "creation and removal of another file");
	removal.await_asleep();
	file.kick();
	check_error(reader.join(), ESHUTDOWN, "read when kicked");
	check_ok(removal.join(), "removal");
	check_ok(read_some(other.open().get()), "read of the other file");
}

/* As a virtual machine does: its files keep it, and it keeps the directory. */
struct Machine {
	Object directory;
	Object own_file;
	Object other_file;
	explicit Machine(const Control &control)
		: directory(control.directory("machine")),
		  own_file(control.file("own", all_methods | TEST_REVOKE_RELEASE_REMOVES,
					&directory)),
		  other_file(control.file("other", all_methods, &directory))
	{
	}
};

void last_close_removes_the_directory()
{
	const Control control;
	const Machine machine{control};
	UniqueFd first = machine.own_file.open();
	UniqueFd last = machine.own_file.open();
	const UniqueFd other = machine.other_file.open();

	first.reset();
	check_ok(read_some(other.get()), "read while a file keeps the directory");
	last.reset();
	check_equal(machine.own_file.counters().state, static_cast<std::uint64_t>(TEST_REVOKE_GONE),
		    "state");
	check_error(machine.own_file.try_open(), ENOENT, "open");
	check_error(machine.directory.try_open(O_RDONLY), ENOENT, "open of the directory");
	check_error(read_some(other.get()), EIO, "read of the other file");
	for (const Object *file : {&machine.own_file, &machine.other_file}) {
		const Counters counters = file->counters();
		check_equal(counters.releases, counters.opens, "releases");
	}
}

/* One of them removes everything, and releases what the other one has open or has closed. */
void last_close_races_removal()
{
	Outcomes outcomes{"removed by close", "removed by the remover"};
	std::unique_ptr<Control> control;
	std::optional<Machine> machine;
	UniqueFd fd;
	Result result;

	run_race({
		.prepare =
			[&] {
				machine.reset();
				control = std::make_unique<Control>();
				machine.emplace(*control);
				fd = machine->own_file.open();
			},
		.first = {"close", [&] { fd.reset(); }},
		.second = {"removal", [&] { result = machine->directory.remove(); }},
		.conclude =
			[&] {
				check(result.ok() || result.error == ENOENT ||
					      result.error == EBUSY,
				      "removal: {}", result);
				machine->own_file.await_state(TEST_REVOKE_GONE);
				check_equal(machine->own_file.counters().releases, 1U, "releases");
				outcomes.count(!result.ok());
			},
	});
	outcomes.check_both_seen();
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(
		argc, argv,
		{
			{"only_some_methods_are_reachable", only_some_methods_are_reachable},
			{"short.before_and_after", short_file_before_and_after},
			{"short.without_methods_answers_alike",
			 short_file_without_methods_answers_alike},
			{"short.cannot_be_polled", short_file_cannot_be_polled},
			{"short.lets_the_module_go", short_file_lets_the_module_go},
			{"short.is_waited_for",
			 [] { removal_waits_for(TEST_REVOKE_DEBUGFS_SHORT, short_methods); }},
			{"unsafe.before_and_after", unsafe_file_before_and_after},
			{"unsafe.is_waited_for",
			 [] { removal_waits_for(TEST_REVOKE_DEBUGFS_UNSAFE, all_methods); }},
			{"unsafe.is_unmapped", unsafe_file_is_unmapped},
			{"unsafe.keeps_the_module_until_it_is_closed",
			 unsafe_file_keeps_the_module_until_it_is_closed},
			{"values.before_and_after", values_before_and_after},
			{"values.are_written", values_are_written},
			{"attribute.is_waited_for", [] { attribute_is_waited_for("attribute"); }},
			{"attribute.is_waited_for_behind_the_proxy",
			 [] { attribute_is_waited_for("full_attribute"); }},
			{"holder_is_waited_for", holder_is_waited_for},
			{"seq.is_waited_for", [] { attribute_is_waited_for("seq"); }},
			{"directory_works_while_removal_waits",
			 directory_works_while_removal_waits},
			{"last_close_removes_the_directory", last_close_removes_the_directory},
			{"last_close_races_removal", last_close_races_removal,
			 std::chrono::seconds{120}},
		});
}
