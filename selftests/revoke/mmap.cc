// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings: refused if they could not be taken away, and taken away by removal.
 *
 * A stacked mapping cannot be had of procfs, which does not let other filesystems
 * be put on top of it. It is one of the KUnit tests.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "check.hh"
#include "child.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "harness.hh"
#include "mapping.hh"
#include "race.hh"
#include "temporary_directory.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

constexpr std::size_t all_pages = TEST_REVOKE_PAGES;

struct Kind {
	test_revoke_mapping mapping;
	const char *name;
};

constexpr Kind kinds[] = {
	{TEST_REVOKE_MAP_PFN, "pfn"},           {TEST_REVOKE_MAP_PAGES, "pages"},
	{TEST_REVOKE_MAP_PHYS, "phys"},         {TEST_REVOKE_MAP_FAULT, "fault"},
	{TEST_REVOKE_MAP_MKWRITE, "mkwrite"},   {TEST_REVOKE_MAP_ACCESS, "access"},
	{TEST_REVOKE_MAP_LATE, "late_mkwrite"},
};

constexpr Kind refused_kinds[] = {
	{TEST_REVOKE_MAP_CLOSE, "close"},
	{TEST_REVOKE_MAP_HUGE, "huge_fault"},
	{TEST_REVOKE_MAP_ANON, "anonymous"},
};

/* The object is poisoned and kept, so that what fails to go does no harm. */
constexpr std::uint32_t kept = all_methods | TEST_REVOKE_KEEP;

/*
 * For children that touch a page and exit with the signal it gave, or 0. A fault that is held up
 * has the lock of its address space, which this process needs to go on.
 */
int touch_and_tell(const std::byte *page) { return touch(page).signal; }

void check_signal(const Child &child, int expected,
		  const std::source_location &where = std::source_location::current())
{
	const int status = child.wait();

	check(WIFEXITED(status), "child killed");
	check_equal(WEXITSTATUS(status), expected, "signal in the child", where);
}

void gone_after_removal(test_revoke_mapping kind)
{
	const Control control;
	const Object file = control.mapped("mapped", kind, kept);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), all_pages};

	mapping.check_reads(file.id());
	check_ok(file.remove(), "removal");
	mapping.check_gone();
	mapping.check_gone();
	check_error(try_map(fd.get(), all_pages), gone(), "mmap after removal");
}

void private_copy_goes_too(test_revoke_mapping kind)
{
	const Control control;
	const Object file = control.mapped("private", kind, kept);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), all_pages, PROT_READ | PROT_WRITE, MAP_PRIVATE};

	check_equal(touch(mapping.page(0), 42).signal, 0, "signal when writing");
	check_equal(touch(mapping.page(0)).value, 42U, "own copy");
	check_equal(touch(mapping.page(1)).value, file.id(), "page that was not written to");
	check_ok(file.remove(), "removal");
	mapping.check_gone();
}

void childs_mapping_goes_too(test_revoke_mapping kind)
{
	const Control control;
	const Object file = control.mapped("forked", kind, kept);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), all_pages};

	mapping.check_reads(file.id());
	const Mapping shared{-1, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS};
	const Child child{[&] {
		mapping.check_reads(file.id());
		touch(shared.page(0), 1);
		file.await_state(TEST_REVOKE_GONE);
		return touch_and_tell(mapping.page(0));
	}};
	while (!touch(shared.page(0)).value)
		std::this_thread::yield();
	check_ok(file.remove(), "removal");
	check_signal(child, SIGBUS);
}

void forked_after_removal(test_revoke_mapping kind)
{
	const Control control;
	const Object file = control.mapped("later", kind, kept);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), all_pages};

	mapping.check_reads(file.id());
	check_ok(file.remove(), "removal");
	const Counters before = file.counters();
	const Child child{[&] { return touch_and_tell(mapping.page(1)); }};
	check_signal(child, SIGBUS);
	check_equal(file.counters().entered[TEST_REVOKE_VMA_OPEN],
		    before.entered[TEST_REVOKE_VMA_OPEN], "calls of ->open");
}

