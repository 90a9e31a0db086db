// SPDX-License-Identifier: GPL-2.0
/* Files of things that have fs/revoke.c keep their callers out. */
#include <errno.h>
#include <stdlib.h>

#include "thing.h"

static __thread bool closing;

static long thing_method(struct file *file)
{
	struct opened *opened = file->private_data;

	if (opened->hook_calls)
		fail("a method of a released file is called");
	use(opened->thing);
	sleep_inside(opened->thing);
	if (one_in(8))
		WRITE_ONCE(file->f_polled, true);
	return 0;
}

static int thing_fasync(int fd, struct file *file, int on)
{
	struct opened *opened = file->private_data;

	(void)fd;
	if (opened->hook_calls || opened->release_calls)
		fail("->fasync() of a released file is called");
	spin_lock(&file->f_lock);
	if (on)
		file->f_flags |= FASYNC;
	else
		file->f_flags &= ~FASYNC;
	spin_unlock(&file->f_lock);
	return 0;
}

static int attach(struct file *file, struct thing *thing)
{
	if (kind_of(thing) == THING_SHARED_GATE)
		return make_revokable_shared(file, &thing->rv);
	return make_revokable(file, &thing->rv);
}

static int open_in_slot(struct slot *slot, struct file *file)
{
	struct opened *opened = file->private_data;
	struct thing *thing = slot->thing;
	int error;

	if (!thing)
		return -ESTALE;
	memory_is_short = one_in(64);
	error = attach(file, thing);
	opened->results = thing->results;
	if (error) {
		if (error == -ENOMEM)
			count(EVENT_OPEN_WITHOUT_MEMORY);
		else if (error == thing->results->open && revokable_is_dead(&thing->rv))
			count(EVENT_OPEN_REFUSED);
		else
			fail("open answers %d", error);
	} else {
		opened->thing = thing;
		if (files_keep_thing(thing->storm))
			thing_get(thing);
	}
	memory_is_short = false;
	return error;
}

/* From the first step on the gate keeps the thing, without the lock of the slot. */
static int thing_open(struct inode *inode, struct file *file)
{
	struct slot *slot = inode->i_private;
	struct opened *opened = file->private_data;
	int error;

	mutex_lock(&slot->lock);
	error = open_in_slot(slot, file);
	mutex_unlock(&slot->lock);
	if (error)
		return error;

	use(opened->thing);
	if (one_in(16)) {
		count(EVENT_OPEN_FAILED);
		return -EAGAIN;
	}
	/* Those that share a gate are not released by revocation. */
	if (kind_of(opened->thing) != THING_SHARED_GATE)
		payload_check(opened->thing->payload)->opened++;
	opened->is_open = true;
	return 0;
}

void release_once(struct file *file)
{
	struct opened *opened = file->private_data;

	if (opened->hook_calls++)
		fail("a file is released twice");
	if (!opened->is_open)
		fail("a file is released whose open has failed");
	if (READ_ONCE(file->f_mapped))
		fail("a file is released before it is unmapped");
	if (READ_ONCE(file->f_polled))
		fail("a file is released before its pollers are detached");
	if (file->f_flags & FASYNC)
		fail("a file is released before SIGIO is turned off");
	if (READ_ONCE(opened->thing->revoked))
		fail("a file is released after revocation has returned");
	count(closing ? EVENT_CLAIMED_BY_CLOSER : EVENT_CLAIMED_BY_REVOKER);
	dawdle();
	payload_check(opened->thing->payload)->released++;
}

void thing_hook(struct file *file)
{
	struct opened *opened = file->private_data;
	struct thing *thing = opened->thing;
	const bool was_closing = closing;

	release_once(file);
	if (kind_of(thing) != THING_REMOVES_ITSELF)
		return;
	/* What is claimed in there is claimed by a revoker. */
	closing = false;
	if (one_in(4) && !__atomic_exchange_n(&thing->by_hook, true, __ATOMIC_RELAXED)) {
		revoke_it(&thing->rv);
		payload_check_revoked(thing);
		count(EVENT_REVOKED_BY_ITS_HOOK);
	}
	if (thing_put(thing))
		count(EVENT_FREED_BY_ITS_HOOK);
	closing = was_closing;
}

static int thing_release(struct inode *inode, struct file *file)
{
	struct opened *opened = file->private_data;

	(void)inode;
	if (opened->release_calls++)
		fail("->release() is called twice");
	if (!opened->hook_calls)
		fail("->release() is called before the hook");
	return 0;
}

const struct file_operations thing_fops = {
	.open		= thing_open,
	.release	= thing_release,
	.read		= thing_method,
	.llseek		= thing_method,
	.unlocked_ioctl	= thing_method,
	.fasync		= thing_fasync,
};

/* What others leave to the hook. */
static int hookless_release(struct inode *inode, struct file *file)
{
	release_once(file);
	return thing_release(inode, file);
}

const struct file_operations hookless_fops = {
	.open		= thing_open,
	.release	= hookless_release,
	.read		= thing_method,
	.llseek		= thing_method,
	.unlocked_ioctl	= thing_method,
	.fasync		= thing_fasync,
};

/* The gate is in the thing: this is the last use of it. */
static int shared_release(struct inode *inode, struct file *file)
{
	struct opened *opened = file->private_data;

	(void)inode;
	opened->release_calls++;
	thing_put(opened->thing);
	return 0;
}

const struct file_operations shared_fops = {
	.open		= thing_open,
	.release	= shared_release,
	.read		= thing_method,
	.llseek		= thing_method,
	.unlocked_ioctl	= thing_method,
};

void file_is_freed(struct file *file)
{
	struct opened *opened = file->private_data;
	const bool has_hook = opened->is_open && file->f_op != &shared_fops &&
			      (file->f_op != &owned_fops || opened->owned);

	if (opened->hook_calls != has_hook)
		fail("a file that is %s closed was released %u times",
		     has_hook ? "" : "not", opened->hook_calls);
	if (opened->release_calls != opened->is_open)
		fail("->release() of a closed file was called %u times",
		     opened->release_calls);
	free(opened);
}

void put_file(const struct storm *storm, struct file *file)
{
	const u64 sleeps = current->sleeps;

	closing = true;
	fput(file);
	closing = false;
	/* Hooks of other kinds sleep for reasons of their own. */
	if (storm->plan.kind != THING_REMOVES_ITSELF && current->sleeps != sleeps)
		count(EVENT_CLOSER_WAITED_FOR_REVOKER);
}
