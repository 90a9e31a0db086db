/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_PRINTK_H
#define _LINUX_PRINTK_H

void pr_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define dump_stack()	((void)0)

/* How many there were, and the last one. */
unsigned int warnings_logged(char *last, unsigned long size);

#endif
