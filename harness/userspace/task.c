// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks, sleep, memory and the log: what the kernel's scheduler and allocator do for
 * fs/revoke.c and for kernel/sched/wait*.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sched/sysctl.h>
#include <linux/slab.h>
#include <linux/wait.h>

/* The real <linux/futex.h> is hidden by our <linux/types.h>. */
#define FUTEX_WAIT_PRIVATE	128
#define FUTEX_WAKE_PRIVATE	129

__thread struct task_struct current_task;
__thread bool warnings_are_expected;
__thread bool memory_is_short;
unsigned long sysctl_hung_task_timeout_secs = 120;
unsigned long jiffies;

u64 random_next(u64 *state)
{
	u64 x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545F4914F6CDD1Dull >> 11;
}

void preempt(void)
{
	sched_yield();
}

static long futex_wait(int *word, int value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
}

static void futex_wake(int *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/*
 * Acquire, pairs with default_wake_function(): who has been woken sees what the
 * waker did before.  Who need not sleep gets no such promise, here as in the kernel.
 */
static int current_state(void)
{
	return __atomic_load_n(&current->state, __ATOMIC_ACQUIRE);
}

void schedule(void)
{
	int state = current_state();

	might_sleep();
	if (state == TASK_RUNNING)
		return;
	current->sleeps++;
	while ((state = current_state()) != TASK_RUNNING)
		futex_wait(&current->state, state, NULL);
}

static long jiffies_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * HZ + now.tv_nsec / (1000000000L / HZ);
}

long schedule_timeout(long timeout)
{
	long deadline, left = timeout;
	int state = current_state();

	might_sleep();
	if (timeout == MAX_SCHEDULE_TIMEOUT) {
		schedule();
		return timeout;
	}
	if (state == TASK_RUNNING)
		return timeout;
	current->sleeps++;
	deadline = jiffies_now() + timeout;
	while (left > 0 && (state = current_state()) != TASK_RUNNING) {
		const struct timespec wait = {
			.tv_sec = left / HZ,
			.tv_nsec = left % HZ * (1000000000L / HZ),
		};

		futex_wait(&current->state, state, &wait);
		left = deadline - jiffies_now();
	}
	__set_current_state(TASK_RUNNING);
	return left > 0 ? left : 0;
}

/* The caller holds the lock of the queue, and the sleeper does not leave without it. */
int default_wake_function(struct wait_queue_entry *wq_entry, unsigned int mode,
			  int flags, void *key)
{
	struct task_struct *task = wq_entry->private;
	int state;

	(void)flags;
	(void)key;
	/* The barrier of try_to_wake_up(): the change, then the look at the state. */
	smp_mb();
	state = READ_ONCE(task->state);
	if (!(state & mode))
		return 0;
	sched_point();
	if (!__atomic_compare_exchange_n(&task->state, &state, TASK_RUNNING, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return 0;
	futex_wake(&task->state);
	return 1;
}

void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t flags)
{
	(void)flags;
	might_sleep();
	if (memory_is_short) {
		memory_is_short = false;
		return NULL;
	}
	return calloc(1, (size_t)cache);
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	(void)cache;
	free(object);
}

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int log_count;
static char log_last[256];

void pr_warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	pthread_mutex_lock(&log_lock);
	log_count++;
	vsnprintf(log_last, sizeof(log_last), format, arguments);
	printf("# log: %s", log_last);
	pthread_mutex_unlock(&log_lock);
	va_end(arguments);
}

unsigned int warnings_logged(char *last, unsigned long size)
{
	unsigned int count;

	pthread_mutex_lock(&log_lock);
	count = log_count;
	snprintf(last, size, "%s", log_last);
	pthread_mutex_unlock(&log_lock);
	return count;
}
