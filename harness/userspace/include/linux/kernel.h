/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_KERNEL_H
#define _LINUX_KERNEL_H

#include <errno.h>
#include <linux/bug.h>

#define dereference_function_descriptor(ptr)	(ptr)

#endif
