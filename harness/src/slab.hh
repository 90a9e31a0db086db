/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_SLAB_H
#define REVOKE_STRESS_SLAB_H

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

namespace revoke_stress
{

/* Objects of one of the kernel's caches that are in use; nothing where it does not tell. */
std::optional<std::uint64_t> slab_objects(const std::string &cache);

/* The same from what /proc/slabinfo reads. */
std::optional<std::uint64_t> active_objects(std::istream &slabinfo, const std::string &cache);

} // namespace revoke_stress

#endif
