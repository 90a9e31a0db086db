/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_CURRENT_H
#define _ASM_CURRENT_H

#include <linux/types.h>

/* A thread is a task. */
struct task_struct {
	int		state;
	unsigned int	fence;		/* for smp_mb() */
	unsigned int	atomic_depth;	/* spinlocks held */
	int		pid;
	const char	*comm;
	u64		sleeps;		/* times that schedule() did not return at once */
	u64		random;
	unsigned int	preempt_one_in;	/* 0: never */
};

#ifdef __cplusplus
extern "C" {
#endif

extern __thread struct task_struct current_task;
#define current	(&current_task)

void preempt(void);
u64 random_next(u64 *state);

#ifdef __cplusplus
}
#endif

/*
 * Where threads meet, one of them is held up now and then.  Without that two
 * processors would hardly ever get between two atomic operations of each other.
 */
static inline void sched_point(void)
{
	if (current->preempt_one_in &&
	    random_next(&current->random) % current->preempt_one_in == 0)
		preempt();
}

#endif
