/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_SHARED_H
#define _HTW_SHARED_H

#include <linux/types.h>

struct vm_area_struct;

/**
 * struct htw_shared - memory that a program can map
 * @addr: where the kernel has it; NULL if there is none
 * @len: its length in bytes, whole pages
 */
struct htw_shared {
	void	*addr;
	size_t	len;
};

int htw_shared_alloc(struct htw_shared *shared, size_t size);
void htw_shared_free(struct htw_shared *shared);
int htw_shared_map(const struct htw_shared *shared, struct vm_area_struct *vma,
		   bool writable);

#endif /* _HTW_SHARED_H */
