/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WHEEL_TEST_COMPILER_H
#define _WHEEL_TEST_COMPILER_H

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#endif /* _WHEEL_TEST_COMPILER_H */
