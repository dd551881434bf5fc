// SPDX-License-Identifier: GPL-2.0
/*
 * HTW_IOC_STATS: each counter counts what it says, and nothing else. Every test tells
 * all that has happened in its context, so a counter that counts too much shows too.
 */

#include "pages.h"
#include "threads.h"

/* All but @expected's have to be 0. */
static void expect_stats(int fd, struct htw_context_stats expected)
{
	struct htw_context_stats s = stats(fd);

	EXPECT_EQ(s.size, sizeof(s));
	EXPECT_EQ(s.flags, 0);
	EXPECT_EQ(s.armed, expected.armed);
	EXPECT_EQ(s.rearmed, expected.rearmed);
	EXPECT_EQ(s.cancelled, expected.cancelled);
	EXPECT_EQ(s.withdrawn, expected.withdrawn);
	EXPECT_EQ(s.expired, expected.expired);
	EXPECT_EQ(s.delivered, expected.delivered);
	EXPECT_EQ(s.pushed, expected.pushed);
	EXPECT_EQ(s.refiled, expected.refiled);
	EXPECT_EQ(s.stalls, expected.stalls);
	EXPECT_EQ(s.wakeups, expected.wakeups);
	EXPECT_EQ(s.clock_steps, expected.clock_steps);
	EXPECT_EQ(s.lateness_max, expected.lateness_max);
	EXPECT_EQ(s.resv[0] | s.resv[1] | s.resv[2], 0);
}

static size_t read_all(int fd)
{
	struct htw_event events[64];
	size_t nr, sum = 0;

	while ((nr = read_events(fd, events, 64)))
		sum += nr;
	return sum;
}

static void new_context_has_none(void)
{
	expect_stats(open_context(0), (struct htw_context_stats){ 0 });
	expect_stats(open_virtual(1), (struct htw_context_stats){ 0 });
}

static void counts_what_was_asked_for(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_in(fd, 10, 0);

	arm_in(fd, 20, 0);
	arm_in(fd, 30, 0);
	ASSERT_EQ(rearm_in(fd, id, 40, 0), 0);
	ASSERT_EQ(rearm_in(fd, id, 50, 0), 0);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	expect_stats(fd, (struct htw_context_stats){
		.armed = 3, .rearmed = 2, .cancelled = 1 });
}

static void does_not_count_what_was_refused(void)
{
	int fd = open_virtual(1);
	struct htw_op op = { .opcode = HTW_OP_ARM, .slack = UINT64_MAX };

	EXPECT_EQ(do_op(fd, &op), -EINVAL);
	EXPECT_EQ(cancel(fd, 1), -ENOENT);
	EXPECT_EQ(rearm_in(fd, 1, 0, 0), -ENOENT);
	expect_stats(fd, (struct htw_context_stats){ 0 });
}

static void counts_expiries_and_events(void)
{
	int fd = open_virtual(1), i;

	for (i = 0; i < 100; i++)
		arm_in(fd, (uint64_t)i + 1, 0);
	advance(fd, 0, 60);
	EXPECT_EQ(stats(fd).expired, 60);
	EXPECT_EQ(stats(fd).delivered, 0);
	EXPECT_EQ(read_all(fd), 60);
	EXPECT_EQ(stats(fd).delivered, 60);
	advance(fd, 0, 100);
	EXPECT_EQ(read_all(fd), 40);
	expect_stats(fd, (struct htw_context_stats){
		.armed = 100, .expired = 100, .delivered = 100, .wakeups = 2 });
}

static void counts_what_was_withdrawn(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_in(fd, 1, 0), other = arm_in(fd, 1, 0);

	advance(fd, 0, 1);
	EXPECT_EQ(cancel(fd, id), HTW_WITHDRAWN);
	ASSERT_EQ(rearm_in(fd, other, 100, 0), 0);
	expect_stats(fd, (struct htw_context_stats){
		.armed = 2, .rearmed = 1, .expired = 2, .withdrawn = 2,
		.wakeups = 1 });
}

/* The event of a kept timer was delivered, so its end is neither. */
static void end_of_a_kept_timer_counts_as_nothing(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm(fd, (struct htw_op){
		.flags = HTW_TIMER_KEEP, .expires = 1 });

	advance(fd, 0, 1);
	EXPECT_EQ(read_all(fd), 1);
	EXPECT_EQ(cancel(fd, id), HTW_DELIVERED);
	expect_stats(fd, (struct htw_context_stats){
		.armed = 1, .expired = 1, .delivered = 1, .wakeups = 1 });
}

static void match_counts_each_timer(void)
{
	struct htw_op op = { .opcode = HTW_OP_CANCEL_MATCH };
	int fd = open_virtual(1), i;

	for (i = 0; i < 10; i++)
		arm_in(fd, i < 4 ? 1 : 100, 0);
	advance(fd, 0, 1);
	ASSERT_EQ(do_op(fd, &op), 0);
	EXPECT_EQ(op.res, 10);
	expect_stats(fd, (struct htw_context_stats){
		.armed = 10, .cancelled = 6, .withdrawn = 4, .expired = 4,
		.wakeups = 1 });
}

