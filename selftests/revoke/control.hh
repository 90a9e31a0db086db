/* SPDX-License-Identifier: GPL-2.0 */
/* Makes and removes files through the control device of the test module. */
#ifndef REVOKE_CONTROL_H
#define REVOKE_CONTROL_H

#include <fcntl.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <lib/test_revoke_uapi.h>

#include "check.hh"
#include "filesystem.hh"
#include "unique_fd.hh"

namespace revoke_test
{

using Counters = test_revoke_counters;
using Faults = std::array<std::uint64_t, TEST_REVOKE_NR_FAULTS>;

class Control;

/*
 * One file, directory or symlink that the module made. Copies stand for the same
 * object. It goes with the Control that made it, unless it is detached.
 */
class Object
{
public:
	[[nodiscard]] const std::string &path() const { return path_; }
	[[nodiscard]] std::uint64_t id() const { return id_; }

	/* Opens it; fails the case if that does not work. */
	[[nodiscard]] UniqueFd open(int flags = O_RDWR) const;
	[[nodiscard]] Result try_open(int flags = O_RDWR) const;

	/* Removes it and all below; in this task, and returns when the filesystem does. */
	[[nodiscard]] Result remove(test_revoke_way way = TEST_REVOKE_REMOVE) const;

	/* What it is called by then, for this copy and what is below. */
	[[nodiscard]] Result rename(std::string_view name);

	/* What the method is to do from its next call on. */
	struct Behaviour {
		std::uint32_t flags = 0; /* TEST_REVOKE_BLOCK, TEST_REVOKE_ALLOCATE */
		std::chrono::microseconds delay{0};
		int error = 0;
	};
	void behave(test_revoke_method method, const Behaviour &behaviour) const;
	void block(test_revoke_method method) const;
	void pass(test_revoke_method method) const { behave(method, {}); }

	/* Lets all blocked methods go, with ESHUTDOWN. */
	void kick() const;
	/* Keeps it, without a file, until kicked; whether that could be begun once more then. */
	[[nodiscard]] Result hold() const;
	/* With its pages locked, a page fault waits between ->fault and the page table. */
	void lock_pages(bool locked) const;
	/* Sets what ->poll returns, and wakes those who wait on one of its queues for that. */
	void set_ready(std::uint32_t mask, std::uint32_t queue = 0) const;
	/* The same for an object that may be gone. */
	[[nodiscard]] Result try_set_ready(std::uint32_t mask, std::uint32_t queue = 0) const;

	[[nodiscard]] Counters counters() const;
	/* Whether the event came before the deadline. */
	[[nodiscard]] bool wait(test_revoke_event event, test_revoke_method method,
				std::uint64_t minimum, std::chrono::milliseconds deadline) const;

	void await_blocked(test_revoke_method method, std::uint64_t count = 1) const;
	void await_left(test_revoke_method method, std::uint64_t count = 1) const;
	void await_state(test_revoke_state state) const;
	/* Fails the case if removal returns while it is watched. */
	void check_removal_waits() const;

private:
	friend class Control;
	Object(const Control &control, std::uint64_t id, std::string path)
		: control_(&control), id_(id), path_(std::move(path))
	{
	}
	const Control *control_;
	std::uint64_t id_;
	std::string path_;
};

/* An open control device: the owner of what is made through it. */
class Control
{
public:
	static constexpr const char *device = "/dev/test_revoke";

	Control();
	Control(const Control &) = delete;
	Control &operator=(const Control &) = delete;

	/* Of any kind; flags: enum test_revoke_flags */
	[[nodiscard]] Object object(test_revoke_kind kind, std::string_view name,
				    std::uint32_t flags, const Object *parent = nullptr) const;
	/* Of the filesystem that this program is linked with. */
	[[nodiscard]] Object file(std::string_view name, std::uint32_t flags,
				  const Object *parent = nullptr) const;
	[[nodiscard]] Object mapped(std::string_view name, test_revoke_mapping mapping,
				    std::uint32_t flags,
				    test_revoke_kind kind = filesystem().file) const;
	[[nodiscard]] Object directory(std::string_view name, const Object *parent = nullptr) const;
	[[nodiscard]] Object symlink(std::string_view name, std::string_view target,
				     const Object *parent = nullptr) const;

	/* Faults since the module was loaded. */
	[[nodiscard]] Faults faults() const;
	/* Ends the ownership, and removes what is owned. */
	void close() { fd_.reset(); }

	template <typename Argument> Result call(unsigned long request, Argument &argument) const
	{
		return call_raw(request, &argument);
	}

private:
	Object create(test_revoke_create &request, std::string_view name,
		      const Object *parent) const;
	Result call_raw(unsigned long request, const void *argument) const;

	UniqueFd fd_;
};

/* Everything that a file can have; with TEST_REVOKE_HAS_READ_ITER reads go another way. */
constexpr std::uint32_t all_methods = TEST_REVOKE_HAS_RELEASE | TEST_REVOKE_HAS_WRITE |
				      TEST_REVOKE_HAS_LSEEK | TEST_REVOKE_HAS_POLL |
				      TEST_REVOKE_HAS_IOCTL | TEST_REVOKE_HAS_COMPAT_IOCTL;

/* Faults of the module, if there is one to ask. */
std::optional<Faults> module_faults();

const char *fault_name(test_revoke_fault fault);

} // namespace revoke_test

#endif
