// SPDX-License-Identifier: GPL-2.0
/*
 * When in its window a timer fires: from its expiry on by up to its slack, or for
 * HTW_TIMER_DEADLINE before it. On a virtual clock that is checked to the tick.
 */
#include "context.h"

#define FAR_AHEAD	(1ULL << 50)

/* --- slack --- */

static void slack_is_never_early(void)
{
	static const uint64_t slacks[] = {
		1, 1000, 131072, MSEC, 7 * MSEC, 40 * MSEC };
	int fd = open_context(0);
	struct htw_event event;
	uint64_t time;
	size_t i;

	for (i = 0; i < sizeof(slacks) / sizeof(slacks[0]); i++) {
		time = now_ns() + 2 * MSEC;
		arm(fd, (struct htw_op){
			.flags = HTW_TIMER_ABS, .expires = time,
			.slack = slacks[i], .cookie = i });
		read_event(fd, &event);
		EXPECT_EQ(event.cookie, i);
		EXPECT_EQ(event.expires, time);
	}
}

/*
 * 20 ms apart, but all may wait for two seconds: there are at most three ticks at
 * which they meet. Without slack each would wake us up by itself.
 */
static void slack_lets_timers_fire_together(void)
{
	enum { NR = 25 };
	struct htw_event events[NR];
	int fd = open_context(O_NONBLOCK), got = 0, wakeups = 0, i;
	uint64_t start;
	ssize_t len;

	pin_to_cpu(0);
	start = now_ns() + 20 * MSEC;
	for (i = 0; i < NR; i++)
		arm(fd, (struct htw_op){
			.flags = HTW_TIMER_ABS, .slack = 2 * SEC,
			.expires = start + (uint64_t)i * 20 * MSEC });
	while (got < NR) {
		wait_readable(fd);
		/* For the others of the same tick. */
		sleep_ns(10 * MSEC);
		len = read(fd, events, sizeof(events));
		ASSERT_GT(len, 0);
		got += (int)(len / (ssize_t)sizeof(events[0]));
		wakeups++;
	}
	EXPECT_LE(wakeups, 8);
}

/* Lateness begins where slack ends. */
static void slack_does_not_count_as_lateness(void)
{
	int fd = open_context(0), i;
	uint64_t time, now, slack = 30 * MSEC, late;
	struct htw_event event;

	for (i = 0; i < 5; i++) {
		time = now_ns() + MSEC;
		arm(fd, (struct htw_op){
			.flags = HTW_TIMER_ABS, .expires = time,
			.slack = slack });
		now = read_event(fd, &event);
		late = now > time + slack ? now - time - slack : 0;
		EXPECT_LE(HTW_EVENT_LATENESS(event.info), late + 1024);
	}
}

/* --- on a virtual clock, to the tick --- */

