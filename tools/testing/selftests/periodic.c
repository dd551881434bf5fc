// SPDX-License-Identifier: GPL-2.0
/*
 * Periodic timers: on the grid of their first expiry for ever, or as often as they
 * shall, and what becomes of periods that nobody reads. What is exact is tested on a
 * virtual clock.
 */
#include "context.h"

/* --- without end --- */

static void interval_is_drift_free(void)
{
	int fd = open_context(0), i;
	uint64_t interval = short_interval(fd) + 1, total = 0;
	uint64_t first = now_ns() + 3 * MSEC;
	struct htw_event event;
	uint64_t id = arm_every(fd, first, interval, 9);

	for (i = 0; i < 20; i++) {
		read_event(fd, &event);
		EXPECT_EQ(event.id, id);
		EXPECT_EQ(event.cookie, 9);
		EXPECT_GE(event.expirations, 1);
		total += event.expirations;
		EXPECT_EQ(event.expires, first + (total - 1) * interval);
	}
	EXPECT_EQ(held(fd), 1);
}

static void interval_counts_while_unread(void)
{
	int fd = open_context(0);
	uint64_t interval = short_interval(fd), first, before, now;
	struct htw_event event;

	first = now_ns() + interval;
	arm_every(fd, first, interval, 0);
	wait_readable(fd);
	sleep_ns(20 * interval);
	before = now_ns();
	now = read_event(fd, &event);
	EXPECT_EQ(event.expires, first + (event.expirations - 1) * interval);
	EXPECT_LE(event.expirations, (now - first) / interval + 1);
	EXPECT_GE(event.expirations, 2);
	/* One that is due while the read is under way may or may not count. */
	ktap_note("%u expirations, %llu intervals had passed",
		  event.expirations,
		  (unsigned long long)((before - first) / interval));
}

static void interval_unread_is_one_event(void)
{
	int fd = open_context(O_NONBLOCK);
	uint64_t interval = 100 * MSEC;
	struct htw_event events[4];

	arm_every(fd, now_ns() - 50 * interval, interval, 0);
	wait_readable(fd);
	EXPECT_EQ(read(fd, events, sizeof(events)), sizeof(events[0]));
	EXPECT_GE(events[0].expirations, 51);
}

static void interval_counts_what_was_missed_before_arming(void)
{
	int fd = open_context(0);
	uint64_t interval = 30 * MSEC, first = now_ns() - 10 * interval;
	struct htw_event event;
	uint64_t total;

	arm_every(fd, first, interval, 0);
	read_event(fd, &event);
	EXPECT_GE(event.expirations, 11);
	total = event.expirations;
	EXPECT_EQ(event.expires, first + (total - 1) * interval);
	read_event(fd, &event);
	total += event.expirations;
	EXPECT_EQ(event.expires, first + (total - 1) * interval);
}

/* Millions of intervals at once: computed, not walked. */
static void interval_since_boot_is_counted(void)
{
	int fd = open_context(0);
	uint64_t interval = query(fd).min_interval_ns;
	struct htw_event event;

	arm_every(fd, 1, interval, 0);
	read_event(fd, &event);
	EXPECT_EQ((event.expires - 1) % interval, 0);
	if (event.expirations != UINT32_MAX)
		EXPECT_EQ(event.expires,
			  1 + (event.expirations - 1) * interval);
}

static void interval_first_expiry_can_be_later(void)
{
	int fd = open_context(0);
	uint64_t interval = short_interval(fd);
	uint64_t first = now_ns() + 10 * interval;
	struct htw_event event;

	arm_every(fd, first, interval, 0);
	read_event(fd, &event);
	EXPECT_EQ(event.expires, first + (event.expirations - 1) * interval);
}

static void interval_relative_first_expiry(void)
{
	int fd = open_context(0);
	uint64_t interval = short_interval(fd), before = now_ns(), first;
	struct htw_event event;

	arm(fd, (struct htw_op){ .expires = 5 * MSEC, .interval = interval });
	read_event(fd, &event);
	first = event.expires - (event.expirations - 1) * interval;
	EXPECT_GE(first, before + 5 * MSEC);
}

static void interval_with_slack_is_drift_free(void)
{
	int fd = open_context(0), i;
	uint64_t interval = short_interval(fd), first = now_ns(), total = 0;
	struct htw_event event;

	arm(fd, (struct htw_op){
		.flags = HTW_TIMER_ABS, .expires = first,
		.interval = interval, .slack = interval / 2 });
	for (i = 0; i < 10; i++) {
		read_event(fd, &event);
		total += event.expirations;
		EXPECT_EQ(event.expires, first + (total - 1) * interval);
	}
}

