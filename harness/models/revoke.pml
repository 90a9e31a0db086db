/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fs/revoke.c, function by function, one step for each atomic operation, each
 * taking or dropping of a lock, each wake-up and each look at what others change.
 *
 * Who includes this defines
 *	TASKS, FILES	how many there are
 *	is_gated	the core's own gates, or those of the object's owner
 * and the inlines that this calls:
 *	touch_object(rv)	fails if the object is no longer there
 *	kick_hook(rv), release_hook(f), f_op_release(f)
 *	wake_pollers(f), detach_pollers(f), free_pollers(f)
 * and has REVOKE_LOCALS in each proctype that takes these steps.
 */

/* Of gates that are open, REVOKE_OPEN_BIAS. */
#define OPEN_BIAS	(-100)

/* Gates: that of each file, then the object's own. */
#define SELF		FILES
#define NOBODY		0

/* What tasks wait for, see wait_event(). */
#define ON_DRAINING	1
#define ON_FILES	2
#define ON_FILE(f)	(3 + f)
#define FIRST_FREE_KEY	(3 + FILES)

/* struct revokable */
short in_use[FILES + 1] = OPEN_BIAS;
short draining;
bit kick;
bit rv_lock;
byte list[FILES];
byte listed;

/* struct revoke_file; the address of the object in ->revokable, 0 is none */
bit rf_there[FILES];
bit rf_file[FILES];
byte rf_revokable[FILES];
byte claimant[FILES];

/* What nobody in the kernel counts: for the assertions alone. */
byte inside[FILES + 1];
byte released[FILES];
bit release_done[FILES];
byte returned;

hidden byte i_, j_;

#define REVOKE_LOCALS	bit yes; byte f_r

#define is_dead()	(in_use[SELF] >= 0)
#define is_shut(g)	(in_use[g] >= 0)

inline touch_gate(g)
{
	if
	:: g < FILES -> MUST(no_touch_after_free, rf_there[g])
	:: else -> touch_object(1)
	fi
}

inline list_add(f)
{
	i_ = listed;
	do
	:: i_ > 0 -> list[i_] = list[i_ - 1]; i_--
	:: else -> break
	od;
	list[0] = f;
	listed++
}

inline list_del(f)
{
	i_ = 0;
	j_ = 0;
	do
	:: i_ < listed ->
		if
		:: list[i_] != f -> list[j_] = list[i_]; j_++
		:: else
		fi;
		i_++
	:: else -> break
	od;
	MUST(no_touch_after_free, j_ + 1 == listed);
	listed = j_;
	/* Lists of the same files are to be the same state. */
	list[listed] = 0
}

inline start_using(g, yes)
{
#ifdef LOOK_THEN_COUNT
	d_step { touch_gate(g); yes = !is_shut(g) };
	if
	:: yes -> in_use[g]++
	:: else
	fi
#else
	d_step {
		touch_gate(g);
		yes = !is_shut(g);
		if
		:: yes -> in_use[g]++
		:: else
		fi
	}
#endif
}

inline give_up_unit(rv)
{
	d_step {
		touch_object(rv);
		draining--;
		yes = (draining == 0)
	};
	if
	:: yes -> wake_up(ON_DRAINING)
	:: else
	fi
}

inline revoke_last_left(g)
{
#ifdef WAKE_BEFORE_COUNT
	wake_up(ON_DRAINING);
	draining--
#else
	d_step { touch_gate(g) };
	give_up_unit(1)
#endif
}

inline stop_using(g)
{
	d_step {
		touch_gate(g);
		in_use[g]--;
		yes = (in_use[g] == 0)
	};
	if
	:: yes -> revoke_last_left(g)
	:: else
	fi
}

inline revoke_shut(g)
{
#ifdef NO_UNIT
	in_use[g] = in_use[g] - OPEN_BIAS
#else
	d_step {
		touch_gate(g);
#ifdef COUNT_LOST
		in_use[g] = 0;
#else
		in_use[g] = in_use[g] - OPEN_BIAS;
#endif
		yes = (in_use[g] != 0)
	};
	if
	:: yes -> draining++
	:: else
	fi
#endif
}

