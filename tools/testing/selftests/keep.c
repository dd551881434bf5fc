// SPDX-License-Identifier: GPL-2.0
/*
 * HTW_TIMER_KEEP, whose timers have one state more than others; what HTW_OP_REMAINING
 * says in each state, and HTW_OP_CANCEL about the deadline that held.
 */
#include "context.h"

#define DELAY		10

/* On a virtual clock, in DELAY ns. */
static uint64_t arm_kept(int fd)
{
	return arm(fd, (struct htw_op){
		.flags = HTW_TIMER_KEEP, .expires = DELAY, .cookie = 5 });
}

static void expect_event(int fd, uint64_t id, uint64_t expires)
{
	struct htw_event event;

	ASSERT_EQ(read_events(fd, &event, 1), 1);
	EXPECT_EQ(event.id, id);
	EXPECT_EQ(event.expires, expires);
	EXPECT_EQ(event.expirations, 1);
}

static void expect_none(int fd)
{
	struct htw_event event;

	EXPECT_EQ(poll_context(fd, 0), 0);
	EXPECT_EQ(read_events(fd, &event, 1), 0);
}

static void expect_state(int fd, uint64_t id, int state, uint64_t expires,
			 uint64_t value)
{
	struct htw_op op;

	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.res, state);
	EXPECT_EQ(op.expires, expires);
	EXPECT_EQ(op.value, value);
}

/* --- states --- */

static void remaining_tells_the_state(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_kept(fd);

	expect_state(fd, id, HTW_STATE_ARMED, DELAY, DELAY);
	advance(fd, 0, 3);
	expect_state(fd, id, HTW_STATE_ARMED, DELAY, DELAY - 3);
	advance(fd, 0, DELAY);
	expect_state(fd, id, HTW_STATE_EXPIRED, DELAY, 0);
	expect_event(fd, id, DELAY);
	expect_state(fd, id, HTW_STATE_DELIVERED, DELAY, 0);
	advance(fd, 0, DELAY);
	expect_state(fd, id, HTW_STATE_DELIVERED, DELAY, 0);
}

/* Without the flag there is no timer to ask about after that. */
static void remaining_of_others_has_two_states(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_in(fd, DELAY, 0);
	struct htw_op op;

	expect_state(fd, id, HTW_STATE_ARMED, DELAY, DELAY);
	advance(fd, 0, DELAY);
	expect_state(fd, id, HTW_STATE_EXPIRED, DELAY, 0);
	expect_event(fd, id, DELAY);
	EXPECT_EQ(remaining(fd, id, &op), -EALREADY);
}

static void remaining_tells_all_of_a_kept_timer(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm(fd, (struct htw_op){
		.flags = HTW_TIMER_KEEP, .expires = 5, .slack = 3,
		.interval = 7, .count = 2, .cookie = 0x1234 });
	struct htw_event event;
	struct htw_op op;

	advance(fd, 0, 100);
	ASSERT_EQ(read_events(fd, &event, 1), 1);
	EXPECT_EQ(event.expirations, 2);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.res, HTW_STATE_DELIVERED);
	EXPECT_EQ(op.expires, 12);
	EXPECT_EQ(op.interval, 7);
	EXPECT_EQ(op.slack, 3);
	EXPECT_EQ(op.cookie, 0x1234);
	EXPECT_EQ(op.count, 0);
	EXPECT_EQ(op.arming, 1);
}

/* --- after delivery --- */

static void kept_timer_still_counts(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_kept(fd);

	advance(fd, 0, DELAY);
	expect_event(fd, id, DELAY);
	EXPECT_EQ(held(fd), 1);
	EXPECT_EQ(cancel(fd, id), HTW_DELIVERED);
	EXPECT_EQ(held(fd), 0);
}

static void cancel_tells_each_state(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_kept(fd);

	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	id = arm_kept(fd);
	advance(fd, 0, DELAY);
	EXPECT_EQ(cancel(fd, id), HTW_WITHDRAWN);
	id = arm_kept(fd);
	advance(fd, 0, DELAY);
	expect_event(fd, id, 2 * DELAY);
	EXPECT_EQ(cancel(fd, id), HTW_DELIVERED);
	/* Then it is gone as any other that was cancelled. */
	EXPECT_EQ(cancel(fd, id), -ENOENT);
	EXPECT_EQ(rearm_in(fd, id, 0, 0), -ENOENT);
	EXPECT_EQ(held(fd), 0);
	expect_none(fd);
}