void moved_and_protected(test_revoke_mapping kind)
{
	const Control control;
	const Object file = control.mapped("moved", kind, kept);
	const UniqueFd fd = file.open();
	Mapping mapping{fd.get(), all_pages};

	mapping.check_reads(file.id());
	check_ok(mapping.move(), "mremap");
	mapping.check_reads(file.id());
	check_ok(file.remove(), "removal");
	mapping.check_gone();
	mapping.protect(PROT_NONE);
	mapping.protect(PROT_READ | PROT_WRITE);
	mapping.check_gone();
	if (filesystem().mremap_asks_file) {
		check_error(mapping.move(), gone(), "mremap after removal");
	} else {
		check_ok(mapping.move(), "mremap after removal");
		mapping.check_gone();
	}
}

void refused(test_revoke_mapping kind)
{
	const Control control;
	const Object file = control.mapped("refused", kind, kept);
	UniqueFd fd = file.open();

	check_error(try_map(fd.get(), all_pages), ENODEV, "mmap");
	check_error(try_map(fd.get(), 1, PROT_READ, MAP_PRIVATE), ENODEV, "private mmap");
	const Counters counters = file.counters();
	check_equal(counters.entered[TEST_REVOKE_MMAP], 2U, "calls of ->mmap");
	/* The module looks whether its pages were still mapped then. */
	check_equal(counters.entered[TEST_REVOKE_VMA_CLOSE],
		    kind == TEST_REVOKE_MAP_CLOSE ? 2U : 0U, "calls of ->close");
	check_equal(counters.page_refs, 0U, "references to pages");

	std::ifstream maps{"/proc/self/maps"};
	for (std::string line; std::getline(maps, line);)
		check(line.find(file.path()) == std::string::npos, "left behind: {}", line);
	/* The last reference, if none was left behind. */
	fd.reset();
	check_equal(file.counters().releases, counted(1U), "releases");
}

/* Those of one file are told apart by nothing. */
void one_set_of_operations_for_a_file()
{
	const Control control;
	const Object file = control.mapped("mixed", TEST_REVOKE_MAP_MIXED, kept);
	const UniqueFd first = file.open();
	const UniqueFd second = file.open();
	const Mapping read_only{first.get(), 1, PROT_READ};

	check_error(try_map(first.get(), 1), ENODEV, "mmap with other vm_ops");
	check_ok(try_map(first.get(), 1, PROT_READ), "mmap with the same vm_ops");
	check_ok(try_map(second.get(), 1), "mmap of another open file");
	read_only.check_reads(file.id());
}

/* Whose files have address spaces of their own. */
void other_mount_of_procfs()
{
	const Control control;
	const Object file = control.mapped("twice", TEST_REVOKE_MAP_PAGES, kept);
	const TemporaryDirectory second_procfs;

	check_ok(second_procfs.mount("proc"), "mount");
	const std::string beside =
		second_procfs.path() + file.path().substr(std::string{"/proc"}.size());
	const UniqueFd fd = file.open();
	const UniqueFd other{open(beside.c_str(), O_RDWR | O_CLOEXEC)};
	const UniqueFd second = file.open();

	check(static_cast<bool>(other), "{}: {}", beside, error_name(errno));
	const Mapping mapping{fd.get(), 1};
	const Mapping other_mapping{other.get(), 1};
	const Mapping second_mapping{second.get(), 1};
	check_ok(file.remove(), "removal");
	mapping.check_gone();
	other_mapping.check_gone();
	second_mapping.check_gone();
}

/* With nothing else to undo. */
void file_without_release()
{
	const Control control;
	const Object file = control.mapped("lonely", TEST_REVOKE_MAP_PAGES, TEST_REVOKE_KEEP);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), 1};

	check_ok(file.remove(), "removal");
	mapping.check_gone();
}

