/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_BARRIER_H
#define _ASM_BARRIER_H

#include <asm/current.h>
#include <linux/compiler.h>

/*
 * ThreadSanitizer does not know fences.  There, a full barrier is a read-modify-
 * write of a variable of the thread's own: as good as a fence for the processor (on
 * x86), and no edge between threads for the sanitizer.  So a barrier never hides
 * a race from it.  The price is that plain accesses that nothing but a pair of these
 * barriers orders would be reported; there are none: what they order is accessed
 * with READ_ONCE(), atomics, or under a lock.
 */
#ifdef __SANITIZE_THREAD__
#define smp_mb()						\
do {								\
	__atomic_fetch_add(&current->fence, 1, __ATOMIC_SEQ_CST);	\
	barrier();						\
} while (0)
#else
#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif
#define smp_mb__after_atomic()	smp_mb()

#define smp_load_acquire(ptr)						\
({									\
	sched_point();							\
	__atomic_load_n(ptr, __ATOMIC_ACQUIRE);				\
})

#define smp_store_release(ptr, value)					\
do {									\
	sched_point();							\
	__atomic_store_n(ptr, value, __ATOMIC_RELEASE);			\
} while (0)

/* No exchange: it would be an acquire, too, where the kernel's code has none. */
#define smp_store_mb(variable, value)					\
do {									\
	WRITE_ONCE(variable, value);					\
	smp_mb();							\
} while (0)

#endif