/* The id of an idle timeout is the same for as long as its connection. */
static void rearm_after_delivery_works_again_and_again(void)
{
	int fd = open_virtual(1), i;
	uint64_t id = arm_kept(fd), now = 0;
	struct htw_op op;

	for (i = 1; i <= 300; i++) {
		now = advance(fd, 0, DELAY);
		expect_event(fd, id, now);
		expect_none(fd);
		op = (struct htw_op){
			.opcode = HTW_OP_REARM, .flags = HTW_TIMER_KEEP,
			.id = id, .expires = DELAY };
		ASSERT_EQ(do_op(fd, &op), 0);
		EXPECT_EQ(op.arming, i + 1);
		EXPECT_EQ(held(fd), 1);
	}
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
}

static void rearm_without_the_flag_keeps_it_no_longer(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_kept(fd);

	ASSERT_EQ(rearm_in(fd, id, DELAY, 0), 0);
	advance(fd, 0, DELAY);
	expect_event(fd, id, DELAY);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(cancel(fd, id), -EALREADY);
}

static void rearm_with_the_flag_keeps_it(void)
{
	int fd = open_virtual(1);
	struct htw_op op = {
		.opcode = HTW_OP_REARM, .id = arm_in(fd, DELAY, 0),
		.flags = HTW_TIMER_KEEP, .expires = DELAY };

	ASSERT_EQ(do_op(fd, &op), 0);
	advance(fd, 0, DELAY);
	expect_event(fd, op.id, DELAY);
	EXPECT_EQ(cancel(fd, op.id), HTW_DELIVERED);
}

/* It is kept when its last event has been delivered, not its first. */
static void periodic_one_is_kept_after_its_count(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm(fd, (struct htw_op){
		.flags = HTW_TIMER_KEEP, .expires = DELAY,
		.interval = DELAY, .count = 2 });

	advance(fd, 0, DELAY);
	expect_event(fd, id, DELAY);
	expect_state(fd, id, HTW_STATE_ARMED, 2 * DELAY, DELAY);
	advance(fd, 0, DELAY);
	expect_event(fd, id, 2 * DELAY);
	expect_state(fd, id, HTW_STATE_DELIVERED, 2 * DELAY, 0);
	advance(fd, 0, 10 * DELAY);
	expect_none(fd);
	EXPECT_EQ(cancel(fd, id), HTW_DELIVERED);
}

static void kept_timers_use_up_the_limit(void)
{
	int fd = open_setup(O_NONBLOCK, (struct htw_setup){
		.clock = HTW_CLOCK_VIRTUAL, .max_timers = 2 });
	uint64_t id = arm_kept(fd);
	struct htw_op op = { .opcode = HTW_OP_ARM, .expires = HOUR };

	arm_in(fd, HOUR, 0);
	advance(fd, 0, SEC);
	expect_event(fd, id, DELAY);
	EXPECT_EQ(do_op(fd, &op), -ENOSPC);
	EXPECT_EQ(cancel(fd, id), HTW_DELIVERED);
	EXPECT_EQ(do_op(fd, &op), 0);
}

static void kept_timer_on_a_real_clock(void)
{
	int fd = open_context(0), i;
	uint64_t id = arm(fd, (struct htw_op){ .flags = HTW_TIMER_KEEP });
	struct htw_event event;

	for (i = 0; i < 20; i++) {
		read_event(fd, &event);
		EXPECT_EQ(event.id, id);
		EXPECT_EQ(HTW_EVENT_ARMING(event.info), i + 1);
		ASSERT_EQ(do_op(fd, &(struct htw_op){
			.opcode = HTW_OP_REARM, .flags = HTW_TIMER_KEEP,
			.id = id, .expires = (uint64_t)i * 100 * USEC }), 0);
	}
	read_event(fd, &event);
	EXPECT_EQ(cancel(fd, id), HTW_DELIVERED);
}