void pages_not_touched_before()
{
	const Control control;
	const Object file = control.mapped("untouched", TEST_REVOKE_MAP_FAULT, kept);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), all_pages};

	check_ok(file.remove(), "removal");
	mapping.check_gone();
	check_equal(file.counters().entered[TEST_REVOKE_FAULT], 0U, "calls of ->fault");
}

void first_write_asks_the_owner()
{
	const Control control;
	const Object file = control.mapped("mkwrite", TEST_REVOKE_MAP_MKWRITE, kept);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), 2};

	mapping.check_reads(file.id());
	check_equal(touch(mapping.page(0), 7).signal, 0, "signal when writing");
	check_equal(touch(mapping.page(0)).value, 7U, "what was written");
	check_equal(file.counters().entered[TEST_REVOKE_PAGE_MKWRITE], 1U,
		    "calls of ->page_mkwrite");
	check_ok(file.remove(), "removal");
	mapping.check_gone();
	check_equal(file.counters().entered[TEST_REVOKE_PAGE_MKWRITE], 1U,
		    "calls of ->page_mkwrite after removal");
}

/* ->fault is over, and the page not yet mapped: removal in between has to wait. */
void stalled_fault_is_waited_for()
{
	const Control control;
	const Object file = control.mapped("stalled", TEST_REVOKE_MAP_FAULT, kept);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), 1};

	file.lock_pages(true);
	const Child toucher{[&] {
		/* Reads the page, if it gets to that before removal goes on and takes it. */
		const Touch first = touch(mapping.page(0));
		check(first.signal == SIGBUS || first.value == file.id(), "page: got {}",
		      first.value);
		file.await_state(TEST_REVOKE_GONE);
		return touch_and_tell(mapping.page(0));
	}};
	file.await_left(TEST_REVOKE_FAULT);
	Worker removal{"removal", [&] { return file.remove(); }};
	await_error([&] { return read_some(fd.get()); }, gone(), "read during removal");
	file.check_removal_waits();
	file.lock_pages(false);
	check_ok(removal.join(), "removal");
	check_signal(toucher, SIGBUS);
}

void fault_is_waited_for()
{
	const Control control;
	const Object file = control.mapped("slow", TEST_REVOKE_MAP_FAULT, kept);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), 1};

	file.block(TEST_REVOKE_FAULT);
	const Child toucher{[&] { return touch_and_tell(mapping.page(0)); }};
	file.await_blocked(TEST_REVOKE_FAULT);
	Worker removal{"removal", [&] { return file.remove(); }};
	file.check_removal_waits();
	file.kick();
	check_signal(toucher, SIGBUS);
	check_ok(removal.join(), "removal");
}

void first_write_is_waited_for()
{
	const Control control;
	const Object file = control.mapped("mkwrite", TEST_REVOKE_MAP_MKWRITE, kept);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), 1};

	file.block(TEST_REVOKE_PAGE_MKWRITE);
	const Child writer{[&] {
		/* The page is there, then, but not to be written to. */
		mapping.check_reads(file.id());
		return touch(mapping.page(0), 1).signal;
	}};
	file.await_blocked(TEST_REVOKE_PAGE_MKWRITE);
	Worker removal{"removal", [&] { return file.remove(); }};
	file.check_removal_waits();
	file.kick();
	check_signal(writer, SIGBUS);
	check_ok(removal.join(), "removal");
}

void mmap_is_waited_for()
{
	const Control control;
	const Object file = control.mapped("mapping", TEST_REVOKE_MAP_PAGES, kept);
	const UniqueFd fd = file.open();

	file.behave(TEST_REVOKE_MMAP, {.delay = 2 * watch_time});
	Worker mapper{"mmap", [&] {
			      const Mapping mapping{fd.get(), all_pages};

			      file.await_state(TEST_REVOKE_GONE);
			      mapping.check_gone();
			      return Result{};
		      }};
	check(file.wait(TEST_REVOKE_WAIT_INSIDE, TEST_REVOKE_MMAP, 1, patience()),
	      "nobody in ->mmap");
	check_ok(file.remove(), "removal");
	check_ok(mapper.join(), "mmap that was inside");
}

