// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that a program can map.
 *
 * What the kernel writes and the program only reads is mapped read-only, for good: a
 * program that could write there could not harm the kernel, which reads none of it,
 * but it need not be able to fool itself. What the program writes is hostile: whoever
 * reads it here reads it once, and believes nothing.
 *
 * A mapping holds the file, so the memory is not freed before the last of them is gone.
 * A child does not inherit it (VM_DONTCOPY): two processes that consume one ring, or
 * push each other's timers, is nothing that anybody asks for by fork().
 */
#include "shared.h"

#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "compat.h"

/**
 * htw_shared_alloc() - allocate zeroed memory that can be mapped
 * @shared: where it is noted
 * @size: how much, in bytes
 *
 * It is charged to the memory cgroup of the task.
 *
 * Return: 0 or -ENOMEM.
 */
int htw_shared_alloc(struct htw_shared *shared, size_t size)
{
	shared->len = PAGE_ALIGN(size);
	shared->addr = __vmalloc(shared->len, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return shared->addr ? 0 : -ENOMEM;
}

/**
 * htw_shared_free() - free it
 * @shared: what htw_shared_alloc() has filled in, or zeroes
 */
void htw_shared_free(struct htw_shared *shared)
{
	vfree(shared->addr);
	*shared = (struct htw_shared) { };
}

/**
 * htw_shared_map() - map it into a program
 * @shared: the memory, if there is any
 * @vma: where to; must be as long as the memory
 * @writable: the program may write to it
 *
 * Return: 0, an errno of mmap(2) as <uapi/linux/htw.h> has it.
 */
int htw_shared_map(const struct htw_shared *shared, struct vm_area_struct *vma,
		   bool writable)
{
	unsigned long offset;
	int ret;

	/* MAP_SHARED is VM_MAYSHARE; VM_SHARED goes if the file is open for reading only. */
	if (!shared->addr || vma->vm_end - vma->vm_start != shared->len ||
	    !(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (!writable && (vma->vm_flags & VM_WRITE))
		return -EPERM;
	htw_vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
			 writable ? 0 : VM_MAYWRITE);

	for (offset = 0; offset < shared->len; offset += PAGE_SIZE) {
		ret = vm_insert_page(vma, vma->vm_start + offset,
				     vmalloc_to_page(shared->addr + offset));
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}
