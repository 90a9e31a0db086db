/* SPDX-License-Identifier: GPL-2.0 */
/* Objects that go away while they are open, and the tasks that see to it. */
#ifndef STORM_H
#define STORM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum thing_kind {
	THING_OWN_GATES,	/* a gate for each file, and a release hook */
	THING_WITHOUT_HOOK,	/* ->release() of the file is the hook */
	THING_SHARED_GATE,	/* make_revokable_shared() */
	THING_OWNED,		/* make_revokable_by_owner(), with a count like kernfs' */
	THING_REMOVES_ITSELF,	/* its release hook may revoke it, and free it */
	THING_NR_KINDS
};

/* What happened, counted by each task for itself. */
enum event {
	EVENT_REVOKED,			/* things, of which each is revoked by one task or more */
	EVENT_REVOKE_CALLED,
	EVENT_REVOKED_TOGETHER,
	EVENT_OPENED,
	EVENT_OPEN_FAILED,
	EVENT_OPEN_WITHOUT_MEMORY,
	EVENT_OPEN_REFUSED,
	EVENT_USED,
	EVENT_USE_REFUSED,
	EVENT_SLEPT_INSIDE,
	EVENT_KICKED_ON_REQUEST,
	EVENT_CLAIMED_BY_REVOKER,
	EVENT_CLAIMED_BY_CLOSER,
	EVENT_REVOKER_WAITED_FOR_USERS,
	EVENT_REVOKER_WAITED_FOR_RELEASE,
	EVENT_CLOSER_WAITED_FOR_REVOKER,
	EVENT_REVOKED_BY_ITS_HOOK,
	EVENT_FREED_BY_ITS_HOOK,
	EVENT_SHOWN_AGAIN,
	NR_EVENTS
};

struct actor {
	unsigned int number;		/* from 0 */
	uint64_t random;		/* state of its generator, not 0 */
	uint64_t steps;			/* changes as long as the actor does not hang */
	const char *doing;		/* the last step begun */
	uint64_t events[NR_EVENTS];
};

struct storm;

struct storm_plan {
	enum thing_kind kind;
	unsigned int actors;
	uint64_t revocations;
	unsigned int preempt_one_in;
};

struct storm *storm_start(const struct storm_plan *plan);
/* What each actor's thread does; returns when the storm is over. */
void storm_act(struct storm *storm, struct actor *actor);
bool storm_is_over(const struct storm *storm);
/* Then: wakes who sleeps inside of something.  Done by an actor of its own. */
void storm_wake_all(struct storm *storm, struct actor *actor);
/* When all have come back: closes and frees what is left, and looks for leaks. */
void storm_end(struct storm *storm, struct actor *actor);

/* Without any storm. */
void check_refusals(struct actor *actor);
void check_answers(struct actor *actor);
void check_kicks(struct actor *actor);
void check_report(struct actor *actor);

void things_init(void);

#ifdef __cplusplus
}
#endif

#endif
