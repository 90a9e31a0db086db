// SPDX-License-Identifier: GPL-2.0
#include "control.hh"
#include "filesystem.hh"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>

namespace revoke_test
{

static void copy_name(char (&to)[TEST_REVOKE_NAME_MAX], std::string_view from)
{
	check(from.size() < sizeof(to), "name too long: {}", from);
	std::ranges::copy(from, to);
	to[from.size()] = '\0';
}

/* Without the methods that the filesystem does not pass on. */
static std::uint32_t reachable(std::uint32_t flags)
{
	return flags & ~(all_methods & ~filesystem().methods);
}

UniqueFd Object::open(int flags) const
{
	const Result result = try_open(flags);

	check_ok(result, path_);
	return UniqueFd{static_cast<int>(result.value)};
}

Result Object::try_open(int flags) const
{
	return result_of(::open(path_.c_str(), flags | O_CLOEXEC));
}

Result Object::remove(test_revoke_way way) const
{
	const test_revoke_remove request{.id = id_, .way = way, .reserved = 0};

	return control_->call(TEST_REVOKE_IOC_REMOVE, request);
}

Result Object::rename(std::string_view name)
{
	test_revoke_rename request{.id = id_, .name = ""};

	copy_name(request.name, name);
	const Result result = control_->call(TEST_REVOKE_IOC_RENAME, request);
	if (result.ok())
		path_ = fmt::format("{}/{}", path_.substr(0, path_.rfind('/')), name);
	return result;
}

void Object::behave(test_revoke_method method, const Behaviour &behaviour) const
{
	const test_revoke_behave request{
		.id = id_,
		.method = method,
		.flags = behaviour.flags,
		.delay_us = static_cast<std::uint32_t>(behaviour.delay.count()),
		.error = static_cast<std::uint32_t>(behaviour.error),
	};

	check_ok(control_->call(TEST_REVOKE_IOC_BEHAVE, request), "TEST_REVOKE_IOC_BEHAVE");
}

void Object::block(test_revoke_method method) const
{
	behave(method, {.flags = TEST_REVOKE_BLOCK});
}

void Object::kick() const
{
	check_ok(control_->call(TEST_REVOKE_IOC_KICK, id_), "TEST_REVOKE_IOC_KICK");
}

Result Object::hold() const { return control_->call(TEST_REVOKE_IOC_HOLD, id_); }

void Object::lock_pages(bool locked) const
{
	const test_revoke_lock request{.id = id_, .locked = locked, .reserved = 0};

	check_ok(control_->call(TEST_REVOKE_IOC_LOCK, request), "TEST_REVOKE_IOC_LOCK");
}

void Object::set_ready(std::uint32_t mask, std::uint32_t queue) const
{
	check_ok(try_set_ready(mask, queue), "TEST_REVOKE_IOC_READY");
}

Result Object::try_set_ready(std::uint32_t mask, std::uint32_t queue) const
{
	const test_revoke_ready request{.id = id_, .mask = mask, .queue = queue};

	return control_->call(TEST_REVOKE_IOC_READY, request);
}

Counters Object::counters() const
{
	Counters counters{};

	counters.id = id_;
	check_ok(control_->call(TEST_REVOKE_IOC_COUNTERS, counters), "TEST_REVOKE_IOC_COUNTERS");
	return counters;
}

bool Object::wait(test_revoke_event event, test_revoke_method method, std::uint64_t minimum,
		  std::chrono::milliseconds deadline) const
{
	const test_revoke_wait request{
		.id = id_,
		.event = event,
		.method = method,
		.minimum = minimum,
		.timeout_ms = static_cast<std::uint32_t>(deadline.count()),
		.reserved = 0,
	};
	const Result result = control_->call(TEST_REVOKE_IOC_WAIT, request);

	if (result.error != ETIME)
		check_ok(result, "TEST_REVOKE_IOC_WAIT");
	return result.ok();
}

void Object::await_blocked(test_revoke_method method, std::uint64_t count) const
{
	check(wait(TEST_REVOKE_WAIT_BLOCKED, method, count, patience()),
	      "{}: {} methods blocked, expected {}", path_, counters().blocked[method], count);
}

void Object::await_left(test_revoke_method method, std::uint64_t count) const
{
	check(wait(TEST_REVOKE_WAIT_LEFT, method, count, patience()),
	      "{}: {} methods returned, expected {}", path_, counters().left[method], count);
}

void Object::await_state(test_revoke_state state) const
{
	check(wait(TEST_REVOKE_WAIT_STATE, TEST_REVOKE_OPEN, state, patience()),
	      "{}: in state {}, expected {}", path_, counters().state,
	      static_cast<unsigned int>(state));
}

void Object::check_removal_waits() const
{
	check(!wait(TEST_REVOKE_WAIT_STATE, TEST_REVOKE_OPEN, TEST_REVOKE_GONE, watch_time),
	      "{}: removal returned although a method is running", path_);
}

Control::Control() : fd_(::open(device, O_RDWR | O_CLOEXEC))
{
	check(static_cast<bool>(fd_), "{}: {}", device, error_name(errno));
}

Result Control::call_raw(unsigned long request, const void *argument) const
{
	return result_of(ioctl(fd_.get(), request, argument));
}

Object Control::create(test_revoke_create &request, std::string_view name,
		       const Object *parent) const
{
	copy_name(request.name, name);
	request.parent = parent ? parent->id() : 0;
	check_ok(call(TEST_REVOKE_IOC_CREATE, request), fmt::format("create {}", name));
	return {*this, request.id,
		fmt::format("{}/{}", parent ? std::string_view{parent->path()} : filesystem().root,
			    name)};
}

Object Control::object(test_revoke_kind kind, std::string_view name, std::uint32_t flags,
		       const Object *parent) const
{
	test_revoke_create request{};

	request.kind = kind;
	request.flags = flags;
	return create(request, name, parent);
}

Object Control::file(std::string_view name, std::uint32_t flags, const Object *parent) const
{
	return object(filesystem().file, name, reachable(flags), parent);
}

Object Control::mapped(std::string_view name, test_revoke_mapping mapping, std::uint32_t flags,
		       test_revoke_kind kind) const
{
	test_revoke_create request{};

	request.kind = kind;
	request.flags = kind == filesystem().file ? reachable(flags) : flags;
	request.mapping = mapping;
	return create(request, name, nullptr);
}

Object Control::directory(std::string_view name, const Object *parent) const
{
	return object(filesystem().directory, name, 0, parent);
}

Object Control::symlink(std::string_view name, std::string_view target, const Object *parent) const
{
	test_revoke_create request{};

	request.kind = TEST_REVOKE_PROC_SYMLINK;
	copy_name(request.target, target);
	return create(request, name, parent);
}

Faults Control::faults() const
{
	test_revoke_faults request{};
	Faults faults{};

	check_ok(call(TEST_REVOKE_IOC_FAULTS, request), "TEST_REVOKE_IOC_FAULTS");
	std::ranges::copy(request.faults, faults.begin());
	return faults;
}

std::optional<Faults> module_faults()
{
	if (access(Control::device, R_OK | W_OK) != 0)
		return std::nullopt;
	return Control{}.faults();
}

const char *fault_name(test_revoke_fault fault)
{
	switch (fault) {
	case TEST_REVOKE_LATE_METHOD:
		return "method entered after removal returned";
	case TEST_REVOKE_OVERTAKEN:
		return "removal returned while a method was running";
	case TEST_REVOKE_MISSING_RELEASE:
		return "removal returned without ->release";
	case TEST_REVOKE_SECOND_RELEASE:
		return "second ->release of a file";
	case TEST_REVOKE_STRAY_RELEASE:
		return "->release of a file that was not opened";
	case TEST_REVOKE_USE_AFTER_RELEASE:
		return "method used a released file";
	case TEST_REVOKE_DEAD_OBJECT:
		return "method found its object freed";
	case TEST_REVOKE_UNKNOWN_OBJECT:
		return "method of a forgotten object";
	case TEST_REVOKE_POLLER_LEFT:
		return "waiter left on a poll queue";
	case TEST_REVOKE_PAGE_LEFT:
		return "page left mapped";
	case TEST_REVOKE_STRAY_CANCEL:
		return "method cancelled by somebody else than the remover";
	case TEST_REVOKE_NR_FAULTS:
		break;
	}
	return "unknown fault";
}

} // namespace revoke_test
