// SPDX-License-Identifier: GPL-2.0
#include "task.hh"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <check.hh>
#include <mapping.hh>

#include "core/table.hh"
#include "outcome.hh"

namespace revoke_stress
{

using revoke_test::Result;
using revoke_test::result_of;
using revoke_test::UniqueFd;

static_assert(disturbing_signal == SIGUSR1);

namespace
{

/* Lets the calling thread be interrupted, while it lives. */
class Interruptible
{
public:
	explicit Interruptible(bool wanted) : wanted_(wanted)
	{
		if (wanted_)
			set(SIG_UNBLOCK);
	}
	~Interruptible()
	{
		if (wanted_)
			set(SIG_BLOCK);
	}
	Interruptible(const Interruptible &) = delete;
	Interruptible &operator=(const Interruptible &) = delete;

	static void set(int how)
	{
		sigset_t signals;

		sigemptyset(&signals);
		sigaddset(&signals, disturbing_signal);
		pthread_sigmask(how, &signals, nullptr);
	}

private:
	bool wanted_;
};

/* What is sent along with a descriptor. */
struct Message {
	std::uint16_t object = 0;
	std::uint32_t generation = 0;
	std::uint32_t file = 0;
};

union Ancillary {
	cmsghdr header;
	std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

Result send_descriptor(int socket, int fd, Message message)
{
	Ancillary ancillary{};
	iovec part{&message, sizeof(message)};
	msghdr header{};

	header.msg_iov = &part;
	header.msg_iovlen = 1;
	header.msg_control = ancillary.bytes.data();
	header.msg_controllen = ancillary.bytes.size();
	ancillary.header.cmsg_level = SOL_SOCKET;
	ancillary.header.cmsg_type = SCM_RIGHTS;
	ancillary.header.cmsg_len = CMSG_LEN(sizeof(fd));
	std::memcpy(CMSG_DATA(&ancillary.header), &fd, sizeof(fd));
	return result_of(sendmsg(socket, &header, 0));
}

Result receive_descriptor(int socket, Message &message, int &fd)
{
	Ancillary ancillary{};
	iovec part{&message, sizeof(message)};
	msghdr header{};

	header.msg_iov = &part;
	header.msg_iovlen = 1;
	header.msg_control = ancillary.bytes.data();
	header.msg_controllen = ancillary.bytes.size();
	const Result result = result_of(recvmsg(socket, &header, MSG_CMSG_CLOEXEC));
	if (!result.ok())
		return result;
	const cmsghdr *control = CMSG_FIRSTHDR(&header);
	if (!control || control->cmsg_type != SCM_RIGHTS)
		return {-1, EAGAIN};
	std::memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	return {0, 0};
}

/* The errno that a child ends with; killed ones say nothing. */
Outcome outcome_of_child(pid_t pid)
{
	int status = 0;
	pid_t waited = 0;

	do
		waited = waitpid(pid, &status, 0);
	while (waited < 0 && errno == EINTR);
	if (waited != pid || !WIFEXITED(status))
		return {-1, ECHILD, 0};
	return {0, WEXITSTATUS(status), 0};
}

Outcome read_in_child(int fd)
{
	const pid_t pid = fork();

	if (pid < 0)
		return {-1, errno, 0};
	if (pid == 0)
		_exit(read_as_executed(fd));
	return outcome_of_child(pid);
}

Outcome read_after_exec(int fd)
{
	constexpr int inherited = 3;
	std::string number = fmt::format("{}", inherited);
	std::string program = "revoke-stress";
	std::string verb = "read-inherited";
	const std::array<char *, 4> arguments{program.data(), verb.data(), number.data(), nullptr};
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, inherited);
	const int error =
		posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
	posix_spawn_file_actions_destroy(&actions);
	return error ? Outcome{-1, error, 0} : outcome_of_child(pid);
}

/*
 * A handler that is left by a jump leaves blocked what was blocked for it. With those
 * of the kselftests that is nothing, but a sanitizer puts its own around them.
 */
void unblock(int number)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, number);
	pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

int access_mode(int fd) { return fcntl(fd, F_GETFL) & O_ACCMODE; }

enum LockWay : std::uint8_t { lock_flock, lock_ofd, lock_posix };

/* Taken and dropped again: a lock that is kept would be in everybody's way. */
Outcome lock(std::uint8_t way, int fd)
{
	struct flock range {
	};
	/* Devices' files are open for reading alone. */
	range.l_type = access_mode(fd) == O_RDONLY ? F_RDLCK : F_WRLCK;
	const int command = way == lock_ofd ? F_OFD_SETLK : F_SETLK;
	const auto set = [&] {
		return way == lock_flock
			       ? flock(fd, range.l_type == F_UNLCK ? LOCK_UN : LOCK_EX | LOCK_NB)
			       : fcntl(fd, command, &range);
	};

	const Result taken = result_of(set());
	range.l_type = F_UNLCK;
	const Result dropped = result_of(set());
	if (!dropped.ok())
		return outcome_of(dropped);
	/* Of EACCES and EAGAIN, which mean the same, one is enough for the table. */
	return {0, taken.error == EACCES ? EAGAIN : taken.error, 0};
}

Outcome set_fasync(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETOWN, getpid()) != 0 || fcntl(fd, F_SETSIG, SIGURG) != 0)
		return {-1, errno, 0};
	if (fcntl(fd, F_SETFL, flags | O_ASYNC) != 0)
		return {-1, errno, 0};
	return outcome_of(result_of(fcntl(fd, F_SETFL, flags & ~O_ASYNC)));
}

