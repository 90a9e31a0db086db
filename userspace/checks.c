// SPDX-License-Identifier: GPL-2.0
/* Without a storm: one file at a time, of a thing that stays. */
#include <errno.h>

#include <linux/bug.h>

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

static struct file *opened_file(const struct file_operations *f_op)
{
	struct opened *opened = allocate(sizeof(*opened));
	struct file *file = vfs_alloc_file(f_op, NULL, opened);

	opened->is_open = true;
	vfs_open(file);
	return file;
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
	/* The storm's last look at a file expects more of its own. */
	warnings_are_expected = true;
	error = shared ? make_revokable_shared(file, &rv) : make_revokable(file, &rv);
	if (!error && make_revokable(file, &rv) != -EINVAL)
		fail("a file with %s is made revokable twice", what);
	warnings_are_expected = false;
	if (error != expected)
		fail("a file with %s is answered %d", what, error);
	((struct opened *)file->private_data)->hook_calls = 1;
	fput(file);
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
	static const struct file_operations f_op = {
		.open		= open_nothing,
		.release	= release_nothing,
		.read		= read_nothing,
		.llseek		= read_nothing,
		.unlocked_ioctl	= read_nothing,
	};

	become(actor, 0);
	for (unsigned int i = 0; i < 2 * NR_RESULTS; i++) {
		const struct revokable_ops ops = { .results = &all_results[i / 2] };
		struct file *file = opened_file(&f_op), *late = opened_file(&f_op);
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
		opened->hook_calls = 1;
		fput(file);
		((struct opened *)late->private_data)->hook_calls = 1;
		fput(late);
	}
}
