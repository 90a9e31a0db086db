// SPDX-License-Identifier: GPL-2.0
/* What a build says that has gone astray, and what sanitizers are told. */
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "crashes.h"

#if defined(__SANITIZE_ADDRESS__)

void handle_crashes(void)
{
}

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "exitcode=1:detect_stack_use_after_return=1";
}

const char *__ubsan_default_options(void)
{
	return "exitcode=1:print_stacktrace=1";
}

#elif defined(__SANITIZE_THREAD__)

void handle_crashes(void)
{
}

const char *__tsan_default_options(void);
const char *__tsan_default_suppressions(void);

const char *__tsan_default_options(void)
{
	return "exitcode=1:halt_on_error=1:second_deadlock_stack=1";
}

/* See there. */
const char *__tsan_default_suppressions(void)
{
	return "race:^vfs_end_of_open$";
}

#else

/* Whatever the thread was at, in malloc() for example: no more than write(). */
static void crashed(int number)
{
	static const char text[] = "# crashed\n";
	ssize_t written = write(STDOUT_FILENO, text, sizeof(text) - 1);

	(void)written;
	(void)number;
	_exit(1);
}

void handle_crashes(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], crashed);
}

#endif
