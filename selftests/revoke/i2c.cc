// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/i2c-N of an adapter that goes: that of the chipset of QEMU's machine q35, which has
 * memory at 0x50.
 */
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "check.hh"
#include "harness.hh"
#include "module.hh"
#include "pci_device.hh"
#include "unique_fd.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

const module::Module char_device{"i2c_dev"};
const module::Module driver{"i2c_i801"};

constexpr unsigned long memory_address = 0x50;

/* The modules, and with them the adapter's file, for the time of a case. */
class Adapter
{
public:
	Adapter()
	{
		char_device.load_or_skip();
		driver.load_or_skip();
		device_ = find_device();
		path_ = find_path();
	}
	Adapter(const Adapter &) = delete;
	Adapter &operator=(const Adapter &) = delete;
	~Adapter()
	{
		for (const module::Module &module : {driver, char_device})
			[[maybe_unused]] const Result result = module.unload();
	}

	[[nodiscard]] const std::filesystem::path &path() const { return path_; }
	[[nodiscard]] UniqueFd open_file() const
	{
		UniqueFd fd{open(path_.c_str(), O_RDWR | O_CLOEXEC)};

		check(static_cast<bool>(fd), "{}: {}", path_.string(), error_name(errno));
		check_ok(result_of(ioctl(fd.get(), I2C_SLAVE, memory_address)), "I2C_SLAVE");
		return fd;
	}
	void unbind() const
	{
		Worker unbinding{"unbinding", [this] {
					 device_->unbind();
					 return Result{};
				 }};

		check_ok(unbinding.join(), "unbinding");
		check_error(result_of(access(path_.c_str(), F_OK)), ENOENT, path_.string());
	}
	void bind()
	{
		device_->bind(driver.name == "i2c_i801" ? "i801_smbus" : driver.name);
		path_ = find_path();
	}

private:
	static std::unique_ptr<PciDevice> find_device()
	{
		const auto found = PciDevice::find({"0x8086", "0x2930"});

		if (found.empty() || !found.front().is_bound())
			skip("needs the SMBus of QEMU's q35");
		return std::make_unique<PciDevice>(found.front());
	}
	[[nodiscard]] std::filesystem::path find_path() const
	{
		for (const auto &entry : std::filesystem::directory_iterator{device_->folder()}) {
			const std::string name = entry.path().filename();

			if (name.starts_with("i2c-"))
				return "/dev/" + name;
		}
		fail("{} has no adapter", device_->name());
	}

	std::unique_ptr<PciDevice> device_;
	std::filesystem::path path_;
};

/* A byte of the memory. */
Result transfer(const UniqueFd &fd)
{
	i2c_smbus_data data{};
	i2c_smbus_ioctl_data request{
		.read_write = I2C_SMBUS_READ,
		.command = 0,
		.size = I2C_SMBUS_BYTE_DATA,
		.data = &data,
	};

	return result_of(ioctl(fd.get(), I2C_SMBUS, &request));
}

void unbound_while_open()
{
	Adapter adapter;
	const UniqueFd fd = adapter.open_file();
	unsigned long functions = 0;

	check_ok(transfer(fd), "transfer");
	adapter.unbind();
	check_error(transfer(fd), ENODEV, "transfer after unbind");
	check_error(result_of(ioctl(fd.get(), I2C_FUNCS, &functions)), ENODEV, "I2C_FUNCS");
}

void bound_again()
{
	constexpr unsigned int rounds = 10;
	Adapter adapter;
	std::vector<UniqueFd> old;

	for (unsigned int round = 0; round < rounds; round++) {
		UniqueFd fd = adapter.open_file();

		check_ok(transfer(fd), "transfer");
		for (const UniqueFd &one : old)
			check_error(transfer(one), ENODEV, "transfer of an old adapter");
		adapter.unbind();
		adapter.bind();
		old.push_back(std::move(fd));
	}
}

/* Its file needs the code of i2c-dev only. */
void driver_goes_while_the_file_is_open()
{
	const Adapter adapter;
	UniqueFd fd = adapter.open_file();

	driver.check_unloads();
	check_error(transfer(fd), ENODEV, "transfer after the driver has gone");
	check_error(char_device.unload(), EAGAIN, "unloading i2c-dev");
	fd.reset();
	char_device.check_unloads();
}

void unbind_races_transfers()
{
	constexpr unsigned int rounds = 20;
	Adapter adapter;
	const std::string path = adapter.path();
	std::atomic<bool> done = false;
	std::atomic<unsigned int> transfers = 0;
	std::atomic<unsigned int> ended = 0;
	const auto use = [&] {
		while (!done) {
			const UniqueFd fd{open(path.c_str(), O_RDWR | O_CLOEXEC)};

			if (!fd || ioctl(fd.get(), I2C_SLAVE, memory_address) < 0)
				continue;
			while (!done && transfer(fd).ok())
				transfers++;
			ended++;
		}
		return Result{};
	};
	Worker one{"one user", use};
	Worker other{"other user", use};

	for (unsigned int round = 0; round < rounds; round++) {
		const unsigned int before = transfers;

		await([&] { return transfers != before; }, "more transfers");
		adapter.unbind();
		adapter.bind();
		check_equal(adapter.path().string(), path, "file of the adapter");
	}
	done = true;
	check_ok(one.join(), "one user");
	check_ok(other.join(), "other user");
	note("{} transfers, {} files ended with the adapter", transfers.load(), ended.load());
	check(ended >= rounds, "only {} files ended with the adapter", ended.load());
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(
		argc, argv,
		{
			{"unbound_while_open", unbound_while_open},
			{"bound_again", bound_again},
			{"driver_goes_while_the_file_is_open", driver_goes_while_the_file_is_open},
			{"unbind_races_transfers", unbind_races_transfers},
		});
}
