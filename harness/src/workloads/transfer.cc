// SPDX-License-Identifier: GPL-2.0
/* Data that goes from a file to somewhere else, or comes by way of a queue. */
#include "workloads.hh"

#include <algorithm>
#include <array>
#include <vector>

namespace revoke_stress
{

static bool transfers(const Way &way)
{
	constexpr std::array<std::string_view, 2> names{"splice", "sendfile"};

	return std::ranges::find(names, way.name) != names.end() || way.name.starts_with("aio") ||
	       way.name.starts_with("io_uring");
}

static Action next(const Task &task, Rng &rng)
{
	return with_file(task, rng, [&](std::uint8_t slot) -> Action {
		const std::vector<Way> &calls = task.world().frame().calls;

		if (rng.once_in(16))
			return {.kind = Kind::close, .slot = slot};
		/* Of a few tries one is likely to be what this is about. */
		Action action = call_some(task, rng, slot);
		for (int i = 0; i < 8; i++) {
			if (action.kind == Kind::call && transfers(calls[action.way]))
				break;
			action = call_some(task, rng, slot);
		}
		return action;
	});
}

const Workload transfer_workload{
	.name = "transfer", .about = "splice, sendfile, aio and io_uring", .next = next};

} // namespace revoke_stress
