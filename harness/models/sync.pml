/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel gives to the code that is modelled: locks, and waiting for a
 * variable to change.  Tasks have numbers from 1 to TASKS; each has its own in `me`.
 */

/* Never set.  By being named in an assertion they name it in what pan prints. */
hidden byte no_use_after_revoke, no_use_after_release, release_once;
hidden byte release_before_revoke_returns, all_revokers_return_after_the_work;
hidden byte no_touch_after_free, no_entry_left_on_a_queue, no_wakeup_lost;

#define MUST(invariant, condition)	assert(invariant || (condition))

#define LOCK(lock)	atomic { !lock -> lock = 1 }
#define UNLOCK(lock)	lock = 0

/* The queue a task is on, by the address that it waits for; 0 is none. */
byte waits_for[TASKS + 1];

hidden byte t_;

/* The waker's look at the queue and its walk over it, which hold the queue's lock. */
inline wake_up(key)
{
	d_step {
		t_ = 1;
		do
		:: t_ <= TASKS ->
			if
			:: waits_for[t_] == key -> waits_for[t_] = 0
			:: else
			fi;
			t_++
		:: else -> break
		od;
		t_ = 0
	}
}

/* Joins the queue, looks at the condition once more, and only then sleeps. */
/* (No loop may end where a d_step begins or ends: hence what follows loops.) */
inline wait_event(key, condition)
{
	do
	:: condition -> break
	:: else ->
		waits_for[me] = key;
		if
		:: condition -> waits_for[me] = 0; break
		:: else -> waits_for[me] == 0
		fi
	od;
	skip
}
