/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_DIVIDE_H
#define _HTW_DIVIDE_H

#include <linux/types.h>

u64 __udivdi3(u64 a, u64 b);
u64 __umoddi3(u64 a, u64 b);
s64 __divdi3(s64 a, s64 b);
s64 __moddi3(s64 a, s64 b);

#endif /* _HTW_DIVIDE_H */
