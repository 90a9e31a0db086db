/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_BUG_H
#define _LINUX_BUG_H

#include <linux/compiler.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Ends the program: whatever the kernel warns of is a failure. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif

/* A case that wants to see the warning sets this. */
extern __thread bool warnings_are_expected;

#define WARN_ON_ONCE(condition)						\
({									\
	bool __warn = (condition);					\
									\
	if (unlikely(__warn && !warnings_are_expected))			\
		fail("%s:%d: warning: %s", __FILE__, __LINE__, #condition);	\
	__warn;								\
})

#endif