void debugger_sees_nothing_after_removal()
{
	const Control control;
	const Object pages = control.mapped("pages", TEST_REVOKE_MAP_PAGES, kept);
	const Object access = control.mapped("access", TEST_REVOKE_MAP_ACCESS, kept);
	const UniqueFd pages_fd = pages.open();
	const UniqueFd access_fd = access.open();
	const Mapping pages_mapping{pages_fd.get(), 1};
	const Mapping access_mapping{access_fd.get(), 1};
	std::uint64_t value = 0;

	check_ok(peek(pages_mapping.page(0), value), "/proc/self/mem, pages");
	check_equal(value, pages.id(), "through /proc/self/mem");
	check_ok(peek(access_mapping.page(0), value), "/proc/self/mem, ->access");
	check_equal(value, access.id(), "through /proc/self/mem");
	const Counters before = access.counters();
	check(before.entered[TEST_REVOKE_ACCESS] > 0, "->access was not called");

	check_ok(pages.remove(), "removal");
	check_ok(access.remove(), "removal");
	check_error(peek(pages_mapping.page(0), value), EIO, "/proc/self/mem, pages gone");
	check_error(peek(access_mapping.page(0), value), EIO, "/proc/self/mem, object gone");
	check_equal(access.counters().entered[TEST_REVOKE_ACCESS],
		    before.entered[TEST_REVOKE_ACCESS], "calls of ->access");
}

void many_mappings()
{
	constexpr std::size_t count = 1000;
	constexpr std::size_t files = 10;
	const Control control;
	const Object file = control.mapped("many", TEST_REVOKE_MAP_FAULT, kept);
	std::vector<UniqueFd> fds;
	std::vector<Mapping> mappings;

	for (std::size_t i = 0; i < files; i++)
		fds.push_back(file.open());
	for (std::size_t i = 0; i < count; i++) {
		mappings.emplace_back(fds[i % files].get(), 1);
		mappings.back().check_reads(file.id());
	}
	check_ok(file.remove(), "removal");
	for (const Mapping &mapping : mappings)
		mapping.check_gone();
}

/* PCI resources and /dev/mem share an address space in this way. */
void bystanders_keep_theirs()
{
	constexpr std::uint32_t shared = kept | TEST_REVOKE_SHARED_MAPPING;
	const Control control;
	const Object file = control.mapped("removed", TEST_REVOKE_MAP_PAGES, shared);
	const Object other = control.mapped("bystander", TEST_REVOKE_MAP_PAGES, shared);
	const UniqueFd fd = file.open();
	const UniqueFd second_fd = file.open();
	const UniqueFd other_fd = other.open();
	const Mapping mapping{fd.get(), all_pages};
	const Mapping bystander{other_fd.get(), all_pages};
	const Mapping second{second_fd.get(), all_pages};

	bystander.check_reads(other.id());
	check_ok(file.remove(), "removal");
	mapping.check_gone();
	second.check_gone();
	bystander.check_reads(other.id());
	check_ok(other.remove(), "removal of the other one");
	bystander.check_gone();
}

/* What ->mmap puts in its place belongs to somebody else. */
void other_file_stays_mapped()
{
	const Control control;
	const Object file = control.mapped("other", TEST_REVOKE_MAP_OTHER, kept);
	const UniqueFd fd = file.open();
	const Mapping mapping{fd.get(), 1};

	check_equal(touch(mapping.page(0), 5).signal, 0, "signal when writing");
	check_ok(file.remove(), "removal");
	mapping.check_reads(5);
}

void file_without_mmap()
{
	const Control control;
	const Object file = control.file("unmapped", kept);
	const UniqueFd fd = file.open();

	check_error(try_map(fd.get(), 1), filesystem().errno_without_mmap, "mmap");
}