static void interval_of_292_years_expires_once(void)
{
	int fd = open_context(0);
	uint64_t id = arm_every(fd, now_ns(), MAX_TIME, 0);
	struct htw_event event;
	struct htw_op op;

	read_event(fd, &event);
	EXPECT_EQ(event.expirations, 1);
	EXPECT_SILENCE(fd);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.interval, MAX_TIME);
	EXPECT_GT(op.value, HOUR);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
}

static void interval_ends_by_cancel(void)
{
	int fd = open_context(0), i, res;
	uint64_t interval = short_interval(fd), id;
	struct htw_event event;

	id = arm_every(fd, now_ns(), interval, 0);
	for (i = 0; i < 3; i++)
		read_event(fd, &event);
	res = cancel(fd, id);
	EXPECT_TRUE(res == HTW_CANCELLED || res == HTW_WITHDRAWN);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
	EXPECT_EQ(cancel(fd, id), -ENOENT);
}

static void interval_unread_is_withdrawn_by_cancel(void)
{
	int fd = open_context(0);
	uint64_t id = arm_every(fd, now_ns(), short_interval(fd), 0);

	wait_readable(fd);
	EXPECT_EQ(cancel(fd, id), HTW_WITHDRAWN);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

/* --- on a virtual clock, to the ns --- */

#define PERIOD		10

/* Of PERIOD ns, the first of them from now. */
static uint64_t arm_virtual(int fd, uint16_t flags, uint32_t count)
{
	return arm(fd, (struct htw_op){
		.flags = flags, .count = count, .expires = PERIOD,
		.interval = PERIOD, .cookie = 7 });
}

/* One event, of that many expiries, the last of which was due then; and no other. */
static void expect_event(int fd, uint64_t expires, uint32_t expirations)
{
	struct htw_event event;

	ASSERT_EQ(read_events(fd, &event, 1), 1);
	EXPECT_EQ(event.expires, expires);
	EXPECT_EQ(event.expirations, expirations);
	EXPECT_EQ(event.cookie, 7);
}

static void expect_none(int fd)
{
	struct htw_event event;

	EXPECT_EQ(poll_context(fd, 0), 0);
	EXPECT_EQ(read_events(fd, &event, 1), 0);
}

/* Nothing of the timer is left. */
static void expect_gone(int fd, uint64_t id)
{
	expect_none(fd);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(cancel(fd, id), -EALREADY);
	advance(fd, 0, 10 * PERIOD);
	expect_none(fd);
}

static void unread_periods_are_counted_exactly(void)
{
	int fd = open_virtual(1);

	arm_virtual(fd, 0, 0);
	advance(fd, 0, 3 * PERIOD + 5);
	expect_event(fd, 30, 3);
	expect_none(fd);
	advance(fd, HTW_TIMER_ABS, 39);
	expect_none(fd);
	advance(fd, HTW_TIMER_ABS, 40);
	expect_event(fd, 40, 1);
	advance(fd, HTW_TIMER_ABS, 1000000);
	expect_event(fd, 1000000, 1000000 / PERIOD - 4);
	EXPECT_EQ(held(fd), 1);
}

/* More than the field can tell, and than could be walked. */
static void expirations_saturate_and_expires_does_not(void)
{
	int fd = open_virtual(1);
	uint64_t end = 1ULL << 40;

	arm(fd, (struct htw_op){
		.expires = 1, .interval = 1, .cookie = 7 });
	advance(fd, HTW_TIMER_ABS, end);
	expect_event(fd, end, UINT32_MAX);
	advance(fd, HTW_TIMER_ABS, end + 1);
	expect_event(fd, end + 1, 1);
}

static void count_is_how_often_it_expires(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_virtual(fd, 0, 3), i;

	for (i = 1; i <= 3; i++) {
		EXPECT_EQ(held(fd), 1);
		advance(fd, HTW_TIMER_ABS, i * PERIOD);
		expect_event(fd, i * PERIOD, 1);
	}
	expect_gone(fd, id);
}

static void count_of_one_expires_once(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_virtual(fd, 0, 1);

	advance(fd, 0, 100);
	expect_event(fd, PERIOD, 1);
	expect_gone(fd, id);
}

static void count_is_not_exceeded_by_what_is_unread(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_virtual(fd, 0, 5);

	advance(fd, 0, 2 * PERIOD);
	expect_event(fd, 2 * PERIOD, 2);
	advance(fd, 0, 100 * PERIOD);
	expect_event(fd, 5 * PERIOD, 3);
	expect_gone(fd, id);
}

static void remaining_tells_how_often_it_still_will(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_virtual(fd, 0, UINT32_MAX);
	struct htw_op op;

	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.count, UINT32_MAX);
	advance(fd, 0, 7 * PERIOD);
	expect_event(fd, 7 * PERIOD, 7);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.count, UINT32_MAX - 7);
	EXPECT_EQ(op.expires, 8 * PERIOD);
	EXPECT_EQ(op.value, PERIOD);
	EXPECT_EQ(op.interval, PERIOD);

	id = arm_virtual(fd, 0, 0);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.count, 0);
}

