// SPDX-License-Identifier: GPL-2.0
/*
 * A storm: tasks that open, use, close and revoke the things of a few slots, at
 * random, and look whether what fs/revoke.c promises holds.
 *
 * What is behind a thing (struct payload) is freed as soon as the last of those who
 * revoked it has returned, and is accessed without atomics wherever the gate or the
 * claim are to order it: so AddressSanitizer sees who comes too late, and
 * ThreadSanitizer who is not ordered.
 */
#include <stdlib.h>

#include <linux/sched.h>

#include "thing.h"

static const struct file_operations *fops_of(enum thing_kind kind)
{
	switch (kind) {
	case THING_WITHOUT_HOOK:
		return &hookless_fops;
	case THING_SHARED_GATE:
		return &shared_fops;
	case THING_OWNED:
		return &owned_fops;
	default:
		return &thing_fops;
	}
}

static struct file *swap_file(struct slot *slot, struct file *file)
{
	struct file **place = &slot->files[pick(NR_FILES)];
	struct file *old;

	mutex_lock(&slot->lock);
	old = *place;
	*place = file;
	mutex_unlock(&slot->lock);
	return old;
}

static void act_open(struct slot *slot)
{
	struct storm *storm = slot->storm;
	struct opened *opened = allocate(sizeof(*opened));
	struct file *file = vfs_alloc_file(fops_of(storm->plan.kind), &slot->inode, opened);

	begin("open");
	if (vfs_open(file)) {
		struct thing *thing = files_keep_thing(storm) ? opened->thing : NULL;

		if (file->f_revoke)
			fail("a file whose open has failed is left with a gate");
		fput(file);
		if (thing)
			thing_put(thing);
		return;
	}
	count(EVENT_OPENED);
	file = swap_file(slot, file);
	begin("close to make room");
	if (file)
		put_file(storm, file);
}

static void act_close(struct slot *slot)
{
	struct file *file = swap_file(slot, NULL);

	begin("close");
	if (file)
		put_file(slot->storm, file);
}

static struct file *get_file_of(struct slot *slot)
{
	struct file *file;

	mutex_lock(&slot->lock);
	file = slot->files[pick(NR_FILES)];
	if (file)
		get_file(file);
	mutex_unlock(&slot->lock);
	return file;
}

static void call(struct file *file, enum revoke_method method)
{
	struct opened *opened = file->private_data;
	/* Owners answer by themselves, ours always the same. */
	const bool by_owner = !file_is_gated(file);
	const long ret = vfs_call(file, method);

	if (ret && ret != (by_owner ? opened->results->other : errno_of(opened->results, method)))
		fail("method %d answers %ld", method, ret);
	count(ret ? EVENT_USE_REFUSED : EVENT_USED);
}

static void act_mmap(struct file *file)
{
	const struct opened *opened = file->private_data;

	/* Nobody looks for the mappings of files that leave nothing behind. */
	if (file->f_op != &owned_fops || opened->owned)
		vfs_mmap(file);
}

static void act_use(struct slot *slot)
{
	static const enum revoke_method methods[] = {
		REVOKE_READ, REVOKE_LLSEEK, REVOKE_IOCTL,
	};
	struct file *file = get_file_of(slot);

	if (!file)
		return;
	begin("use");
	switch (pick(8)) {
	case 0:
		if (file->f_op->fasync)
			vfs_fasync(file);
		break;
	case 1:
		if (slot->storm->plan.kind != THING_SHARED_GATE)
			act_mmap(file);
		break;
	default:
		call(file, methods[pick(3)]);
	}
	begin("end of use");
	put_file(slot->storm, file);
}

/* Under the slot's lock: nobody finds the thing there any more. */
static void unlink_thing(struct slot *slot)
{
	slot->thing = READ_ONCE(slot->storm->over) ? NULL : thing_new(slot->storm);
}

static void revoke_thing(struct thing *thing)
{
	u64 sleeps;

	if (one_in(2)) {
		revoke_it(&thing->rv);
		return;
	}
	revokable_disable(&thing->rv);
	revokable_kick(&thing->rv);
	sleeps = current->sleeps;
	revokable_drain(&thing->rv);
	if (current->sleeps != sleeps)
		count(EVENT_REVOKER_WAITED_FOR_USERS);
	if (READ_ONCE(thing->payload->inside))
		fail("somebody is inside after the drain");
	sleeps = current->sleeps;
	revokable_release(&thing->rv);
	if (current->sleeps != sleeps)
		count(EVENT_REVOKER_WAITED_FOR_RELEASE);
}

/*
 * Several tasks may be at it; openers find the thing until it is unlinked, before
 * the revocation or after it.
 */