/* By its own file it would not be found. */
void refused_through_another_filesystem()
{
	const Control control;
	const Object file = control.mapped("below", TEST_REVOKE_MAP_PAGES, kept);
	const TemporaryDirectory nothing;
	const TemporaryDirectory above;
	const std::string layers = fmt::format("lowerdir={}:{}", filesystem().root, nothing.path());

	if (const Result mounted = above.mount("overlay", layers); !mounted.ok())
		skip("no overlayfs: {}", mounted);
	const UniqueFd fd{open((above.path() + "/below").c_str(), O_RDONLY | O_CLOEXEC)};
	check(static_cast<bool>(fd), "open: {}", error_name(errno));
	check_ok(read_some(fd.get()), "read");
	check_error(try_map(fd.get(), 1, PROT_READ), ENODEV, "mmap");
	check_ok(file.remove(), "removal");
	check_error(read_some(fd.get()), gone(), "read after removal");
}

/* One file is made, mapped, and removed in each round. */
struct Raced {
	std::unique_ptr<Control> control;
	std::optional<Object> file;
	UniqueFd fd;
	std::optional<Mapping> mapping;

	void prepare(test_revoke_mapping kind)
	{
		mapping.reset();
		fd.reset();
		file.reset();
		control = std::make_unique<Control>();
		file = control->mapped("raced", kind, kept);
		fd = file->open();
		mapping.emplace(fd.get(), all_pages);
	}
	[[nodiscard]] RaceSide removal() const
	{
		return {"removal", [this] { check_ok(file->remove(), "removal"); }};
	}
};

void fault_races_removal(test_revoke_mapping kind)
{
	Outcomes outcomes{"fault served", "fault refused"};
	Touch touched;
	Raced raced;

	run_race({
		.prepare = [&] { raced.prepare(kind); },
		.first = {"touch", [&] { touched = touch(raced.mapping->page(2)); }},
		.second = raced.removal(),
		.conclude =
			[&] {
				if (touched.signal)
					check_equal(touched.signal, SIGBUS, "signal");
				else
					check_equal(touched.value, raced.file->id(), "page");
				outcomes.count(!touched.signal);
				raced.mapping->check_gone();
			},
	});
	outcomes.check_both_seen();
}

void mremap_races_removal(test_revoke_mapping kind)
{
	Outcomes outcomes{"moved", "not moved"};
	Result result;
	Raced raced;

	run_race({
		.prepare =
			[&] {
				raced.prepare(kind);
				raced.mapping->check_reads(raced.file->id());
			},
		.first = {"mremap", [&] { result = raced.mapping->move(); }},
		.second = raced.removal(),
		.conclude =
			[&] {
				if (!result.ok())
					check_error(result, gone(), "mremap");
				outcomes.count(result.ok());
				raced.mapping->check_gone();
			},
	});
	if (filesystem().mremap_asks_file)
		outcomes.check_both_seen();
}

void mmap_races_removal(test_revoke_mapping kind)
{
	Outcomes outcomes{"mapped", "not mapped"};
	std::byte *start = nullptr;
	Raced raced;
	const std::size_t length = all_pages * page_size();

	run_race({
		.prepare = [&] { raced.prepare(kind); },
		.first = {"mmap",
			  [&] {
				  void *got = mmap(nullptr, length, PROT_READ, MAP_SHARED,
						   raced.fd.get(), 0);
				  start = got == MAP_FAILED ? nullptr
							    : static_cast<std::byte *>(got);
			  }},
		.second = raced.removal(),
		.conclude =
			[&] {
				outcomes.count(start != nullptr);
				if (!start)
					return;
				check_equal(touch_and_tell(start), SIGBUS, "signal");
				munmap(start, length);
			},
	});
	outcomes.check_both_seen();
}

