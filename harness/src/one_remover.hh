/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_ONE_REMOVER_H
#define REVOKE_STRESS_ONE_REMOVER_H

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "core/history.hh"
#include "shared.hh"
#include "world.hh"

namespace revoke_stress
{

/*
 * Of several tasks that would remove an object, lets one do so: what it is called may be the name
 * of the next one when the others come. To those it is busy, and then not there.
 */
class OneRemover
{
public:
	void made(std::uint16_t object, std::uint32_t generation)
	{
		of(object) = {generation, false};
	}
	template <typename Remove>
	Outcome remove(std::uint16_t object, std::uint32_t generation, Remove &&remove)
	{
		Turn found{generation, false};

		if (!of(object).compare_exchange_strong(found, {generation, true}))
			return {-1, found.generation == generation ? EBUSY : ENOENT, 0};
		const Outcome outcome = remove();
		of(object) = outcome.error ? Turn{generation, false} : Turn{};
		return outcome;
	}

private:
	struct Turn {
		std::uint32_t generation = 0; /* that is there; 0 for none */
		std::uint32_t is_taken = 0;
	};
	using Turns = std::array<std::atomic<Turn>, World::objects_max>;
	/* Processes share it, so that no lock of one of them may stand in for the instruction. */
	static_assert(std::atomic<Turn>::is_always_lock_free);

	[[nodiscard]] std::atomic<Turn> &of(std::uint16_t object) const
	{
		return turns_->at(object);
	}

	Shared<Turns> turns_;
};

} // namespace revoke_stress

#endif
