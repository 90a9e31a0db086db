/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who releases an open file: __fput() of each file against those who revoke the
 * object.  The references are gone already, so no task is inside a method.
 *
 *	FILES		open files, each about to be closed by a task of its own
 *	REVOKERS	tasks that revoke the object
 *	SELF_REVOKES	the release hook of the first file revokes the object, too
 *
 * Whoever is the last to be through with revoking frees the object at once.
 */

#define TASKS		(FILES + REVOKERS)
#define is_gated	true
#define FIRST		0

#include "sync.pml"

bit object_there = 1;
bit file_there[FILES];

inline touch_object(rv)
{
	MUST(no_touch_after_free, object_there && rv != 0)
}

#include "revoke.pml"

/* Those who have yet to revoke the object or are at it. */
byte holders;

#ifdef SELF_REVOKES
bit nested_done[TASKS + 1];
#define is_excepted(f)	(f == FIRST)
#else
#define is_excepted(f)	false
#endif

inline wake_pollers(f) { skip }
inline detach_pollers(f) { skip }
inline free_pollers(f) { skip }
inline kick_hook(rv) { touch_object(rv) }

inline f_op_release(f)
{
	MUST(no_touch_after_free, file_there[f])
}

inline revoked()
{
	d_step {
		i_ = 0;
		do
		:: i_ < FILES ->
			MUST(release_before_revoke_returns,
			     release_done[i_] || is_excepted(i_));
			i_++
		:: else -> break
		od;
		holders--;
		if
		:: holders == 0 -> object_there = 0
		:: else
		fi
	}
}

inline release_hook(f)
{
	d_step {
		touch_object(1);
		MUST(no_touch_after_free, file_there[f])
	};
#ifdef SELF_REVOKES
	if
	:: f == FIRST ->
		run nested_revoke(me);
		nested_done[me]
	:: else
	fi
#endif
}

#ifdef SELF_REVOKES
/* A function call further down the stack of task `me`, which waits for it. */
proctype nested_revoke(byte me)
{
	REVOKE_LOCALS;

	revoke_it(1);
	revoked();
	nested_done[me] = 1
}
#endif

proctype closer(byte me; byte f)
{
	REVOKE_LOCALS;

	revoke_fput(f);
	file_there[f] = 0
}

proctype revoker(byte me)
{
	REVOKE_LOCALS;

	revoke_it(1);
	revoked()
}

init {
	byte n = 0;

	atomic {
		holders = REVOKERS;
#ifdef SELF_REVOKES
		holders++;
#endif
		do
		:: n < FILES ->
			d_step {
				file_there[n] = 1;
				rf_there[n] = 1;
				rf_file[n] = 1;
				rf_revokable[n] = 1;
				list_add(n)
			};
			n++;
			run closer(n, n - 1)
		:: else -> break
		od;
		do
		:: n < TASKS -> n++; run revoker(n)
		:: else -> break
		od
	}
}
