// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped registers of PCI devices: they go with the device, and only with it. The
 * device is QEMU's "edu", which is made for this; there have to be two.
 */
#include <linux/pci.h>
#include <sys/ioctl.h>

#include <atomic>
#include <thread>
#include <vector>

#include "check.hh"
#include "child.hh"
#include "file_ops.hh"
#include "harness.hh"
#include "mapper.hh"
#include "mapping.hh"
#include "pci_device.hh"
#include "unique_fd.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

/* A register of 8 bytes that keeps what is written to it. */
constexpr std::size_t source_address = 0x80;

std::vector<PciDevice> devices()
{
	std::vector<PciDevice> found = PciDevice::find({"0x1234", "0x11e8"});

	if (found.size() < 2)
		skip("needs two of QEMU's edu devices");
	return found;
}

UniqueFd open_registers(const PciDevice &device) { return device.open_file("resource0"); }

/* Through procfs, where a device is called by the end of its name, after the domain. */
UniqueFd open_configuration(const PciDevice &device)
{
	std::string name = device.name().substr(std::string{"0000:"}.size());
	name[2] = '/';
	const std::string path = "/proc/bus/pci/" + name;
	UniqueFd fd{open(path.c_str(), O_RDWR | O_CLOEXEC)};

	if (!fd && errno == ENOENT)
		skip("there is no {}", path);
	check(static_cast<bool>(fd), "{}: {}", path, error_name(errno));
	return fd;
}

std::byte *source(const Mapping &registers) { return registers.page(0) + source_address; }

void check_works(const Mapping &registers, std::uint64_t value)
{
	check_equal(touch(source(registers), value).signal, 0, "signal when writing");
	check_equal(touch(source(registers)).value, value, "register");
}

void check_gone(const Mapping &registers)
{
	check_equal(touch(source(registers)).signal, SIGBUS, "signal when reading");
	check_equal(touch(source(registers), 1).signal, SIGBUS, "signal when writing");
}

void mapping_goes_with_the_device()
{
	const std::vector<PciDevice> pair = devices();
	const UniqueFd fd = open_registers(pair[0]);
	const UniqueFd other_fd = open_registers(pair[1]);
	const Mapping registers{fd.get(), 1};
	const Mapping bystander{other_fd.get(), 1};

	check_works(registers, 41);
	check_works(bystander, 42);
	pair[0].remove();
	check_gone(registers);
	check_error(try_map(fd.get(), 1), ENODEV, "mmap after removal");
	check_equal(touch(source(bystander)).value, 42U, "register of the other device");
	check_works(bystander, 43);
}

/* The registers are the device's, not its driver's: they stay when that is unbound. */
void mapping_outlives_the_driver()
{
	const std::vector<PciDevice> pair = devices();

	pair[0].bind_stub();
	const UniqueFd fd = open_registers(pair[0]);
	const Mapping registers{fd.get(), 1};

	check_works(registers, 48);
	pair[0].unbind();
	check_works(registers, 49);
	check_works(Mapping{fd.get(), 1}, 50);
	pair[0].bind_stub();
	check_works(registers, 51);
	pair[0].remove();
	check_gone(registers);
}

/* The file that a mapping keeps is enough, no descriptor is needed. */
void mapping_without_descriptor_goes()
{
	const std::vector<PciDevice> pair = devices();
	UniqueFd fd = open_registers(pair[0]);
	const Mapping registers{fd.get(), 1};

	fd.reset();
	check_works(registers, 44);
	pair[0].remove();
	check_gone(registers);
}

void mapping_of_another_process_goes()
{
	const std::vector<PciDevice> pair = devices();
	const UniqueFd fd = open_registers(pair[0]);
	const Mapping registers{fd.get(), 1};
	const Mapping shared{-1, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS};

	check_works(registers, 45);
	const Child child{[&] {
		touch(shared.page(0), 1);
		while (!touch(source(registers)).signal)
			continue;
		return touch(source(registers)).signal;
	}};
	while (!touch(shared.page(0)).value)
		std::this_thread::yield();
	pair[0].remove();
	const int status = child.wait();
	check(WIFEXITED(status), "child killed");
	check_equal(WEXITSTATUS(status), SIGBUS, "signal in the child");
}

