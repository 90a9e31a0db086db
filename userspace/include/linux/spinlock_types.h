/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_SPINLOCK_TYPES_H
#define _LINUX_SPINLOCK_TYPES_H

#include <pthread.h>

/* Threads are preempted with locks held, so waiting for one is sleeping. */
typedef struct spinlock {
	pthread_mutex_t mutex;
} spinlock_t;

#endif
