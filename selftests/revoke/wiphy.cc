// SPDX-License-Identifier: GPL-2.0
/*
 * Files of a wireless device have their work done under its lock, which whoever
 * removes them holds: the cancellations of debugfs are there for that.
 */
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <set>
#include <vector>

#include "check.hh"
#include "harness.hh"
#include "module.hh"
#include "unique_fd.hh"
#include "worker.hh"

using namespace revoke_test;

namespace
{

const module::Module radios{"mac80211_hwsim"};
const std::filesystem::path folder{"/sys/kernel/debug/ieee80211"};

std::set<std::filesystem::path> wireless_devices()
{
	std::error_code none;
	std::set<std::filesystem::path> devices;

	for (const auto &entry : std::filesystem::directory_iterator{folder, none})
		devices.insert(entry.path());
	return devices;
}

/* The readable files of the network interfaces of radios that were not there before. */
std::vector<std::filesystem::path> load_radios()
{
	const auto before = wireless_devices();
	std::vector<std::filesystem::path> files;

	radios.load_or_skip();
	for (const auto &device : wireless_devices()) {
		if (before.contains(device))
			continue;
		for (const auto &entry : std::filesystem::recursive_directory_iterator{device}) {
			const std::string path = entry.path();
			const auto mode = entry.status().permissions();
			const auto readable = std::filesystem::perms::owner_read;

			if (entry.is_regular_file() && (mode & readable) == readable &&
			    path.find("/netdev:") != std::string::npos)
				files.push_back(path);
		}
	}
	check(!files.empty(), "{} has no interface with files in {}", radios.name, folder.string());
	return files;
}

Result read_start(const UniqueFd &fd)
{
	char text[64];

	return result_of(pread(fd.get(), text, sizeof(text), 0));
}

/* Those that can be read at an offset, which is nearly all. */
std::vector<UniqueFd> open_files(const std::vector<std::filesystem::path> &files)
{
	std::vector<UniqueFd> fds;

	for (const auto &file : files) {
		UniqueFd fd{open(file.c_str(), O_RDONLY | O_CLOEXEC)};

		check(static_cast<bool>(fd), "open of {}: {}", file.string(), error_name(errno));
		if (const Result result = read_start(fd); result.ok())
			fds.push_back(std::move(fd));
		else
			note("{}: {}", file.filename().string(), result);
	}
	check(!fds.empty(), "no file can be read");
	return fds;
}

void files_are_dead_when_the_radio_is_gone()
{
	const std::vector<UniqueFd> fds = open_files(load_radios());

	radios.check_unloads();
	for (const UniqueFd &fd : fds)
		check_error(read_start(fd), EIO, "read");
}

/*
 * The lock is held for most of the removal, so readers that never rest are in it:
 * each either had its turn, or was told that there will be none.
 */
void removal_cancels_reads()
{
	const unsigned int rounds = std::min(options().rounds, 20U);
	std::atomic<unsigned int> cancelled{0};

	for (unsigned int round = 0; round < rounds; round++) {
		const std::vector<UniqueFd> fds = open_files(load_radios());
		std::vector<std::unique_ptr<Worker>> readers;

		for (const UniqueFd &fd : fds)
			readers.push_back(std::make_unique<Worker>("read", [&] {
				for (;;) {
					const Result result = read_start(fd);

					if (result.error == ENODEV)
						cancelled++;
					else if (result.error == EIO)
						return result;
				}
			}));
		radios.check_unloads();
		for (const auto &reader : readers)
			check_error(reader->join(), EIO, "read");
	}
	note("{} reads were cancelled", cancelled.load());
	check(cancelled != 0, "no read was cancelled");
}

} // namespace

int main(int argc, char **argv)
{
	return run_cases(
		argc, argv,
		{
			{"files_are_dead_when_the_radio_is_gone",
			 files_are_dead_when_the_radio_is_gone},
			{"removal_cancels_reads", removal_cancels_reads, std::chrono::seconds{120}},
		});
}
