// SPDX-License-Identifier: GPL-2.0
/* Things: what is behind them, who refers to them, who sleeps inside of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "thing.h"

#define MAGIC		0x7468696e67733f21ull

const struct revoked_results all_results[NR_RESULTS] = {
	{ .open = -ENOENT, .llseek = -EINVAL, .ioctl = -ENOTTY, .other = -EIO, .poll = 1 },
	{ .open = -ENODEV, .llseek = -ENODEV, .ioctl = -ENXIO, .other = -EPIPE, .poll = 2 },
	{ .open = -ENXIO, .llseek = -ESPIPE, .ioctl = -EIO, .other = -ENODEV, .poll = 3 },
};

long errno_of(const struct revoked_results *results, enum revoke_method method)
{
	switch (method) {
	case REVOKE_LLSEEK:
		return results->llseek;
	case REVOKE_IOCTL:
		return results->ioctl;
	default:
		return results->other;
	}
}

struct payload *payload_new(const struct storm *storm)
{
	/* One more for who ends the storm. */
	const size_t size = (storm->plan.actors + 1) * sizeof(struct tally);
	struct payload *payload = allocate(sizeof(*payload) + size);

	payload->magic = MAGIC;
	return payload;
}

/* For builds without AddressSanitizer. */
static void poison_and_free(void *memory, size_t size)
{
	memset(memory, 0x6b, size);
	/* Or the compiler leaves that out. */
	__asm__ __volatile__("" : : "r" (memory) : "memory");
	free(memory);
}

struct tally *payload_check(struct payload *payload)
{
	if (payload->magic != MAGIC)
		fail("something behind the thing is used that is gone");
	return &payload->tallies[me->number];
}

void payload_check_revoked(const struct thing *thing)
{
	const struct payload *payload = thing->payload;
	struct tally sum = { 0 };

	if (READ_ONCE(payload->inside))
		fail("somebody is inside when revocation has returned");
	for (unsigned int i = 0; i <= thing->storm->plan.actors; i++) {
		sum.opened += payload->tallies[i].opened;
		sum.used += payload->tallies[i].used;
		sum.released += payload->tallies[i].released;
	}
	if (sum.opened != sum.released)
		fail("%lu files opened, %lu released when revocation has returned",
		     (unsigned long)sum.opened, (unsigned long)sum.released);
	if (sum.used != READ_ONCE(payload->uses))
		fail("somebody has used the thing whom revocation did not wait for");
}

static const char *thing_name(const struct revokable *rv)
{
	(void)rv;
	return "a thing";
}

/* By kind, without ->results. */
static const struct revokable_ops ops_of_kinds[THING_NR_KINDS] = {
	[THING_OWN_GATES]	= {
		.kick		= thing_kick,
		.release	= thing_hook,
		.name		= thing_name,
	},
	[THING_WITHOUT_HOOK]	= { .kick = thing_kick, .name = thing_name },
	[THING_SHARED_GATE]	= { .kick = thing_kick, .name = thing_name },
	[THING_OWNED]		= {
		.release	= owned_hook,
		.name		= thing_name,
		.start_using	= owned_start_using,
		.stop_using	= owned_stop_using,
	},
	[THING_REMOVES_ITSELF]	= {
		.kick		= thing_kick,
		.release	= thing_hook,
		.name		= thing_name,
	},
};

static struct revokable_ops all_ops[THING_NR_KINDS][NR_RESULTS];

void things_init(void)
{
	wait_bit_init();
	revoke_init();
	for (unsigned int kind = 0; kind < THING_NR_KINDS; kind++) {
		for (unsigned int i = 0; i < NR_RESULTS; i++) {
			all_ops[kind][i] = ops_of_kinds[kind];
			all_ops[kind][i].results = &all_results[i];
		}
	}
}

struct thing *thing_new(struct storm *storm)
{
	struct thing *thing = allocate(sizeof(*thing));
	const struct revokable_ops *ops = &all_ops[storm->plan.kind][pick(NR_RESULTS)];

