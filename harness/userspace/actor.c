// SPDX-License-Identifier: GPL-2.0
/* What actors have in common: chance, and what is told of them. */
#include <stdlib.h>

#include <linux/bug.h>
#include <linux/sched.h>

#include "actor.h"

__thread struct actor *me;

void count(enum event event)
{
	me->events[event]++;
}

void begin(const char *what)
{
	WRITE_ONCE(me->doing, what);
	WRITE_ONCE(me->steps, me->steps + 1);
}

u64 pick(u64 below)
{
	return random_next(&current->random) % below;
}

bool one_in(u64 n)
{
	return pick(n) == 0;
}

/* Be somewhere for a while, so that others find us there. */
void dawdle(void)
{
	if (one_in(16))
		preempt();
	else if (one_in(4))
		for (u64 i = pick(100); i; i--)
			barrier();
}

void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		fail("no memory");
	return memory;
}

void become(struct actor *actor, unsigned int preempt_one_in)
{
	me = actor;
	current->comm = "actor";
	current->pid = (int)actor->number;
	current->random = actor->random;
	current->preempt_one_in = preempt_one_in;
}
