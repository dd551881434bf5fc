/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WHEEL_TEST_BITOPS_H
#define _WHEEL_TEST_BITOPS_H

#include <linux/types.h>

/* The highest bit set, counted from 1; 0 if none is. */
static inline int fls64(u64 word)
{
	return word ? 64 - __builtin_clzll(word) : 0;
}

/* The lowest bit set, counted from 0. UBSan stops the program if none is. */
static inline unsigned long __ffs64(u64 word)
{
	return __builtin_ctzll(word);
}

#endif /* _WHEEL_TEST_BITOPS_H */
