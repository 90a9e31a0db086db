/* SPDX-License-Identifier: GPL-2.0 */
/* The VFS, as far as fs/revoke.c sees it; vfs.c has the rest. */
#ifndef _LINUX_FS_H
#define _LINUX_FS_H

#include <linux/atomic.h>
#include <linux/container_of.h>
#include <linux/list.h>
#include <linux/spinlock.h>

/* Values of this model's own, of which the kernel's code knows only the names. */
#define FMODE_OPENED	0x1u
#define FMODE_GATED	0x2u
#define FASYNC		0x1u
#define O_FIRST_ONLY	0x2u	/* O_CREAT and its like: dropped when the open is done */

struct file;
struct address_space;
struct revoke;
struct poll_table_struct;

struct inode {
	void *i_private;
};

/* Without a signature if nobody calls it here. */
struct file_operations {
	void	*owner;
	int	(*open)(struct inode *inode, struct file *file);
	int	(*release)(struct inode *inode, struct file *file);
	long	(*read)(struct file *file);
	long	(*llseek)(struct file *file);
	long	(*unlocked_ioctl)(struct file *file);
	int	(*fasync)(int fd, struct file *file, int on);
	void	(*iopoll)(void);
	void	(*uring_cmd)(void);
	void	(*lock)(void);
	void	(*flock)(void);
	void	(*splice_write)(void);
	void	(*splice_read)(void);
};

struct file {
	const struct file_operations	*f_op;
	struct inode			*f_inode;
	fmode_t				f_mode;
	unsigned int			f_flags;
	spinlock_t			f_lock;
	void				*private_data;
	struct revoke			*f_revoke;
	atomic_t			f_ref;
	bool				f_mapped;	/* in place of a VMA */
	bool				f_polled;	/* in place of a relay */
};

static inline struct inode *file_inode(const struct file *file)
{
	return file->f_inode;
}

static inline bool file_is_gated(const struct file *file)
{
	return file->f_mode & FMODE_GATED;
}

void iter_file_splice_write(void);
void copy_splice_read(void);

#endif
