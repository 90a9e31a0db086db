/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fs/kernfs: the callers of a node's files are counted in kn->active, and the files
 * are claimed and released by fs/revoke.c.
 *
 *	USERS		tasks that open a file each, use it and close it
 *	POLLS		they poll it before they close it
 *	SUICIDES	of the users, the first ones: they remove the node from inside
 *			a method
 *	MAPPERS		tasks that map the first user's file at that time
 *	REMOVERS	tasks that remove the node
 *	HIDERS		a task that hides the node and shows it again
 */

#define FILES		USERS
#define TASKS		(USERS + MAPPERS + REMOVERS + HIDERS)
#define is_gated	false

#include "sync.pml"

/* struct kernfs_open_node, one after the other; 0 is none. */
#define NODES		USERS
bit on_there[NODES + 1];
byte nr_users[NODES + 1];
byte nodes;

inline touch_object(rv)
{
	MUST(no_touch_after_free, on_there[rv])
}

#include "revoke.pml"

#define ON_ACTIVE	FIRST_FREE_KEY
#define ON_POLL		(FIRST_FREE_KEY + 1)

/* KN_DEACTIVATED_BIAS */
#define DEACTIVATED	(-100)

/* struct kernfs_node */
short kn_active;
byte attr_open;
bit is_removing, is_hidden, is_unlinked, is_suicidal, is_suicided;

/* struct kernfs_open_file */
byte of_on[FILES];
bit of_released[FILES];
bit of_mutex[FILES];
byte mappers_left;

bit rwsem;
bit node_mutex;

byte rcu_readers;
bit rcu_pending[NODES + 1];

/* For the assertions alone. */
bit gone;
bit opened[FILES];
bit method_done;

inline kick_hook(rv) { skip }
inline wake_pollers(f) { skip }
inline detach_pollers(f) { skip }
inline free_pollers(f) { skip }

inline release_hook(f)
{
	of_released[f] = 1
}

inline kernfs_get_active(yes)
{
	d_step {
		yes = (kn_active >= 0);
		kn_active = (yes -> kn_active + 1 : kn_active)
	}
}

inline kernfs_put_active()
{
	d_step {
		kn_active--;
		yes = (kn_active == DEACTIVATED)
	};
	if
	:: yes -> wake_up(ON_ACTIVE)
	:: else
	fi
}

inline kernfs_get_active_of(f, yes)
{
	kernfs_get_active(yes);
#ifndef NO_LOOK_AT_RELEASED
	if
	:: yes && of_released[f] -> kernfs_put_active(); yes = 0
	:: else
	fi
#endif
}

inline kernfs_get_open_node(on)
{
	LOCK(node_mutex);
	d_step {
		if
		:: attr_open == 0 ->
			nodes++;
			on_there[nodes] = 1;
			attr_open = nodes
		:: else
		fi;
		on = attr_open;
		nr_users[on]++
	};
	UNLOCK(node_mutex)
}

inline kfree_rcu(on)
{
#ifdef NO_GRACE_PERIOD
	on_there[on] = 0
#else
	if
	:: rcu_readers == 0 -> on_there[on] = 0
	:: else -> rcu_pending[on] = 1
	fi
#endif
}

inline rcu_read_unlock()
{
	d_step {
		rcu_readers--;
		i_ = 1;
		do
		:: i_ <= NODES && rcu_readers == 0 ->
			on_there[i_] = on_there[i_] && !rcu_pending[i_];
			rcu_pending[i_] = 0;
			i_++
		:: else -> break
		od;
		i_ = 0
	}
}

inline kernfs_put_open_node(on)
{
	LOCK(node_mutex);
	d_step {
		touch_object(on);
		nr_users[on]--;
		if
		:: nr_users[on] == 0 ->
			MUST(no_touch_after_free, listed == 0);
			attr_open = 0;
			kfree_rcu(on)
		:: else
		fi
	};
	UNLOCK(node_mutex)
}

inline make_revokable_by_owner(f)
{
	d_step {
		rf_there[f] = 1;
		rf_file[f] = 1;
		rf_revokable[f] = of_on[f]
	};
	LOCK(rv_lock);
	d_step { touch_object(of_on[f]); list_add(f); opened[f] = 1 };
	UNLOCK(rv_lock)
}

