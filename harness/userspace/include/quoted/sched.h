/* SPDX-License-Identifier: GPL-2.0 */
/* What kernel/sched/wait.c and wait_bit.c take from kernel/sched/sched.h. */
#ifndef _SCHED_H
#define _SCHED_H

#include <errno.h>
#include <stdint.h>
#include <linux/bitops.h>
#include <linux/sched.h>
#include <linux/wait_bit.h>

#define ERESTARTSYS	512
#define WF_SYNC		0x10
#define WF_CURRENT_CPU	0x40

#define EPOLLHUP	((__poll_t)0x0010)
#define POLLFREE	((__poll_t)0x4000)

/* Of the part that waits for bits with a deadline. */
extern unsigned long jiffies;
#define time_after_eq(a, b)	((long)((a) - (b)) >= 0)

static inline unsigned int hash_long(unsigned long value, unsigned int bits)
{
	return value * 0x61C8864680B583EBul >> (64 - bits);
}

static inline unsigned int hash_ptr(const void *ptr, unsigned int bits)
{
	return hash_long((unsigned long)ptr, bits);
}

#endif