/* One event of many periods is one event. */
static void unread_periods_are_one_event(void)
{
	int fd = open_virtual(1);

	arm(fd, (struct htw_op){ .expires = 10, .interval = 10 });
	advance(fd, 0, 1000);
	EXPECT_EQ(read_all(fd), 1);
	EXPECT_EQ(stats(fd).armed, 1);
	EXPECT_EQ(stats(fd).delivered, 1);
	advance(fd, 0, 10);
	EXPECT_EQ(read_all(fd), 1);
	EXPECT_EQ(stats(fd).delivered, 2);
	EXPECT_EQ(stats(fd).armed, 1);
}

static void batch_counts_each_operation(void)
{
	struct htw_op ops[] = {
		{ .opcode = HTW_OP_ARM, .expires = 1 },
		{ .opcode = HTW_OP_ARM, .expires = UINT64_MAX },
		{ .opcode = HTW_OP_ARM, .expires = 2 },
		{ .opcode = HTW_OP_ADVANCE, .expires = 1 },
	};
	struct htw_event event;
	struct htw_batch batch = {
		.ops = (uintptr_t)ops, .nr_ops = 4,
		.events = (uintptr_t)&event, .nr_events = 1 };
	int fd = open_virtual(1);

	ASSERT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.got, 1);
	expect_stats(fd, (struct htw_context_stats){
		.armed = 2, .expired = 1, .delivered = 1, .wakeups = 1 });
}

static void copies_that_fault_deliver_nothing(void)
{
	int fd = open_virtual(1);

	arm_in(fd, 1, 0);
	advance(fd, 0, 1);
	EXPECT_ERRNO(read(fd, unmapped(), sizeof(struct htw_event)), EFAULT);
	EXPECT_EQ(stats(fd).delivered, 0);
	EXPECT_EQ(read_all(fd), 1);
	EXPECT_EQ(stats(fd).delivered, 1);
	EXPECT_EQ(stats(fd).expired, 1);
}

/* The same in a real context, where more than one thread counts. */
enum { THREADS = 4, ROUNDS = 300 };

static void *arm_and_cancel(void *arg)
{
	int fd = *(int *)arg, i;

	for (i = 0; i < ROUNDS; i++) {
		uint64_t id = arm_in(fd, HOUR, 0);

		ASSERT_EQ(rearm_in(fd, id, HOUR, 0), 0);
		if (i % 3)
			EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
		else
			ASSERT_EQ(rearm_in(fd, id, 0, 0), 0);
	}
	return NULL;
}

static void threads_count_together(void)
{
	int fd = open_context(0), i;
	pthread_t threads[THREADS];
	struct htw_event event;
	struct htw_context_stats s;

	for (i = 0; i < THREADS; i++)
		threads[i] = start(arm_and_cancel, &fd);
	for (i = 0; i < THREADS; i++)
		join(threads[i]);
	for (i = 0; i < THREADS * ROUNDS / 3; i++)
		read_event(fd, &event);
	s = stats(fd);
	EXPECT_EQ(s.armed, THREADS * ROUNDS);
	EXPECT_EQ(s.rearmed, THREADS * ROUNDS * 4 / 3);
	EXPECT_EQ(s.cancelled, THREADS * ROUNDS * 2 / 3);
	EXPECT_EQ(s.expired, THREADS * ROUNDS / 3);
	EXPECT_EQ(s.delivered, THREADS * ROUNDS / 3);
	EXPECT_EQ(s.withdrawn, 0);
	EXPECT_GT(s.wakeups, 0);
	EXPECT_LE(s.wakeups, s.expired);
}

/* Not as the event tells it: that has an end. */
static void lateness_has_no_limit(void)
{
	int fd = open_context(0);
	struct htw_event event;
	uint64_t now;

	EXPECT_EQ(stats(fd).lateness_max, 0);
	while (now_ns() < HTW_EVENT_LATENESS_MAX + 2 * SEC)
		sleep_ns(50 * MSEC);
	now = now_ns();
	arm_at(fd, 0, 0);
	read_event(fd, &event);
	EXPECT_GE(stats(fd).lateness_max, now);
	EXPECT_LE(stats(fd).lateness_max, now_ns());
}

static void contexts_count_apart(void)
{
	int fd = open_virtual(1), other = open_virtual(1);

	arm_in(fd, 1, 0);
	advance(fd, 0, 1);
	EXPECT_EQ(read_all(fd), 1);
	expect_stats(other, (struct htw_context_stats){ 0 });
}

static const struct ktap_test tests[] = {
	KTAP_TEST(new_context_has_none),
	KTAP_TEST(counts_what_was_asked_for),
	KTAP_TEST(does_not_count_what_was_refused),
	KTAP_TEST(counts_expiries_and_events),
	KTAP_TEST(counts_what_was_withdrawn),
	KTAP_TEST(end_of_a_kept_timer_counts_as_nothing),
	KTAP_TEST(match_counts_each_timer),
	KTAP_TEST(unread_periods_are_one_event),
	KTAP_TEST(batch_counts_each_operation),
	KTAP_TEST(copies_that_fault_deliver_nothing),
	KTAP_TEST(threads_count_together),
	KTAP_TEST(lateness_has_no_limit),
	KTAP_TEST(contexts_count_apart),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("stats", tests, need_device));
}
