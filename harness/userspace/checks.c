// SPDX-License-Identifier: GPL-2.0
/* Without a storm: one file at a time, of a thing that stays. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <linux/bug.h>
#include <linux/printk.h>
#include <linux/sched/sysctl.h>

#include "thing.h"

static int open_nothing(struct inode *inode, struct file *file)
{
	(void)inode;
	(void)file;
	return 0;
}

static int release_nothing(struct inode *inode, struct file *file)
{
	struct opened *opened = file->private_data;

	(void)inode;
	opened->release_calls++;
	return 0;
}

static long read_nothing(struct file *file)
{
	(void)file;
	return 0;
}

static void do_nothing(void)
{
}

void splice_read_of_a_module(void)
{
}

static int fasync_nothing(int fd, struct file *file, int on)
{
	(void)fd;
	(void)file;
	(void)on;
	return 0;
}

static const struct file_operations nothing_fops = {
	.open		= open_nothing,
	.release	= release_nothing,
	.read		= read_nothing,
	.llseek		= read_nothing,
	.unlocked_ioctl	= read_nothing,
};

static struct file *opened_file(const struct file_operations *f_op)
{
	struct opened *opened = allocate(sizeof(*opened));
	struct file *file = vfs_alloc_file(f_op, NULL, opened);

	opened->is_open = true;
	vfs_open(file);
	return file;
}

static void close_file(struct file *file)
{
	struct opened *opened = file->private_data;

	/* The last look at a file takes it for one of a thing with a hook. */
	opened->hook_calls = 1;
	fput(file);
}

static const struct revokable_ops plain_ops = { .results = &all_results[1] };

static void check_attach(const char *what, struct file_operations f_op, bool shared,
			 int expected)
{
	struct revokable rv;
	struct file *file;
	int error;

	f_op.open = open_nothing;
	f_op.release = release_nothing;
	revokable_init(&rv, &plain_ops);
	file = opened_file(&f_op);
	warnings_are_expected = true;
	error = shared ? make_revokable_shared(file, &rv) : make_revokable(file, &rv);
	if (!error && make_revokable(file, &rv) != -EINVAL)
		fail("a file with %s is made revokable twice", what);
	warnings_are_expected = false;
	if (error != expected)
		fail("a file with %s is answered %d", what, error);
	close_file(file);
}

