/* SPDX-License-Identifier: GPL-2.0 */
/* The C library's <limits.h> asks for the real one, too. */
#include_next <linux/limits.h>
#include <limits.h>
