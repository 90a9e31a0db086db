// SPDX-License-Identifier: GPL-2.0
#include "history.hh"

#include <cstring>
#include <istream>
#include <ostream>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace revoke_stress
{

using Json = nlohmann::json;

namespace
{

constexpr std::array<std::string_view, static_cast<std::size_t>(Kind::count)> kind_names{
	"create", "remove", "kick",      "ready", "behave",      "counters", "census",
	"open",   "reopen", "close",     "call",  "remove_self", "identify", "read_part",
	"poll",   "wait",   "map",       "touch", "unmap",       "lock",     "fasync",
	"stat",   "fdinfo", "duplicate", "send",  "receive",     "child",    "exec",
	"signal", "stop",   "resume",    "kill",  "move",
};

constexpr std::array<std::string_view, 3> release_names{"none", "with_removal", "at_last_close"};
constexpr int format_version = 3;

template <typename Enum, std::size_t size>
Enum value_of(const std::array<std::string_view, size> &names, const std::string &name)
{
	for (std::size_t i = 0; i < size; i++)
		if (names[i] == name)
			return static_cast<Enum>(i);
	throw std::runtime_error{fmt::format("'{}' is not known", name)};
}

Json to_json(const Way &way)
{
	return {{"name", way.name}, {"method", way.method}, {"has_mask", way.has_mask}};
}

Json to_json(const Table &table)
{
	return {{"gone", table.gone}, {"mask_gone", table.mask_gone}, {"live", table.live}};
}

Json to_json(const ObjectRow &row)
{
	return {{"name", row.name},
		{"table", row.table},
		{"release", release_names[static_cast<std::size_t>(row.release)]},
		{"parent", row.parent},
		{"counts", row.counts},
		{"reads_on", row.reads_on},
		{"reuses", row.reuses}};
}

template <typename T> Json list_of(const std::vector<T> &from)
{
	Json list = Json::array();

	for (const T &one : from)
		list.push_back(to_json(one));
	return list;
}

Json header_of(const History &history)
{
	Json tables = Json::object();

	for (const auto &[name, table] : history.tables)
		tables[name] = to_json(table);
	return {{"version", format_version},
		{"seed", history.seed},
		{"round", history.round},
		{"source", history.source},
		{"workload", history.workload},
		{"patience", history.patience},
		{"finish", history.finish},
		{"tasks", history.tasks.size()},
		{"objects", list_of(history.objects)},
		{"tables", tables},
		{"calls", list_of(history.calls)},
		{"waits", list_of(history.waits)},
		{"faults", history.faults}};
}

std::vector<Way> ways_of(const Json &list)
{
	std::vector<Way> ways;

	for (const Json &one : list)
		ways.push_back({one.at("name"), one.at("method"), one.at("has_mask")});
	return ways;
}

History history_of(const Json &header)
{
	History history;

	if (header.at("version") != format_version)
		throw std::runtime_error{"written by another version of this program"};
	history.seed = header.at("seed");
	history.round = header.at("round");
	history.source = header.at("source");
	history.workload = header.at("workload");
	history.patience = header.at("patience");
	history.finish = header.at("finish");
	history.tasks.resize(header.at("tasks"));
	for (const Json &row : header.at("objects"))
		history.objects.push_back({row.at("name"), row.at("table"),
					   value_of<Release>(release_names, row.at("release")),
					   row.at("parent"), row.at("counts"), row.at("reads_on"),
					   row.at("reuses")});
	for (const auto &[name, table] : header.at("tables").items())
		history.tables[name] = {table.at("gone"), table.at("mask_gone"), table.at("live")};
	history.calls = ways_of(header.at("calls"));
	history.waits = ways_of(header.at("waits"));
	history.faults = header.at("faults").get<std::vector<std::string>>();
	return history;
}

/* All of a record but what it always has; `visit` gets a name and the field. */
template <typename AnyRecord, typename Visit> void for_each_field(AnyRecord &record, Visit &&visit)
{
	visit("end", record.end);
	visit("way", record.action.way);
	visit("object", record.action.object);
	visit("slot", record.action.slot);
	visit("other", record.action.other);
	visit("argument", record.action.argument);
	visit("fail_nth", record.action.fail_nth);
	visit("generation", record.generation);
	visit("file", record.file);
	visit("flags", record.flags);
	visit("value", record.outcome.value);
	visit("error", record.outcome.error);
	visit("token", record.outcome.token);
	visit("opens", record.counts.opens);
	visit("releases", record.counts.releases);
	visit("entered", record.counts.entered);
	visit("left", record.counts.left);
	visit("faults", record.counts.faults);
}

/* Short, as there are many: what is 0 is left out. */
Json to_json(std::size_t task, const Record &record)
{
	Json line{{"task", task}, {"kind", name_of(record.action.kind)}, {"begin", record.begin}};

	for_each_field(record, [&](const char *key, auto value) {
		if (value)
			line[key] = value;
	});
	return line;
}

Record record_of(const Json &line)
{
	Record record;

	record.action.kind = value_of<Kind>(kind_names, line.at("kind"));
	line.at("begin").get_to(record.begin);
	for_each_field(record, [&](const char *key, auto &value) {
		if (line.contains(key))
			line.at(key).get_to(value);
	});
	return record;
}

std::string way_name(const std::vector<Way> &ways, std::size_t way)
{
	return way < ways.size() ? ways[way].name : fmt::format("way {}", way);
}

/* Numbers stand for different things. */
std::string details_of(const History &history, const Action &action)
{
	switch (action.kind) {
	case Kind::call:
		return " " + way_name(history.calls, action.way);
	case Kind::wait:
		return fmt::format(" {} for {:#x}", way_name(history.waits, action.way),
				   action.argument);
	case Kind::ready:
	case Kind::poll:
		return fmt::format(" {:#x}", action.argument);
	default:
		return "";
	}
}

bool is_about_an_object(Kind kind)
{
	return kind < Kind::signal && kind != Kind::census && kind != Kind::receive;
}

std::string outcome_of(const Record &record)
{
	if (!record.ended())
		return record.flags & flag_killed ? "killed" : "has not ended";
	if (record.outcome.error) {
		const char *name = strerrorname_np(record.outcome.error);
		return name ? name : fmt::format("errno {}", record.outcome.error);
	}
	if (record.action.kind == Kind::counters)
		return fmt::format("opens {} releases {} entered {} left {} faults {:#x}",
				   record.counts.opens, record.counts.releases,
				   record.counts.entered, record.counts.left, record.counts.faults);
	return fmt::format("{}", record.outcome.value);
}

} // namespace

std::string_view name_of(Kind kind) { return kind_names.at(static_cast<std::size_t>(kind)); }

std::size_t History::size() const
{
	std::size_t records = 0;

	for (const std::vector<Record> &task : tasks)
		records += task.size();
	return records;
}

void save(const History &history, std::ostream &to)
{
	to << header_of(history).dump() << '\n';
	for (std::size_t task = 0; task < history.tasks.size(); task++)
		for (const Record &record : history.tasks[task])
			to << to_json(task, record).dump() << '\n';
}

History load(std::istream &from)
{
	History history;
	std::string text;

	for (unsigned int number = 1; std::getline(from, text); number++) {
		try {
			const Json line = Json::parse(text);
			if (number == 1)
				history = history_of(line);
			else
				history.tasks.at(line.at("task")).push_back(record_of(line));
		} catch (const std::exception &problem) {
			throw std::runtime_error{
				fmt::format("line {}: {}", number, problem.what())};
		}
	}
	if (history.objects.empty())
		throw std::runtime_error{"empty: not a history"};
	return history;
}

std::string describe(const History &history, std::size_t task, const Record &record, Time origin)
{
	const auto relative = [&](Time time) {
		return (static_cast<double>(time) - static_cast<double>(origin)) / 1000;
	};
	std::string target;

	if (is_about_an_object(record.action.kind) && record.action.object < history.objects.size())
		target = fmt::format(" {}.{}", history.objects[record.action.object].name,
				     record.generation);
	if (record.file)
		target += fmt::format(" file {}", record.file);
	return fmt::format("[{:+.1f} {}] task {}: {}{}{}: {}", relative(record.begin),
			   record.ended() ? fmt::format("{:+.1f}", relative(record.end)) : "...",
			   task, name_of(record.action.kind), details_of(history, record.action),
			   target, outcome_of(record));
}

} // namespace revoke_stress
