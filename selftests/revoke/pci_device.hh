/* SPDX-License-Identifier: GPL-2.0 */
/* Devices on the PCI bus, and their memory. */
#ifndef REVOKE_PCI_DEVICE_H
#define REVOKE_PCI_DEVICE_H

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "check.hh"
#include "mapping.hh"
#include "text_file.hh"
#include "unique_fd.hh"

namespace revoke_test
{

class PciDevice
{
public:
	/* As they are called in sysfs: "0x1234". */
	struct Kind {
		std::string_view vendor;
		std::string_view device;
	};

	/* All there are; those that were removed are found again. */
	static std::vector<PciDevice> find(const Kind &kind)
	{
		std::vector<PciDevice> found;
		std::error_code none;

		if (access((bus() / "rescan").c_str(), F_OK) != 0)
			skip("no PCI bus");
		write_file(bus() / "rescan", "1");
		for (const auto &entry :
		     std::filesystem::directory_iterator{bus() / "devices", none})
			if (read_line(entry.path() / "vendor") == kind.vendor &&
			    read_line(entry.path() / "device") == kind.device)
				found.emplace_back(entry.path());
		return found;
	}

	explicit PciDevice(std::filesystem::path folder) : folder_{std::move(folder)}
	{
		/* Else that is its driver's. */
		if (!is_bound())
			write_file(folder_ / "enable", "1");
	}

	[[nodiscard]] std::string name() const { return folder_.filename(); }
	[[nodiscard]] const std::filesystem::path &folder() const { return folder_; }
	[[nodiscard]] bool is_there() const { return access(folder_.c_str(), F_OK) == 0; }
	void await_gone() const
	{
		await([this] { return !is_there(); }, fmt::format("the end of {}", name()));
	}
	[[nodiscard]] Result try_open(const std::string &file) const
	{
		return result_of(open((folder_ / file).c_str(), O_RDWR | O_CLOEXEC));
	}
	[[nodiscard]] UniqueFd open_file(const std::string &file) const
	{
		const Result opened = try_open(file);

		check_ok(opened, file);
		return UniqueFd{static_cast<int>(opened.value)};
	}
	/* Of its first memory, on the bus. */
	[[nodiscard]] std::uint64_t address() const
	{
		return std::stoull(read_line(folder_ / "resource"), nullptr, 16);
	}
	void remove() const
	{
		write_file(folder_ / "remove", "1");
		check(!is_there(), "{} is still there", folder_.string());
	}
	/* Bound to a driver that leaves it alone. */
	void bind_stub() const { bind("pci-stub"); }
	void bind(std::string_view driver) const
	{
		write_file(folder_ / "driver_override", driver);
		write_file(bus() / "drivers_probe", name());
		if (!is_bound())
			skip("there is no driver {}", driver);
	}
	[[nodiscard]] bool is_bound() const
	{
		return access((folder_ / "driver").c_str(), F_OK) == 0;
	}
	/* Until it is bound again. */
	void unbind() const
	{
		write_file(folder_ / "driver/unbind", name());
		write_file(folder_ / "driver_override", "\n");
	}

private:
	static std::filesystem::path bus() { return "/sys/bus/pci"; }

	std::filesystem::path folder_;
};

} // namespace revoke_test

#endif