/* The file is in its open(), so it holds its own gate; anonymous ones do not. */
inline make_revokable(f, yes)
{
	d_step {
		rf_there[f] = 1;
		rf_file[f] = 1;
		rf_revokable[f] = 1;
		claimant[f] = NOBODY;
#ifdef OPEN_STAYS_OUTSIDE
		in_use[f] = OPEN_BIAS
#else
		in_use[f] = OPEN_BIAS + 1
#endif
	};
#ifdef LOOK_OUTSIDE_THE_LOCK
	d_step { touch_object(1); yes = !is_dead() };
	LOCK(rv_lock);
	d_step {
		if
		:: yes -> list_add(f)
		:: else
		fi
	};
#else
	LOCK(rv_lock);
	d_step {
		touch_object(1);
		yes = !is_dead();
		if
		:: yes -> list_add(f)
		:: else
		fi
	};
#endif
	UNLOCK(rv_lock);
	if
	:: !yes -> rf_there[f] = 0
	:: else
	fi
}

inline revoke_open_failed(f)
{
#ifdef FAILED_OPEN_LEAVES_FIRST
	stop_using(f);
#endif
	LOCK(rv_lock);
	d_step { touch_object(rf_revokable[f]); list_del(f) };
	UNLOCK(rv_lock);
#ifndef FAILED_OPEN_LEAVES_FIRST
	stop_using(f);
#endif
	rf_there[f] = 0
}

inline revoke_claim(f, yes)
{
#ifdef CLAIM_IN_TWO_STEPS
	yes = (claimant[f] == NOBODY);
	if
	:: yes -> claimant[f] = me
	:: else
	fi
#else
	d_step {
		MUST(no_touch_after_free, rf_there[f]);
		yes = (claimant[f] == NOBODY);
		if
		:: yes -> claimant[f] = me
		:: else
		fi
	}
#endif
}

/* The hook of one file; what it does beside counting is the scenario's. */
inline call_release_hook(f)
{
	d_step {
		released[f]++;
		MUST(release_once, released[f] == 1);
		MUST(no_use_after_release, inside[f] == 0);
		touch_object(rf_revokable[f])
	};
	release_hook(f);
	release_done[f] = 1
}

inline unlist_claimed(f)
{
#ifdef UNLIST_WITHOUT_LOCK
	d_step { touch_object(rf_revokable[f]); list_del(f) };
	wake_up(ON_FILES)
#else
	LOCK(rv_lock);
	d_step { touch_object(rf_revokable[f]); list_del(f) };
#ifndef NO_WAKE_UP_FOR_FILES
	if
	:: is_dead() || !is_gated -> wake_up(ON_FILES)
	:: else
	fi;
#endif
	UNLOCK(rv_lock)
#endif
}

inline revoke_release_claimed(f)
{
#ifdef RELEASE_BEFORE_DETACH
	call_release_hook(f);
	detach_pollers(f);
#else
	detach_pollers(f);
	call_release_hook(f);
#endif
	if
	:: rf_revokable[f] != 0 -> unlist_claimed(f)
	:: else
	fi
}

inline revoke_release_or_wait(f)
{
	revoke_claim(f, yes);
	if
	:: yes -> revoke_release_claimed(f)
#ifdef FPUT_DOES_NOT_WAIT
	:: else
#else
	:: else -> wait_event(ON_FILE(f), !rf_file[f])
#endif
	fi
}

/* After it __fput() frees the file. */
inline revoke_fput(f)
{
	revoke_release_or_wait(f);
	f_op_release(f);
	free_pollers(f);
	rf_there[f] = 0
}

inline revokable_disable(rv)
{
	LOCK(rv_lock);
	d_step { touch_object(rv) };
	if
	:: !is_dead() -> revoke_shut(SELF)
	:: else
	fi;
	do
	:: listed > 0 && !is_shut(list[0]) ->
		f_r = list[0];
#ifdef WAKE_BEFORE_SHUT
		wake_pollers(f_r);
		revoke_shut(f_r);
#else
		revoke_shut(f_r);
		wake_pollers(f_r);
#endif
#ifndef NOT_TO_THE_TAIL
		d_step { list_del(f_r); list[listed] = f_r; listed++ };
#endif
		/* cond_resched_lock() may. */
		UNLOCK(rv_lock);
		LOCK(rv_lock)
	:: else -> break
	od;
	UNLOCK(rv_lock);
	f_r = 0
}

