/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_BITOPS_H
#define _LINUX_BITOPS_H

#include <linux/types.h>

/* For the part of wait_bit.h that waits for bits; of the series nothing does. */
#define BITS_PER_LONG	((int)(8 * sizeof(long)))

static inline bool test_bit_acquire(unsigned long bit, const unsigned long *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE) >> bit & 1;
}

static inline bool test_bit(unsigned long bit, const unsigned long *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED) >> bit & 1;
}

static inline bool test_and_set_bit(unsigned long bit, unsigned long *word)
{
	return __atomic_fetch_or(word, 1UL << bit, __ATOMIC_SEQ_CST) >> bit & 1;
}

static inline bool test_and_clear_bit(unsigned long bit, unsigned long *word)
{
	return __atomic_fetch_and(word, ~(1UL << bit), __ATOMIC_SEQ_CST) >> bit & 1;
}

static inline void clear_bit_unlock(unsigned long bit, unsigned long *word)
{
	__atomic_fetch_and(word, ~(1UL << bit), __ATOMIC_RELEASE);
}

#endif