static void closing_ends_kept_timers(void)
{
	int i;

	for (i = 0; i < 20; i++) {
		int fd = open_virtual(1);
		uint64_t id = arm_kept(fd);

		arm_kept(fd);
		advance(fd, 0, DELAY);
		expect_event(fd, id, DELAY);
		close(fd);
	}
	EXPECT_EQ(held(open_context(0)), 0);
}

/* --- what HTW_OP_CANCEL says of the deadline --- */

static uint64_t cancel_value(int fd, uint64_t id)
{
	struct htw_op op = { .opcode = HTW_OP_CANCEL, .id = id };

	ASSERT_EQ(do_op(fd, &op), 0);
	return op.value;
}

static void cancel_tells_when_it_would_have_expired(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_in(fd, DELAY, 0);

	EXPECT_EQ(cancel_value(fd, id), DELAY);
	advance(fd, 0, 100);
	id = arm_in(fd, DELAY, 0);
	EXPECT_EQ(cancel_value(fd, id), 100 + DELAY);
	id = arm_at(fd, 12345, 0);
	EXPECT_EQ(cancel_value(fd, id), 12345);
	id = arm_in(fd, DELAY, 0);
	ASSERT_EQ(rearm_in(fd, id, 2 * DELAY, 0), 0);
	EXPECT_EQ(cancel_value(fd, id), 100 + 2 * DELAY);
}

static void cancel_tells_when_it_had_expired(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm_in(fd, DELAY, 0);

	advance(fd, 0, 100);
	EXPECT_EQ(cancel_value(fd, id), DELAY);
	id = arm_kept(fd);
	advance(fd, 0, 100);
	expect_event(fd, id, 100 + DELAY);
	EXPECT_EQ(cancel_value(fd, id), 100 + DELAY);
}

static void cancel_tells_the_next_expiry_of_a_period(void)
{
	int fd = open_virtual(1);
	uint64_t id = arm(fd, (struct htw_op){
		.expires = DELAY, .interval = DELAY });
	struct htw_event event;

	advance(fd, 0, 3 * DELAY + 5);
	ASSERT_EQ(read_events(fd, &event, 1), 1);
	EXPECT_EQ(cancel_value(fd, id), 4 * DELAY);
}

/* Times are those of the clock of the context, of a delay too. */
static void cancel_tells_a_time_of_the_clock(void)
{
	static const clockid_t clocks[] = {
		CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME, CLOCK_TAI };
	uint64_t before, after, value;
	size_t i;

	for (i = 0; i < 4; i++) {
		int fd = open_clock(0, (uint32_t)clocks[i]);
		uint64_t id;

		before = clock_ns(clocks[i]);
		id = arm_in(fd, HOUR, 0);
		after = clock_ns(clocks[i]);
		value = cancel_value(fd, id);
		EXPECT_GE(value, before + HOUR);
		EXPECT_LE(value, after + HOUR);
		id = arm_at(fd, after + 2 * HOUR, 0);
		EXPECT_EQ(cancel_value(fd, id), after + 2 * HOUR);
	}
}

static const struct ktap_test tests[] = {
	KTAP_TEST(remaining_tells_the_state),
	KTAP_TEST(remaining_of_others_has_two_states),
	KTAP_TEST(remaining_tells_all_of_a_kept_timer),
	KTAP_TEST(kept_timer_still_counts),
	KTAP_TEST(cancel_tells_each_state),
	KTAP_TEST(rearm_after_delivery_works_again_and_again),
	KTAP_TEST(rearm_without_the_flag_keeps_it_no_longer),
	KTAP_TEST(rearm_with_the_flag_keeps_it),
	KTAP_TEST(periodic_one_is_kept_after_its_count),
	KTAP_TEST(kept_timers_use_up_the_limit),
	KTAP_TEST(kept_timer_on_a_real_clock),
	KTAP_TEST(closing_ends_kept_timers),
	KTAP_TEST(cancel_tells_when_it_would_have_expired),
	KTAP_TEST(cancel_tells_when_it_had_expired),
	KTAP_TEST(cancel_tells_the_next_expiry_of_a_period),
	KTAP_TEST(cancel_tells_a_time_of_the_clock),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("keep", tests, need_device));
}
