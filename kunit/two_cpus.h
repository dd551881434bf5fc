/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_TWO_CPUS_H
#define _HTW_TWO_CPUS_H

#include <linux/cpumask.h>
#include <kunit/test.h>

/*
 * For the init of a suite, too. A kernel that could have a second CPU and has not is no
 * reason: there the test fails.
 */
static inline int need_two_cpus(struct kunit *test)
{
	if (num_possible_cpus() < 2)
		kunit_skip(test, "there can be one CPU only");
	return 0;
}

#endif /* _HTW_TWO_CPUS_H */
