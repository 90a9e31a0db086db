// SPDX-License-Identifier: GPL-2.0
/* The tables of the kselftests, as the checker sees them. */
#include "tables.hh"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <cerrno>

#include "core/table.hh"

using namespace revoke_stress;

namespace
{

History with_tables()
{
	History history;

	history.tables["procfs"] = table_of(revoke_test::procfs_filesystem(), {ESHUTDOWN});
	history.tables["debugfs"] = table_of(revoke_test::debugfs_filesystem(), {});
	history.tables["sysfs"] = table_of(revoke_test::sysfs_filesystem(), {});
	history.objects = {{"a", "procfs", Release::none, no_parent, false},
			   {"b", "debugfs", Release::none, no_parent, false},
			   {"c", "sysfs", Release::none, no_parent, false}};
	history.calls = {
		{"read", "read", true}, {"lseek", "lseek", true}, {"ioctl", "ioctl", true}};
	return history;
}

std::vector<int> gone(std::uint16_t object, Kind kind, std::uint8_t way = 0)
{
	Record record;

	record.action = {.kind = kind, .way = way, .object = object};
	return expected_gone(with_tables(), record, false).errors;
}

using Errors = std::vector<int>;

} // namespace

TEST(Tables, AreThoseOfTheFilesystems)
{
	EXPECT_EQ(gone(0, Kind::call, 0), Errors{EIO});
	EXPECT_EQ(gone(0, Kind::call, 1), Errors{EINVAL});
	EXPECT_EQ(gone(0, Kind::call, 2), Errors{ENOTTY});
	EXPECT_EQ(gone(1, Kind::call, 1), Errors{EIO});
	EXPECT_EQ(gone(2, Kind::call, 0), Errors{ENODEV});
	EXPECT_EQ(gone(2, Kind::open), (Errors{ENODEV, ENOENT}));
	EXPECT_EQ(gone(0, Kind::map), Errors{EIO});
}

TEST(Tables, HaveTheMasks)
{
	const History history = with_tables();

	EXPECT_EQ(told_when_gone(history.tables.at("procfs"), EPOLLPRI),
		  EPOLLPRI | EPOLLERR | EPOLLHUP);
	EXPECT_EQ(told_when_gone(history.tables.at("debugfs"), EPOLLIN), EPOLLHUP);
	EXPECT_EQ(told_when_gone(history.tables.at("sysfs"), EPOLLIN), EPOLLIN | EPOLLERR);
}

/* A file without ->fasync does not ask the object. */
TEST(Tables, RefuseSignalsWhereThereIsAMethod)
{
	History history = with_tables();
	Record record;

	record.action = {.kind = Kind::fasync, .object = 2};
	EXPECT_EQ(expected_gone(history, record, false).errors, Errors{0});
	history.tables["sysfs"].gone["fasync"] = ENODEV;
	EXPECT_EQ(expected_gone(history, record, false).errors, Errors{ENODEV});
	EXPECT_EQ(expected_live(history, record).errors, Errors{0});
}

/* Leftovers are a read's, wherever it is that reads. */
TEST(Tables, LetReadsGoOn)
{
	Record read;
	Record seek;

	read.action = {.kind = Kind::call, .way = 0, .object = 2};
	seek.action = {.kind = Kind::call, .way = 1, .object = 2};
	EXPECT_EQ(expected_gone(with_tables(), read, true).errors, (Errors{ENODEV, 0}));
	EXPECT_EQ(expected_gone(with_tables(), seek, true).errors, Errors{ENODEV});
}
