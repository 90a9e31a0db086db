/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_HELD_REMOVAL_H
#define REVOKE_HELD_REMOVAL_H

#include <unistd.h>

#include <cerrno>
#include <optional>

#include "check.hh"
#include "control.hh"
#include "file_ops.hh"
#include "filesystem.hh"
#include "unique_fd.hh"
#include "worker.hh"

namespace revoke_test
{

/* Removal under way, held up by somebody who reads. */
class HeldRemoval
{
public:
	explicit HeldRemoval(const Object &file) : file_(&file), reader_fd_(file.open())
	{
		file.block(TEST_REVOKE_READ);
		reader_.emplace("read", [this] { return read_some(reader_fd_.get()); });
		file.await_blocked(TEST_REVOKE_READ);
		file.pass(TEST_REVOKE_READ);
		removal_.emplace("removal", [this] { return file_->remove(); });
		await_error([this] { return result_of(lseek(reader_fd_.get(), 0, SEEK_SET)); },
			    filesystem().errno_after_removal(TEST_REVOKE_LSEEK),
			    "lseek during removal");
	}
	/* Lets it go on, to its end. */
	void finish()
	{
		file_->check_removal_waits();
		file_->kick();
		check_ok(removal_->join(), "removal");
		check_error(reader_->join(), ESHUTDOWN, "read when kicked");
	}

private:
	const Object *file_;
	UniqueFd reader_fd_;
	std::optional<Worker> reader_;
	std::optional<Worker> removal_;
};

} // namespace revoke_test

#endif