/* The first tick at which anything can fire at the time @now. */
static uint64_t next_tick(uint64_t now, uint64_t tick)
{
	return now / tick * tick + tick;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t rounded_up(uint64_t time, uint64_t tick)
{
	return (time + tick - 1) / tick * tick;
}

/**
 * struct window - when a timer is to fire
 * @tick: of the clock
 * @now: when it was armed
 * @from: not before
 * @to: and not after, if a tick lies between
 */
struct window {
	uint64_t	tick;
	uint64_t	now;
	uint64_t	from;
	uint64_t	to;
};

/* The first tick of the window at which it can still fire. */
static uint64_t first_of(const struct window *w)
{
	return larger(rounded_up(w->from, w->tick), next_tick(w->now, w->tick));
}

static bool can_be_kept(const struct window *w)
{
	return first_of(w) <= w->to;
}

/* Time goes on to the one event there is. */
static void expect_within(int fd, const struct window *w)
{
	uint64_t fired = advance(fd, HTW_ADVANCE_NEXT, FAR_AHEAD);
	struct htw_event event;

	ASSERT_EQ(read_events(fd, &event, 1), 1);
	EXPECT_EQ(fired % w->tick, 0);
	EXPECT_GE(fired, w->from);
	if (can_be_kept(w))
		EXPECT_LE(fired, w->to);
	else
		EXPECT_EQ(fired, first_of(w));
}

static const uint64_t ticks[] = { 1, 2, 1024, 1 << 17 };

#define NR_TICKS	(sizeof(ticks) / sizeof(ticks[0]))
#define ROUNDS		500

/* From less than a tick to a million, each size as likely as the others. */
static uint64_t any_span(uint64_t *state, uint64_t tick)
{
	uint64_t range = tick << random_of(state, 20);

	return range >> 32 ? random_of(state, UINT32_MAX) :
			     random_of(state, (uint32_t)range + 1);
}

static void fires_at_a_tick_of_its_slack(void)
{
	uint64_t state = 88172645463325252ULL;
	size_t i;
	int round;

	for (i = 0; i < NR_TICKS; i++) {
		int fd = open_virtual(ticks[i]);

		for (round = 0; round < ROUNDS; round++) {
			uint64_t delay = any_span(&state, ticks[i]);
			uint64_t slack = any_span(&state, ticks[i]);
			struct window w = {
				.tick = ticks[i],
				.now = advance(fd, 0, any_span(&state, ticks[i])),
			};

			w.from = w.now + delay;
			w.to = w.from + slack;
			arm(fd, (struct htw_op){
				.expires = delay, .slack = slack });
			expect_within(fd, &w);
		}
		close(fd);
	}
}

static struct window deadline_window(uint64_t now, uint64_t tick,
				     uint64_t expires, uint64_t slack)
{
	uint64_t before = larger(slack, tick);

	return (struct window){
		.tick = tick, .now = now, .to = expires,
		.from = expires > before ? expires - before : 0 };
}

/* Also those that can't be kept, which are told. */
static void deadline_is_kept_where_it_can_be(void)
{
	uint64_t state = 88172645463325252ULL;
	int round, kept = 0, late = 0;
	size_t i;

	for (i = 0; i < NR_TICKS; i++) {
		int fd = open_virtual(ticks[i]);

		for (round = 0; round < ROUNDS; round++) {
			uint64_t slack = any_span(&state, ticks[i]);
			struct htw_op op = {
				.opcode = HTW_OP_ARM, .slack = slack,
				.flags = HTW_TIMER_ABS | HTW_TIMER_DEADLINE };
			uint64_t now = advance(fd, 0, any_span(&state, ticks[i]));
			struct window w;

			op.expires = now + any_span(&state, ticks[i]);
			w = deadline_window(now, ticks[i], op.expires, slack);
			ASSERT_EQ(do_op(fd, &op), 0);
			EXPECT_EQ(op.res, can_be_kept(&w) ? 0 : HTW_LATE);
			kept += !op.res;
			late += !!op.res;
			expect_within(fd, &w);
		}
		close(fd);
	}
	ktap_note("%d kept, %d late", kept, late);
	EXPECT_GT(kept, ROUNDS);
	EXPECT_GT(late, 0);
}

static void deadline_of_a_period_is_kept_each_time(void)
{
	int fd = open_virtual(16), i;
	struct htw_event event;

	arm(fd, (struct htw_op){
		.flags = HTW_TIMER_DEADLINE, .expires = 1000,
		.interval = 1000, .slack = 100 });
	for (i = 1; i <= 20; i++) {
		uint64_t due = (uint64_t)i * 1000, fired;

		fired = advance(fd, HTW_ADVANCE_NEXT, FAR_AHEAD);
		EXPECT_LE(fired, due);
		EXPECT_GE(fired, due - 100);
		ASSERT_EQ(read_events(fd, &event, 1), 1);
		EXPECT_EQ(event.expires, due);
		EXPECT_EQ(event.expirations, 1);
	}
}

static void rearm_tells_that_a_deadline_is_late(void)
{
	int fd = open_virtual(1);
	struct htw_op op = {
		.opcode = HTW_OP_REARM, .id = arm_in(fd, HOUR, 0),
		.flags = HTW_TIMER_ABS | HTW_TIMER_DEADLINE };

	advance(fd, 0, 100);
	op.expires = 101;
	ASSERT_EQ(do_op(fd, &op), 0);
	EXPECT_EQ(op.res, 0);
	op.expires = 100;
	ASSERT_EQ(do_op(fd, &op), 0);
	EXPECT_EQ(op.res, HTW_LATE);
	EXPECT_EQ(advance(fd, HTW_ADVANCE_NEXT, 1000), 101);
}

static void late_is_told_in_a_batch(void)
{
	int fd = open_virtual(1);
	struct htw_op ops[] = {
		{ .opcode = HTW_OP_ARM, .expires = 5,
		  .flags = HTW_TIMER_DEADLINE },
		{ .opcode = HTW_OP_ARM, .expires = 0,
		  .flags = HTW_TIMER_DEADLINE },
		{ .opcode = HTW_OP_ARM, .expires = 0 },
	};
	struct htw_batch batch = {
		.ops = (uintptr_t)ops, .nr_ops = 3 };

	ASSERT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(ops[0].res, 0);
	EXPECT_EQ(ops[1].res, HTW_LATE);
	EXPECT_EQ(ops[2].res, 0);
	EXPECT_EQ(held(fd), 3);
}

static void coarse_is_an_eighth_of_the_delay(void)
{
	static const uint64_t delays[] = { 0, 7, 8, 100, 8000, HOUR };
	int fd = open_virtual(1);
	struct htw_op op;
	size_t i;

	for (i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		struct window w = {
			.tick = 1, .now = advance(fd, 0, 12345) };
		uint64_t id = arm(fd, (struct htw_op){
			.flags = HTW_TIMER_COARSE, .expires = delays[i] });

		w.from = w.now + delays[i];
		w.to = w.from + delays[i] / 8;
		ASSERT_EQ(remaining(fd, id, &op), 0);
		EXPECT_EQ(op.expires, w.from);
		EXPECT_EQ(op.slack, delays[i] / 8);
		expect_within(fd, &w);
	}
}

/* The delay of a time is what is left until it comes. */
static void coarse_time_has_an_eighth_of_what_is_left(void)
{
	int fd = open_virtual(1);
	struct htw_op op;
	uint64_t id;

	advance(fd, 0, 1000);
	id = arm(fd, (struct htw_op){
		.flags = HTW_TIMER_COARSE | HTW_TIMER_ABS, .expires = 9000 });
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.slack, 1000);
	id = arm(fd, (struct htw_op){
		.flags = HTW_TIMER_COARSE | HTW_TIMER_ABS, .expires = 500 });
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.slack, 0);
}

