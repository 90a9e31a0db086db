/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_SECTIONS_H
#define _ASM_SECTIONS_H

#include <linux/types.h>

bool core_kernel_text(unsigned long address);

#endif
