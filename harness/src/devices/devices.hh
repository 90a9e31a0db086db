/* SPDX-License-Identifier: GPL-2.0 */
/* Each in a file of its own; what cannot be made on a machine fails to be. */
#ifndef REVOKE_STRESS_DEVICES_H
#define REVOKE_STRESS_DEVICES_H

#include <vector>

#include "device.hh"

namespace revoke_stress
{

Device dummy_device();
Device gpio_sim_device();
Device loop_device();
Device null_blk_device();
/* Its driver goes, or the device goes first. */
Device snd_dummy_module();
Device snd_dummy_device();
Device test_revoke_module();
Device uio_device();
Device zram_device();

/* All of these, for who may make them. */
std::vector<Device> all_devices();

} // namespace revoke_stress

#endif
