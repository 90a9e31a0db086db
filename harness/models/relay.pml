/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fs/revoke_poll.c: who polls one file whose wait-queues are the object's, while
 * the object's driver wakes them, the object is revoked and the file is closed.
 *
 *	POLLERS		tasks in poll(); they have the file open, the last one closes it
 *	WATCHER		one of epoll's items, too; it stays there until __fput()
 *	WAKES		wake-ups by the driver
 *	SOURCES		queues that ->poll() names, all of them at each call
 *	QUEUES_OF_FILE	the release hook frees them; without it, the owner does after
 *			revocation
 *	POLLFREE	the last wake-up is wake_up_pollfree(), and that queue goes by itself
 *
 * Either the driver wakes them or the object is revoked, or both.
 */

#ifndef WATCHER
#define WATCHER		0
#endif

#define FILES		1
#define F		0
#define WAITERS		(POLLERS + WATCHER)
#define REVOKER		(WAITERS + 1)
#define TASKS		REVOKER
#define is_gated	true

#include "sync.pml"

bit object_there = 1;
bit file_there = 1;

inline touch_object(rv)
{
	MUST(no_touch_after_free, object_there)
}

#include "revoke.pml"

/* The object's queues, numbered from 1; what they are told about has happened. */
bit queue_there[SOURCES + 1];
bit queue_lock[SOURCES + 1];
bit queue_gone[SOURCES + 1];
bit event[SOURCES + 1];
/* The driver's own exclusion of those who use its queues and who ends them. */
bit driver_lock;

/* struct revoke_pollers: who allocates one gives it his number. */
byte rf_pollers;
bit pollers_there[WAITERS + 1];
bit pollers_lock[WAITERS + 1];

/*
 * struct revoke_relay: the first one of struct revoke_pollers has its number, and
 * one that a task allocates has that of the task after them.
 */
#define RELAYS		(2 * WAITERS)
bit relay_listed[RELAYS + 1];
byte relay_pollers[RELAYS + 1];
byte relay_source[RELAYS + 1];
byte relay_on[RELAYS + 1];

/* A waiter's entry: the pollers' queue it is on, and that it has been woken. */
byte entry_on[WAITERS + 1];
bit triggered[WAITERS + 1];
bit through[WAITERS + 1];

byte references;
bit item_gone, ep_mutex;

/* Changes as the only possible reader comes and goes. */
byte rcu_reader;

hidden byte k_;

inline kick_hook(rv) { touch_object(rv) }
inline f_op_release(f) { MUST(no_touch_after_free, file_there) }

inline touch_pollers(p)
{
	MUST(no_touch_after_free, pollers_there[p])
}

inline touch_queue(s)
{
	MUST(no_touch_after_free, queue_there[s])
}

/* Wakes who is on the queue of struct revoke_pollers, under its lock. */
inline wake_queue_of(p)
{
	d_step {
		touch_pollers(p);
		k_ = 1;
		do
		:: k_ <= WAITERS ->
			if
			:: entry_on[k_] == p ->
				triggered[k_] = 1;
#ifdef WAKES_ONE
				break
#endif
			:: else
			fi;
			k_++
		:: else -> break
		od;
		k_ = 0
	}
}

/* Called by wake_source(), which holds the source's lock. */
inline relay_wake(r, last)
{
	if
	:: last ->
#ifdef STAYS_ON_QUEUE
		skip
#else
		relay_on[r] = 0
#endif
	:: else
	fi;
#ifdef SOURCE_FORGOTTEN_FIRST
	relay_source[r] = (last -> 0 : relay_source[r]);
#endif
	wake_queue_of(relay_pollers[r]);
#ifndef SOURCE_FORGOTTEN_FIRST
	d_step {
		touch_pollers(relay_pollers[r]);
		relay_source[r] = (last -> 0 : relay_source[r])
	}
#endif
}

/* The next relay on a source, whose lock is held. */
inline next_relay_on(s)
{
	d_step {
		r++;
		do
		:: r <= RELAYS && relay_on[r] != s -> r++
		:: else -> break
		od;
		r = (r <= RELAYS -> r : 0)
	}
}

/* The driver's __wake_up(). */
inline wake_source(s, last)
{
	atomic { !queue_lock[s] -> touch_queue(s); queue_lock[s] = 1 };
	do
	:: next_relay_on(s);
		if
		:: r != 0 -> relay_wake(r, last)
		:: else -> break
		fi
	od;
	UNLOCK(queue_lock[s])
}

inline relay_start(r, p, s)
{
	d_step { relay_pollers[r] = p; relay_source[r] = s };
	atomic {
		!queue_lock[s] ->
		touch_queue(s);
		MUST(no_entry_left_on_a_queue, relay_on[r] == 0);
		relay_on[r] = s
	}
}

inline relay_stop(r)
{
	d_step { rcu_reader++; source = relay_source[r] };
	if
	:: source != 0 ->
		d_step { touch_queue(source) };
		atomic {
			!queue_lock[source] ->
			touch_queue(source);
			relay_on[r] = 0
		}
	:: else
	fi;
	d_step { source = 0; rcu_reader++ }
}

