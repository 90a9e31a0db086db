// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped memory of a PCI device that is pulled, and of one that can be mapped
 * write-combining. The device is QEMU's "ivshmem-plain" in a slot of its own, with the
 * id "pluggable", in the port "bay"; the guest tells QEMU to pull it.
 */
#include <fstream>
#include <optional>
#include <vector>

#include "check.hh"
#include "child.hh"
#include "file_ops.hh"
#include "harness.hh"
#include "mapper.hh"
#include "mapping.hh"
#include "pci_device.hh"
#include "qmp.hh"
#include "unique_fd.hh"

using namespace revoke_test;

namespace
{

constexpr const char *memory = "resource2";
constexpr const char *combining = "resource2_wc";

std::optional<PciDevice> find_device()
{
	std::vector<PciDevice> found = PciDevice::find({"0x1af4", "0x1110"});

	if (found.empty())
		return {};
	return found.front();
}

PciDevice device()
{
	if (const auto found = find_device())
		return *found;
	skip("needs QEMU's ivshmem-plain");
}

/* Pulled, and back in its slot when the case ends well. */
class Slot
{
public:
	void pull(const PciDevice &device)
	{
		qmp_.pull("pluggable");
		device.await_gone();
	}
	/* With a device that has new memory: QEMU does not take the old one twice. */
	void fill()
	{
		const std::string id = fmt::format("memory-{}-{}", getpid(), ++fills_);

		qmp_.execute(fmt::format(
			R"("execute": "object-add", "arguments": {{"qom-type": )"
			R"("memory-backend-ram", "id": "{}", "size": 1048576, "share": true}})",
			id));
		qmp_.execute(fmt::format(
			R"("execute": "device_add", "arguments": {{"driver": "ivshmem-plain", )"
			R"("memdev": "{}", "bus": "bay", "id": "pluggable"}})",
			id));
		await([] { return find_device().has_value(); }, "a new device");
	}

private:
	Qmp qmp_;
	unsigned int fills_ = 0;
};

void check_gone(const Mapping &mapping)
{
	check_equal(touch(mapping.page(0)).signal, SIGBUS, "signal when reading");
	check_equal(touch(mapping.page(0), 1).signal, SIGBUS, "signal when writing");
}

/* Whether memory is mapped so somewhere, as x86 tells; nothing else in a guest is. */
bool is_combining()
{
	std::ifstream types{"/sys/kernel/debug/x86/pat_memtype_list"};

	if (!types)
		skip("needs CONFIG_X86_PAT and debugfs");
	for (std::string line; std::getline(types, line);)
		if (line.find("write-combining") != std::string::npos)
			return true;
	return false;
}

void mapping_goes_with_the_device(const char *file)
{
	const PciDevice ours = device();
	const UniqueFd fd = ours.open_file(file);

	check(!is_combining(), "something is mapped write-combining before");
	{
		const Mapping mapping{fd.get(), 1};
		check_equal(is_combining(), file == combining, "mapped write-combining");
		check_equal(touch(mapping.page(0), 61).signal, 0, "signal when writing");
		check_equal(touch(mapping.page(0)).value, 61U, "memory");
		ours.remove();
		check_gone(mapping);
	}
	check(!is_combining(), "the memory is reserved for a mapping that is no more");
	check_error(try_map(fd.get(), 1), ENODEV, "mmap after removal");
}

void mapping_goes_with_the_pulled_device()
{
	const PciDevice ours = device();
	Slot slot;
	const UniqueFd fd = ours.open_file(memory);
	const Mapping mapping{fd.get(), 1};

	check_equal(touch(mapping.page(0), 62).signal, 0, "signal when writing");
	slot.pull(ours);
	check_gone(mapping);
	check_error(try_map(fd.get(), 1), ENODEV, "mmap after removal");
	slot.fill();
	const PciDevice next = device();
	const UniqueFd next_fd = next.open_file(memory);
	const Mapping next_mapping{next_fd.get(), 1};
	check_equal(touch(next_mapping.page(0), 63).signal, 0, "signal in the new device");
	check_gone(mapping);
}

void pulling_races_mmap()
{
	constexpr unsigned int rounds = 5;
	std::size_t made = 0;
	Slot slot;

	for (unsigned int round = 0; round < rounds; round++) {
		const PciDevice ours = device();
		const UniqueFd fd = ours.open_file(memory);
		Mapper mapper{fd.get(), 0};

		mapper.await_mappings();
		slot.pull(ours);
		made += mapper.check_gone();
		slot.fill();
	}
	note("{} mappings", made);
}

/* Touched all the time by processes that do not know. */
void pulling_races_accesses()
{
	const PciDevice ours = device();
	Slot slot;
	const UniqueFd fd = ours.open_file(memory);
	const Mapping mapping{fd.get(), 1};
	const auto touch_on = [&] {
		for (;;)
			if (const int signal = touch(mapping.page(0)).signal)
				return signal;
	};
	const Child one{touch_on};
	const Child other{touch_on};

	one.await_state('R');
	other.await_state('R');
	slot.pull(ours);
	for (const Child *child : {&one, &other}) {
		const int status = child->wait();

		check(WIFEXITED(status), "child killed");
		check_equal(WEXITSTATUS(status), SIGBUS, "signal in a child");
	}
	slot.fill();
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(
		argc, argv,
		{
			{"mapping_goes_with_the_device",
			 [] { mapping_goes_with_the_device(memory); }},
			{"combining_mapping_goes_with_the_device",
			 [] { mapping_goes_with_the_device(combining); }},
			{"mapping_goes_with_the_pulled_device",
			 mapping_goes_with_the_pulled_device},
			{"pulling_races_mmap", pulling_races_mmap, std::chrono::seconds{120}},
			{"pulling_races_accesses", pulling_races_accesses},
		});
}