/* Whatever has been mapped by the time that the device is gone is gone, too. */
void mmap_races_removal()
{
	const unsigned int rounds = std::min(options().rounds, 20U);
	std::size_t made = 0;

	for (unsigned int round = 0; round < rounds; round++) {
		const std::vector<PciDevice> pair = devices();
		const UniqueFd fd = open_registers(pair[0]);
		const UniqueFd other_fd = open_registers(pair[1]);
		const Mapping bystander{other_fd.get(), 1};
		Mapper mapper{fd.get(), source_address};

		check_works(bystander, round);
		mapper.await_mappings();
		pair[0].remove();
		made += mapper.check_gone();
		check_works(bystander, round + 1);
	}
	note("{} mappings", made);
}

/* The last close of a mapped file, and what it means to the device's removal. */
void unmapping_races_removal()
{
	const unsigned int rounds = std::min(options().rounds, 20U);

	for (unsigned int round = 0; round < rounds; round++) {
		const std::vector<PciDevice> pair = devices();
		std::atomic<unsigned int> closed{0};
		Worker closer{"close", [&] {
				      for (;;) {
					      const Result opened = pair[0].try_open("resource0");

					      if (!opened.ok())
						      return opened;
					      const UniqueFd fd{static_cast<int>(opened.value)};
					      void *start = mmap(nullptr, page_size(), PROT_READ,
								 MAP_SHARED, fd.get(), 0);
					      if (start == MAP_FAILED)
						      return result_of(-1);
					      munmap(start, page_size());
					      closed++;
				      }
			      }};

		while (!closed)
			std::this_thread::yield();
		pair[0].remove();
		const Result result = closer.join();
		check(result.error == ENOENT || result.error == ENODEV, "open or mmap: {}", result);
	}
}

/* What takes the place of a device on the bus is not for those who had the old one mapped. */
void new_device_is_not_the_old_one()
{
	std::vector<Mapping> old_ones;
	std::vector<UniqueFd> old_fds;

	for (unsigned int round = 0; round < 3; round++) {
		const std::vector<PciDevice> pair = devices();

		old_fds.push_back(open_registers(pair[0]));
		old_ones.emplace_back(old_fds.back().get(), 1);
		check_works(old_ones.back(), round);
		pair[0].remove();
	}
	const std::vector<PciDevice> pair = devices();
	const UniqueFd fd = open_registers(pair[0]);
	const Mapping registers{fd.get(), 1};

	check_works(registers, 46);
	for (const Mapping &old_one : old_ones)
		check_gone(old_one);
	for (const UniqueFd &old_fd : old_fds)
		check_error(try_map(old_fd.get(), 1), ENODEV, "mmap of the old device");
	check_equal(touch(source(registers)).value, 46U, "register of the new device");
}

/* The older way to the registers. */
void mapping_of_procfs_goes()
{
	const std::vector<PciDevice> pair = devices();
	const UniqueFd fd = open_configuration(pair[0]);

	check_ok(result_of(ioctl(fd.get(), PCIIOC_MMAP_IS_MEM)), "PCIIOC_MMAP_IS_MEM");
	const auto address = static_cast<off_t>(pair[0].address());
	void *start =
		mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), address);
	check(start != MAP_FAILED, "mmap: {}", error_name(errno));
	std::byte *const mapped = static_cast<std::byte *>(start) + source_address;

	check_equal(touch(mapped, 47).signal, 0, "signal when writing");
	check_equal(touch(mapped).value, 47U, "register");
	pair[0].remove();
	check_equal(touch(mapped).signal, SIGBUS, "signal");
	munmap(start, page_size());
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(
		argc, argv,
		{
			{"mapping_goes_with_the_device", mapping_goes_with_the_device},
			{"mapping_outlives_the_driver", mapping_outlives_the_driver},
			{"mapping_without_descriptor_goes", mapping_without_descriptor_goes},
			{"mapping_of_another_process_goes", mapping_of_another_process_goes},
			{"mmap_races_removal", mmap_races_removal, std::chrono::seconds{120}},
			{"unmapping_races_removal", unmapping_races_removal,
			 std::chrono::seconds{120}},
			{"new_device_is_not_the_old_one", new_device_is_not_the_old_one},
			{"mapping_of_procfs_goes", mapping_of_procfs_goes},
		});
}
