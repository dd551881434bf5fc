// SPDX-License-Identifier: GPL-2.0
/*
 * What the compiler calls where 64 bits are divided on a processor of 32. The kernel does
 * not have it, so that nobody does that unawares. Tests may; htw.ko is linked without.
 */
#include "divide.h"

#include <linux/math64.h>

u64 __udivdi3(u64 a, u64 b)
{
	return div64_u64(a, b);
}

u64 __umoddi3(u64 a, u64 b)
{
	return a - b * div64_u64(a, b);
}

s64 __divdi3(s64 a, s64 b)
{
	return div64_s64(a, b);
}

s64 __moddi3(s64 a, s64 b)
{
	return a - b * div64_s64(a, b);
}
