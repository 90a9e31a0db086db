// SPDX-License-Identifier: GPL-2.0
#include "module_source.hh"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include <file_ops.hh>
#include <mapping.hh>
#include <module.hh>
#include <ring.hh>
#include <waiting.hh>

#include "outcome.hh"
#include "tables.hh"

namespace revoke_stress
{

using revoke_test::Control;
using revoke_test::FileOp;
using revoke_test::Result;
using revoke_test::result_of;
using revoke_test::WayToWait;

namespace
{

/* What methods fail with that are told to. */
constexpr int told_to_fail = EDOM;

bool has_aio()
{
	unsigned long context = 0;

	if (syscall(SYS_io_setup, 1, &context) != 0)
		return false;
	syscall(SYS_io_destroy, context);
	return true;
}

/* Those of the kselftests that this machine has; they end the program on others. */
template <typename All> All usable(const All &all)
{
	const bool rings = revoke_test::Ring{}.setup().ok();
	const bool aio = has_aio();
	All some;

	std::ranges::copy_if(all, std::back_inserter(some), [&](const auto &one) {
		return (rings || !one.name.starts_with("io_uring")) &&
		       (aio || !one.name.starts_with("aio"));
	});
	return some;
}

const std::vector<FileOp> &calls()
{
	static const std::vector<FileOp> all = usable(revoke_test::file_ops());

	return all;
}

const std::vector<WayToWait> &waits()
{
	static const std::vector<WayToWait> all = usable(revoke_test::ways_to_wait());

	return all;
}

} // namespace

std::vector<Way> call_ways()
{
	std::vector<Way> ways;

	for (const FileOp &op : calls())
		ways.push_back({op.name, method_name(op.method), true});
	return ways;
}

std::vector<Way> wait_ways()
{
	std::vector<Way> ways;

	for (const WayToWait &way : waits())
		ways.push_back({way.name, "", way.has_mask});
	return ways;
}

Outcome call_in_way(std::uint8_t way, int fd) { return outcome_of(calls().at(way).call(fd)); }

Outcome wait_in_way(std::uint8_t way, int fd, std::uint32_t events)
{
	return outcome_of(waits().at(way).wait(fd, events));
}

/* A kind of object, with all that decides what can be done with it. */
struct ModuleSource::Model {
	std::string_view name;
	const char *table;
	const revoke_test::FileSystem &(*filesystem)();
	test_revoke_kind kind;
	std::uint32_t flags;
	test_revoke_mapping mapping;
	Release release;
	std::uint32_t methods; /* that calls can lead to: enum test_revoke_flags */
	bool has_read_iter;
	bool waits;
	bool reads_on;
};

const std::vector<ModuleSource::Model> &ModuleSource::models()
{
	using revoke_test::all_methods;
	using revoke_test::cdev_filesystem;
	using revoke_test::debugfs_filesystem;
	using revoke_test::misc_filesystem;
	using revoke_test::procfs_filesystem;
	using revoke_test::sysfs_filesystem;
	constexpr std::uint32_t short_methods = TEST_REVOKE_HAS_WRITE | TEST_REVOKE_HAS_LSEEK;
	constexpr std::uint32_t iter = TEST_REVOKE_HAS_READ_ITER;
	constexpr std::uint32_t two = TEST_REVOKE_TWO_QUEUES;
	const std::uint32_t debugfs_methods = debugfs_filesystem().methods;
	static const std::vector<Model> models{
		{"proc", "procfs", procfs_filesystem, TEST_REVOKE_PROC_FILE, all_methods | two,
		 TEST_REVOKE_MAP_NONE, Release::with_removal, all_methods, false, true, false},
		{"proc_iter", "procfs", procfs_filesystem, TEST_REVOKE_PROC_FILE,
		 all_methods | iter, TEST_REVOKE_MAP_FAULT, Release::with_removal, all_methods,
		 true, true, false},
		{"proc_pages", "procfs", procfs_filesystem, TEST_REVOKE_PROC_FILE, all_methods,
		 TEST_REVOKE_MAP_PAGES, Release::with_removal, all_methods, false, true, false},
		{"proc_bare", "procfs", procfs_filesystem, TEST_REVOKE_PROC_FILE, short_methods,
		 TEST_REVOKE_MAP_NONE, Release::none, short_methods, false, false, false},
		{"debugfs", "debugfs", debugfs_filesystem, TEST_REVOKE_DEBUGFS_FILE,
		 debugfs_methods | two, TEST_REVOKE_MAP_NONE, Release::with_removal,
		 debugfs_methods, false, true, false},
		{"debugfs_short", "debugfs", debugfs_filesystem, TEST_REVOKE_DEBUGFS_SHORT,
		 short_methods, TEST_REVOKE_MAP_NONE, Release::none, short_methods, false, false,
		 false},
		{"debugfs_unsafe", "debugfs", debugfs_filesystem, TEST_REVOKE_DEBUGFS_UNSAFE,
		 all_methods, TEST_REVOKE_MAP_PAGES, Release::with_removal, all_methods, true, true,
		 false},
		{"sysfs", "sysfs", sysfs_filesystem, TEST_REVOKE_SYSFS_BINARY,
		 TEST_REVOKE_HAS_WRITE, TEST_REVOKE_MAP_NONE, Release::none, TEST_REVOKE_HAS_WRITE,
		 false, true, false},
		{"sysfs_mapped", "sysfs", sysfs_filesystem, TEST_REVOKE_SYSFS_BINARY, short_methods,
		 TEST_REVOKE_MAP_MKWRITE, Release::none, short_methods, false, true, false},
		{"attribute", "sysfs", sysfs_filesystem, TEST_REVOKE_SYSFS_ATTRIBUTE, 0,
		 TEST_REVOKE_MAP_NONE, Release::none, TEST_REVOKE_HAS_WRITE, true, true, true},
		{"self_removing", "sysfs", sysfs_filesystem, TEST_REVOKE_SYSFS_ATTRIBUTE,
		 TEST_REVOKE_REMOVES_ITSELF, TEST_REVOKE_MAP_NONE, Release::none, 0, true, true,
		 true},
		{"cdev", "cdev", cdev_filesystem, TEST_REVOKE_CDEV, all_methods | two,
		 TEST_REVOKE_MAP_FAULT, Release::with_removal, all_methods, false, true, false},
		{"misc", "misc", misc_filesystem, TEST_REVOKE_MISC, all_methods | iter,
		 TEST_REVOKE_MAP_PAGES, Release::with_removal, all_methods, true, true, false},
		{"proc_dir", "procfs", procfs_filesystem, TEST_REVOKE_PROC_DIR, 0,
		 TEST_REVOKE_MAP_NONE, Release::none, 0, false, false, false},
		{"debugfs_dir", "debugfs", debugfs_filesystem, TEST_REVOKE_DEBUGFS_DIR, 0,
		 TEST_REVOKE_MAP_NONE, Release::none, 0, false, false, false},
		{"sysfs_dir", "sysfs", sysfs_filesystem, TEST_REVOKE_SYSFS_DIR, 0,
		 TEST_REVOKE_MAP_NONE, Release::none, 0, false, false, false},
	};

	return models;
}

static bool is_directory(test_revoke_kind kind)
{
	return kind == TEST_REVOKE_PROC_DIR || kind == TEST_REVOKE_DEBUGFS_DIR ||
	       kind == TEST_REVOKE_SYSFS_DIR;
}

/* Minors are given out again as soon as they are free. */
static bool is_device(test_revoke_kind kind)
{
	return kind == TEST_REVOKE_CDEV || kind == TEST_REVOKE_MISC;
}

static std::uint32_t flag_of(test_revoke_method method)
{
	switch (method) {
	case TEST_REVOKE_WRITE:
		return TEST_REVOKE_HAS_WRITE;
	case TEST_REVOKE_LSEEK:
		return TEST_REVOKE_HAS_LSEEK;
	case TEST_REVOKE_IOCTL:
		return TEST_REVOKE_HAS_IOCTL;
	case TEST_REVOKE_COMPAT_IOCTL:
		return TEST_REVOKE_HAS_COMPAT_IOCTL;
	default:
		return 0;
	}
}

Abilities ModuleSource::abilities_of(const Model &model)
{
	Abilities abilities;

	for (std::size_t i = 0; i < calls().size(); i++) {
		const FileOp &op = calls()[i];
		const std::uint32_t needed = flag_of(op.method);

		if ((op.needs_read_iter && !model.has_read_iter) || (needed & ~model.methods))
			continue;
		abilities.calls.push_back(static_cast<std::uint8_t>(i));
	}
	abilities.has_files = !is_directory(model.kind);
	abilities.waits = model.waits;
	/* Attributes are always readable, and nobody waits on the queues of binary ones. */
	abilities.readies = model.waits && std::string_view{model.table} != "sysfs";
	abilities.maps = model.mapping != TEST_REVOKE_MAP_NONE;
	abilities.identifies = abilities.has_files;
	abilities.reopens = abilities.has_files;
	abilities.removes_itself = model.flags & TEST_REVOKE_REMOVES_ITSELF;
	abilities.awaits = is_device(model.kind);
	return abilities;
}

std::string ModuleSource::problem() const
{
	if (access(Control::device, R_OK | W_OK) != 0)
		return fmt::format("{}: {}: load test_revoke.ko, as root", Control::device,
				   std::strerror(errno));
	return "";
}

void ModuleSource::load()
{
	loaded_ = access(Control::device, F_OK) != 0 &&
		  revoke_test::module::test_revoke().load().empty();
}

std::string ModuleSource::unload()
{
	if (!std::exchange(loaded_, false))
		return "";
	const Result unloaded = revoke_test::module::test_revoke().unload();

	return unloaded.ok() ? "" : fmt::format("test_revoke does not go: {}", unloaded);
}

void ModuleSource::describe(History &history) const
{
	const std::vector<int> live{ESHUTDOWN, told_to_fail};

	for (const Model &model : models())
		history.tables.try_emplace(model.table, table_of(model.filesystem(), live));
	history.calls = call_ways();
	history.waits = wait_ways();
	for (int fault = 0; fault < TEST_REVOKE_NR_FAULTS; fault++)
		history.faults.emplace_back(
			revoke_test::fault_name(static_cast<test_revoke_fault>(fault)));
}

void ModuleSource::begin()
{
	chosen_.clear();
	rounds_++;
	control_ = std::make_unique<Control>();
}

void ModuleSource::finish() { control_.reset(); }

void ModuleSource::add(const Model &model, std::uint16_t parent)
{
	const bool counts = !is_directory(model.kind);

	chosen_.push_back({&model,
			   {.name = fmt::format("{}.{}", model.name, chosen_.size()),
			    .table = model.table,
			    .release = model.release,
			    .parent = parent,
			    .counts = counts,
			    .reads_on = model.reads_on,
			    .reuses = is_device(model.kind)},
			   abilities_of(model)});
}

static bool suits(const Abilities &abilities, Wish wish)
{
	if (!abilities.has_files)
		return false;
	switch (wish) {
	case Wish::waiting:
		return abilities.waits;
	case Wish::self_removal:
		return abilities.removes_itself;
	default:
		return !abilities.removes_itself;
	}
}

std::vector<ObjectRow> ModuleSource::choose(Wish wish, Rng &rng)
{
	constexpr std::size_t wanted = 6;
	std::vector<const Model *> suitable;
	std::vector<ObjectRow> rows;

	begin();
	for (const Model &model : models()) {
		if (wish == Wish::directories && is_directory(model.kind))
			add(model, no_parent);
		if (suits(abilities_of(model), wish))
			suitable.push_back(&model);
	}
	const std::size_t directories = chosen_.size();
	for (std::size_t i = 0; i < wanted; i++) {
		const Model *model = rng.pick(suitable);
		std::uint16_t parent = no_parent;

		/* Of mappings there should be some. */
		for (int tries = 0; wish == Wish::mapping && i % 2 && tries < 32 &&
				    model->mapping == TEST_REVOKE_MAP_NONE;
		     tries++)
			model = rng.pick(suitable);
		for (std::size_t j = 0; j < directories; j++)
			if (std::string_view{chosen_[j].model->table} == model->table)
				parent = static_cast<std::uint16_t>(j);
		add(*model, parent);
	}
	for (const Chosen &one : chosen_)
		rows.push_back(one.row);
	return rows;
}

void ModuleSource::choose_again(const std::vector<ObjectRow> &rows)
{
	begin();
	for (const ObjectRow &row : rows) {
		const std::string name = row.name.substr(0, row.name.rfind('.'));
		const auto model =
			std::ranges::find(models(), std::string_view{name}, &Model::name);

		if (model == models().end())
			throw std::runtime_error{fmt::format("no object is a '{}'", name)};
		add(*model, row.parent);
	}
}

const Abilities &ModuleSource::abilities(std::uint16_t object) const
{
	return chosen_.at(object).abilities;
}

/* Owners */

/*
 * Never the same name again: what is opened is the object that was meant. Not in a later round
 * either: a node stays in /dev if there is no memory for its name when it is to go, and leads to
 * whoever has its number next.
 */
std::string ModuleSource::file_name(std::uint16_t object, std::uint32_t generation) const
{
	return fmt::format("{}.{}.{}", chosen_.at(object).row.name, rounds_, generation);
}

std::string ModuleSource::path(const Ref &ref) const
{
	const Chosen &chosen = chosen_.at(ref.object);
	const std::string_view root = chosen.model->filesystem().root;
	const std::string name = file_name(ref.object, ref.generation);

	if (chosen.row.parent == no_parent)
		return fmt::format("{}/{}", root, name);
	return fmt::format("{}/{}/{}", root, file_name(chosen.row.parent, ref.parent_generation),
			   name);
}

Outcome ModuleSource::create(const Ref &ref)
{
	const Model &model = *chosen_.at(ref.object).model;
	const std::string name = file_name(ref.object, ref.generation);
	test_revoke_create request{};

	request.parent = ref.parent_token;
	request.kind = model.kind;
	request.flags = model.flags;
	request.mapping = model.mapping;
	name.copy(request.name, sizeof(request.name) - 1);
	Outcome outcome = outcome_of(control_->call(TEST_REVOKE_IOC_CREATE, request));
	outcome.token = request.id;
	return outcome;
}

Outcome ModuleSource::remove(const Ref &ref, std::uint8_t way)
{
	test_revoke_remove request{.id = ref.token, .way = way, .reserved = 0};

	return outcome_of(control_->call(TEST_REVOKE_IOC_REMOVE, request));
}

Outcome ModuleSource::kick(const Ref &ref)
{
	std::uint64_t id = ref.token;

	return outcome_of(control_->call(TEST_REVOKE_IOC_KICK, id));
}

Outcome ModuleSource::ready(const Ref &ref, std::uint32_t mask)
{
	test_revoke_ready request{.id = ref.token, .mask = mask, .queue = 0};

	return outcome_of(control_->call(TEST_REVOKE_IOC_READY, request));
}

Outcome ModuleSource::behave(const Ref &ref, std::uint8_t method, std::uint32_t argument)
{
	test_revoke_behave request{
		.id = ref.token,
		.method = method,
		.flags = (argument & behave_block ? std::uint32_t{TEST_REVOKE_BLOCK} : 0U) |
			 (argument & behave_await ? std::uint32_t{TEST_REVOKE_AWAIT} : 0U),
		.delay_us = argument >> behave_delay_shift,
		.error = argument & behave_fail ? static_cast<std::uint32_t>(told_to_fail) : 0U,
	};

	return outcome_of(control_->call(TEST_REVOKE_IOC_BEHAVE, request));
}

Outcome ModuleSource::counters(const Ref &ref, Counts &counts)
{
	revoke_test::Counters counters{};

	counters.id = ref.token;
	const Outcome outcome = outcome_of(control_->call(TEST_REVOKE_IOC_COUNTERS, counters));
	counts.opens = static_cast<std::uint32_t>(counters.opens);
	counts.releases = static_cast<std::uint32_t>(counters.releases);
	for (int method = 0; method < TEST_REVOKE_NR_METHODS; method++) {
		if (method == TEST_REVOKE_RELEASE)
			continue;
		counts.entered += static_cast<std::uint32_t>(counters.entered[method]);
		counts.left += static_cast<std::uint32_t>(counters.left[method]);
	}
	for (int fault = 0; fault < TEST_REVOKE_NR_FAULTS; fault++)
		counts.faults |= counters.faults[fault] ? 1U << fault : 0U;
	return outcome;
}

/* Files */

Outcome ModuleSource::open(const Ref &ref)
{
	return outcome_of(result_of(::open(path(ref).c_str(), O_RDWR | O_CLOEXEC)));
}

/* The text of an object ends with its number. */
Outcome ModuleSource::identify(int fd)
{
	std::array<char, 128> text{};
	Outcome outcome = outcome_of(result_of(pread(fd, text.data(), text.size() - 1, 0)));

	if (const char *number = std::strrchr(text.data(), ' '); number && outcome.value > 0)
		outcome.token = std::strtoull(number, nullptr, 10);
	return outcome;
}

Outcome ModuleSource::remove_self(int fd) { return outcome_of(result_of(pwrite(fd, "a", 1, 0))); }

Outcome ModuleSource::map(int fd)
{
	void *start =
		mmap(nullptr, revoke_test::page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (start == MAP_FAILED)
		return {-1, errno, 0};
	return {static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(start)), 0, 0};
}

} // namespace revoke_stress
