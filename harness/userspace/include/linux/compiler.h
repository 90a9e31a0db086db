/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_COMPILER_H
#define _LINUX_COMPILER_H

#include <stdbool.h>
#include <stddef.h>

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define barrier()	__asm__ __volatile__("" : : : "memory")

#define __must_check	__attribute__((warn_unused_result))
#define __cacheline_aligned	__attribute__((aligned(64)))
#define __init
#define __ro_after_init
#define __sched
#define __force
#define __context_unsafe(comment)
#define EXPORT_SYMBOL(symbol)
#define EXPORT_SYMBOL_GPL(symbol)

/* As volatile accesses are in the kernel: whole, and without any order. */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)	__atomic_store_n(&(x), value, __ATOMIC_RELAXED)

/* For KCSAN, which does not know; ThreadSanitizer has to be told by the function's name. */
#define data_race(expression)	(expression)

#endif
