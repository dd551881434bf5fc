/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WHEEL_TEST_PREFETCH_H
#define _WHEEL_TEST_PREFETCH_H

#define prefetch(x)	__builtin_prefetch(x)

#endif /* _WHEEL_TEST_PREFETCH_H */
