/* SPDX-License-Identifier: GPL-2.0 */
/* Files that the test module makes, to be opened and removed. */
#ifndef BENCH_MODULE_H
#define BENCH_MODULE_H

#include <cstdint>
#include <string>

#include <lib/test_revoke_uapi.h>

namespace bench
{

/* What to make, and below which folder it will be found. */
struct Model {
	const char *name;
	const char *folder;
	test_revoke_kind kind;
	std::uint32_t flags;
	test_revoke_mapping mapping;
	const char *below; /* of a directory of files: the one to open */
};

/* The control device; objects go with it at the latest. */
class Module
{
public:
	Module();
	~Module();
	Module(const Module &) = delete;
	Module &operator=(const Module &) = delete;

	struct Object {
		std::uint64_t id;
		std::string path;
	};

	/* All that can be waited for in poll is there at once. */
	[[nodiscard]] Object create(const Model &model, const std::string &name) const;
	void remove(const Object &object) const;

	static constexpr const char *device = "/dev/test_revoke";

private:
	int fd_;
};

/* The kinds of files that are compared. */
extern const Model procfs_shared, procfs_iter, procfs_own, sysfs_attribute, sysfs_binary,
	sysfs_mapped, debugfs_full, debugfs_short, debugfs_unsafe, debugfs_values, cdev_opted_in,
	misc_opted_in;

} // namespace bench

#endif
