// SPDX-License-Identifier: GPL-2.0
/* Recording while somebody looks on: for ThreadSanitizer more than for what is compared. */
#include "core/buffer.hh"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <new>
#include <thread>

using namespace revoke_stress;

namespace
{

Record numbered(std::uint32_t number)
{
	Record record;

	record.action.kind = Kind::call;
	record.generation = number;
	return record;
}

void record_some(Buffer &buffer, std::uint32_t from, std::uint32_t to)
{
	for (std::uint32_t i = from; i < to; i++) {
		Record record = numbered(i);

		buffer.begin(record);
		record.outcome.value = i;
		buffer.end(record);
	}
}

/* What is seen is whole, and in its order. */
void expect_whole(const std::vector<Record> &records)
{
	for (std::uint32_t i = 0; i < records.size(); i++) {
		EXPECT_EQ(records[i].generation, i);
		if (records[i].ended()) {
			EXPECT_EQ(records[i].outcome.value, i);
			EXPECT_LE(records[i].begin, records[i].end);
		} else {
			EXPECT_EQ(i + 1, records.size());
		}
	}
}

} // namespace

TEST(Buffer, CanBeReadWhileItIsWritten)
{
	constexpr std::uint32_t part = Buffer::capacity / 16;
	auto buffer = std::make_unique<Buffer>();
	/* Relaxed: nothing but the buffer itself is to order what the two do. */
	std::atomic<std::uint32_t> looks{0};
	std::thread writer{[&] {
		for (std::uint32_t from = 0; from < Buffer::capacity; from += part) {
			const std::uint32_t seen = looks.load(std::memory_order_relaxed);

			record_some(*buffer, from, from + part);
			while (looks.load(std::memory_order_relaxed) == seen)
				std::this_thread::yield();
		}
	}};

	while (!buffer->full()) {
		expect_whole(buffer->copy());
		looks.fetch_add(1, std::memory_order_relaxed);
	}
	looks.fetch_add(1, std::memory_order_relaxed);
	writer.join();
	EXPECT_TRUE(buffer->full());
	expect_whole(buffer->copy());
}

TEST(Buffer, KeepsWhatHasNotEnded)
{
	auto buffer = std::make_unique<Buffer>();

	record_some(*buffer, 0, 2);
	buffer->begin(numbered(2));
	const std::vector<Record> records = buffer->copy();
	ASSERT_EQ(records.size(), 3U);
	EXPECT_TRUE(records[1].ended());
	EXPECT_FALSE(records[2].ended());
}

/* A process that is killed in the middle of something leaves what it had begun. */
TEST(Buffer, OutlivesAProcess)
{
	void *memory = mmap(nullptr, sizeof(Buffer), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(memory, MAP_FAILED);
	auto *buffer = new (memory) Buffer;

	const pid_t pid = fork();
	if (pid == 0) {
		record_some(*buffer, 0, 10);
		buffer->begin(numbered(10));
		_exit(0);
	}
	ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
	EXPECT_EQ(buffer->size(), 11U);
	expect_whole(buffer->copy());
	munmap(memory, sizeof(Buffer));
}
