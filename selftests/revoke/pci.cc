// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped registers of PCI devices: they go with the device, and only with it. The
 * device is QEMU's "edu", which is made for this; there have to be two.
 */
#include <fcntl.h>
#include <linux/pci.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "check.hh"
#include "child.hh"
#include "file_ops.hh"
#include "harness.hh"
#include "mapping.hh"
#include "unique_fd.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

const std::filesystem::path bus{"/sys/bus/pci"};

/* A register of 8 bytes that keeps what is written to it. */
constexpr std::size_t source_address = 0x80;

void write_file(const std::filesystem::path &path, std::string_view text)
{
	const UniqueFd fd{open(path.c_str(), O_WRONLY | O_CLOEXEC)};

	check(static_cast<bool>(fd), "{}: {}", path.string(), error_name(errno));
	check_value(result_of(write(fd.get(), text.data(), text.size())), text.size(),
		    path.string());
}

std::string read_line(const std::filesystem::path &path)
{
	std::ifstream file{path};
	std::string line;

	std::getline(file, line);
	return line;
}

class Device
{
public:
	explicit Device(std::filesystem::path folder) : folder_{std::move(folder)}
	{
		write_file(folder_ / "enable", "1");
	}

	[[nodiscard]] Result try_open_registers() const
	{
		return result_of(open((folder_ / "resource0").c_str(), O_RDWR | O_CLOEXEC));
	}
	[[nodiscard]] UniqueFd open_registers() const
	{
		const Result opened = try_open_registers();

		check_ok(opened, "open of resource0");
		return UniqueFd{static_cast<int>(opened.value)};
	}
	/* Through procfs, where a device is called by the end of its name, after the domain. */
	[[nodiscard]] UniqueFd open_configuration() const
	{
		std::string name = folder_.filename().string().substr(std::string{"0000:"}.size());
		name[2] = '/';
		const std::string path = "/proc/bus/pci/" + name;
		UniqueFd fd{open(path.c_str(), O_RDWR | O_CLOEXEC)};

		if (!fd && errno == ENOENT)
			skip("there is no {}", path);
		check(static_cast<bool>(fd), "{}: {}", path, error_name(errno));
		return fd;
	}
	/* Of the registers, on the bus. */
	[[nodiscard]] std::uint64_t address() const
	{
		return std::stoull(read_line(folder_ / "resource"), nullptr, 16);
	}
	void remove() const
	{
		write_file(folder_ / "remove", "1");
		check_error(result_of(access(folder_.c_str(), F_OK)), ENOENT, folder_.string());
	}

private:
	std::filesystem::path folder_;
};

/* All there are; those that were removed are found again. */
std::vector<Device> devices()
{
	std::vector<Device> found;
	std::error_code none;

	if (access((bus / "rescan").c_str(), F_OK) != 0)
		skip("no PCI bus");
	write_file(bus / "rescan", "1");
	for (const auto &entry : std::filesystem::directory_iterator{bus / "devices", none})
		if (read_line(entry.path() / "vendor") == "0x1234" &&
		    read_line(entry.path() / "device") == "0x11e8")
			found.emplace_back(entry.path());
	if (found.size() < 2)
		skip("needs two of QEMU's edu devices");
	return found;
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
	const std::vector<Device> pair = devices();
	const UniqueFd fd = pair[0].open_registers();
	const UniqueFd other_fd = pair[1].open_registers();
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

/* The file that a mapping keeps is enough, no descriptor is needed. */
void mapping_without_descriptor_goes()
{
	const std::vector<Device> pair = devices();
	UniqueFd fd = pair[0].open_registers();
	const Mapping registers{fd.get(), 1};

	fd.reset();
	check_works(registers, 44);
	pair[0].remove();
	check_gone(registers);
}

void mapping_of_another_process_goes()
{
	const std::vector<Device> pair = devices();
	const UniqueFd fd = pair[0].open_registers();
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

/* Maps registers until that fails, and keeps the last mappings. */
class Mapper
{
public:
	explicit Mapper(int fd) : worker_{"mmap", [this, fd] { return map_on(fd); }} {}

	void await_mappings() const
	{
		while (!made_)
			std::this_thread::yield();
	}
	/* The number of mappings that were looked at. */
	std::size_t check_gone()
	{
		check_error(worker_.join(), ENODEV, "mmap");
		for (void *start : last_)
			if (start)
				check_equal(touch(static_cast<std::byte *>(start) + source_address)
						    .signal,
					    SIGBUS, "signal");
		return made_;
	}
	~Mapper()
	{
		for (void *start : last_)
			if (start)
				munmap(start, page_size());
	}

private:
	Result map_on(int fd)
	{
		for (;;) {
			void *start = mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
					   fd, 0);

			if (start == MAP_FAILED)
				return result_of(-1);
			void *&place = last_[made_ % last_.size()];
			if (place)
				munmap(place, page_size());
			place = start;
			made_++;
		}
	}
	std::array<void *, 64> last_{};
	std::atomic<std::size_t> made_{0};
	Worker worker_;
};

/* Whatever has been mapped by the time that the device is gone is gone, too. */
void mmap_races_removal()
{
	const unsigned int rounds = std::min(options().rounds, 20U);
	std::size_t made = 0;

	for (unsigned int round = 0; round < rounds; round++) {
		const std::vector<Device> pair = devices();
		const UniqueFd fd = pair[0].open_registers();
		const UniqueFd other_fd = pair[1].open_registers();
		const Mapping bystander{other_fd.get(), 1};
		Mapper mapper{fd.get()};

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
		const std::vector<Device> pair = devices();
		std::atomic<unsigned int> closed{0};
		Worker closer{"close", [&] {
				      for (;;) {
					      const Result opened = pair[0].try_open_registers();

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
		const std::vector<Device> pair = devices();

		old_fds.push_back(pair[0].open_registers());
		old_ones.emplace_back(old_fds.back().get(), 1);
		check_works(old_ones.back(), round);
		pair[0].remove();
	}
	const std::vector<Device> pair = devices();
	const UniqueFd fd = pair[0].open_registers();
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
	const std::vector<Device> pair = devices();
	const UniqueFd fd = pair[0].open_configuration();

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
			{"mapping_without_descriptor_goes", mapping_without_descriptor_goes},
			{"mapping_of_another_process_goes", mapping_of_another_process_goes},
			{"mmap_races_removal", mmap_races_removal, std::chrono::seconds{120}},
			{"unmapping_races_removal", unmapping_races_removal,
			 std::chrono::seconds{120}},
			{"new_device_is_not_the_old_one", new_device_is_not_the_old_one},
			{"mapping_of_procfs_goes", mapping_of_procfs_goes},
		});
}
