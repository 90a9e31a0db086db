/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_LOCKDEP_H
#define _LINUX_LOCKDEP_H

/* ThreadSanitizer looks for lock inversions by itself. */
struct lock_class_key {
};

#define lockdep_set_class_and_name(lock, key, name)	((void)(key), (void)(name))
#define lockdep_assert_held(lock)			((void)(lock))
#define lockdep_is_held(lock)				((void)(lock), true)
#define lockdep_assert(condition)			((void)(condition))

#endif
