/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_SPINLOCK_H
#define _LINUX_SPINLOCK_H

#include <asm/current.h>
#include <linux/bitops.h>
#include <linux/lockdep.h>
#include <linux/spinlock_types.h>

static inline void spin_lock_init(spinlock_t *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
	lock->owner = NULL;
}

static inline void spin_lock(spinlock_t *lock)
{
	sched_point();
	pthread_mutex_lock(&lock->mutex);
	WRITE_ONCE(lock->owner, current);
	current->atomic_depth++;
}

static inline void spin_unlock(spinlock_t *lock)
{
	sched_point();
	current->atomic_depth--;
	WRITE_ONCE(lock->owner, NULL);
	pthread_mutex_unlock(&lock->mutex);
}

/* There are no interrupts. */
#define spin_lock_irq(lock)			spin_lock(lock)
#define spin_unlock_irq(lock)			spin_unlock(lock)
#define spin_lock_irqsave(lock, flags)		((flags) = 0, spin_lock(lock))
#define spin_unlock_irqrestore(lock, flags)	((void)(flags), spin_unlock(lock))

static inline spinlock_t *__spin_guard(spinlock_t *lock)
{
	spin_lock(lock);
	return lock;
}

static inline void __spin_unguard(spinlock_t **lock)
{
	spin_unlock(*lock);
}

/* Of cleanup.h, what wait.c needs: guard(spinlock_irqsave)(lock). */
#define guard(type)							\
	spinlock_t *__guarded __attribute__((cleanup(__spin_unguard))) = __spin_guard

#endif