	revokable_init(&thing->rv, ops);
	thing->storm = storm;
	thing->payload = payload_new(storm);
	thing->results = ops->results;
	atomic_set(&thing->refs, 1);
	init_waitqueue_head(&thing->queue);
	spin_lock_init(&thing->lock);
	INIT_LIST_HEAD(&thing->sleepers);
	__atomic_fetch_add(&storm->things, 1, __ATOMIC_RELAXED);
	return thing;
}

void thing_get(struct thing *thing)
{
	if (atomic_inc_return(&thing->refs) < 2)
		fail("a reference to a thing that is gone");
}

static void thing_free(struct thing *thing)
{
	__atomic_fetch_sub(&thing->storm->things, 1, __ATOMIC_RELAXED);
	poison_and_free(thing, sizeof(*thing));
}

void payload_end(struct thing *thing)
{
	poison_and_free(thing->payload, sizeof(*thing->payload));
	count(EVENT_REVOKED);
	__atomic_fetch_add(&thing->storm->revoked, 1, __ATOMIC_RELAXED);
}

/* The last reference to a thing that removes itself may be that of its own file. */
bool thing_put(struct thing *thing)
{
	if (!atomic_dec_and_test(&thing->refs))
		return false;
	if (kind_of(thing) == THING_REMOVES_ITSELF) {
		revoke_it(&thing->rv);
		payload_check_revoked(thing);
		payload_end(thing);
	}
	thing_free(thing);
	return true;
}

void thing_kick(struct revokable *rv)
{
	struct thing *thing = container_of(rv, struct thing, rv);
	struct sleeper *sleeper;

	spin_lock(&thing->lock);
	list_for_each_entry(sleeper, &thing->sleepers, node)
		WRITE_ONCE(sleeper->kicked, true);
	spin_unlock(&thing->lock);
	wake_up_all(&thing->queue);
	/* Who comes now has not been seen. */
	if (one_in(2))
		preempt();
}

/* Finds the gate shut by himself, or is found asleep by ->kick(). */
static void sleep_until_revoked(struct thing *thing)
{
	wait_event(thing->queue, revokable_is_dead(&thing->rv));
}

/* ->kick() may have been called before we have joined the list: have it called again. */
static void sleep_until_kicked(struct thing *thing)
{
	struct sleeper sleeper = { .kicked = false };

	spin_lock(&thing->lock);
	list_add(&sleeper.node, &thing->sleepers);
	spin_unlock(&thing->lock);
	revokable_request_kick(&thing->rv);
	wait_event(thing->queue, READ_ONCE(sleeper.kicked));
	spin_lock(&thing->lock);
	list_del(&sleeper.node);
	spin_unlock(&thing->lock);
	count(EVENT_KICKED_ON_REQUEST);
}

/*
 * Not if nobody would come and kick: at the end, when too many sleep already, and
 * where a thing may be unlinked without a revocation.
 */
void sleep_inside(struct thing *thing)
{
	struct storm *storm = thing->storm;

	if (kind_of(thing) >= THING_OWNED || READ_ONCE(storm->over) || !one_in(8))
		return;
	if (atomic_inc_return(&storm->sleepers) <= (int)storm->plan.actors / 2) {
		if (one_in(2))
			sleep_until_revoked(thing);
		else
			sleep_until_kicked(thing);
		count(EVENT_SLEPT_INSIDE);
	}
	atomic_dec(&storm->sleepers);
}

void use(struct thing *thing)
{
	struct payload *payload = thing->payload;
	struct tally *mine = payload_check(payload);

	__atomic_fetch_add(&payload->inside, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&payload->uses, 1, __ATOMIC_RELAXED);
	dawdle();
	if (READ_ONCE(thing->revoked))
		fail("somebody is inside after revocation has returned");
	mine->used++;
	payload_check(payload);
	__atomic_fetch_sub(&payload->inside, 1, __ATOMIC_RELAXED);
}
