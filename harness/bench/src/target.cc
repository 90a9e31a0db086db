// SPDX-License-Identifier: GPL-2.0
#include "target.hh"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "check.hh"

namespace bench
{

namespace
{

Target opened(std::string name, std::string path, int flags = O_RDWR)
{
	const int fd = check(open(path.c_str(), flags | O_CLOEXEC, 0600), path);

	return {std::move(name), std::move(path), fd};
}

Target tmpfs()
{
	Target target = opened("tmpfs", "/tmp/bench", O_RDWR | O_CREAT);

	check(ftruncate(target.fd, 65536), "ftruncate");
	check(static_cast<int>(write(target.fd, "text", 4)), "write");
	target.maps = true;
	return target;
}

/* A pipe or a pair of sockets: one end writes what the other one reads. */
struct Ends {
	int reader, writer;

	void fill() const { check(static_cast<int>(write(writer, "12345678", 8)), "fill"); }
	void drain() const
	{
		std::array<char, 4096> bytes{};

		while (recv_all(bytes) > 0)
			;
	}

private:
	ssize_t recv_all(std::array<char, 4096> &bytes) const
	{
		int waiting = 0;

		check(ioctl(reader, FIONREAD, &waiting), "FIONREAD");
		return waiting ? read(reader, bytes.data(), bytes.size()) : 0;
	}
};

void add_pipe(std::vector<Target> &all)
{
	std::array<int, 2> fds{};

	check(pipe2(fds.data(), O_CLOEXEC), "pipe2");
	const Ends ends{fds[0], fds[1]};
	all.push_back({"pipe",
		       "",
		       ends.reader,
		       FIONREAD,
		       false,
		       [ends] {
			       ends.drain();
			       ends.fill();
		       },
		       {}});
	all.push_back({"pipe, written", "", ends.writer, 0, false, {}, [ends] { ends.drain(); }});
}

void add_socket(std::vector<Target> &all)
{
	std::array<int, 2> fds{};

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), "socketpair");
	const Ends here{fds[0], fds[1]}, there{fds[1], fds[0]};
	all.push_back({"socket", "", here.reader, FIONREAD, false,
		       [here] {
			       here.drain();
			       here.fill();
		       },
		       [there] { there.drain(); }});
}

Target event()
{
	const int fd = check(eventfd(0, EFD_CLOEXEC), "eventfd");

	const auto set = [fd] {
		const std::uint64_t one = 1;

		check(static_cast<int>(write(fd, &one, sizeof(one))), "eventfd");
	};
	return {"eventfd", "", fd, 0, false, set, {}};
}

Target made(const Module &module, const Model &model)
{
	const Module::Object object = module.create(model, model.name);
	Target target = opened(model.name, object.path);

	if (model.flags & TEST_REVOKE_HAS_IOCTL)
		target.ioctl = TEST_REVOKE_FILE_IOC_ID;
	target.maps = model.mapping != TEST_REVOKE_MAP_NONE;
	return target;
}

} // namespace

std::vector<Target> targets(const Module &module)
{
	std::vector<Target> all;

	all.push_back(tmpfs());
	add_pipe(all);
	all.push_back(opened("/dev/null", "/dev/null"));
	all.push_back(event());
	add_socket(all);
	all.push_back(opened("procfs, permanent", "/proc/cmdline", O_RDONLY));
	for (const Model *model :
	     {&procfs_shared, &procfs_iter, &procfs_own, &sysfs_attribute, &sysfs_binary,
	      &sysfs_mapped, &debugfs_full, &debugfs_short, &debugfs_unsafe, &debugfs_values,
	      &cdev_opted_in, &misc_opted_in})
		all.push_back(made(module, *model));
	all.push_back(opened("misc device", Module::device));
	all.back().ioctl = TEST_REVOKE_IOC_FAULTS;
	return all;
}

} // namespace bench