Outcome read_fdinfo(int fd)
{
	const UniqueFd info{
		::open(fmt::format("/proc/self/fdinfo/{}", fd).c_str(), O_RDONLY | O_CLOEXEC)};
	std::array<char, 256> text;

	if (!info)
		return {-1, errno, 0};
	return outcome_of(result_of(read(info.get(), text.data(), text.size())));
}

Outcome poll_at_once(int fd, std::uint32_t events)
{
	pollfd polled{.fd = fd, .events = static_cast<short>(events), .revents = 0};
	const Result result = result_of(::poll(&polled, 1, 0));

	return result.ok() ? Outcome{polled.revents, 0, 0} : outcome_of(result);
}

} // namespace

void ignore_disturbances()
{
	struct sigaction action {
	};

	action.sa_handler = [](int) {};
	sigaction(disturbing_signal, &action, nullptr);
	/* What O_ASYNC may bring. */
	std::signal(SIGURG, SIG_IGN);
	std::signal(SIGPIPE, SIG_IGN);
	Interruptible::set(SIG_BLOCK);
}

int read_as_executed(int fd)
{
	char byte = 0;

	return pread(fd, &byte, 1, 0) < 0 ? errno : 0;
}

Task::Task(World &world, std::size_t number)
	: world_(world), number_(number), buffer_(world.task(number).buffer)
{
	world_.task(number_).thread = gettid();
}

Task::~Task() { world_.task(number_).thread = 0; }

/* Recording */

template <typename Do> void Task::recorded(Record record, Do &&act)
{
	if (buffer_.full())
		return;
	const bool interruptible = can_be_interrupted(record.action);
	if (interruptible)
		record.flags |= flag_signals;
	buffer_.begin(record);
	{
		const Interruptible while_it_lasts{interruptible};
		const std::uint32_t nth = record.action.fail_nth;

		if (nth)
			fail_nth_.arm(nth);
		act(record);
		if (nth && fail_nth_.disarm())
			record.flags |= flag_injected;
	}
	buffer_.end(record);
}

/* The others need more than one system call, of which some must not be interrupted. */
bool Task::can_be_interrupted(const Action &action) const
{
	switch (action.kind) {
	case Kind::open:
	case Kind::reopen:
	case Kind::identify:
	case Kind::read_part:
	case Kind::poll:
		return true;
	case Kind::wait: {
		const std::string &way = world_.frame().waits.at(action.way).name;

		return way == "poll" || way == "ppoll" || way == "select";
	}
	default:
		return false;
	}
}

Record Task::about(const Action &action, const Ref &ref) const
{
	Record record;

	record.action = action;
	record.action.object = ref.object;
	record.generation = ref.generation;
	return record;
}

Record Task::about(const Action &action, const OpenFile &file) const
{
	Record record;

	record.action = action;
	record.action.object = file.object;
	record.generation = file.generation;
	record.file = file.number;
	return record;
}

