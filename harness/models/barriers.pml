/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The full barriers that the code relies on, in the pairs of tasks that they are for,
 * one pair at a time.  The other models are sequentially consistent; here stores take their time:
 * each task has a buffer of one store for each variable, and buffers are written to
 * memory in any order.  Atomic operations that return nothing are stores in this,
 * too, carried out when they reach the memory.
 *
 * Weaker than x86, stronger than what Arm and Power do: loads are never early.
 */

#define X		0
#define Y		1
#define VARIABLES	2
#define DEAD		100	/* what deactivation adds */

hidden byte no_wakeup_lost, no_use_after_release;
#define MUST(invariant, condition)	assert(invariant || (condition))

short memory[VARIABLES];
/* Of both tasks: what is to be stored, or added to the memory; 0 is nothing. */
byte stored[2 * VARIABLES];
byte added[2 * VARIABLES];

#define slot(variable)		(me * VARIABLES + variable)
#define is_buffered(slot)	(stored[slot] || added[slot])

bit on_queue, asleep;
byte through;

inline store(variable, value)
{
	atomic { !is_buffered(slot(variable)) -> stored[slot(variable)] = 1 + value }
}

inline add(variable, value)
{
	atomic { !is_buffered(slot(variable)) -> added[slot(variable)] = value }
}

/* A task sees its own stores. */
#define load(variable) \
	(stored[slot(variable)] -> stored[slot(variable)] - 1 : memory[variable])

#define full_barrier() \
	!is_buffered(slot(X)) && !is_buffered(slot(Y))

/* prepare_to_wait(): set_current_state() has a full barrier. */
inline join_queue()
{
	d_step { on_queue = 1; asleep = 1 };
	full_barrier()
}

/* wake_up_var() and the like look at the queue without its lock first. */
inline wake_up()
{
	if
	:: on_queue -> d_step { on_queue = 0; asleep = 0 }
	:: else
	fi
}

/* 1. atomic_dec_and_wake_up() of revoke_last_left(), and revokable_drain(). */
#define draining	X

inline last_left()
{
#ifdef LAST_LEFT_RELAXED
	store(draining, 0);
#else
	memory[draining] = 0;
#endif
	wake_up()
}

inline drain()
{
	join_queue();
	if
	:: load(draining) == 0
	:: else -> !asleep
	fi
}

/* 2. store_release_wake_up() of revokable_release(), and revoke_release_or_wait(). */
#define rf_file		X

inline forget_file()
{
	store(rf_file, 0);
#ifndef FORGETS_WITHOUT_BARRIER
	full_barrier();
#endif
	wake_up()
}

inline wait_for_file()
{
	join_queue();
	if
	:: load(rf_file) == 0
	:: else -> !asleep
	fi
}

/*
 * 3. revoke_shut(), then revoke_wake_pollers(); and revoke_pollers(), joining the
 * queue and looking at the gate in revoke_poll().
 */
#define is_shut		X
#define pollers		Y

inline shut_and_wake_pollers()
{
#ifdef SHUTS_RELAXED
	store(is_shut, 1);
#else
	memory[is_shut] = 1;
#endif
	if
	:: load(pollers) != 0 -> asleep = 0
	:: else
	fi
}

inline poll()
{
	asleep = 1;
#ifdef POLLERS_RELAXED
	store(pollers, 1);
#else
	memory[pollers] = 1;
#endif
	if
	:: load(is_shut) == 1
	:: else -> !asleep
	fi
}

/*
 * 4. revoke_shut(), then ->kick(), which looks for cancellations without a lock; and
 * debugfs_enter_cancellation().
 */
#define cancellation	Y

inline shut_and_kick()
{
#ifdef SHUTS_RELAXED
	store(is_shut, 1);
#else
	memory[is_shut] = 1;
#endif
	if
	:: load(cancellation) == 1 -> asleep = 0
	:: else
	fi
}

inline enter_cancellation()
{
	asleep = 1;
	store(cancellation, 1);
#ifndef ENTERS_WITHOUT_BARRIER
	full_barrier();
#endif
	/* Who finds the gate shut requests a kick: the next pair. */
	if
	:: load(is_shut) == 1
	:: else -> !asleep
	fi
}

