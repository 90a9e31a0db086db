/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Callers and revokers: files are opened, used and closed, and the object is used
 * without a file, while it is revoked and then freed.
 *
 *	OPENERS		tasks that open a file each; it may fail; use and close it
 *	DUPS		tasks that use the first file, too; the last of all closes it
 *	OBJECT_USERS	tasks that use the object without a file
 *	REVOKERS	tasks that revoke it; the last one through frees it
 *	CANCELLABLE	the method of the first file sleeps until it is cancelled
 */

#define FILES	OPENERS
#define TASKS	(OPENERS + DUPS + OBJECT_USERS + REVOKERS)
#define is_gated	true

#include "sync.pml"

bit object_there = 1;
bit file_there[FILES];

inline touch_object(rv)
{
	MUST(no_touch_after_free, object_there)
}

#include "revoke.pml"

#define ON_CANCEL(task)	(FIRST_FREE_KEY + task)

/* How openers find the object, until its owner takes it away. */
bit hidden_away;
byte looking;

byte references[FILES];
bit open_done[FILES];
bit opened[FILES];

/* What a caller can be cancelled by, as in debugfs. */
bit registered[TASKS + 1], cancelled[TASKS + 1];

inline wake_pollers(f) { skip }
inline detach_pollers(f) { skip }
inline free_pollers(f) { skip }

inline release_hook(f)
{
	touch_object(1)
}

inline f_op_release(f)
{
	MUST(no_touch_after_free, file_there[f])
}

inline kick_hook(rv)
{
	touch_object(rv);
#ifdef CANCELLABLE
	f_r = 1;
	do
	:: f_r <= OPENERS + DUPS ->
		if
		:: registered[f_r] ->
			d_step { registered[f_r] = 0; cancelled[f_r] = 1 };
			wake_up(ON_CANCEL(f_r))
		:: else
		fi;
		f_r++
	:: else -> break
	od;
	f_r = 0
#endif
}

inline look_up(yes)
{
	d_step {
		yes = !hidden_away;
		if
		:: yes -> looking++
		:: else
		fi
	}
}

/* What the method of the first file does inside. */
inline sleep_until_cancelled(g)
{
#ifdef CANCELLABLE
	if
	:: g == 0 ->
		registered[me] = 1;
		if
		:: is_dead() -> revokable_request_kick(1)
		:: else
		fi;
		wait_event(ON_CANCEL(me), cancelled[me])
	:: else
	fi
#else
	skip
#endif
}

inline may_use(g)
{
	MUST(no_use_after_revoke, returned == 0);
	touch_object(1);
	if
	:: g < FILES -> MUST(no_use_after_release, released[g] == 0)
	:: else
	fi
}

inline enter_method(g)
{
	d_step { inside[g]++; may_use(g) }
}

inline leave_method(g)
{
	d_step { may_use(g); inside[g]-- }
}

inline call_method(g)
{
	start_using(g, yes);
	if
	:: yes ->
		enter_method(g);
		sleep_until_cancelled(g);
		leave_method(g);
		stop_using(g)
	:: else
	fi
}

inline close_file(f)
{
	d_step {
		references[f]--;
		yes = (references[f] == 0)
	};
	if
	:: yes ->
		revoke_fput(f);
		file_there[f] = 0
	:: else
	fi
}

/* ->open() after make_revokable(), and what the VFS does with its outcome. */
inline finish_open(f)
{
	enter_method(f);
	if
	:: true ->
		d_step {
			may_use(f);
			inside[f]--;
			opened[f] = 1;
			references[f] = 1 + (f == 0 -> DUPS : 0)
		};
		stop_using(f)
	:: true ->
		leave_method(f);
		revoke_open_failed(f);
		file_there[f] = 0
	fi
}

proctype opener(byte me; byte f)
{
	REVOKE_LOCALS;

	look_up(yes);
	if
	:: yes ->
		file_there[f] = 1;
		make_revokable(f, yes);
		looking--;
		if
		:: yes -> finish_open(f)
		:: else -> file_there[f] = 0
		fi
	:: else
	fi;
	open_done[f] = 1;
	if
	:: opened[f] ->
		call_method(f);
		close_file(f)
	:: else
	fi
}

#if DUPS
proctype dup(byte me)
{
	REVOKE_LOCALS;

	open_done[0];
	if
	:: opened[0] ->
		call_method(0);
		close_file(0)
	:: else
	fi
}
#endif

#if OBJECT_USERS
proctype object_user(byte me)
{
	REVOKE_LOCALS;

	look_up(yes);
	if
	:: yes ->
		start_using(SELF, yes);
		looking--;
		if
		:: yes ->
			enter_method(SELF);
			leave_method(SELF);
			stop_using(SELF)
		:: else
		fi
	:: else
	fi
}
#endif

proctype revoker(byte me)
{
	REVOKE_LOCALS;

	hidden_away = 1;
	revoke_it(1);
	d_step {
		returned++;
		i_ = 0;
		do
		:: i_ < FILES ->
			MUST(all_revokers_return_after_the_work, inside[i_] == 0);
			MUST(release_before_revoke_returns,
			     !opened[i_] || release_done[i_]);
			i_++
		:: else -> break
		od;
		MUST(all_revokers_return_after_the_work, inside[SELF] == 0)
	};
	if
	:: returned == REVOKERS ->
		looking == 0;
		object_there = 0
	:: else
	fi
}

init {
	byte n = 0;

	atomic {
		do
		:: n < OPENERS -> n++; run opener(n, n - 1)
		:: else -> break
		od;
#if DUPS
		do
		:: n < OPENERS + DUPS -> n++; run dup(n)
		:: else -> break
		od;
#endif
#if OBJECT_USERS
		do
		:: n < OPENERS + DUPS + OBJECT_USERS -> n++; run object_user(n)
		:: else -> break
		od;
#endif
		do
		:: n < TASKS -> n++; run revoker(n)
		:: else -> break
		od
	}
}
