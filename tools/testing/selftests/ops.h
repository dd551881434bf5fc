/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many operations in few calls.
 */
#ifndef HTW_TEST_OPS_H
#define HTW_TEST_OPS_H

#include "context.h"

static inline struct htw_op *new_ops(uint64_t nr)
{
	struct htw_op *ops = calloc(nr, sizeof(*ops));

	ASSERT_TRUE(ops);
	return ops;
}

/* Do them all. How each of them went is in its @res. */
static inline void do_ops(int fd, struct htw_op *ops, uint64_t nr)
{
	uint32_t most = query(fd).max_batch;
	struct htw_batch batch;

	for (; nr; nr -= batch.done, ops += batch.done) {
		batch = (struct htw_batch){
			.ops = (uintptr_t)ops,
			.nr_ops = nr < most ? (uint32_t)nr : most,
		};
		ASSERT_EQ(do_batch(fd, &batch), 0);
		ASSERT_GT(batch.done, 0);
	}
}

/* None may fail. */
static inline void do_ops_well(int fd, struct htw_op *ops, uint64_t nr)
{
	uint64_t i;

	do_ops(fd, ops, nr);
	for (i = 0; i < nr; i++)
		ASSERT_GE(ops[i].res, 0);
}

/*
 * Wait until there are @min events, at most @timeout ns.
 * Return: how many were read, at most @room.
 */
static inline uint32_t collect(int fd, struct htw_event *events, uint32_t room,
			       uint32_t min, uint64_t timeout)
{
	struct htw_batch batch = {
		.events = (uintptr_t)events, .nr_events = room,
		.min_events = min, .timeout = timeout,
	};

	ASSERT_EQ(do_batch(fd, &batch), 0);
	return batch.got;
}

#endif /* HTW_TEST_OPS_H */
