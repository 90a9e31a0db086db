// SPDX-License-Identifier: GPL-2.0
#include "devices.hh"

#include <unistd.h>

namespace revoke_stress
{

std::vector<Device> all_devices()
{
	if (geteuid() != 0)
		return {};
	return {
		dummy_device(),       gpio_sim_device(),  loop_device(),
		null_blk_device(),    snd_dummy_module(), snd_dummy_device(),
		test_revoke_module(), uio_device(),       zram_device(),
	};
}

} // namespace revoke_stress
