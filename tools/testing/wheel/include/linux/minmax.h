/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WHEEL_TEST_MINMAX_H
#define _WHEEL_TEST_MINMAX_H

/* As in the kernel both must be of one type. */
#define min(a, b) ({							\
	__auto_type _a = (a);						\
	__auto_type _b = (b);						\
	(void)(&_a == &_b);						\
	_a < _b ? _a : _b;						\
})
#define max(a, b) ({							\
	__auto_type _a = (a);						\
	__auto_type _b = (b);						\
	(void)(&_a == &_b);						\
	_a > _b ? _a : _b;						\
})
#define min_t(type, a, b)	min((type)(a), (type)(b))

#endif /* _WHEEL_TEST_MINMAX_H */
