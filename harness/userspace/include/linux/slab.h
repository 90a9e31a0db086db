/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_SLAB_H
#define _LINUX_SLAB_H

#include <stdlib.h>
#include <linux/types.h>

/* A size is all there is to a cache; sanitizers watch over malloc(). */
struct kmem_cache;

#define GFP_KERNEL	0
#define SLAB_ACCOUNT	0
#define SLAB_PANIC	0
#define KMEM_CACHE(name, flags) \
	((void)(flags), (struct kmem_cache *)sizeof(struct name))

/* The next allocation of this thread fails. */
extern __thread bool memory_is_short;

void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t flags);
void kmem_cache_free(struct kmem_cache *cache, void *object);

#endif
