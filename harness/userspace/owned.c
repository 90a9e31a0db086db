// SPDX-License-Identifier: GPL-2.0
/*
 * Files whose owner counts the callers by itself, around less than a method, and
 * may let callers in again: as kernfs does with kn->active.
 */
#include <errno.h>
#include <stdlib.h>

#include "thing.h"

static bool owned_get_active(struct opened *opened)
{
	struct thing *thing = opened->thing;

	if (!atomic_inc_unless_negative(&thing->active))
		return false;
	if (!opened->owned || !opened->owned->released)
		return true;
	if (atomic_dec_return(&thing->active) == ACTIVE_BIAS)
		wake_up_all(&thing->queue);
	return false;
}

static void owned_put_active(struct thing *thing)
{
	if (atomic_dec_return(&thing->active) == ACTIVE_BIAS)
		wake_up_all(&thing->queue);
}

bool owned_start_using(struct file *file, enum revoke_method method)
{
	(void)method;
	return owned_get_active(file->private_data);
}

void owned_stop_using(struct file *file, enum revoke_method method)
{
	struct opened *opened = file->private_data;

	(void)method;
	owned_put_active(opened->thing);
}

static long owned_method(struct file *file)
{
	struct opened *opened = file->private_data;

	if (!owned_get_active(opened))
		return opened->results->other;
	use(opened->thing);
	owned_put_active(opened->thing);
	return 0;
}

void owned_hook(struct file *file)
{
	struct opened *opened = file->private_data;

	release_once(file);
	opened->owned->released = true;
}

static struct thing *owned_get_of_slot(struct slot *slot, struct opened *opened)
{
	struct thing *thing;

	mutex_lock(&slot->lock);
	thing = slot->thing;
	if (thing && atomic_inc_unless_negative(&thing->active)) {
		thing_get(thing);
		opened->thing = thing;
		opened->results = thing->results;
	} else {
		thing = NULL;
	}
	mutex_unlock(&slot->lock);
	return thing;
}

static int owned_open(struct inode *inode, struct file *file)
{
	struct opened *opened = file->private_data;
	struct thing *thing = owned_get_of_slot(inode->i_private, opened);

	if (!thing) {
		count(EVENT_OPEN_REFUSED);
		return -ESTALE;
	}
	use(thing);
	if (one_in(16)) {
		owned_put_active(thing);
		count(EVENT_OPEN_FAILED);
		return -EAGAIN;
	}
	if (one_in(2)) {
		opened->owned = allocate(sizeof(*opened->owned));
		payload_check(thing->payload)->opened++;
	}
	opened->is_open = true;
	make_revokable_by_owner(file, &thing->rv,
				opened->owned ? &opened->owned->revoke : NULL);
	owned_put_active(thing);
	return 0;
}

static int owned_release(struct inode *inode, struct file *file)
{
	struct opened *opened = file->private_data;

	(void)inode;
	if (opened->owned && !opened->hook_calls)
		fail("->release() is called before the hook");
	opened->release_calls++;
	free(opened->owned);
	thing_put(opened->thing);
	return 0;
}

const struct file_operations owned_fops = {
	.open		= owned_open,
	.release	= owned_release,
	.read		= owned_method,
	.llseek		= owned_method,
	.unlocked_ioctl	= owned_method,
};