void Task::perform(const Action &action)
{
	switch (family_of(action.kind)) {
	case Family::owner:
		perform_by_owner(action);
		break;
	case Family::method:
	case Family::wait:
	case Family::memory:
	case Family::ungated:
		perform_on_file(action);
		break;
	case Family::elsewhere:
		perform_elsewhere(action);
		break;
	}
}

/* Owners */

void Task::perform_by_owner(const Action &action)
{
	const Ref ref = world_.latest(action.object);
	Source &source = world_.source();

	if (action.kind == Kind::create) {
		create(action);
		return;
	}
	if (!ref.generation)
		return;
	switch (action.kind) {
	case Kind::remove:
		remove(action);
		break;
	case Kind::counters:
		count(ref.object, ref.generation, 0);
		break;
	case Kind::kick:
		/* Somebody waits for it, whether there is room to tell or not. */
		if (buffer_.full())
			source.kick(ref);
		recorded(about(action, ref),
			 [&](Record &record) { record.outcome = source.kick(ref); });
		break;
	case Kind::ready:
		recorded(about(action, ref), [&](Record &record) {
			record.outcome = source.ready(ref, action.argument);
		});
		break;
	case Kind::behave:
		recorded(about(action, ref), [&](Record &record) {
			record.outcome = source.behave(ref, action.way, action.argument);
		});
		break;
	default:
		break;
	}
}

void Task::create(const Action &action)
{
	if (buffer_.full())
		return;
	std::optional<Ref> ref = world_.begin_making(action.object);
	if (!ref)
		return;
	Record record = about(action, *ref);
	/* What it goes with: for the checker. */
	record.action.argument = ref->parent_generation;
	recorded(record, [&](Record &now) {
		now.outcome = world_.source().create(*ref);
		ref->token = now.outcome.token;
		world_.end_making(*ref, !now.outcome.error);
	});
}

void Task::remove(const Action &action)
{
	const Ref ref = world_.latest(action.object);
	Record record = about(action, ref);
	bool done = false;

	record.counts.opens = world_.open_files(ref);
	recorded(record, [&](Record &now) {
		now.outcome = world_.source().remove(ref, action.way);
		done = now.outcome.error == 0;
		/* It went with its directory before anybody knew that it was there. */
		if (now.outcome.error == ENOENT)
			world_.has_gone(ref.object, ref.generation);
	});
	if (!done)
		return;
	for (std::uint16_t i = 0; i < world_.rows().size(); i++)
		if (world_.rows()[i].parent == action.object &&
		    world_.latest(i).parent_generation == ref.generation && world_.present(i))
			removed(i, world_.latest(i).generation);
	removed(ref.object, ref.generation);
}

/* What the object says of itself now is what counts: it may be made again afterwards. */
void Task::removed(std::uint16_t object, std::uint32_t generation)
{
	count(object, generation, 0);
	world_.has_gone(object, generation);
}

void Task::count(std::uint16_t object, std::uint32_t generation, std::uint32_t flags)
{
	if (!world_.rows()[object].counts)
		return;
	const Ref ref = world_.ref(object, generation);
	Record record = about({.kind = Kind::counters, .object = object}, ref);

	record.flags = flags;
	recorded(record,
		 [&](Record &now) { now.outcome = world_.source().counters(ref, now.counts); });
}

/* Files */

void Task::perform_on_file(const Action &action)
{
	const OpenFile &file = files_.at(action.slot % files_max);

	switch (action.kind) {
	case Kind::open:
		open(action);
		return;
	case Kind::receive:
		receive(action);
		return;
	case Kind::touch:
		touch(action);
		return;
	case Kind::unmap:
		unmap(action.slot);
		return;
	default:
		break;
	}
	if (!file.fd)
		return;
	switch (action.kind) {
	case Kind::reopen:
		reopen(action);
		break;
	case Kind::close:
		close(action);
		break;
	case Kind::map:
		map(action);
		break;
	case Kind::send:
		send(action);
		break;
	case Kind::duplicate:
		duplicate(action);
		break;
	default:
		recorded(about(action, file),
			 [&](Record &record) { record.outcome = operate(action, file.fd.get()); });
		break;
	}
}