#define CHECK_REFUSED(member)	\
	check_attach(#member, (struct file_operations) { .member = do_nothing }, false, -EINVAL)

void check_refusals(struct actor *actor)
{
	become(actor, 0);
	CHECK_REFUSED(iopoll);
	CHECK_REFUSED(uring_cmd);
	CHECK_REFUSED(lock);
	CHECK_REFUSED(flock);
	CHECK_REFUSED(splice_write);
	check_attach("splice_read of a module",
		     (struct file_operations) { .splice_read = splice_read_of_a_module },
		     false, -EINVAL);
	check_attach("fasync and a shared gate",
		     (struct file_operations) { .fasync = fasync_nothing }, true, -EINVAL);
	check_attach("fasync", (struct file_operations) { .fasync = fasync_nothing }, false, 0);
	check_attach("splice_read of the kernel",
		     (struct file_operations) { .splice_read = copy_splice_read }, false, 0);
	check_attach("splice_write of the kernel",
		     (struct file_operations) { .splice_write = iter_file_splice_write },
		     false, 0);
	check_attach("nothing", (struct file_operations) { 0 }, true, 0);
}

static void check_answers_of(struct file *file, const struct revoked_results *results)
{
	static const enum revoke_method methods[] = {
		REVOKE_READ, REVOKE_LLSEEK, REVOKE_IOCTL,
	};

	for (unsigned int i = 0; i < 3; i++)
		if (vfs_call(file, methods[i]) != errno_of(results, methods[i]))
			fail("method %d of a revoked file gives a wrong answer", methods[i]);
	if (revoked_poll(file->f_revoke) != results->poll)
		fail("poll of a revoked file gives a wrong answer");
}

void check_answers(struct actor *actor)
{
	become(actor, 0);
	for (unsigned int i = 0; i < 2 * NR_RESULTS; i++) {
		const struct revokable_ops ops = { .results = &all_results[i / 2] };
		struct file *file = opened_file(&nothing_fops), *late = opened_file(&nothing_fops);
		struct opened *opened = file->private_data;
		const bool shared = i % 2;
		struct revokable rv;

		revokable_init(&rv, &ops);
		if (shared ? make_revokable_shared(file, &rv) : make_revokable(file, &rv))
			fail("a file cannot be made revokable");
		if (vfs_call(file, REVOKE_READ) || revokable_is_dead(&rv))
			fail("a file is revoked before anybody has done so");
		revoke_it(&rv);
		if (opened->release_calls != !shared)
			fail("->release() was called %u times", opened->release_calls);
		if (revokable_start_using(&rv) || !revokable_is_dead(&rv))
			fail("an object can be used that was revoked");
		if ((shared ? make_revokable_shared(late, &rv) : make_revokable(late, &rv)) !=
		    all_results[i / 2].open)
			fail("a late open gives a wrong answer");
		check_answers_of(file, &all_results[i / 2]);
		close_file(file);
		close_file(late);
	}
}

static unsigned int kicks;

static void count_kick(struct revokable *rv)
{
	if (!revokable_is_dead(rv))
		fail("->kick() is called while the gate is open");
	kicks++;
}

/* Who polls a file that shares the gate is on no list, and not inside either. */
void check_kicks(struct actor *actor)
{
	const struct revokable_ops ops = {
		.results	= &all_results[0],
		.kick		= count_kick,
		.keeps_queues	= true,
	};
	struct revokable rv;
	struct file *file;

	become(actor, 0);
	revokable_init(&rv, &ops);
	file = opened_file(&nothing_fops);
	if (make_revokable_shared(file, &rv))
		fail("a file cannot be made revokable");
	kicks = 0;
	revoke_it(&rv);
	if (!kicks)
		fail("pollers of an object that nobody uses are not kicked");
	close_file(file);
}

static const char *name_of_stuck(const struct revokable *rv)
{
	(void)rv;
	return "a stuck thing";
}

struct stuck_user {
	struct actor actor;
	struct file *file;
	bool is_inside;
};

/* Inside until the revoker has complained, but not for ever. */
static void *use_until_logged(void *argument)
{
	enum { ATTEMPTS = 1000 };
	struct stuck_user *user = argument;
	char text[256];

	become(&user->actor, 0);
	if (!start_using(user->file->f_revoke, REVOKE_IOCTL))
		fail("the gate is shut before anybody has done so");
	smp_store_release(&user->is_inside, true);
	for (int i = 0; i < ATTEMPTS && !warnings_logged(text, sizeof(text)); i++)
		usleep(10000);
	stop_using(user->file->f_revoke);
	return NULL;
}

/* Takes three seconds: that is as soon as a report can be had. */
void check_report(struct actor *actor)
{
	const struct revokable_ops ops = {
		.results	= &all_results[0],
		.name		= name_of_stuck,
	};
	const unsigned long usual = sysctl_hung_task_timeout_secs;
	struct stuck_user user = {
		.actor = { .random = 1 },
		.file = opened_file(&nothing_fops),
	};
	struct revokable rv;
	pthread_t thread;
	char text[256];

	become(actor, 0);
	sysctl_hung_task_timeout_secs = 1;
	revokable_init(&rv, &ops);
	if (make_revokable(user.file, &rv))
		fail("a file cannot be made revokable");
	if (pthread_create(&thread, NULL, use_until_logged, &user))
		fail("no thread");
	while (!smp_load_acquire(&user.is_inside))
		usleep(1000);
	revoke_it(&rv);
	pthread_join(thread, NULL);
	sysctl_hung_task_timeout_secs = usual;
	if (!warnings_logged(text, sizeof(text)) ||
	    !strstr(text, "1 or more callers of a stuck thing, the last one in ioctl"))
		fail("a revocation that is stuck is not told of");
	close_file(user.file);
}