/* Its mapping and its descriptor were all that kept the file open. */
void last_close_races_removal(test_revoke_mapping kind)
{
	Raced raced;

	run_race({
		.prepare = [&] { raced.prepare(kind); },
		.first = {"close",
			  [&] {
				  raced.mapping.reset();
				  raced.fd.reset();
			  }},
		.second = raced.removal(),
		.conclude =
			[&] {
				check_equal(raced.file->counters().releases, counted(1U),
					    "releases");
			},
	});
}

void fork_races_removal(test_revoke_mapping kind)
{
	std::unique_ptr<Child> child;
	Raced raced;

	run_race({
		.prepare =
			[&] {
				raced.prepare(kind);
				raced.mapping->check_reads(raced.file->id());
			},
		.first = {"fork",
			  [&] {
				  child = std::make_unique<Child>([&] {
					  raced.file->await_state(TEST_REVOKE_GONE);
					  return touch_and_tell(raced.mapping->page(0));
				  });
			  }},
		.second = raced.removal(),
		.conclude = [&] { check_signal(*child, SIGBUS); },
	});
}

using KindTest = void (*)(test_revoke_mapping);

} // namespace

int main(int argc, char **argv)
{
	constexpr std::chrono::seconds race_time{120};
	constexpr std::pair<const char *, KindTest> of_each_kind[] = {
		{"gone_after_removal", gone_after_removal},
		{"private_copy_goes_too", private_copy_goes_too},
		{"childs_mapping_goes_too", childs_mapping_goes_too},
		{"forked_after_removal", forked_after_removal},
		{"moved_and_protected", moved_and_protected},
	};
	std::vector<Case> cases;

	for (const auto &[name, test] : of_each_kind)
		for (const Kind &kind : kinds)
			cases.push_back({fmt::format("{}.{}", kind.name, name),
					 [test, kind] { test(kind.mapping); }});
	for (const Kind &kind : refused_kinds)
		cases.push_back(
			{fmt::format("{}.refused", kind.name), [kind] { refused(kind.mapping); }});
	for (const Case &one : std::initializer_list<Case>{
		     {"one_set_of_operations_for_a_file", one_set_of_operations_for_a_file},
		     {"file_without_release", file_without_release},
		     {"pages_not_touched_before", pages_not_touched_before},
		     {"first_write_asks_the_owner", first_write_asks_the_owner},
		     {"stalled_fault_is_waited_for", stalled_fault_is_waited_for},
		     {"fault_is_waited_for", fault_is_waited_for},
		     {"first_write_is_waited_for", first_write_is_waited_for},
		     {"mmap_is_waited_for", mmap_is_waited_for},
		     {"debugger_sees_nothing_after_removal", debugger_sees_nothing_after_removal},
		     {"many_mappings", many_mappings},
		     {"bystanders_keep_theirs", bystanders_keep_theirs},
		     {"other_file_stays_mapped", other_file_stays_mapped},
		     {"file_without_mmap", file_without_mmap},
		     {"fault_races_removal", [] { fault_races_removal(TEST_REVOKE_MAP_FAULT); },
		      race_time},
		     {"mremap_races_removal", [] { mremap_races_removal(TEST_REVOKE_MAP_PFN); },
		      race_time},
		     {"mmap_races_removal", [] { mmap_races_removal(TEST_REVOKE_MAP_PAGES); },
		      race_time},
		     {"last_close_races_removal",
		      [] { last_close_races_removal(TEST_REVOKE_MAP_PAGES); }, race_time},
		     {"fork_races_removal", [] { fork_races_removal(TEST_REVOKE_MAP_PFN); },
		      race_time},
	     })
		cases.push_back(one);
	if (filesystem().file == TEST_REVOKE_SYSFS_BINARY)
		cases.push_back(
			{"refused_through_another_filesystem", refused_through_another_filesystem});
	if (filesystem().file == TEST_REVOKE_PROC_FILE)
		cases.push_back({"other_mount_of_procfs", other_mount_of_procfs});
	return run_cases(argc, argv, cases);
}
