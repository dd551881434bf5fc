/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WHEEL_TEST_CASES_H
#define _WHEEL_TEST_CASES_H

#include "report.h"
#include "rng.h"

#define TEST_FUNCTION(name) void test_##name(struct rng *rng);
TESTED_PROPERTIES(TEST_FUNCTION)

/* One round of random operations, at most @max_ops; @timers bounds its size. */
void random_round(struct rng *rng, unsigned int timers, unsigned long max_ops);

#endif /* _WHEEL_TEST_CASES_H */
