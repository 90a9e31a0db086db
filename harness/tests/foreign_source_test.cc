// SPDX-License-Identifier: GPL-2.0
/* Devices that are files of a folder, made and removed as real ones are. */
#include "foreign_source.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <temporary_directory.hh>
#include <unique_fd.hh>

using namespace revoke_stress;

namespace
{

constexpr std::uint64_t only_token = 7;

std::filesystem::path folder;
std::function<void()> while_removing;
unsigned int restored;

std::string by_number(const Made &made) { return fmt::format("number{}", made.number); }

std::string by_token(const Made &made) { return fmt::format("token{}", made.token); }

Outcome make(const std::string &name)
{
	std::ofstream{folder / name} << "here\n";
	return {0, 0, only_token};
}

Outcome make_by_number(std::uint32_t number) { return make(by_number({.number = number})); }

Outcome make_by_token(std::uint32_t) { return make(by_token({.token = only_token})); }

Outcome make_nothing(std::uint32_t) { return {-1, ENODEV, 0}; }

Outcome remove_by_number(const Made &made)
{
	return {0, std::filesystem::remove(folder / by_number(made)) ? 0 : ENOENT, 0};
}

Outcome remove_by_token(const Made &made)
{
	if (while_removing)
		while_removing();
	return {0, std::filesystem::remove(folder / by_token(made)) ? 0 : EIO, 0};
}

class Devices : public testing::Test
{
protected:
	Devices()
	{
		folder = directory_.path();
		while_removing = nullptr;
		restored = 0;
	}

	static Device numbered()
	{
		return {.name = "numbered",
			.files = {{folder / "{}", "sysfs"}, {folder / "{}.missing", "sysfs"}},
			.create = make_by_number,
			.remove = remove_by_number,
			.device_name = by_number};
	}
	static Device only_one()
	{
		return {.name = "only one",
			.files = {{folder / "{}", "uio"}},
			.create = make_by_token,
			.remove = remove_by_token,
			.device_name = by_token,
			.instances = 1,
			.reuses = true,
			.restore = [] { restored++; }};
	}
	static Device missing()
	{
		Device device = numbered();

		device.create = make_nothing;
		return device;
	}
	/* As an object of its own, and known as the world would. */
	static Ref generation(std::uint32_t generation)
	{
		return {.object = 0, .generation = generation, .token = only_token};
	}

private:
	revoke_test::TemporaryDirectory directory_;
};

using Rows = std::vector<ObjectRow>;

} // namespace

TEST_F(Devices, AreOfferedAsFarAsTheyCanBeMade)
{
	ForeignSource source{{numbered(), missing()}};

	EXPECT_EQ(source.files(), fmt::format(" {}/{{}}", folder.native()));
	EXPECT_EQ(source.problem(), "");
	EXPECT_NE(ForeignSource{{missing()}}.problem(), "");
	EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(Devices, AreNoMoreThanThereCanBe)
{
	/* Another kind of the same name. */
	Device other = only_one();

	other.files = {{folder / "./{}", "sysfs"}};
	ForeignSource source{{numbered(), only_one(), other}};

	for (std::uint64_t seed = 0; seed < 100; seed++) {
		Rng rng{seed};
		const Rows rows = source.choose(Wish::anything, rng);

		EXPECT_EQ(rows.size(), 6U);
		EXPECT_LE(std::ranges::count_if(rows, &ObjectRow::reuses), 1);
	}
	ForeignSource alone{{only_one()}};
	Rng rng{1};
	EXPECT_EQ(alone.choose(Wish::anything, rng).size(), 1U);
}

TEST_F(Devices, SayWhatIsUsedAgain)
{
	ForeignSource source{{numbered(), only_one()}};
	std::set<std::pair<std::string, bool>> seen;

	for (std::uint64_t seed = 0; seed < 100; seed++) {
		Rng rng{seed};

		for (const ObjectRow &row : source.choose(Wish::anything, rng))
			seen.emplace(row.table, row.reuses);
	}
	EXPECT_EQ(seen, (std::set<std::pair<std::string, bool>>{{"sysfs", false}, {"uio", true}}));
}

TEST_F(Devices, AreKnownByWhatTheKernelSays)
{
	ForeignSource source{{only_one()}};
	Rng rng{1};

	source.choose(Wish::anything, rng);
	EXPECT_EQ(source.create(generation(1)), (Outcome{0, 0, only_token}));
	const revoke_test::UniqueFd file{static_cast<int>(source.open(generation(1)).value)};
	EXPECT_TRUE(file);
	EXPECT_EQ(source.remove(generation(1), 0).error, 0);
	EXPECT_EQ(source.open(generation(1)).error, ENOENT);
}

/* The next one has its name. */
TEST_F(Devices, AreNotRemovedByWhoMeantTheOneBefore)
{
	ForeignSource source{{only_one()}};
	Rng rng{1};

	source.choose(Wish::anything, rng);
	source.create(generation(1));
	EXPECT_EQ(source.remove(generation(1), 0).error, 0);
	EXPECT_EQ(source.remove(generation(1), 0).error, ENOENT);
	source.create(generation(2));
	EXPECT_EQ(source.remove(generation(1), 0).error, ENOENT);
	EXPECT_EQ(source.remove(generation(2), 0).error, 0);
}

TEST_F(Devices, HaveOneRemoverAtATime)
{
	ForeignSource source{{only_one()}};
	int other = 0;
	Rng rng{1};

	source.choose(Wish::anything, rng);
	source.create(generation(1));
	while_removing = [&] { other = source.remove(generation(1), 0).error; };
	EXPECT_EQ(source.remove(generation(1), 0).error, 0);
	EXPECT_EQ(other, EBUSY);
}

/* Who failed is not in the way of the next one. */
TEST_F(Devices, CanBeRemovedAfterThatFailed)
{
	ForeignSource source{{only_one()}};
	Rng rng{1};

	source.choose(Wish::anything, rng);
	source.create(generation(1));
	std::filesystem::remove(folder / by_token({.token = only_token}));
	EXPECT_EQ(source.remove(generation(1), 0).error, EIO);
	make_by_token(0);
	EXPECT_EQ(source.remove(generation(1), 0).error, 0);
}

TEST_F(Devices, ArePutInOrderAfterEachRound)
{
	ForeignSource source{{only_one()}};

	EXPECT_EQ(restored, 1U);
	source.finish();
	EXPECT_EQ(restored, 2U);
}

TEST_F(Devices, AreChosenAgainByTheirFiles)
{
	ForeignSource source{{numbered(), only_one()}};
	Rng rng{1};
	const Rows rows = source.choose(Wish::anything, rng);

	source.choose_again(rows);
	EXPECT_EQ(source.create(generation(1)).error, 0);
	EXPECT_EQ(source.remove(generation(1), 0).error, 0);
	EXPECT_THROW(source.choose_again({{.name = "/nowhere#0", .table = "sysfs"}}),
		     std::runtime_error);
}
