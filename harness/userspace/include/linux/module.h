/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_MODULE_H
#define _LINUX_MODULE_H

#include <linux/types.h>

/* There are none. */
static inline bool is_module_address(unsigned long addr)
{
	return false;
}

#endif /* _LINUX_MODULE_H */
