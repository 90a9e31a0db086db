// SPDX-License-Identifier: GPL-2.0
/*
 * timeout [--foreground] SECONDS COMMAND [ARGUMENT...]
 *
 * What the kselftest runner needs of GNU's tool of that name, for a guest that has busybox, whose
 * own version knows neither --foreground nor the exit code 124. A command that ignores SIGTERM is
 * killed some seconds later, so that a stuck test ends its own run and not the whole guest's.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	EXIT_TIMED_OUT = 124,
	EXIT_OWN_FAILURE = 125,
	EXIT_CANNOT_RUN = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_BY_SIGNAL = 128,
	KILL_GROUP_AFTER_S = 5,
	/* The runner nests two of us: the inner one has to have its chance to kill the group. */
	KILL_FOREGROUND_AFTER_S = 10,
};

static const char usage[] = "usage: timeout [--foreground] SECONDS COMMAND [ARGUMENT...]\n";

/* Waits until SIGCHLD, a signal that asks us to end, or the deadline; the signal, or 0. */
static int wait_for_signal(const sigset_t *signals, long seconds)
{
	struct timespec deadline = {.tv_sec = seconds};
	int signal;

	do
		signal = sigtimedwait(signals, NULL, &deadline);
	while (signal < 0 && errno == EINTR);
	return signal < 0 ? 0 : signal;
}

/* The command's exit code as a shell would show it. */
static int exit_code_of(int status)
{
	return WIFSIGNALED(status) ? EXIT_BY_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static int supervise(pid_t child, bool foreground, const sigset_t *signals, long seconds)
{
	pid_t target = foreground ? child : -child;
	long kill_after = foreground ? KILL_FOREGROUND_AFTER_S : KILL_GROUP_AFTER_S;
	int signal = wait_for_signal(signals, seconds);
	int status;

	if (signal != SIGCHLD) {
		kill(target, SIGTERM);
		if (wait_for_signal(signals, kill_after) != SIGCHLD)
			kill(target, SIGKILL);
	}
	if (waitpid(child, &status, 0) < 0)
		return EXIT_OWN_FAILURE;
	return signal == SIGCHLD ? exit_code_of(status) : EXIT_TIMED_OUT;
}

int main(int argc, char **argv)
{
	bool foreground = argc > 1 && !strcmp(argv[1], "--foreground");
	char **command = argv + 2 + foreground;
	sigset_t signals, before;
	char *end = NULL;
	long seconds;
	pid_t child;

	if (argc < 3 + foreground) {
		fputs(usage, stderr);
		return EXIT_OWN_FAILURE;
	}
	seconds = strtol(command[-1], &end, 10);
	if (seconds <= 0 || *end) {
		fprintf(stderr, "timeout: '%s' is no number of seconds\n", command[-1]);
		return EXIT_OWN_FAILURE;
	}

	/* A command that is only stopped has not ended. */
	sigaction(SIGCHLD, &(struct sigaction){.sa_flags = SA_NOCLDSTOP}, NULL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);

	child = fork();
	if (child < 0) {
		perror("timeout: fork");
		return EXIT_OWN_FAILURE;
	}
	if (child == 0) {
		/* In a group of its own, all that the command starts can be signalled with it. */
		if (!foreground)
			setpgid(0, 0);
		sigprocmask(SIG_SETMASK, &before, NULL);
		execvp(command[0], command);
		fprintf(stderr, "timeout: cannot run %s: %m\n", command[0]);
		_exit(access(command[0], F_OK) ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
	}
	if (!foreground)
		setpgid(child, child);
	return supervise(child, foreground, &signals, seconds);
}
