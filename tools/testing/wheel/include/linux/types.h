/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What src/wheel.c needs of the kernel's <linux/types.h>, for user space. Only
 * for programs that compile the wheel, with this folder first in their path.
 */
#ifndef _WHEEL_TEST_TYPES_H
#define _WHEEL_TEST_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/limits.h>

/* As in the kernel, u64 is long long everywhere, so that %llu prints it. */
typedef unsigned char		u8;
typedef unsigned short		u16;
typedef unsigned int		u32;
typedef unsigned long long	u64;
typedef long long		s64;

#endif /* _WHEEL_TEST_TYPES_H */
