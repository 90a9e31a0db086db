/* SPDX-License-Identifier: GPL-2.0 */
/* Objects that go away while they are open. */
#ifndef THING_H
#define THING_H

#include <limits.h>

#include <linux/bug.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/revoke.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "actor.h"
#include "vfs.h"

#define NR_FILES	4
/* Of thing->active, when the thing is hidden. */
#define ACTIVE_BIAS	(INT_MIN + 1)

/* What one task has done; the others read it when the thing has been revoked. */
struct tally {
	u64 opened;
	u64 used;
	u64 released;
};

struct payload {
	u64 magic;
	int inside;		/* atomic, like @uses: not what is to be ordered */
	u64 uses;
	struct tally tallies[];
};

struct thing {
	struct revokable rv;
	struct storm *storm;
	struct payload *payload;
	const struct revoked_results *results;
	atomic_t refs;		/* the slot, who revokes it; of some kinds also its files */
	unsigned int revokers;	/* under the slot's lock */
	bool revoked;		/* atomic: some revocation has returned */
	bool by_hook;		/* atomic: a hook has begun to revoke it */
	wait_queue_head_t queue;
	spinlock_t lock;	/* protects @sleepers */
	struct list_head sleepers;
	atomic_t active;	/* THING_OWNED: callers inside */
};

/* Someone inside a method whom only ->kick() wakes. */
struct sleeper {
	struct list_head node;
	bool kicked;
};

/* What an owner has for each file of its own; its ->release() frees it. */
struct owned_file {
	struct revoke_file revoke;
	bool released;
};

/* Behind file->private_data, until file_is_freed(). */
struct opened {
	struct thing *thing;
	const struct revoked_results *results;
	struct owned_file *owned;
	bool is_open;
	unsigned int hook_calls;
	unsigned int release_calls;
};

/* A name under which there is a thing, and some of its files. */
struct slot {
	struct mutex lock;
	struct storm *storm;
	struct inode inode;
	struct thing *thing;
	struct file *files[NR_FILES];
};

struct storm {
	struct storm_plan plan;
	atomic_t sleepers;
	u64 revoked;
	bool over;
	long things;		/* of which the memory is there */
	unsigned int nr_slots;
	struct slot slots[];
};

#define NR_RESULTS	3
extern const struct revoked_results all_results[NR_RESULTS];
extern const struct file_operations thing_fops, hookless_fops, shared_fops, owned_fops;

long errno_of(const struct revoked_results *results, enum revoke_method method);

struct thing *thing_new(struct storm *storm);
void thing_get(struct thing *thing);
/* True if that was the last reference. */
bool thing_put(struct thing *thing);

static inline enum thing_kind kind_of(const struct thing *thing)
{
	return thing->storm->plan.kind;
}

/* Do the files of this kind keep the memory of the thing? */
static inline bool files_keep_thing(const struct storm *storm)
{
	return storm->plan.kind >= THING_SHARED_GATE;
}

struct payload *payload_new(const struct storm *storm);
/* What this actor has done with it, which is still there. */
struct tally *payload_check(struct payload *payload);
/* After a revocation: nobody is inside, and reads what everybody has written. */
void payload_check_revoked(const struct thing *thing);
/* By the last of those who have revoked the thing. */
void payload_end(struct thing *thing);

/* What methods do, and ->open(). */
void use(struct thing *thing);
void sleep_inside(struct thing *thing);
void thing_kick(struct revokable *rv);
/* By the object's hook, or by ->release() if that is the hook. */
void release_once(struct file *file);
void thing_hook(struct file *file);

/* For THING_OWNED. */
void owned_hook(struct file *file);
bool owned_start_using(struct file *file, enum revoke_method method);
void owned_stop_using(struct file *file, enum revoke_method method);

/* Closes a file: what it claims now is claimed by a closer. */
void put_file(const struct storm *storm, struct file *file);

#endif
