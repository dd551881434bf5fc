// SPDX-License-Identifier: GPL-2.0
/*
 * HTW_OP_CANCEL_MATCH: which timers it ends, in whatever state they are, and that it
 * leaves the others alone.
 */

#include "context.h"
#include "threads.h"

/* Return: how many it has ended. */
static int cancel_match(int fd, uint64_t cookie, uint64_t mask)
{
	struct htw_op op = {
		.opcode = HTW_OP_CANCEL_MATCH, .cookie = cookie, .value = mask };

	ASSERT_EQ(do_op(fd, &op), 0);
	EXPECT_GE(op.res, 0);
	return op.res;
}

/* With the cookies 0 to @nr - 1. */
static void arm_many(int fd, int nr, uint64_t delay)
{
	int i;

	for (i = 0; i < nr; i++)
		arm_in(fd, delay, (uint64_t)i);
}

static void of_an_empty_context_is_none(void)
{
	int fd = open_context(0);

	EXPECT_EQ(cancel_match(fd, 0, 0), 0);
	EXPECT_EQ(cancel_match(fd, 5, UINT64_MAX), 0);
}

static void whole_cookie_is_one_timer(void)
{
	int fd = open_context(0), i;

	arm_many(fd, 100, HOUR);
	for (i = 99; i >= 0; i--) {
		EXPECT_EQ(cancel_match(fd, (uint64_t)i, UINT64_MAX), 1);
		EXPECT_EQ(cancel_match(fd, (uint64_t)i, UINT64_MAX), 0);
		EXPECT_EQ(held(fd), i);
	}
}

static void only_the_bits_of_the_mask_count(void)
{
	int fd = open_context(0);

	arm_many(fd, 256, HOUR);
	EXPECT_EQ(cancel_match(fd, 0xff03, 0x000f), 16);
	EXPECT_EQ(cancel_match(fd, 0x0003, 0x000f), 0);
	EXPECT_EQ(cancel_match(fd, 0x0080, 0x0080), 120);
	EXPECT_EQ(cancel_match(fd, 0x0000, 0x0040), 60);
	EXPECT_EQ(held(fd), 60);
}

static void each_bit_of_the_mask_counts(void)
{
	int fd = open_context(0), bit;

	for (bit = 0; bit < 64; bit++)
		arm_in(fd, HOUR, 1ULL << bit);
	for (bit = 0; bit < 64; bit++) {
		EXPECT_EQ(cancel_match(fd, UINT64_MAX, 1ULL << bit), 1);
		EXPECT_EQ(held(fd), 63 - bit);
	}
}

static void no_mask_is_all(void)
{
	int fd = open_context(0), other = open_context(0);

	arm_many(fd, 1000, HOUR);
	arm_many(other, 3, HOUR);
	EXPECT_EQ(cancel_match(fd, 0, 0), 1000);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(held(other), 3);
}

/* The cookie of bits that are not in the mask does not matter, even without one. */
static void cookie_without_mask_is_all(void)
{
	int fd = open_context(0);

	arm_many(fd, 5, HOUR);
	EXPECT_EQ(cancel_match(fd, 77, 0), 5);
}

static void ends_timers_in_each_state(void)
{
	int fd = open_virtual(1);
	struct htw_event event;

	arm(fd, (struct htw_op){ .flags = HTW_TIMER_KEEP, .expires = 1 });
	advance(fd, 0, 1);
	ASSERT_EQ(read_events(fd, &event, 1), 1);
	arm_in(fd, 1, 0);
	arm(fd, (struct htw_op){ .expires = 1, .interval = 10 });
	advance(fd, 0, 1);
	arm_in(fd, HOUR, 0);
	EXPECT_EQ(held(fd), 4);
	EXPECT_EQ(cancel_match(fd, 0, 0), 4);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(read_events(fd, &event, 1), 0);
	advance(fd, 0, 2 * HOUR);
	EXPECT_EQ(read_events(fd, &event, 1), 0);
}

static void unread_events_of_others_stay_in_order(void)
{
	enum { NR = 30 };
	int fd = open_virtual(1), i;
	struct htw_event events[NR];

	for (i = 0; i < NR; i++)
		arm_in(fd, (uint64_t)i + 1, (uint64_t)i);
	advance(fd, 0, NR);
	EXPECT_EQ(cancel_match(fd, 0, 1), NR / 2);
	ASSERT_EQ(read_events(fd, events, NR), NR / 2);
	for (i = 0; i < NR / 2; i++)
		EXPECT_EQ(events[i].cookie, 2 * i + 1);
}

static void ended_ids_are_unknown(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, HOUR, 1), other = arm_in(fd, HOUR, 2);

	EXPECT_EQ(cancel_match(fd, 1, 1), 1);
	EXPECT_EQ(cancel(fd, id), -ENOENT);
	EXPECT_EQ(cancel(fd, other), HTW_CANCELLED);
}

/* What was armed before it began is gone, whatever happens beside it. */
static void expiring_ones_have_one_outcome(void)
{
	enum { NR = 64, ROUNDS = 50 };
	int fd = open_context(O_NONBLOCK), round, i;
	struct htw_event events[NR];
	int ended = 0, was_read = 0;

	for (round = 0; round < ROUNDS; round++) {
		int got;

		for (i = 0; i < NR; i++)
			arm_in(fd, (uint64_t)(i % 8) * 100 * USEC, 0);
		got = (int)read_events(fd, events, NR);
		was_read += got;
		i = cancel_match(fd, 0, 0);
		EXPECT_EQ(i + got, NR);
		ended += i;
		EXPECT_EQ(held(fd), 0);
		EXPECT_EQ(read_events(fd, events, NR), 0);
	}
	ktap_note("%d ended, %d read", ended, was_read);
}

/**
 * struct others - a thread that arms beside a match
 * @fd: the context
 * @stop: it shall end
 */
struct others {
	int	fd;
	bool	stop;
};

static void *arm_others(void *arg)
{
	struct others *others = arg;

	while (!load_shared(&others->stop)) {
		uint64_t id = arm_in(others->fd, HOUR, 2);

		EXPECT_EQ(cancel(others->fd, id), HTW_CANCELLED);
	}
	return NULL;
}

/* Another cookie is never touched, however the table of timers changes meanwhile. */
static void other_threads_keep_theirs(void)
{
	struct others others = { .fd = open_context(0) };
	pthread_t thread;
	int round;

	thread = start(arm_others, &others);
	for (round = 0; round < 100; round++) {
		int i;

		for (i = 0; i < 40; i++)
			arm_in(others.fd, HOUR, 1);
		EXPECT_EQ(cancel_match(others.fd, 1, UINT64_MAX), 40);
	}
	store_shared(&others.stop, true);
	join(thread);
	EXPECT_EQ(held(others.fd), 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(of_an_empty_context_is_none),
	KTAP_TEST(whole_cookie_is_one_timer),
	KTAP_TEST(only_the_bits_of_the_mask_count),
	KTAP_TEST(each_bit_of_the_mask_counts),
	KTAP_TEST(no_mask_is_all),
	KTAP_TEST(cookie_without_mask_is_all),
	KTAP_TEST(ends_timers_in_each_state),
	KTAP_TEST(unread_events_of_others_stay_in_order),
	KTAP_TEST(ended_ids_are_unknown),
	KTAP_TEST(expiring_ones_have_one_outcome),
	KTAP_TEST(other_threads_keep_theirs),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("match", tests, need_device));
}
