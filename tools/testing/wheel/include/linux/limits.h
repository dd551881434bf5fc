/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WHEEL_TEST_LIMITS_H
#define _WHEEL_TEST_LIMITS_H

/* The C library's own <limits.h> looks for PATH_MAX and others under this name. */
#include_next <linux/limits.h>

#define U64_MAX		(~0ULL)

#endif /* _WHEEL_TEST_LIMITS_H */