inline kernfs_fop_open(f, yes)
{
	kernfs_get_active(yes);
	if
	:: yes ->
		kernfs_get_open_node(of_on[f]);
#ifdef JOINS_AFTER_PUT
		opened[f] = 1;
		kernfs_put_active();
		make_revokable_by_owner(f);
#else
		make_revokable_by_owner(f);
		kernfs_put_active();
#endif
	:: else
	fi
}

/* kernfs_fop_release() */
inline f_op_release(f)
{
	kernfs_put_open_node(of_on[f])
}

inline may_use(f)
{
	MUST(no_use_after_revoke, !gone);
	MUST(no_use_after_release, released[f] == 0);
	touch_object(of_on[f])
}

inline method(f)
{
	d_step { inside[f]++; may_use(f) };
	d_step { may_use(f); inside[f]-- }
}

inline kernfs_fop_read_iter(f)
{
	LOCK(of_mutex[f]);
	kernfs_get_active_of(f, yes);
	if
	:: yes ->
		method(f);
		kernfs_put_active()
	:: else
	fi;
	UNLOCK(of_mutex[f])
}

/* poll(): it ends when the node has gone. */
inline poll_until_gone(f)
{
	do
	:: kernfs_get_active_of(f, yes);
		if
		:: !yes -> break
		:: else
		fi;
		d_step {
			inside[f]++;
			may_use(f);
			waits_for[me] = ON_POLL
		};
		d_step {
#ifdef NO_LOOK_AFTER_JOIN
			f_r = 0;
#else
			f_r = (kn_active < 0);
#endif
			inside[f]--
		};
		kernfs_put_active();
		if
		:: f_r == 1 -> break
		:: else -> waits_for[me] == 0
		fi
	od;
	f_r = 0;
	waits_for[me] = 0
}

inline kernfs_deactivate_one()
{
	if
	:: kn_active >= 0 -> kn_active = kn_active + DEACTIVATED
	:: else
	fi
}

inline kernfs_wake_open_files()
{
	rcu_readers++;
	on = attr_open;
	if
	:: on != 0 -> touch_object(on); wake_up(ON_POLL)
	:: else
	fi;
	on = 0;
	rcu_read_unlock()
}

inline kernfs_drain_open_files()
{
	LOCK(node_mutex);
	d_step {
		on = attr_open;
#ifndef DRAINER_IS_NO_USER
		nr_users[on] = (on -> nr_users[on] + 1 : 0)
#endif
	};
	UNLOCK(node_mutex);
	if
	:: on != 0 ->
		revokable_release(on);
#ifndef DRAINER_IS_NO_USER
		kernfs_put_open_node(on)
#endif
	:: else
	fi;
	on = 0
}

/* Who was inside to open a file has left it where it is found. */
inline is_drained(yes)
{
#ifdef LOOKS_FOR_FILES_FIRST
	yes = (attr_open == 0);
	if
	:: yes -> yes = (kn_active == DEACTIVATED)
	:: else
	fi
#else
	yes = (kn_active == DEACTIVATED);
	if
	:: yes -> yes = (attr_open == 0)
	:: else
	fi
#endif
}

/* Called and left with kernfs_rwsem held. */
inline kernfs_drain()
{
	is_drained(yes);
	if
	:: yes
	:: else ->
		UNLOCK(rwsem);
#ifndef POLLERS_NOT_WOKEN
		if
		:: attr_open != 0 -> kernfs_wake_open_files()
		:: else
		fi;
#endif
#ifndef DRAIN_DOES_NOT_WAIT
		wait_event(ON_ACTIVE, kn_active == DEACTIVATED);
#endif
		if
		:: attr_open != 0 -> kernfs_drain_open_files()
		:: else
		fi;
		LOCK(rwsem)
	fi
}

/* Called and left with kernfs_rwsem held. */
inline __kernfs_remove()
{
	if
	:: !is_unlinked ->
		is_removing = 1;
		kernfs_deactivate_one();
		kernfs_drain();
		is_unlinked = 1
	:: else
	fi
}

/* What holds when the node has gone; who has broken the protection is not inside. */
inline has_gone()
{
	d_step {
		gone = 1;
		i_ = 0;
		do
		:: i_ < FILES ->
			MUST(all_revokers_return_after_the_work, inside[i_] == 0);
			MUST(release_before_revoke_returns,
			     !opened[i_] || release_done[i_]);
			i_++
		:: else -> break
		od;
		i_ = 0
	}
}

