/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations that work, and what is expected of one that is refused: that it has
 * changed nothing.
 */
#ifndef HTW_TEST_REFUSED_H
#define HTW_TEST_REFUSED_H

#include "pages.h"

/* Any delay that is not reached while a test runs. */
#define FAR		HOUR

/* What a context looked like before a call that shall change nothing. */
struct snapshot {
	uint64_t	held;
	struct htw_op	timer;
};

/* Of the context, and of a timer in it if @id is not 0. */
static inline struct snapshot look(int fd, uint64_t id)
{
	struct snapshot s;

	memset(&s, 0, sizeof(s));
	s.held = held(fd);
	if (id) {
		ASSERT_EQ(remaining(fd, id, &s.timer), 0);
		s.timer.value = 0;	/* time goes on */
	}
	return s;
}

static inline void expect_same(const struct snapshot *a, const struct snapshot *b)
{
	EXPECT_EQ(a->held, b->held);
	EXPECT_EQ(memcmp(&a->timer, &b->timer, sizeof(a->timer)), 0);
}

/* The operation fails like that and leaves all as it was, the struct too. */
static inline void expect_refused(int fd, struct htw_op op, int err, uint64_t id)
{
	struct snapshot before = look(fd, id), after;
	struct htw_op copy = op;

	EXPECT_EQ(do_op(fd, &op), -err);
	EXPECT_EQ(memcmp(&op, &copy, sizeof(op)), 0);
	after = look(fd, id);
	expect_same(&before, &after);
}

static inline void expect_efault(int fd, void *arg, uint64_t id)
{
	struct snapshot before = look(fd, id), after;

	EXPECT_ERRNO(ioctl(fd, HTW_IOC_OP, arg), EFAULT);
	after = look(fd, id);
	expect_same(&before, &after);
}

/* Each opcode with an operation that works. */
static inline struct htw_op valid_arm(void)
{
	return (struct htw_op){ .opcode = HTW_OP_ARM, .expires = FAR };
}

static inline struct htw_op valid_rearm(uint64_t id)
{
	return (struct htw_op){
		.opcode = HTW_OP_REARM, .expires = 2 * FAR, .id = id };
}

static inline struct htw_op valid_cancel(uint64_t id)
{
	return (struct htw_op){ .opcode = HTW_OP_CANCEL, .id = id };
}

static inline struct htw_op valid_remaining(uint64_t id)
{
	return (struct htw_op){ .opcode = HTW_OP_REMAINING, .id = id };
}

/* A timer far away, with something in every field that it has. */
static inline uint64_t arm_far(int fd)
{
	return arm(fd, (struct htw_op){
		.expires = FAR, .interval = HOUR, .slack = MSEC,
		.cookie = 0x1234 });
}

#endif /* HTW_TEST_REFUSED_H */