Outcome Task::operate(const Action &action, int fd)
{
	Source &source = world_.source();
	std::array<char, 1> byte{};
	struct stat status {
	};

	switch (action.kind) {
	case Kind::call:
		return source.call(action.way, fd);
	case Kind::remove_self:
		return source.remove_self(fd);
	case Kind::identify:
		return source.identify(fd);
	case Kind::read_part:
		return outcome_of(result_of(read(fd, byte.data(), byte.size())));
	case Kind::poll:
		return poll_at_once(fd, action.argument);
	case Kind::wait:
		return source.wait(action.way, fd, action.argument);
	case Kind::lock:
		return lock(action.way, fd);
	case Kind::fasync:
		return set_fasync(fd);
	case Kind::stat:
		return outcome_of(result_of(fstat(fd, &status)));
	case Kind::fdinfo:
		return read_fdinfo(fd);
	case Kind::child:
		return read_in_child(fd);
	case Kind::exec:
		return read_after_exec(fd);
	default:
		return {-1, ENOSYS, 0};
	}
}

/* What was in the slot before has been closed by the caller. */
void Task::take(std::uint8_t slot, int fd, const Record &record, bool first)
{
	OpenFile &file = files_.at(slot % files_max);

	file.fd.reset(fd);
	file.object = record.action.object;
	file.generation = record.generation;
	file.number = record.file;
	file.first = first;
	if (first)
		world_.open_files({.object = file.object, .generation = file.generation})++;
}

/* A number for the file that is about to be opened: unique among all tasks. */
static std::uint32_t file_number(std::size_t task, std::uint32_t count)
{
	return static_cast<std::uint32_t>(task + 1) << 20 | count;
}

/* Does what makes a descriptor, which is the value then, and keeps it. */
template <typename Make>
void Task::acquire(std::uint8_t slot, const Record &record, bool first, Make &&make)
{
	int fd = -1;

	close({.kind = Kind::close, .slot = slot});
	recorded(record, [&](Record &now) {
		now.outcome = make();
		if (!now.outcome.error)
			fd = static_cast<int>(std::exchange(now.outcome.value, 0));
	});
	if (fd >= 0)
		take(slot, fd, record, first);
}

void Task::open(const Action &action)
{
	const Ref ref = world_.latest(action.object);
	Record record = about(action, ref);

	if (!ref.generation)
		return;
	record.file = file_number(number_, ++opened_);
	acquire(action.slot, record, true, [&] { return world_.source().open(ref); });
	tell_apart(action.slot);
}

/* Which of those objects it is that have had this number: for the checker. */
void Task::tell_apart(std::uint8_t slot)
{
	const OpenFile &file = files_.at(slot % files_max);

	if (file.fd && world_.rows()[file.object].reuses &&
	    world_.source().abilities(file.object).identifies)
		perform_on_file({.kind = Kind::identify, .slot = slot});
}

void Task::reopen(const Action &action)
{
	const OpenFile &file = files_.at(action.slot % files_max);
	Record record = about(action, file);

	if (action.other % files_max == action.slot % files_max)
		return;
	record.file = file_number(number_, ++opened_);
	acquire(action.other, record, true, [&] {
		const std::string path = fmt::format("/proc/self/fd/{}", file.fd.get());

		/* As the first one: else some calls would be refused before they come to a gate. */
		return outcome_of(
			result_of(::open(path.c_str(), access_mode(file.fd.get()) | O_CLOEXEC)));
	});
	tell_apart(action.other);
}

void Task::duplicate(const Action &action)
{
	const OpenFile &file = files_.at(action.slot % files_max);

	if (action.other % files_max == action.slot % files_max)
		return;
	acquire(action.other, about(action, file), false,
		[&] { return outcome_of(result_of(fcntl(file.fd.get(), F_DUPFD_CLOEXEC, 0))); });
}

void Task::close(const Action &action)
{
	OpenFile &file = files_.at(action.slot % files_max);

	if (!file.fd)
		return;
	recorded(about(action, file), [&](Record &now) {
		now.outcome = outcome_of(result_of(::close(file.fd.release())));
	});
	/* Should there have been no room to record it. */
	file.fd.reset();
	if (file.first)
		world_.open_files({.object = file.object, .generation = file.generation})--;
	file = {};
}

