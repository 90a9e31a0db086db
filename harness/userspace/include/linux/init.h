/* SPDX-License-Identifier: GPL-2.0 */
/* linux/compiler.h has it. */
