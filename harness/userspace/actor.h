/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ACTOR_H
#define ACTOR_H

#include <linux/types.h>

#include "storm.h"

/* Who this thread is. */
extern __thread struct actor *me;

void become(struct actor *actor, unsigned int preempt_one_in);
/* Tells the watchdog. */
void begin(const char *what);
void count(enum event event);
u64 pick(u64 below);
bool one_in(u64 n);
void dawdle(void);
void *allocate(size_t size);

#endif
