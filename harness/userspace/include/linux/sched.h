/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_SCHED_H
#define _LINUX_SCHED_H

#include <limits.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/spinlock.h>
#include <asm/current.h>

#define TASK_RUNNING		0
#define TASK_INTERRUPTIBLE	1
#define TASK_UNINTERRUPTIBLE	2
#define TASK_NORMAL		(TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define TASK_WAKEKILL		0x100

#define HZ			1000
#define MAX_SCHEDULE_TIMEOUT	LONG_MAX

#define __set_current_state(value)	WRITE_ONCE(current->state, value)
#define set_current_state(value)	smp_store_mb(current->state, value)

/* Nobody sends signals. */
#define signal_pending(task)			((void)(task), false)
#define signal_pending_state(state, task)	((void)(state), (void)(task), false)
#define kthread_should_stop_or_park()		false

void schedule(void);
long schedule_timeout(long timeout);
#define io_schedule()	schedule()

static inline int task_pid_nr(const struct task_struct *task)
{
	return task->pid;
}

static inline void might_sleep(void)
{
	WARN_ON_ONCE(current->atomic_depth);
}

/* Drops the lock more often than the kernel does. */
static inline void cond_resched_lock(spinlock_t *lock)
{
	spin_unlock(lock);
	might_sleep();
	sched_point();
	spin_lock(lock);
}

#endif
