/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_PRINTK_H
#define _LINUX_PRINTK_H

#include <stdio.h>

#define pr_warn(...)	fprintf(stderr, "# " __VA_ARGS__)
#define dump_stack()	((void)0)

#endif
