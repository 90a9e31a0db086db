// SPDX-License-Identifier: GPL-2.0
/*
 * Files: each step where, and in the order in which, fs/open.c, fs/file_call.c and
 * fs/file_table.c have it.
 *
 * Mappings and pollers are a flag of the file each.  What fs/revoke_mmap.c and
 * fs/revoke_poll.c would undo is cleared where fs/revoke.c calls them.
 */
#include <stdlib.h>

#include <asm/sections.h>
#include <linux/fs.h>
#include <linux/sched.h>

#include "internal.h"
#include "revoke_file.h"
#include "vfs.h"

void iter_file_splice_write(void)
{
	fail("->splice_write() is called");
}

void copy_splice_read(void)
{
	fail("->splice_read() is called");
}

bool core_kernel_text(unsigned long address)
{
	return address != (unsigned long)splice_read_of_a_module;
}

struct file *vfs_alloc_file(const struct file_operations *f_op, struct inode *inode,
			    void *private_data)
{
	struct file *file = calloc(1, sizeof(*file));

	if (!file)
		fail("no memory");
	file->f_op = f_op;
	file->f_inode = inode;
	file->f_flags = O_FIRST_ONLY;
	file->private_data = private_data;
	spin_lock_init(&file->f_lock);
	atomic_set(&file->f_ref, 1);
	return file;
}

/*
 * The rest of do_dentry_open(), after the gate has been left: a revoker may look at
 * both, for bits that do not change here, while they are written.  A data race by
 * the letter, in the kernel as well; ThreadSanitizer is told not to mind.  Nothing
 * else may be in here.
 */
__attribute__((noinline)) static void vfs_end_of_open(struct file *file)
{
	file->f_mode |= FMODE_OPENED;
	file->f_flags &= ~O_FIRST_ONLY;
}

/* do_dentry_open() */
int vfs_open(struct file *file)
{
	int error = file->f_op->open(file->f_inode, file);

	if (file_is_gated(file))
		revoke_open_done(file, error);
	if (error)
		return error;
	vfs_end_of_open(file);
	return 0;
}

static long call_method(struct file *file, enum revoke_method method)
{
	switch (method) {
	case REVOKE_LLSEEK:
		return file->f_op->llseek(file);
	case REVOKE_IOCTL:
		return file->f_op->unlocked_ioctl(file);
	default:
		return file->f_op->read(file);
	}
}

long vfs_call(struct file *file, enum revoke_method method)
{
	long ret;

	if (!file_is_gated(file))
		return call_method(file, method);
	if (!start_using(file->f_revoke, method))
		return revoked_errno(file->f_revoke, method);
	ret = call_method(file, method);
	stop_using(file->f_revoke);
	return ret;
}

int vfs_fasync(struct file *file)
{
	int ret;

	if (!start_using(file->f_revoke, REVOKE_FASYNC))
		return revoked_errno(file->f_revoke, REVOKE_FASYNC);
	ret = file->f_op->fasync(0, file, 1);
	stop_using(file->f_revoke);
	return ret;
}

/* The bracket that mm/ has around a new mapping. */
bool vfs_mmap(struct file *file)
{
	if (!revoke_mmap_start_using(file, REVOKE_MMAP))
		return false;
	WRITE_ONCE(file->f_mapped, true);
	revoke_mmap_stop_using(file, REVOKE_MMAP);
	return true;
}

struct file *get_file(struct file *file)
{
	if (atomic_inc_return(&file->f_ref) < 2)
		fail("a reference to a file that is being closed");
	return file;
}

static void __fput(struct file *file)
{
	if (!(file->f_mode & FMODE_OPENED))
		goto out;
	/* The last mapping has gone with its reference to the file. */
	WRITE_ONCE(file->f_mapped, false);
	if (file->f_revoke) {
		revoke_fput(file);
	} else {
		if (file->f_flags & FASYNC)
			file->f_op->fasync(-1, file, 0);
		file->f_op->release(file->f_inode, file);
	}
out:
	file_is_freed(file);
	free(file);
}

void fput(struct file *file)
{
	if (atomic_dec_and_test(&file->f_ref))
		__fput(file);
}

struct address_space *revoke_unmap(struct revoke_file *rf,
				   struct address_space *unmapped)
{
	might_sleep();
	WRITE_ONCE(rf->file->f_mapped, false);
	return unmapped;
}

void revoke_wake_pollers(struct revoke_file *rf)
{
	if (!current->atomic_depth || !revoke_is_shut(&rf->revoke))
		fail("pollers are told too early, or without the lock");
}

void revoke_detach_pollers(struct revoke_file *rf)
{
	WRITE_ONCE(rf->file->f_polled, false);
}

/* The file is still there, its place on the object's list is not. */
void revoke_free_pollers(struct revoke_file *rf)
{
	if (!READ_ONCE(rf->claimant))
		fail("pollers of a file that nobody has released are freed");
}
