// SPDX-License-Identifier: GPL-2.0
#include "foreign_source.hh"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include <module.hh>

#include "module_source.hh"
#include "outcome.hh"
#include "tables.hh"
#include "world.hh"

namespace revoke_stress
{

using revoke_test::result_of;
using revoke_test::module::Module;

namespace
{

/* Ours are above those of others. */
constexpr std::uint32_t first_number = 4096;

std::string path_of(const Device &device, const Device::File &file, const Made &made)
{
	return fmt::format(fmt::runtime(file.path), device.device_name(made));
}

/* Else its number leads to nothing but itself, and several may try at once. */
bool needs_one_remover(const Device &device)
{
	return device.reuses || device.instances != Device::any_number;
}

} // namespace

ForeignSource::ForeignSource(std::vector<Device> devices) : devices_(std::move(devices))
{
	const std::vector<Way> ways = call_ways();

	for (std::size_t i = 0; i < ways.size(); i++)
		if (ways[i].name == "read" || ways[i].name == "pread" || ways[i].name == "readv" ||
		    ways[i].name == "preadv" || ways[i].name.starts_with("io_uring_read"))
			abilities_.calls.push_back(static_cast<std::uint8_t>(i));
	load_drivers();
	find_files();
	restore();
}

void ForeignSource::load_drivers()
{
	for (const Device &device : devices_) {
		if (device.module &&
		    access(fmt::format("/sys/module/{}", device.module).c_str(), F_OK) != 0) {
			if (const std::string problem = Module{device.module}.load();
			    problem.empty())
				loaded_.emplace_back(device.module);
			else
				fmt::print("# {}\n", problem);
		}
		if (device.prepare)
			device.prepare();
	}
}

/* What a device of this machine really brings is found out by making one. */
void ForeignSource::find_files()
{
	for (const Device &device : devices_) {
		const Outcome created = device.create(first_number);
		const Made made{first_number, created.token};

		if (created.error) {
			fmt::print("# no {}: {}\n", device.name,
				   revoke_test::error_name(created.error));
			continue;
		}
		for (const Device::File &file : device.files)
			if (access(path_of(device, file, made).c_str(), R_OK) == 0)
				available_.push_back({&device, &file});
		device.remove(made);
	}
}

void ForeignSource::restore() const
{
	for (const Device &device : devices_)
		if (device.restore)
			device.restore();
}

std::string ForeignSource::unload()
{
	std::string problems;

	for (const std::string &name : std::exchange(loaded_, {}))
		if (const revoke_test::Result unloaded = Module{name}.unload(); !unloaded.ok())
			problems += fmt::format("{} does not go: {} ", name, unloaded);
	return problems;
}

std::string ForeignSource::files() const
{
	std::string names;

	for (const Candidate &one : available_)
		names += fmt::format(" {}", one.file->path);
	return names;
}

std::string ForeignSource::problem() const
{
	return available_.empty() ? "no device can be made here" : "";
}

void ForeignSource::describe(History &history) const
{
	history.tables["procfs"] = table_of(revoke_test::procfs_filesystem(), {});
	history.tables["debugfs"] = table_of(revoke_test::debugfs_filesystem(), {});
	history.tables["sysfs"] = table_of(revoke_test::sysfs_filesystem(), {});
	/* Network devices say so as soon as they are on their way out: see netdev_show(). */
	history.tables["netdev"] = table_of(revoke_test::sysfs_filesystem(), {EINVAL});
	/* The disk has no size: see read_block_state(). */
	history.tables["zram"] = table_of(revoke_test::debugfs_filesystem(), {EINVAL});
	/* All reads are of a size that it does not have: see uio_read(). */
	history.tables["uio"] = table_of(revoke_test::cdev_filesystem(), {EINVAL});
	history.tables["uio"].gone["fasync"] = ENODEV;
	history.calls = call_ways();
	history.waits = wait_ways();
}

bool ForeignSource::has_room_for(const Candidate &one) const
{
	const auto of_same_name = [&](const Candidate &other) {
		return other.device->name == one.device->name;
	};

	return static_cast<std::size_t>(std::ranges::count_if(chosen_, of_same_name)) <
	       one.device->instances;
}

std::vector<ObjectRow> ForeignSource::rows() const
{
	std::vector<ObjectRow> rows;

	for (const auto &[device, file] : chosen_)
		rows.push_back({.name = fmt::format("{}#{}", file->path, rows.size()),
				.table = file->table,
				.reads_on = file->path.starts_with("/sys/"),
				.reuses = device->reuses});
	return rows;
}

std::vector<ObjectRow> ForeignSource::choose(Wish, Rng &rng)
{
	constexpr std::size_t wanted = 6;

	chosen_.clear();
	while (chosen_.size() < wanted) {
		std::vector<Candidate> suitable;

		std::ranges::copy_if(available_, std::back_inserter(suitable),
				     [&](const Candidate &one) { return has_room_for(one); });
		if (suitable.empty())
			break;
		chosen_.push_back(rng.pick(suitable));
	}
	return rows();
}

void ForeignSource::choose_again(const std::vector<ObjectRow> &rows)
{
	chosen_.clear();
	for (const ObjectRow &row : rows) {
		const std::string path = row.name.substr(0, row.name.rfind('#'));
		const auto found = std::ranges::find(
			available_, path, [](const Candidate &one) { return one.file->path; });

		if (found == available_.end())
			throw std::runtime_error{fmt::format("there is no {} here", path)};
		chosen_.push_back(*found);
	}
}

const Abilities &ForeignSource::abilities(std::uint16_t) const { return abilities_; }

void ForeignSource::finish()
{
	chosen_.clear();
	restore();
}

/* The number is never the same again within a round: a late open by it is to find nothing. */
Made ForeignSource::made(const Ref &ref)
{
	return {first_number + ref.object * static_cast<std::uint32_t>(SharedObject::generations) +
			ref.generation,
		ref.token};
}

Outcome ForeignSource::create(const Ref &ref)
{
	const Outcome outcome = chosen_.at(ref.object).device->create(made(ref).number);

	if (!outcome.error)
		remover_.made(ref.object, ref.generation);
	return outcome;
}

Outcome ForeignSource::remove(const Ref &ref, std::uint8_t)
{
	const Device &device = *chosen_.at(ref.object).device;
	const auto remove = [&] { return device.remove(made(ref)); };

	return needs_one_remover(device) ? remover_.remove(ref.object, ref.generation, remove)
					 : remove();
}

Outcome ForeignSource::open(const Ref &ref)
{
	const auto &[device, file] = chosen_.at(ref.object);

	return outcome_of(result_of(
		::open(path_of(*device, *file, made(ref)).c_str(), file->flags | O_CLOEXEC)));
}

Outcome ForeignSource::call(std::uint8_t way, int fd) { return call_in_way(way, fd); }

Outcome ForeignSource::wait(std::uint8_t way, int fd, std::uint32_t events)
{
	return wait_in_way(way, fd, events);
}

/* They have no numbers, no way to remove themselves, and no memory. */
Outcome ForeignSource::identify(int fd) { return call_in_way(abilities_.calls.front(), fd); }

Outcome ForeignSource::remove_self(int) { return {-1, ENOTSUP, 0}; }

Outcome ForeignSource::map(int) { return {-1, ENODEV, 0}; }

} // namespace revoke_stress