#if SUICIDES
inline kernfs_remove_self()
{
	LOCK(rwsem);
#ifndef PROTECTION_NOT_BROKEN
	kernfs_put_active();
#endif
	if
	:: !is_suicidal ->
		is_suicidal = 1;
		__kernfs_remove();
		is_suicided = 1;
		won = 1
	:: else ->
		do
		:: waits_for[me] = ON_ACTIVE;
			if
			:: is_suicided && kn_active == DEACTIVATED ->
				waits_for[me] = 0;
				break
			:: else
			fi;
			UNLOCK(rwsem);
			waits_for[me] == 0;
			LOCK(rwsem)
		od
	fi;
#ifdef UNBREAKS_UNLOCKED
	UNLOCK(rwsem);
	kn_active++
#else
#ifndef PROTECTION_NOT_BROKEN
	kn_active++;
#endif
	UNLOCK(rwsem)
#endif
}

/* A method that removes its own node, and goes on for a while. */
inline remove_self(f)
{
	LOCK(of_mutex[f]);
	kernfs_get_active_of(f, yes);
	if
	:: yes ->
		method(f);
		kernfs_remove_self();
		has_gone();
		if
		:: won -> method_done = 1
		:: else -> MUST(all_revokers_return_after_the_work, method_done)
		fi;
		kernfs_put_active()
	:: else
	fi;
	UNLOCK(of_mutex[f])
}
#endif

inline use(f)
{
#if SUICIDES
	if
	:: f < SUICIDES -> remove_self(f)
	:: else -> kernfs_fop_read_iter(f)
	fi
#else
	kernfs_fop_read_iter(f)
#endif
}

proctype user(byte me; byte f)
{
	bit won;
	byte on;
	REVOKE_LOCALS;

	kernfs_fop_open(f, yes);
	if
	:: opened[f] ->
		use(f);
#ifdef POLLS
		poll_until_gone(f);
#endif
#if MAPPERS
		if
		:: f == 0 -> mappers_left == 0
		:: else
		fi;
#endif
		revoke_fput(f)
	:: else
	fi
}

#if MAPPERS
/* kernfs_start_using() to kernfs_stop_using() of a new mapping. */
proctype mapper(byte me)
{
	REVOKE_LOCALS;

	if
	:: opened[0] ->
#ifdef MAPS_ACTIVE_FIRST
		kernfs_get_active_of(0, yes);
		if
		:: yes ->
			LOCK(of_mutex[0]);
			method(0);
			UNLOCK(of_mutex[0]);
			kernfs_put_active()
		:: else
		fi
#else
		kernfs_fop_read_iter(0)
#endif
	:: true
	fi;
	mappers_left--
}
#endif

#if REMOVERS
proctype remover(byte me)
{
	byte on;
	REVOKE_LOCALS;

	LOCK(rwsem);
	__kernfs_remove();
	UNLOCK(rwsem);
	has_gone()
}
#endif

#if HIDERS
/* kernfs_show(), false and then true; never both at once. */
proctype hider(byte me)
{
	byte on;
	REVOKE_LOCALS;

	LOCK(rwsem);
	is_hidden = 1;
	kernfs_deactivate_one();
	kernfs_drain();
	UNLOCK(rwsem);
	has_gone();

	LOCK(rwsem);
	is_hidden = 0;
	if
#ifdef SHOWS_THE_REMOVED
	:: kn_active < 0 ->
#else
	:: kn_active < 0 && !is_removing ->
		gone = 0;
#endif
		kn_active = kn_active - DEACTIVATED
	:: else
	fi;
	UNLOCK(rwsem)
}
#endif

init {
	byte n = 0;

	atomic {
#if MAPPERS
		mappers_left = MAPPERS;
#endif
		do
		:: n < USERS -> n++; run user(n, n - 1)
		:: else -> break
		od;
#if MAPPERS
		do
		:: n < USERS + MAPPERS -> n++; run mapper(n)
		:: else -> break
		od;
#endif
#if REMOVERS
		do
		:: n < USERS + MAPPERS + REMOVERS -> n++; run remover(n)
		:: else -> break
		od;
#endif
#if HIDERS
		run hider(TASKS)
#endif
	}
}
