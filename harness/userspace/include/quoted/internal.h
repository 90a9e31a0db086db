/* SPDX-License-Identifier: GPL-2.0 */
/* Of fs/internal.h. */
#ifndef _INTERNAL_H
#define _INTERNAL_H

struct file;

void revoke_open_done(struct file *file, int error);
void revoke_fput(struct file *file);
void revoke_init(void);

#endif