/*
 * 5. revokable_drain(), and revokable_request_kick() by a caller whose cancellation
 * is new.  The request of an earlier caller is still there when they begin.
 */
#define kick		X
bit is_cancelled;

inline request_kick()
{
	store(cancellation, 1);
#ifndef REQUESTS_WITHOUT_BARRIER
	full_barrier();
#endif
	store(kick, 1);
#ifndef REQUESTS_AND_LOOKS
	full_barrier();
#endif
	wake_up();
	is_cancelled
}

inline drain_and_kick()
{
	do
	:: join_queue();
		if
		:: load(kick) == 1
		:: else -> !asleep
		fi;
		store(kick, 0);
#ifndef KICKS_WITHOUT_BARRIER
		full_barrier();
#endif
		if
		:: load(cancellation) == 1 -> is_cancelled = 1; break
		:: else
		fi
	od
}

/*
 * 6. kernfs_deactivate_one(), then kernfs_drain() with its wake-up; and an open that
 * is followed by a poll.
 */
#define kn_active	X
#define attr_open	Y

inline deactivate_and_wake()
{
	add(kn_active, DEAD);
#ifndef DEACTIVATES_WITHOUT_BARRIER
	full_barrier();
#endif
	if
	:: load(attr_open) == 1 -> asleep = 0
	:: else
	fi
}

inline open_and_poll()
{
	if
	:: memory[kn_active] >= DEAD
	:: else ->
		store(attr_open, 1);
		/* kernfs_get_active() of the poll. */
		full_barrier();
		asleep = 1;
		if
		:: load(kn_active) >= DEAD
		:: else -> !asleep
		fi
	fi
}

/* 7. kernfs_activate_one(), and kernfs_get_active_of(). */
#define of_released	Y
bit is_shown;

inline release_and_show()
{
	store(of_released, 1);
#ifndef SHOWS_WITHOUT_BARRIER
	full_barrier();
#endif
	store(kn_active, 0)
}

inline get_active_of()
{
	if
	:: memory[kn_active] == 0 ->
		MUST(no_use_after_release, load(of_released) == 1)
	:: memory[kn_active] != 0
	fi
}

byte pair;

proctype one(byte me)
{
	if
	:: pair == 1 -> last_left()
	:: pair == 2 -> forget_file()
	:: pair == 3 -> shut_and_wake_pollers()
	:: pair == 4 -> shut_and_kick()
	:: pair == 5 -> drain_and_kick()
	:: pair == 6 -> deactivate_and_wake()
	:: pair == 7 -> release_and_show()
	fi;
	through++
}

proctype other(byte me)
{
	if
	:: pair == 1 -> drain()
	:: pair == 2 -> wait_for_file()
	:: pair == 3 -> poll()
	:: pair == 4 -> enter_cancellation()
	:: pair == 5 -> request_kick()
	:: pair == 6 -> open_and_poll()
	:: pair == 7 -> get_active_of()
	fi;
	through++
}

inline write_to_memory(slot, variable)
{
	d_step {
		is_buffered(slot) ->
		if
		:: stored[slot] -> memory[variable] = stored[slot] - 1
		:: else -> memory[variable] = memory[variable] + added[slot]
		fi;
		stored[slot] = 0;
		added[slot] = 0
	}
}

proctype buffers()
{
end:	do
	:: write_to_memory(0, X)
	:: write_to_memory(1, Y)
	:: write_to_memory(2, X)
	:: write_to_memory(3, Y)
	od
}

proctype judge()
{
end:	timeout;
	MUST(no_wakeup_lost, through == 2)
}

init {
	atomic {
		select(pair : 1 .. 7);
		memory[X] = (pair == 1 || pair == 2 || pair == 5 -> 1 : 0);
		if
		:: pair == 7 -> memory[kn_active] = DEAD
		:: else
		fi;
		run one(0);
		run other(1);
		run buffers();
		run judge()
	}
}