static void coarse_keeps_a_larger_slack(void)
{
	int fd = open_virtual(1);
	struct htw_op op;
	uint64_t id;

	id = arm(fd, (struct htw_op){
		.flags = HTW_TIMER_COARSE, .expires = 8000, .slack = 5000 });
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.slack, 5000);
	id = arm(fd, (struct htw_op){
		.flags = HTW_TIMER_COARSE, .expires = 8000, .slack = 500 });
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.slack, 1000);
}

/* Armed at any time, those of the same few seconds share few ticks. */
static void coarse_timers_meet(void)
{
	enum { NR = 1000 };
	uint64_t state = 88172645463325252ULL;
	int fd = open_virtual(1 << 17), i, stops = 0;
	struct htw_event events[NR];
	size_t got = 0;

	for (i = 0; i < NR; i++) {
		arm(fd, (struct htw_op){
			.flags = HTW_TIMER_COARSE, .expires = 8 * SEC });
		advance(fd, 0, random_of(&state, 2 * MSEC));
	}
	while (got < NR) {
		advance(fd, HTW_ADVANCE_NEXT, HOUR);
		got += read_events(fd, events, NR);
		stops++;
	}
	EXPECT_LE(stops, 5);
}

/* --- and on a real one --- */

static void coarse_is_never_early(void)
{
	int fd = open_context(0);
	struct htw_event event;
	uint64_t delay;

	for (delay = 0; delay < 100 * MSEC; delay += 9 * MSEC) {
		arm(fd, (struct htw_op){
			.flags = HTW_TIMER_COARSE, .expires = delay });
		read_event(fd, &event);
	}
}

