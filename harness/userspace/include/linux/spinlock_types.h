/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_SPINLOCK_TYPES_H
#define _LINUX_SPINLOCK_TYPES_H

#include <pthread.h>

struct task_struct;

/* Threads are preempted with locks held, so waiting for one is sleeping. */
typedef struct spinlock {
	pthread_mutex_t mutex;
	const struct task_struct *owner;	/* for lockdep_is_held() */
} spinlock_t;

#endif
