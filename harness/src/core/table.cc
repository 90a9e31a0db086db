// SPDX-License-Identifier: GPL-2.0
#include "table.hh"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace revoke_stress
{

namespace
{

const Table &table_of(const History &history, const Record &record)
{
	return history.tables.at(history.objects.at(record.action.object).table);
}

const std::string &method_of(const History &history, const Record &record)
{
	static const std::string open = "open";
	static const std::string read = "read";
	static const std::string write = "write";
	static const std::string map = "mmap";

	switch (record.action.kind) {
	case Kind::open:
	case Kind::reopen:
		return open;
	case Kind::call:
		return history.calls.at(record.action.way).method;
	case Kind::remove_self:
		return write;
	case Kind::map:
		return map;
	default:
		return read;
	}
}

int errno_gone(const Table &table, const std::string &method)
{
	const auto found = table.gone.find(method);

	return (found == table.gone.end() ? table.gone.at("") : found->second);
}

/* What has nothing to do with whether the object is there. */
void add_circumstances(const Record &record, std::vector<int> &errors)
{
	if (record.flags & flag_signals)
		errors.push_back(EINTR);
	/* Removal allocates nothing, so that it cannot fail. */
	if (record.flags & flag_injected && record.action.kind != Kind::remove)
		errors.push_back(ENOMEM);
}

/*
 * Removing what somebody else removes, or has removed, and making what is below it:
 * the owners race each other on purpose. A symbolic name is refused while there is
 * something below.
 */
Expected owner_row(const History &history, const Record &record)
{
	switch (record.action.kind) {
	case Kind::remove:
		return {{0, ENOENT, EBUSY, ENOTEMPTY}, {}, false};
	case Kind::create:
		if (history.objects.at(record.action.object).parent == no_parent)
			return {{0}, {}, false};
		return {{0, ENOENT}, {}, false};
	case Kind::counters:
		return {{0}, {}, false};
	default:
		return {{0, ENOENT}, {}, false};
	}
}

/* Rows of their own: what works on a file whatever has become of its object. */
Expected ungated_row(Kind kind)
{
	switch (kind) {
	case Kind::lock:
		/* F_UNLCK always succeeds; another may have the lock. */
		return {{0, EAGAIN}, {}, false};
	case Kind::receive:
	case Kind::send:
		/* Nothing is there to be received, or the mailbox is full. */
		return {{0, EAGAIN}, {}, false};
	default:
		return {{0}, {}, false};
	}
}

std::optional<int> fasync_gone(const History &history, const Record &record)
{
	if (record.action.kind != Kind::fasync)
		return std::nullopt;
	const Table &table = table_of(history, record);
	const auto found = table.gone.find("fasync");
	return found == table.gone.end() ? std::nullopt : std::optional{found->second};
}

} // namespace

bool Expected::allows(const Record &record) const
{
	if (std::ranges::find(errors, record.outcome.error) == errors.end())
		return false;
	if (record.outcome.error)
		return true;
	if (value && record.outcome.value != *value)
		return false;
	return !value_is_set || record.outcome.value != 0;
}

Family family_of(Kind kind)
{
	switch (kind) {
	case Kind::create:
	case Kind::remove:
	case Kind::kick:
	case Kind::ready:
	case Kind::behave:
	case Kind::counters:
		return Family::owner;
	case Kind::open:
	case Kind::reopen:
	case Kind::call:
	case Kind::remove_self:
	case Kind::identify:
	case Kind::read_part:
	case Kind::poll:
	case Kind::map:
	case Kind::child:
	case Kind::exec:
		return Family::method;
	case Kind::wait:
		return Family::wait;
	case Kind::touch:
		return Family::memory;
	case Kind::close:
	case Kind::unmap:
	case Kind::lock:
	case Kind::fasync:
	case Kind::stat:
	case Kind::fdinfo:
	case Kind::duplicate:
	case Kind::send:
	case Kind::receive:
		return Family::ungated;
	case Kind::census:
	case Kind::signal:
	case Kind::stop:
	case Kind::resume:
	case Kind::kill:
	case Kind::move:
	case Kind::count:
		break;
	}
	return Family::elsewhere;
}

std::uint32_t told_when_gone(const Table &table, std::uint32_t events)
{
	return table.mask_gone & (events | EPOLLERR | EPOLLHUP);
}

Expected expected_live(const History &history, const Record &record)
{
	Expected row;

	switch (family_of(record.action.kind)) {
	case Family::owner:
		row = owner_row(history, record);
		break;
	case Family::method:
		row.errors = table_of(history, record).live;
		row.errors.push_back(0);
		/* Another one may have been faster. */
		if (record.action.kind == Kind::remove_self)
			row.errors.push_back(EALREADY);
		break;
	case Family::wait:
		row = {{0}, {}, true};
		break;
	case Family::memory:
		row = {{0}, 0, false};
		break;
	case Family::ungated:
	case Family::elsewhere:
		row = ungated_row(record.action.kind);
		break;
	}
	add_circumstances(record, row.errors);
	return row;
}

Expected expected_gone(const History &history, const Record &record, bool has_leftovers)
{
	Expected row;

	switch (family_of(record.action.kind)) {
	case Family::owner:
		row = owner_row(history, record);
		break;
	case Family::method: {
		const Table &table = table_of(history, record);

		if (record.action.kind == Kind::poll) {
			row = {{0}, told_when_gone(table, record.action.argument), false};
			break;
		}
		row.errors.push_back(errno_gone(table, method_of(history, record)));
		/* Its name is gone, too; and a late open may find the file still. */
		if (record.action.kind == Kind::open || record.action.kind == Kind::reopen)
			row.errors.push_back(ENOENT);
		if (has_leftovers && reads_on(history, record))
			row.errors.push_back(0);
		break;
	}
	case Family::wait:
		row.errors.push_back(0);
		if (history.waits.at(record.action.way).has_mask)
			row.value =
				told_when_gone(table_of(history, record), record.action.argument);
		row.value_is_set = true;
		break;
	case Family::memory:
		row = {{0}, SIGBUS, false};
		break;
	case Family::ungated:
	case Family::elsewhere:
		row = ungated_row(record.action.kind);
		/* Only where there is a method can it be switched on no more. */
		if (const std::optional<int> error = fasync_gone(history, record))
			row.errors = {*error};
		break;
	}
	add_circumstances(record, row.errors);
	return row;
}

bool reads(const History &history, const Record &record)
{
	switch (record.action.kind) {
	case Kind::read_part:
	case Kind::identify:
	case Kind::child:
	case Kind::exec:
		return true;
	case Kind::call:
		return history.calls.at(record.action.way).method == "read";
	default:
		return false;
	}
}

/* All others name a place to read from, which is the beginning. */
bool reads_on(const History &history, const Record &record)
{
	if (record.action.kind != Kind::call)
		return record.action.kind == Kind::read_part;
	const std::string &way = history.calls.at(record.action.way).name;

	return way == "read" || way == "readv";
}

} // namespace revoke_stress