static void rearm_gives_a_new_count(void)
{
	int fd = open_virtual(1);
	struct htw_op op = {
		.opcode = HTW_OP_REARM, .id = arm_virtual(fd, 0, 2),
		.count = 3, .expires = PERIOD, .interval = PERIOD,
		.cookie = 7 };

	advance(fd, 0, PERIOD);
	expect_event(fd, PERIOD, 1);
	ASSERT_EQ(do_op(fd, &op), 0);
	advance(fd, 0, 100 * PERIOD);
	expect_event(fd, 4 * PERIOD, 3);
	expect_gone(fd, op.id);
}

static void skip_counts_no_missed_period(void)
{
	int fd = open_virtual(1);

	arm_virtual(fd, HTW_TIMER_SKIP, 0);
	advance(fd, HTW_TIMER_ABS, 3 * PERIOD + 5);
	expect_event(fd, PERIOD, 1);
	expect_none(fd);
	advance(fd, HTW_TIMER_ABS, 4 * PERIOD - 1);
	expect_none(fd);
	advance(fd, HTW_TIMER_ABS, 4 * PERIOD);
	expect_event(fd, 4 * PERIOD, 1);
	EXPECT_EQ(held(fd), 1);
}

static void skip_counts_events(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_virtual(fd, HTW_TIMER_SKIP, 2);

	advance(fd, 0, 100 * PERIOD);
	expect_event(fd, PERIOD, 1);
	advance(fd, 0, PERIOD);
	expect_event(fd, 101 * PERIOD, 1);
	expect_gone(fd, id);
}

static void burst_tells_each_period(void)
{
	int fd = open_virtual(1), i;

	arm_virtual(fd, HTW_TIMER_BURST, 0);
	advance(fd, 0, 3 * PERIOD + 5);
	for (i = 1; i <= 3; i++)
		expect_event(fd, (uint64_t)i * PERIOD, 1);
	expect_none(fd);
	advance(fd, 0, 5);
	expect_event(fd, 4 * PERIOD, 1);
	EXPECT_EQ(held(fd), 1);
}

/* More than a reader copies at once, with one call. */
static void burst_fills_a_buffer(void)
{
	enum { NR = 100 };
	int fd = open_virtual(1), i;
	struct htw_event events[NR];

	arm_virtual(fd, HTW_TIMER_BURST, 0);
	advance(fd, 0, (NR + 3) * PERIOD);
	ASSERT_EQ(read_events(fd, events, NR), NR);
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(events[i].expires, (uint64_t)(i + 1) * PERIOD);
		EXPECT_EQ(events[i].expirations, 1);
	}
	EXPECT_EQ(read_events(fd, events, NR), 3);
}

static void burst_ends_with_its_count(void)
{
	int fd = open_virtual(1), i;
	uint64_t id = arm_virtual(fd, HTW_TIMER_BURST, 4);

	advance(fd, 0, 100 * PERIOD);
	for (i = 1; i <= 4; i++)
		expect_event(fd, (uint64_t)i * PERIOD, 1);
	expect_gone(fd, id);
}

/* All that it has missed, not only what was next. */
static void burst_is_withdrawn_by_cancel(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_virtual(fd, HTW_TIMER_BURST, 0);

	advance(fd, 0, 5 * PERIOD);
	expect_event(fd, PERIOD, 1);
	EXPECT_EQ(cancel(fd, id), HTW_WITHDRAWN);
	expect_none(fd);
	EXPECT_EQ(held(fd), 0);
}

/* Whenever it is read: the sum and the grid are the same. */
static void any_reading_gives_the_same_sum(void)
{
	static const uint16_t flags[] = { 0, HTW_TIMER_BURST };
	uint64_t state = 88172645463325252ULL, now;
	struct htw_event event;
	int i;

	for (i = 0; i < 2; i++) {
		int fd = open_virtual(1);
		uint64_t sum = 0, last = 0;

		arm_virtual(fd, flags[i], 0);
		do {
			now = advance(fd, 0, random_of(&state, 5 * PERIOD));
			if (!read_events(fd, &event, 1))
				continue;
			sum += event.expirations;
			EXPECT_EQ(event.expires, sum * PERIOD);
			EXPECT_GT(event.expires, last);
			EXPECT_LE(event.expires, now);
			last = event.expires;
		} while (now < 10000 * PERIOD);
		while (read_events(fd, &event, 1))
			sum += event.expirations;
		EXPECT_EQ(sum, now / PERIOD);
		close(fd);
	}
}