inline revokable_request_kick(rv)
{
	kick = 1;
#ifndef NO_WAKE_UP_FOR_KICK
	wake_up(ON_DRAINING)
#endif
}

inline revokable_drain(rv)
{
	do
	:: draining == 0 -> touch_object(rv); break
	:: else ->
		touch_object(rv);
		wait_event(ON_DRAINING, draining == 0 || kick);
		if
		:: kick ->
#ifdef KICK_BEFORE_CLEAR
			kick_hook(rv);
			kick = 0
#else
#ifndef KICK_STAYS
			kick = 0;
#endif
			kick_hook(rv)
#endif
		:: else
		fi
	od
}

/* Under the lock, which is what a claim by __fput() does without. */
inline revokable_claim_one(yes)
{
	f_r = 0;
	yes = 0;
	do
	:: f_r < listed ->
		revoke_claim(list[f_r], yes);
		if
		:: yes -> f_r = list[f_r]; break
		:: else -> f_r++
		fi
	:: else -> break
	od
}

/* Takes the files off that the caller is releasing further up its stack. */
inline revokable_files_gone()
{
#ifndef WAITS_FOR_ITSELF
	d_step {
		yes = 0;
		t_ = 0;
		do
		:: t_ < listed && claimant[list[t_]] == me ->
#ifndef OBJECT_NOT_FORGOTTEN
			rf_revokable[list[t_]] = 0;
#endif
			list_del(list[t_]);
			yes = 1
		:: t_ < listed && claimant[list[t_]] != me -> t_++
		:: else -> break
		od
	};
	if
#ifndef NO_WAKE_UP_BY_SELF
	:: yes -> wake_up(ON_FILES); yes = 0
#endif
	:: else
	fi
#else
	skip
#endif
}

inline revokable_release(rv)
{
	LOCK(rv_lock);
	d_step { touch_object(rv) };
	do
	:: revokable_claim_one(yes);
		if
		:: yes ->
			UNLOCK(rv_lock);
#ifdef FORGOTTEN_BEFORE_UNLISTED
			rf_file[f_r] = 0;
			wake_up(ON_FILE(f_r));
			revoke_release_claimed(f_r);
#else
			revoke_release_claimed(f_r);
			d_step {
				MUST(no_touch_after_free, rf_there[f_r]);
				rf_file[f_r] = 0
			};
#ifndef NO_WAKE_UP_FOR_FPUT
			wake_up(ON_FILE(f_r));
#endif
#endif
			LOCK(rv_lock);
			d_step { touch_object(rv) }
		:: else -> break
		fi
	od;
	f_r = 0;
#ifndef RELEASE_DOES_NOT_WAIT
	do
	:: waits_for[me] = ON_FILES;
		revokable_files_gone();
		if
		:: listed == 0 -> waits_for[me] = 0; break
		:: else ->
			UNLOCK(rv_lock);
			waits_for[me] == 0;
			LOCK(rv_lock)
		fi
	od;
#endif
	UNLOCK(rv_lock)
}

inline revoke_idle(rv, yes)
{
	LOCK(rv_lock);
	d_step {
		touch_object(rv);
#ifdef IDLE_WITH_FILES
		yes = (in_use[SELF] == OPEN_BIAS);
#else
		yes = (listed == 0 && in_use[SELF] == OPEN_BIAS);
#endif
#ifdef IDLE_IN_TWO_STEPS
	};
	d_step {
#endif
		in_use[SELF] = (yes -> 0 : in_use[SELF])
	};
	UNLOCK(rv_lock)
}

inline revoke_it(rv)
{
#ifdef SECOND_RETURNS_AT_ONCE
	yes = is_dead();
	if
	:: yes
	:: else -> revoke_idle(rv, yes)
	fi;
#else
	revoke_idle(rv, yes);
#endif
	if
	:: yes
	:: else ->
		revokable_disable(rv);
		kick_hook(rv);
#ifndef NO_DRAIN
		revokable_drain(rv);
#endif
		revokable_release(rv)
	fi
}