/* Who has r relays from source s, or none; in what order does not matter. */
inline find_relay(p, s)
{
	d_step {
		r = 1;
		do
		:: r <= RELAYS &&
		   !(relay_listed[r] && relay_pollers[r] == p && relay_source[r] == s) ->
			r++
		:: else -> break
		od;
		r = (r <= RELAYS -> r : 0)
	}
}

/* Two looks, of which the second one depends on what wake-ups do meanwhile. */
inline find_or_start_relay(p, s)
{
	find_relay(p, s);
	if
	:: r == 0 ->
		find_relay(p, 0);
		if
		:: r != 0 -> relay_start(r, p, s)
		:: else
		fi
	:: else
	fi
}

inline relay_from(p, s)
{
	LOCK(pollers_lock[p]);
	find_or_start_relay(p, s);
	UNLOCK(pollers_lock[p]);
	if
	:: r == 0 ->
		/* Somebody else may have made the same one meanwhile. */
		LOCK(pollers_lock[p]);
		d_step {
			relay_listed[WAITERS + me] = 1;
			relay_pollers[WAITERS + me] = p
		};
		find_or_start_relay(p, s);
		UNLOCK(pollers_lock[p])
	:: else
	fi;
	r = 0
}

inline revoke_pollers(p)
{
	p = rf_pollers;
	if
	:: p == 0 ->
		d_step {
			pollers_there[me] = 1;
			relay_listed[me] = 1;
			relay_pollers[me] = me
		};
#ifdef POLLERS_STORED
		rf_pollers = me;
		p = me
#else
		d_step {
			p = rf_pollers;
			if
			:: p == 0 -> rf_pollers = me; p = me
			:: else ->
				pollers_there[me] = 0;
				relay_listed[me] = 0;
				relay_pollers[me] = 0
			fi
		}
#endif
	:: else
	fi
}

inline add_entry(p)
{
	d_step { touch_pollers(p); entry_on[me] = p }
}

inline remove_entry(who)
{
	d_step {
		if
		:: entry_on[who] != 0 -> touch_pollers(entry_on[who])
		:: else
		fi;
		entry_on[who] = 0;
		triggered[who] = 0
	}
}

/* poll_wait() on each queue that there still is. */
inline wait_on_sources()
{
#ifdef POLLFREE
	LOCK(driver_lock);
#endif
	s = 1;
	do
	:: s <= SOURCES && !queue_gone[s] ->
		d_step {
			MUST(no_use_after_revoke, returned == 0);
			touch_queue(s)
		};
		revoke_pollers(p);
		relay_from(p, s);
		if
		:: entry_on[me] == 0 -> add_entry(p)
		:: else
		fi;
		s++
	:: s <= SOURCES && queue_gone[s] -> s++
	:: else -> break
	od;
	s = 0;
	p = 0;
#ifdef POLLFREE
	UNLOCK(driver_lock)
#endif
}

/* vfs_poll(): what came out is in `yes`. */
inline gated_poll(has_qproc)
{
#ifdef POLL_WITHOUT_GATE
	yes = 1;
#else
	start_using(F, yes);
#endif
	if
	:: !yes -> mask = 1
	:: else ->
		inside[F]++;
		if
		:: has_qproc -> wait_on_sources()
		:: else
		fi;
		d_step {
			MUST(no_use_after_revoke, returned == 0);
			mask = event[1] || event[SOURCES];
			inside[F]--
		};
#ifndef NO_LOOK_AFTER_JOIN
		if
		:: is_shut(F) -> mask = 1
		:: else
		fi;
#endif
#ifdef POLL_WITHOUT_GATE
		skip
#else
		stop_using(F)
#endif
	fi
}

inline wake_pollers(f)
{
#ifdef POLLERS_NOT_WOKEN
	skip
#else
	p = rf_pollers;
	if
	:: p != 0 -> wake_queue_of(p)
	:: else
	fi;
	p = 0
#endif
}

#define DETACHES	true
#ifdef NOT_DETACHED_BY_FPUT
#undef DETACHES
#define DETACHES	(me == REVOKER)
#endif
#ifdef NOT_DETACHED_BY_REVOKER
#undef DETACHES
#define DETACHES	(me != REVOKER)
#endif

/* Nobody adds to the list any more. */
inline next_relay_of(p)
{
	d_step {
		r++;
		do
		:: r <= RELAYS && !(relay_listed[r] && relay_pollers[r] == p) -> r++
		:: else -> break
		od;
		r = (r <= RELAYS -> r : 0)
	}
}

inline detach_pollers(f)
{
	do
	:: rf_pollers != 0 && DETACHES ->
		next_relay_of(rf_pollers);
		if
		:: r != 0 -> relay_stop(r)
		:: else -> break
		fi
	:: else -> break
	od
}