/* Slack is for each expiry; none of it adds up. */
static void slack_does_not_move_the_grid(void)
{
	int fd = open_virtual(1), i;
	uint64_t now, due;

	arm(fd, (struct htw_op){
		.expires = 1000, .interval = 1000, .slack = 900, .cookie = 7 });
	for (i = 1; i <= 50; i++) {
		due = (uint64_t)i * 1000;
		now = advance(fd, HTW_ADVANCE_NEXT, 10000);
		EXPECT_GE(now, due);
		EXPECT_LE(now, due + 900);
		expect_event(fd, due, 1);
	}
}

/* --- and on a real one --- */

static void count_ends_it(void)
{
	int fd = open_context(0);
	uint64_t interval = short_interval(fd), first = now_ns(), sum = 0;
	struct htw_event event;
	uint64_t id = arm(fd, (struct htw_op){
		.flags = HTW_TIMER_ABS, .expires = first,
		.interval = interval, .count = 10 });

	while (sum < 10) {
		read_event(fd, &event);
		sum += event.expirations;
		EXPECT_EQ(event.expires, first + (sum - 1) * interval);
	}
	EXPECT_EQ(sum, 10);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(cancel(fd, id), -EALREADY);
	EXPECT_SILENCE(fd);
}

static void skip_stays_on_the_grid(void)
{
	int fd = open_context(0), i;
	uint64_t interval = short_interval(fd), first = now_ns(), last = 0;
	struct htw_event event;

	arm(fd, (struct htw_op){
		.flags = HTW_TIMER_ABS | HTW_TIMER_SKIP, .expires = first,
		.interval = interval });
	for (i = 0; i < 10; i++) {
		sleep_ns((uint64_t)i * interval);
		read_event(fd, &event);
		EXPECT_EQ(event.expirations, 1);
		EXPECT_EQ((event.expires - first) % interval, 0);
		EXPECT_TRUE(!i || event.expires > last);
		last = event.expires;
	}
}

static void burst_tells_what_was_missed(void)
{
	int fd = open_context(0);
	uint64_t interval = short_interval(fd);
	uint64_t first = now_ns() - 20 * interval, i;
	struct htw_event event;

	arm(fd, (struct htw_op){
		.flags = HTW_TIMER_ABS | HTW_TIMER_BURST, .expires = first,
		.interval = interval, .count = 25 });
	for (i = 0; i < 25; i++) {
		read_event(fd, &event);
		EXPECT_EQ(event.expires, first + i * interval);
		EXPECT_EQ(event.expirations, 1);
	}
	EXPECT_EQ(held(fd), 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(interval_is_drift_free),
	KTAP_TEST(interval_counts_while_unread),
	KTAP_TEST(interval_unread_is_one_event),
	KTAP_TEST(interval_counts_what_was_missed_before_arming),
	KTAP_TEST(interval_since_boot_is_counted),
	KTAP_TEST(interval_first_expiry_can_be_later),
	KTAP_TEST(interval_relative_first_expiry),
	KTAP_TEST(interval_with_slack_is_drift_free),
	KTAP_TEST(interval_of_292_years_expires_once),
	KTAP_TEST(interval_ends_by_cancel),
	KTAP_TEST(interval_unread_is_withdrawn_by_cancel),
	KTAP_TEST(unread_periods_are_counted_exactly),
	KTAP_TEST(expirations_saturate_and_expires_does_not),
	KTAP_TEST(count_is_how_often_it_expires),
	KTAP_TEST(count_of_one_expires_once),
	KTAP_TEST(count_is_not_exceeded_by_what_is_unread),
	KTAP_TEST(remaining_tells_how_often_it_still_will),
	KTAP_TEST(rearm_gives_a_new_count),
	KTAP_TEST(skip_counts_no_missed_period),
	KTAP_TEST(skip_counts_events),
	KTAP_TEST(burst_tells_each_period),
	KTAP_TEST(burst_fills_a_buffer),
	KTAP_TEST(burst_ends_with_its_count),
	KTAP_TEST(burst_is_withdrawn_by_cancel),
	KTAP_TEST(any_reading_gives_the_same_sum),
	KTAP_TEST(slack_does_not_move_the_grid),
	KTAP_TEST(count_ends_it),
	KTAP_TEST(skip_stays_on_the_grid),
	KTAP_TEST(burst_tells_what_was_missed),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("periodic", tests, need_device));
}
