/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_ATOMIC_H
#define _LINUX_ATOMIC_H

#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/types.h>

/*
 * As Documentation/atomic_t.txt has it: operations that return something are fully
 * ordered, those that do not, and comparisons that fail, are not ordered at all.
 */
typedef struct {
	int counter;
} atomic_t;

#define ATOMIC_INIT(i)	{ (i) }

static inline int atomic_read(const atomic_t *v)
{
	return READ_ONCE(v->counter);
}

static inline int atomic_read_acquire(const atomic_t *v)
{
	sched_point();
	return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE);
}

static inline void atomic_set(atomic_t *v, int i)
{
	WRITE_ONCE(v->counter, i);
}

static inline void atomic_inc(atomic_t *v)
{
	sched_point();
	__atomic_fetch_add(&v->counter, 1, __ATOMIC_RELAXED);
}

static inline void atomic_dec(atomic_t *v)
{
	sched_point();
	__atomic_fetch_sub(&v->counter, 1, __ATOMIC_RELAXED);
}

static inline int atomic_add_return(int i, atomic_t *v)
{
	sched_point();
	/* Wraps, as all atomics of the kernel do. */
	return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST);
}

static inline int atomic_sub_return(int i, atomic_t *v)
{
	sched_point();
	return __atomic_sub_fetch(&v->counter, i, __ATOMIC_SEQ_CST);
}

static inline int atomic_inc_return(atomic_t *v)
{
	return atomic_add_return(1, v);
}

static inline int atomic_dec_return(atomic_t *v)
{
	return atomic_add_return(-1, v);
}

static inline bool atomic_dec_and_test(atomic_t *v)
{
	return atomic_dec_return(v) == 0;
}

static inline bool atomic_try_cmpxchg(atomic_t *v, int *old, int new_value)
{
	sched_point();
	return __atomic_compare_exchange_n(&v->counter, old, new_value, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline bool atomic_inc_unless_negative(atomic_t *v)
{
	int old = atomic_read(v);

	do {
		if (old < 0)
			return false;
	} while (!atomic_try_cmpxchg(v, &old, old + 1));
	return true;
}

#define cmpxchg(ptr, old, new)						\
({									\
	__typeof__(*(ptr)) __expected = (old);				\
									\
	sched_point();							\
	__atomic_compare_exchange_n(ptr, &__expected, new, false,	\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);	\
	__expected;							\
})

static inline int atomic_cmpxchg(atomic_t *v, int old, int new_value)
{
	return cmpxchg(&v->counter, old, new_value);
}

#endif
