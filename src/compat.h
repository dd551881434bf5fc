/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where kernels differ. Nowhere else is the version looked at.
 */
#ifndef _HTW_COMPAT_H
#define _HTW_COMPAT_H

#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/version.h>

/* For what is filled in before it is read: not to be cleared first. */
#ifndef __uninitialized
#if __has_attribute(__uninitialized__)
#define __uninitialized		__attribute__((__uninitialized__))
#else
#define __uninitialized
#endif
#endif

/* Since 6.3 flags of a mapping that exists are changed under its lock only. */
static inline void htw_vm_flags_mod(struct vm_area_struct *vma,
				    vm_flags_t set, vm_flags_t clear)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

/* Until 6.7 it takes what to add to the counter. */
static inline void htw_eventfd_signal(struct eventfd_ctx *eventfd)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(eventfd);
#else
	eventfd_signal(eventfd, 1);
#endif
}

#endif /* _HTW_COMPAT_H */
