/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFS_H
#define VFS_H

#include <linux/fs.h>
#include <linux/revoke.h>

struct file *vfs_alloc_file(const struct file_operations *f_op, struct inode *inode,
			    void *private_data);
int vfs_open(struct file *file);
long vfs_call(struct file *file, enum revoke_method method);
int vfs_fasync(struct file *file);
bool vfs_mmap(struct file *file);
struct file *get_file(struct file *file);
void fput(struct file *file);

/* Of who uses this model: the last look at a file. */
void file_is_freed(struct file *file);
/* And for core_kernel_text(): not of the kernel. */
void splice_read_of_a_module(void);

#endif