void Task::send(const Action &action)
{
	const OpenFile &file = files_.at(action.slot % files_max);

	recorded(about(action, file), [&](Record &now) {
		now.outcome =
			outcome_of(send_descriptor(world_.sender(), file.fd.get(),
						   {file.object, file.generation, file.number}));
	});
}

void Task::receive(const Action &action)
{
	Message message;
	int fd = -1;
	Record record;

	record.action = action;
	close({.kind = Kind::close, .slot = action.slot});
	recorded(record, [&](Record &now) {
		now.outcome = outcome_of(receive_descriptor(world_.receiver(), message, fd));
		now.action.object = message.object;
		now.generation = message.generation;
		now.file = message.file;
		record = now;
	});
	if (fd >= 0)
		take(action.slot, fd, record, false);
}

/* Memory */

void Task::map(const Action &action)
{
	const OpenFile &file = files_.at(action.slot % files_max);
	const Record record = about(action, file);
	void *address = nullptr;

	unmap(action.other);
	recorded(record, [&](Record &now) {
		now.outcome = world_.source().map(file.fd.get());
		if (!now.outcome.error)
			address = reinterpret_cast<void *>(std::exchange(now.outcome.value, 0));
	});
	if (address)
		pages_.at(action.other % pages_max) = {address, file.object, file.generation,
						       file.number};
}

void Task::touch(const Action &action)
{
	const MappedPage &page = pages_.at(action.slot % pages_max);
	Record record;

	if (!page.address)
		return;
	record.action = action;
	record.action.object = page.object;
	record.generation = page.generation;
	record.file = page.file;
	/* Of two words the first one has the identity: it is read, and the other written. */
	recorded(record, [&](Record &now) {
		auto *words = static_cast<volatile std::uint64_t *>(page.address);
		const revoke_test::Touch touched =
			action.way ? revoke_test::touch(words + 1, 1) : revoke_test::touch(words);
		if (touched.signal)
			unblock(touched.signal);
		now.outcome = {touched.signal, 0, touched.signal || action.way ? 0 : touched.value};
	});
}

void Task::unmap(std::uint8_t slot)
{
	MappedPage &page = pages_.at(slot % pages_max);
	Record record;

	if (!page.address)
		return;
	record.action = {.kind = Kind::unmap, .object = page.object, .slot = slot};
	record.generation = page.generation;
	record.file = page.file;
	recorded(record, [&](Record &now) {
		now.outcome = outcome_of(result_of(munmap(page.address, revoke_test::page_size())));
	});
	page = {};
}

void Task::close_all()
{
	for (std::uint8_t slot = 0; slot < pages_max; slot++)
		unmap(slot);
	for (std::uint8_t slot = 0; slot < files_max; slot++)
		close({.kind = Kind::close, .slot = slot});
}

/* Disturbances: `object` is the task that is disturbed */

void Task::perform_elsewhere(const Action &action)
{
	if (action.kind == Kind::count || action.object >= world_.tasks())
		return;
	SharedTask &victim = world_.task(action.object);
	const pid_t thread = victim.thread;
	Record record;

	/* Only processes can be stopped by themselves. */
	if (!thread ||
	    (action.kind != Kind::signal && action.kind != Kind::move && !victim.process))
		return;
	record.action = action;
	recorded(record, [&](Record &now) {
		cpu_set_t set;

		switch (action.kind) {
		case Kind::signal:
			now.outcome = outcome_of(
				result_of(syscall(SYS_tkill, thread, disturbing_signal)));
			break;
		case Kind::stop:
			now.outcome = outcome_of(result_of(::kill(thread, SIGSTOP)));
			break;
		case Kind::resume:
			now.outcome = outcome_of(result_of(::kill(thread, SIGCONT)));
			break;
		case Kind::kill:
			victim.killed = true;
			/* Its number may soon be somebody else's. */
			victim.thread = 0;
			now.outcome = outcome_of(result_of(::kill(thread, SIGKILL)));
			break;
		case Kind::move:
			CPU_ZERO(&set);
			CPU_SET(action.argument % CPU_SETSIZE, &set);
			now.outcome =
				outcome_of(result_of(sched_setaffinity(thread, sizeof(set), &set)));
			break;
		default:
			break;
		}
	});
}

} // namespace revoke_stress