static void act_revoke(struct slot *slot)
{
	struct storm *storm = slot->storm;
	struct thing *thing;
	bool unlinked = false, last;

	mutex_lock(&slot->lock);
	thing = slot->thing;
	if (!thing) {
		mutex_unlock(&slot->lock);
		return;
	}
	thing_get(thing);
	thing->revokers++;
	if (one_in(4)) {
		unlink_thing(slot);
		unlinked = true;
	}
	mutex_unlock(&slot->lock);

	begin("revoke");
	revoke_thing(thing);
	count(EVENT_REVOKE_CALLED);
	WRITE_ONCE(thing->revoked, true);
	payload_check_revoked(thing);

	begin("end of revoke");
	mutex_lock(&slot->lock);
	if (slot->thing == thing) {
		unlink_thing(slot);
		unlinked = true;
	}
	last = !--thing->revokers;
	mutex_unlock(&slot->lock);
	if (!last)
		count(EVENT_REVOKED_TOGETHER);
	else if (storm->plan.kind != THING_REMOVES_ITSELF)
		payload_end(thing);
	if (unlinked)
		thing_put(thing);
	thing_put(thing);
}

/* Leaves the removal to whoever drops the last reference: maybe a release hook. */
static void act_unlink(struct slot *slot)
{
	struct thing *thing;

	begin("unlink");
	mutex_lock(&slot->lock);
	thing = slot->thing;
	if (thing)
		unlink_thing(slot);
	mutex_unlock(&slot->lock);
	if (thing)
		thing_put(thing);
}

/* Under the slot's lock, by the last of those who have hidden the thing. */
static bool show_again(struct thing *thing)
{
	payload_end(thing);
	if (READ_ONCE(thing->storm->over) || one_in(2))
		return false;
	thing->payload = payload_new(thing->storm);
	count(EVENT_SHOWN_AGAIN);
	/* Full barrier: what has been released is seen to be so by who gets in again. */
	atomic_add_return(-ACTIVE_BIAS, &thing->active);
	return true;
}

static void act_hide(struct slot *slot)
{
	struct thing *thing;
	bool unlinked = false;
	u64 sleeps;

	mutex_lock(&slot->lock);
	thing = slot->thing;
	if (!thing) {
		mutex_unlock(&slot->lock);
		return;
	}
	thing_get(thing);
	if (!thing->revokers++)
		atomic_add_return(ACTIVE_BIAS, &thing->active);
	mutex_unlock(&slot->lock);

	begin("drain");
	sleeps = current->sleeps;
	wait_event(thing->queue, atomic_read_acquire(&thing->active) == ACTIVE_BIAS);
	if (current->sleeps != sleeps)
		count(EVENT_REVOKER_WAITED_FOR_USERS);
	begin("release");
	sleeps = current->sleeps;
	revokable_release(&thing->rv);
	if (current->sleeps != sleeps)
		count(EVENT_REVOKER_WAITED_FOR_RELEASE);
	count(EVENT_REVOKE_CALLED);
	payload_check_revoked(thing);

	begin("end of hide");
	mutex_lock(&slot->lock);
	if (--thing->revokers) {
		count(EVENT_REVOKED_TOGETHER);
	} else if (!show_again(thing)) {
		unlink_thing(slot);
		unlinked = true;
	}
	mutex_unlock(&slot->lock);
	if (unlinked)
		thing_put(thing);
	thing_put(thing);
}

static void act_remove(struct slot *slot)
{
	switch (slot->storm->plan.kind) {
	case THING_OWNED:
		act_hide(slot);
		break;
	case THING_REMOVES_ITSELF:
		if (one_in(2)) {
			act_unlink(slot);
			break;
		}
		/* fallthrough */
	default:
		act_revoke(slot);
	}
}

struct storm *storm_start(const struct storm_plan *plan)
{
	const unsigned int nr_slots = (plan->actors + 1) / 2;
	struct storm *storm = allocate(sizeof(*storm) + nr_slots * sizeof(struct slot));

	storm->plan = *plan;
	storm->nr_slots = nr_slots;
	for (unsigned int i = 0; i < nr_slots; i++) {
		struct slot *slot = &storm->slots[i];

		mutex_init(&slot->lock);
		slot->storm = storm;
		slot->inode.i_private = slot;
		current->random = i + 1;
		slot->thing = thing_new(storm);
	}
	return storm;
}

void storm_act(struct storm *storm, struct actor *actor)
{
	become(actor, storm->plan.preempt_one_in);
	while (!READ_ONCE(storm->over)) {
		struct slot *slot = &storm->slots[pick(storm->nr_slots)];
		const u64 what = pick(16);

		if (what < 5)
			act_open(slot);
		else if (what < 11)
			act_use(slot);
		else if (what < 14)
			act_close(slot);
		else
			act_remove(slot);
		if (READ_ONCE(storm->revoked) >= storm->plan.revocations)
			WRITE_ONCE(storm->over, true);
	}
}

bool storm_is_over(const struct storm *storm)
{
	return READ_ONCE(storm->over);
}

void storm_wake_all(struct storm *storm, struct actor *actor)
{
	become(actor, storm->plan.preempt_one_in);
	for (unsigned int i = 0; i < storm->nr_slots; i++)
		act_remove(&storm->slots[i]);
}

void storm_end(struct storm *storm, struct actor *actor)
{
	become(actor, storm->plan.preempt_one_in);
	for (unsigned int i = 0; i < storm->nr_slots; i++) {
		struct slot *slot = &storm->slots[i];

		act_remove(slot);
		for (unsigned int j = 0; j < NR_FILES; j++)
			if (slot->files[j])
				put_file(storm, slot->files[j]);
	}
	if (storm->things)
		fail("%ld things are left", storm->things);
	free(storm);
}
