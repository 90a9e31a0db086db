/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_LOCKDEP_H
#define _LINUX_LOCKDEP_H

#include <asm/current.h>
#include <linux/bug.h>

/* ThreadSanitizer looks for lock inversions by itself. */
struct lock_class_key {
};

#define lockdep_set_class_and_name(lock, key, name)	((void)(key), (void)(name))
#define lockdep_is_held(lock)		(READ_ONCE((lock)->owner) == current)
#define lockdep_assert(condition)	((void)WARN_ON_ONCE(!(condition)))
#define lockdep_assert_held(lock)	lockdep_assert(lockdep_is_held(lock))

#endif