inline free_pollers(f)
{
	d_step {
		k_ = 1;
		do
		:: k_ <= WAITERS ->
			MUST(no_entry_left_on_a_queue,
			     rf_pollers == 0 || entry_on[k_] != rf_pollers);
			k_++
		:: else -> break
		od;
		pollers_there[rf_pollers] = 0
	}
}

inline free_queue(s)
{
	d_step {
		k_ = 1;
		do
		:: k_ <= RELAYS ->
			MUST(no_entry_left_on_a_queue, relay_on[k_] != s);
			k_++
		:: else -> break
		od;
		queue_there[s] = 0
	}
}

/* The driver makes sure that none of its wake-ups is under way. */
inline end_queues()
{
	s = 1;
	do
	:: s <= SOURCES ->
		atomic {
			!driver_lock ->
			yes = !queue_gone[s];
			queue_gone[s] = 1
		};
		if
		:: yes -> free_queue(s)
		:: else
		fi;
		s++
	:: else -> break
	od;
	s = 0
}

inline release_hook(f)
{
#ifdef QUEUES_OF_FILE
	end_queues()
#else
	skip
#endif
}

/* __fput(): eventpoll first. */
inline put_file()
{
	d_step {
		references--;
		yes = (references == 0)
	};
	if
	:: yes ->
#ifdef EPOLL_COMES_LAST
		revoke_fput(F);
#endif
#if WATCHER
		LOCK(ep_mutex);
		remove_entry(WAITERS);
		item_gone = 1;
		UNLOCK(ep_mutex);
#endif
#ifndef EPOLL_COMES_LAST
		revoke_fput(F);
#endif
		file_there = 0
	:: else
	fi
}

#define WAITER_LOCALS	bit mask; byte p, r, s, source; REVOKE_LOCALS

proctype poller(byte me)
{
	WAITER_LOCALS;

	gated_poll(true);
	do
	:: !mask ->
		triggered[me];
		triggered[me] = 0;
		gated_poll(false)
	:: else -> break
	od;
	through[me] = 1;
	remove_entry(me);
	put_file()
}

#if WATCHER
/* epoll_ctl(), then epoll_wait() for what comes; the item holds no reference. */
proctype watcher(byte me)
{
	WAITER_LOCALS;

	gated_poll(true);
	put_file();
	do
	:: !mask ->
		triggered[me] || item_gone;
		triggered[me] = 0;
		LOCK(ep_mutex);
		d_step {
			yes = (references > 0);
			references = (yes -> references + 1 : references)
		};
		if
		:: yes ->
			gated_poll(false);
			UNLOCK(ep_mutex);
			put_file()
		:: else ->
			UNLOCK(ep_mutex);
			item_gone;
			break
		fi
	:: else -> break
	od;
	through[me] = 1
}
#endif

/* Wakes the queues in turn, possibly when nobody is there any longer. */
proctype driver()
{
	byte n, r, s = 1;

	do
	:: n < WAKES ->
		LOCK(driver_lock);
		if
		:: !queue_gone[s] ->
#ifdef POLLFREE
			queue_gone[s] = (n == WAKES - 1);
#endif
			event[s] = 1;
#ifdef POLLFREE
			if
			:: n == WAKES - 1 ->
				UNLOCK(driver_lock);
				wake_source(s, true);
				/* synchronize_rcu() */
				n = rcu_reader;
#ifndef NO_GRACE_PERIOD
				n % 2 == 0 || rcu_reader != n;
#endif
				free_queue(s);
				break
			:: else
			fi;
#endif
			wake_source(s, false)
		:: else
		fi;
		UNLOCK(driver_lock);
		n++;
		s = (s < SOURCES -> s + 1 : 1)
	:: else -> break
	od
}

proctype revoker(byte me)
{
	WAITER_LOCALS;

	revoke_it(1);
	d_step {
		returned = 1;
		MUST(all_revokers_return_after_the_work, inside[F] == 0);
		MUST(release_before_revoke_returns, release_done[F])
	};
#ifndef QUEUES_OF_FILE
	end_queues();
#endif
	object_there = 0
}

/* When nothing else moves: who still waits has been forgotten. */
proctype judge()
{
	byte n = 1;

end:	timeout;
	do
	:: n <= WAITERS -> MUST(no_wakeup_lost, through[n]); n++
	:: else -> break
	od
}

init {
	byte n = 0;

	atomic {
		d_step {
			rf_there[F] = 1;
			rf_file[F] = 1;
			rf_revokable[F] = 1;
			list_add(F);
			references = WAITERS
		};
		do
		:: n < SOURCES -> n++; queue_there[n] = 1
		:: else -> break
		od;
		n = 0;
		do
		:: n < POLLERS -> n++; run poller(n)
		:: else -> break
		od;
#if WATCHER
		run watcher(WAITERS);
#endif
		if
		:: true -> run driver()
		:: true -> run revoker(REVOKER)
		:: true -> run driver(); run revoker(REVOKER)
		fi;
		run judge()
	}
}