static void deadline_does_not_fire_before_its_window(void)
{
	static const uint64_t slacks[] = { 0, 1, MSEC, 15 * MSEC };
	int fd = open_context(0);
	uint64_t tick = query(fd).tick_ns, expires, lead;
	struct htw_event event;
	size_t i;

	for (i = 0; i < sizeof(slacks) / sizeof(slacks[0]); i++) {
		expires = now_ns() + 20 * MSEC;
		lead = larger(slacks[i], tick);
		arm(fd, (struct htw_op){
			.flags = HTW_TIMER_ABS | HTW_TIMER_DEADLINE,
			.expires = expires, .slack = slacks[i] });
		ASSERT_EQ(read(fd, &event, sizeof(event)), sizeof(event));
		EXPECT_GE(now_ns(), expires - lead);
		EXPECT_EQ(event.expires, expires);
	}
}

/* A whole hour of slack: it can fire now, so it is not late, nor waits that long. */
static void deadline_with_much_slack_is_kept(void)
{
	int fd = open_context(0);
	struct htw_op op = {
		.opcode = HTW_OP_ARM, .expires = HOUR, .slack = MAX_TIME,
		.flags = HTW_TIMER_DEADLINE };

	ASSERT_EQ(do_op(fd, &op), 0);
	EXPECT_EQ(op.res, 0);
	op.slack = 0;
	op.id = 0;
	ASSERT_EQ(do_op(fd, &op), 0);
	EXPECT_EQ(op.res, 0);
}

static void deadline_in_the_past_is_late(void)
{
	int fd = open_context(0), i;
	uint64_t expires = now_ns();
	struct htw_event event;

	for (i = 0; i < 5; i++, expires /= 16) {
		struct htw_op op = {
			.opcode = HTW_OP_ARM, .expires = expires,
			.slack = HOUR, .cookie = expires,
			.flags = HTW_TIMER_ABS | HTW_TIMER_DEADLINE };

		ASSERT_EQ(do_op(fd, &op), 0);
		EXPECT_EQ(op.res, HTW_LATE);
		read_event(fd, &event);
		EXPECT_EQ(event.cookie, expires);
	}
}

static const struct ktap_test tests[] = {
	KTAP_TEST(slack_is_never_early),
	KTAP_TEST(slack_lets_timers_fire_together),
	KTAP_TEST(slack_does_not_count_as_lateness),
	KTAP_TEST(fires_at_a_tick_of_its_slack),
	KTAP_TEST(deadline_is_kept_where_it_can_be),
	KTAP_TEST(deadline_of_a_period_is_kept_each_time),
	KTAP_TEST(rearm_tells_that_a_deadline_is_late),
	KTAP_TEST(late_is_told_in_a_batch),
	KTAP_TEST(coarse_is_an_eighth_of_the_delay),
	KTAP_TEST(coarse_time_has_an_eighth_of_what_is_left),
	KTAP_TEST(coarse_keeps_a_larger_slack),
	KTAP_TEST(coarse_timers_meet),
	KTAP_TEST(coarse_is_never_early),
	KTAP_TEST(deadline_does_not_fire_before_its_window),
	KTAP_TEST(deadline_with_much_slack_is_kept),
	KTAP_TEST(deadline_in_the_past_is_late),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("window", tests, need_device));
}
