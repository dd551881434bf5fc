// SPDX-License-Identifier: GPL-2.0
/*
 * Each errno of each request, from a call that works and differs from it in as little
 * as can be; and the last value of each field that is still taken. What is refused
 * must have changed nothing.
 */
#include <stddef.h>
#include <sys/eventfd.h>

#include "refused.h"

/* One field of an argument gets this value. */
struct change {
	size_t		offset;
	size_t		size;		/* 0 ends the list */
	uint64_t	value;
};

/* A call that works, but for these changes; or in spite of them, if @err is 0. */
struct call {
	int		line;
	int		err;
	struct change	changes[3];
};

#define TAKEN(...)		{ __LINE__, 0, { __VA_ARGS__ } }
#define REFUSED(_err, ...)	{ __LINE__, _err, { __VA_ARGS__ } }

#define FIELD(_type, _field, _value)					\
	{ offsetof(_type, _field), sizeof(((_type *)NULL)->_field), _value }
#define OP(_field, _value)	FIELD(struct htw_op, _field, _value)
#define SETUP(_field, _value)	FIELD(struct htw_setup, _field, _value)
#define BATCH(_field, _value)	FIELD(struct htw_batch, _field, _value)

#define NR(_array)		(sizeof(_array) / sizeof((_array)[0]))

static void change_field(void *arg, const struct change *change)
{
	char *at = (char *)arg + change->offset;
	uint16_t half = (uint16_t)change->value;
	uint32_t word = (uint32_t)change->value;

	if (change->size == sizeof(half))
		memcpy(at, &half, sizeof(half));
	else if (change->size == sizeof(word))
		memcpy(at, &word, sizeof(word));
	else
		memcpy(at, &change->value, sizeof(change->value));
}

static void change_fields(void *arg, const struct call *call)
{
	size_t i;

	for (i = 0; i < NR(call->changes) && call->changes[i].size; i++)
		change_field(arg, &call->changes[i]);
}

/* To be called when @call has been tried; @failures is how many there were before. */
static void name_call(const struct call *call, int failures)
{
	if (ktap_state->failures != failures)
		ktap_note("that was the call of line %d", call->line);
}

/* --- HTW_OP_ARM and HTW_OP_REARM --- */

static const struct call timing_calls[] = {
	TAKEN(),
	TAKEN(OP(expires, 0)),
	TAKEN(OP(expires, 1)),
	TAKEN(OP(expires, MAX_TIME - 1)),
	TAKEN(OP(expires, MAX_TIME)),
	REFUSED(EINVAL, OP(expires, MAX_TIME + 1)),
	REFUSED(EINVAL, OP(expires, UINT64_MAX)),

	TAKEN(OP(flags, HTW_TIMER_ABS)),
	TAKEN(OP(flags, HTW_TIMER_ABS), OP(expires, 0)),
	TAKEN(OP(flags, HTW_TIMER_ABS), OP(expires, MAX_TIME - 1)),
	TAKEN(OP(flags, HTW_TIMER_ABS), OP(expires, MAX_TIME)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_ABS), OP(expires, MAX_TIME + 1)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_ABS), OP(expires, UINT64_MAX)),

	TAKEN(OP(slack, 1)),
	TAKEN(OP(slack, MAX_TIME)),
	TAKEN(OP(slack, MAX_TIME), OP(expires, MAX_TIME), OP(interval, MAX_TIME)),
	REFUSED(EINVAL, OP(slack, MAX_TIME + 1)),
	REFUSED(EINVAL, OP(slack, UINT64_MAX)),

	TAKEN(OP(interval, HOUR)),
	TAKEN(OP(interval, MAX_TIME)),
	REFUSED(EINVAL, OP(interval, MAX_TIME + 1)),
	REFUSED(EINVAL, OP(interval, UINT64_MAX)),
	/* Shorter than any minimum. */
	REFUSED(EINVAL, OP(interval, 1)),

	TAKEN(OP(count, 1), OP(interval, HOUR)),
	TAKEN(OP(count, UINT32_MAX), OP(interval, HOUR)),
	REFUSED(EINVAL, OP(count, 1)),
	REFUSED(EINVAL, OP(count, UINT32_MAX)),

	TAKEN(OP(flags, HTW_TIMER_SKIP), OP(interval, HOUR)),
	TAKEN(OP(flags, HTW_TIMER_BURST), OP(interval, HOUR)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_SKIP)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_BURST)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_SKIP | HTW_TIMER_BURST),
		OP(interval, HOUR)),

	TAKEN(OP(flags, HTW_TIMER_DEADLINE)),
	TAKEN(OP(flags, HTW_TIMER_DEADLINE), OP(slack, MAX_TIME)),
	TAKEN(OP(flags, HTW_TIMER_DEADLINE), OP(interval, HOUR)),
	TAKEN(OP(flags, HTW_TIMER_COARSE)),
	TAKEN(OP(flags, HTW_TIMER_COARSE), OP(interval, HOUR)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_DEADLINE | HTW_TIMER_COARSE)),

	TAKEN(OP(flags, HTW_TIMER_KEEP)),
	TAKEN(OP(flags, HTW_TIMER_KEEP), OP(interval, HOUR), OP(count, 2)),

	/* There is no table of words. */
	REFUSED(EINVAL, OP(flags, HTW_TIMER_WORD)),

	REFUSED(EINVAL, OP(flags, 1 << 7)),
	REFUSED(EINVAL, OP(flags, HTW_ADVANCE_NEXT)),
	REFUSED(EINVAL, OP(flags, 1 << 9)),
	REFUSED(EINVAL, OP(flags, 1 << 10)),
	REFUSED(EINVAL, OP(flags, 1 << 11)),
	REFUSED(EINVAL, OP(flags, 1 << 12)),
	REFUSED(EINVAL, OP(flags, 1 << 13)),
	REFUSED(EINVAL, OP(flags, 1 << 14)),
	REFUSED(EINVAL, OP(flags, 1 << 15)),
	REFUSED(EINVAL, OP(flags, 1 << 15 | HTW_TIMER_ABS)),

	TAKEN(OP(cookie, UINT64_MAX)),
	/* Only written. */
	TAKEN(OP(value, UINT64_MAX), OP(res, UINT32_MAX),
	      OP(arming, UINT32_MAX)),
};

/* In a context that has words. */
static const struct call word_calls[] = {
	TAKEN(OP(flags, HTW_TIMER_WORD)),
	TAKEN(OP(flags, HTW_TIMER_WORD | HTW_TIMER_ABS)),
	TAKEN(OP(flags, HTW_TIMER_WORD | HTW_TIMER_KEEP)),
	TAKEN(OP(flags, HTW_TIMER_WORD | HTW_TIMER_COARSE)),
	TAKEN(OP(flags, HTW_TIMER_WORD), OP(slack, MAX_TIME)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_WORD | HTW_TIMER_DEADLINE)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_WORD), OP(interval, HOUR)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_WORD), OP(interval, HOUR),
		OP(count, 1)),
};

/* What is taken is in effect; the timer is cancelled again. */
static void try_arm(int fd, const struct call *call)
{
	struct htw_op op = valid_arm();
	int failures = ktap_state->failures, res;

	change_fields(&op, call);
	if (call->err) {
		expect_refused(fd, op, call->err, 0);
	} else {
		EXPECT_EQ(do_op(fd, &op), 0);
		EXPECT_EQ(op.arming, 1);
		res = cancel(fd, op.id);
		EXPECT_TRUE(res == HTW_CANCELLED || res == HTW_WITHDRAWN);
	}
	name_call(call, failures);
}

/* What is taken is undone by another re-arming. */
static void try_rearm(int fd, uint64_t id, const struct call *call)
{
	struct htw_op op = valid_rearm(id);
	int failures = ktap_state->failures;

	change_fields(&op, call);
	if (call->err) {
		expect_refused(fd, op, call->err, id);
	} else {
		EXPECT_EQ(do_op(fd, &op), 0);
		EXPECT_EQ(rearm_in(fd, id, FAR, 0), 0);
	}
	name_call(call, failures);
}

static void try_timing(int fd, const struct call *calls, size_t nr)
{
	uint64_t id;
	size_t i;

	for (i = 0; i < nr; i++)
		try_arm(fd, &calls[i]);
	EXPECT_EQ(held(fd), 0);
	id = arm_far(fd);
	for (i = 0; i < nr; i++)
		try_rearm(fd, id, &calls[i]);
	EXPECT_EQ(held(fd), 1);
	close(fd);
}

static const uint32_t clocks[] = {
	CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME, CLOCK_TAI,
	HTW_CLOCK_VIRTUAL };

static void arm_and_rearm_take_what_is_in_range(void)
{
	try_timing(open_context(0), timing_calls, NR(timing_calls));
}

static void arm_and_rearm_take_the_same_on_each_clock(void)
{
	size_t i;

	for (i = 0; i < NR(clocks); i++)
		try_timing(open_clock(0, clocks[i]), timing_calls,
			   NR(timing_calls));
}

static void arm_and_rearm_take_word_where_there_are_words(void)
{
	static const uint32_t with_words[] = {
		CLOCK_MONOTONIC, CLOCK_BOOTTIME, HTW_CLOCK_VIRTUAL };
	size_t i;

	for (i = 0; i < NR(with_words); i++)
		try_timing(open_setup(0, (struct htw_setup){
				.clock = with_words[i], .max_timers = 64,
				.flags = HTW_SETUP_WORDS }),
			   word_calls, NR(word_calls));
}

/* Its last value is only known at run time. */
static void arm_and_rearm_interval_has_a_minimum(void)
{
	int fd = open_context(0);
	uint64_t least = query(fd).min_interval_ns;
	struct call calls[] = {
		TAKEN(OP(interval, least)),
		TAKEN(OP(interval, least + 1)),
		REFUSED(EINVAL, OP(interval, least - 1)),
	};

	ASSERT_GT(least, 2);
	try_timing(fd, calls, NR(calls));
}

static void arm_id_nonzero_einval(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);
	struct call calls[] = {
		REFUSED(EINVAL, OP(id, 1)),
		REFUSED(EINVAL, OP(id, UINT64_MAX)),
		REFUSED(EINVAL, OP(id, id)),
	};
	size_t i;

	for (i = 0; i < NR(calls); i++)
		try_arm(fd, &calls[i]);
	EXPECT_EQ(held(fd), 1);
}

/* --- HTW_OP_CANCEL and HTW_OP_REMAINING: they take the id and no more --- */

static void expect_takes_only_id(int fd, struct htw_op valid)
{
	struct htw_op op;
	int bit;

	for (bit = 0; bit < 64; bit++) {
		op = valid;
		op.expires = 1ULL << bit;
		expect_refused(fd, op, EINVAL, valid.id);
		op = valid;
		op.interval = 1ULL << bit;
		expect_refused(fd, op, EINVAL, valid.id);
		op = valid;
		op.slack = 1ULL << bit;
		expect_refused(fd, op, EINVAL, valid.id);
		op = valid;
		op.cookie = 1ULL << bit;
		expect_refused(fd, op, EINVAL, valid.id);
	}
	for (bit = 0; bit < 16; bit++) {
		op = valid;
		op.flags = (__u16)(1U << bit);
		expect_refused(fd, op, EINVAL, valid.id);
	}
	for (bit = 0; bit < 32; bit++) {
		op = valid;
		op.count = 1U << bit;
		expect_refused(fd, op, EINVAL, valid.id);
	}
}

static void cancel_takes_only_id_else_einval(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);

	expect_takes_only_id(fd, valid_cancel(id));
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
}

static void remaining_takes_only_id_else_einval(void)
{
	int fd = open_context(0);

	expect_takes_only_id(fd, valid_remaining(arm_far(fd)));
}

/* --- HTW_OP_CANCEL_MATCH and HTW_OP_ADVANCE --- */

static const struct call match_calls[] = {
	TAKEN(),
	TAKEN(OP(value, UINT64_MAX)),
	TAKEN(OP(cookie, UINT64_MAX)),
	TAKEN(OP(res, UINT32_MAX), OP(arming, UINT32_MAX)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_ABS)),
	REFUSED(EINVAL, OP(flags, HTW_ADVANCE_NEXT)),
	REFUSED(EINVAL, OP(flags, 1 << 15)),
	REFUSED(EINVAL, OP(count, 1)),
	REFUSED(EINVAL, OP(expires, 1)),
	REFUSED(EINVAL, OP(interval, 1)),
	REFUSED(EINVAL, OP(slack, 1)),
	REFUSED(EINVAL, OP(id, 1)),
	REFUSED(EINVAL, OP(id, UINT64_MAX)),
};

static const struct call advance_calls[] = {
	TAKEN(),
	TAKEN(OP(expires, 0)),
	TAKEN(OP(flags, HTW_TIMER_ABS)),
	TAKEN(OP(flags, HTW_ADVANCE_NEXT)),
	TAKEN(OP(flags, HTW_ADVANCE_NEXT | HTW_TIMER_ABS)),
	TAKEN(OP(value, UINT64_MAX), OP(res, UINT32_MAX),
	      OP(arming, UINT32_MAX)),
	REFUSED(EINVAL, OP(expires, MAX_TIME + 1)),
	REFUSED(EINVAL, OP(expires, UINT64_MAX)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_ABS), OP(expires, MAX_TIME + 1)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_ABS), OP(expires, UINT64_MAX)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_DEADLINE)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_COARSE)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_KEEP)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_SKIP)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_BURST)),
	REFUSED(EINVAL, OP(flags, HTW_TIMER_WORD)),
	REFUSED(EINVAL, OP(flags, 1 << 7)),
	REFUSED(EINVAL, OP(flags, 1 << 9)),
	REFUSED(EINVAL, OP(flags, 1 << 15)),
	REFUSED(EINVAL, OP(count, 1)),
	REFUSED(EINVAL, OP(interval, 1)),
	REFUSED(EINVAL, OP(slack, 1)),
	REFUSED(EINVAL, OP(cookie, 1)),
	REFUSED(EINVAL, OP(id, 1)),
};

/* With an operation that does nothing to @id, which is in the context. */
static void try_harmless(int fd, struct htw_op op, uint64_t id,
			 const struct call *call)
{
	int failures = ktap_state->failures;

	change_fields(&op, call);
	if (call->err)
		expect_refused(fd, op, call->err, id);
	else
		EXPECT_EQ(do_op(fd, &op), 0);
	name_call(call, failures);
}

static void cancel_match_takes_cookie_and_value(void)
{
	struct htw_op op = {
		.opcode = HTW_OP_CANCEL_MATCH, .cookie = 1, .value = 1 };
	int fd = open_context(0);
	/* Its cookie is even. */
	uint64_t id = arm_far(fd);
	size_t i;

	for (i = 0; i < NR(match_calls); i++)
		try_harmless(fd, op, id, &match_calls[i]);
	EXPECT_EQ(held(fd), 1);
}

static void advance_takes_flags_and_expires(void)
{
	struct htw_op op = { .opcode = HTW_OP_ADVANCE, .expires = SEC };
	int fd = open_virtual(0);
	uint64_t id = arm_far(fd);
	size_t i;

	for (i = 0; i < NR(advance_calls); i++)
		try_harmless(fd, op, id, &advance_calls[i]);
}

static void advance_of_a_real_clock_eopnotsupp(void)
{
	struct htw_op op = { .opcode = HTW_OP_ADVANCE, .expires = SEC };
	size_t i;

	expect_refused(open_context(0), op, EOPNOTSUPP, 0);
	for (i = 0; i < NR(clocks) - 1; i++)
		expect_refused(open_clock(0, clocks[i]), op, EOPNOTSUPP, 0);
}

/* --- opcodes and ids --- */

static void unknown_opcode_eopnotsupp(void)
{
	static const __u16 opcodes[] = { 0, 7, 63, 64, 0x101, 0x8001, 0xffff };
	int fd = open_context(0);
	size_t i;

	for (i = 0; i < NR(opcodes); i++)
		expect_refused(fd, (struct htw_op){ .opcode = opcodes[i] },
			       EOPNOTSUPP, 0);
}

static void expect_no_timer(int fd, uint64_t wrong, uint64_t id)
{
	expect_refused(fd, valid_rearm(wrong), ENOENT, id);
	expect_refused(fd, valid_cancel(wrong), ENOENT, id);
	expect_refused(fd, valid_remaining(wrong), ENOENT, id);
}

static void unknown_id_enoent(void)
{
	static const uint64_t wrong[] = {
		0, 1, UINT32_MAX, 1ULL << 32, 1ULL << 63, UINT64_MAX };
	int fd = open_context(0);
	size_t i;

	for (i = 0; i < NR(wrong); i++)
		expect_no_timer(fd, wrong[i], 0);
}

/* Each bit of an id counts: one that differs is no other timer's. */
static void id_with_any_bit_flipped_enoent(void)
{
	int fd = open_context(0), bit;
	uint64_t id = arm_far(fd);

	for (bit = 0; bit < 64; bit++)
		expect_no_timer(fd, id ^ 1ULL << bit, id);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
}

static void cancelled_id_enoent(void)
{
	int fd = open_context(0);
	uint64_t other = arm_far(fd), id = arm_far(fd);

	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	expect_no_timer(fd, id, other);
}

static void delivered_id_ealready(void)
{
	int fd = open_context(0);
	uint64_t other = arm_far(fd), id = arm_in(fd, 0, 0);
	struct htw_event event;

	read_event(fd, &event);
	expect_refused(fd, valid_rearm(id), EALREADY, other);
	expect_refused(fd, valid_cancel(id), EALREADY, other);
	expect_refused(fd, valid_remaining(id), EALREADY, other);
}

static void arm_beyond_max_timers_enospc(void)
{
	int fd = open_setup(0, (struct htw_setup){
		.clock = CLOCK_MONOTONIC, .max_timers = 3 });
	uint64_t id = arm_far(fd);

	EXPECT_EQ(query(fd).max_file, 3);
	arm_far(fd);
	arm_far(fd);
	expect_refused(fd, valid_arm(), ENOSPC, id);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	arm_far(fd);
	expect_refused(fd, valid_arm(), ENOSPC, 0);
}

/* --- HTW_IOC_SETUP --- */

static const struct call setup_calls[] = {
	TAKEN(),
	TAKEN(SETUP(clock, CLOCK_REALTIME)),
	TAKEN(SETUP(clock, CLOCK_BOOTTIME)),
	TAKEN(SETUP(clock, CLOCK_TAI)),
	TAKEN(SETUP(clock, HTW_CLOCK_VIRTUAL)),
	REFUSED(EOPNOTSUPP, SETUP(clock, CLOCK_PROCESS_CPUTIME_ID)),
	REFUSED(EOPNOTSUPP, SETUP(clock, CLOCK_THREAD_CPUTIME_ID)),
	REFUSED(EOPNOTSUPP, SETUP(clock, CLOCK_MONOTONIC_RAW)),
	REFUSED(EOPNOTSUPP, SETUP(clock, CLOCK_REALTIME_COARSE)),
	REFUSED(EOPNOTSUPP, SETUP(clock, CLOCK_MONOTONIC_COARSE)),
	REFUSED(EOPNOTSUPP, SETUP(clock, CLOCK_REALTIME_ALARM)),
	REFUSED(EOPNOTSUPP, SETUP(clock, CLOCK_BOOTTIME_ALARM)),
	REFUSED(EOPNOTSUPP, SETUP(clock, HTW_CLOCK_VIRTUAL - 1)),
	REFUSED(EOPNOTSUPP, SETUP(clock, HTW_CLOCK_VIRTUAL + 1)),
	REFUSED(EOPNOTSUPP, SETUP(clock, 32 + CLOCK_MONOTONIC)),
	REFUSED(EOPNOTSUPP, SETUP(clock, 1U << 31)),
	REFUSED(EOPNOTSUPP, SETUP(clock, UINT32_MAX)),

	TAKEN(SETUP(flags, HTW_SETUP_WORDS), SETUP(max_timers, 64)),
	TAKEN(SETUP(flags, HTW_SETUP_WORDS), SETUP(max_timers, 64),
	      SETUP(clock, CLOCK_BOOTTIME)),
	TAKEN(SETUP(flags, HTW_SETUP_WORDS), SETUP(max_timers, 64),
	      SETUP(clock, HTW_CLOCK_VIRTUAL)),
	REFUSED(EOPNOTSUPP, SETUP(flags, HTW_SETUP_WORDS),
		SETUP(clock, CLOCK_REALTIME)),
	REFUSED(EOPNOTSUPP, SETUP(flags, HTW_SETUP_WORDS),
		SETUP(clock, CLOCK_TAI)),
	TAKEN(SETUP(flags, HTW_SETUP_CLOCK_STEPS),
	      SETUP(clock, CLOCK_REALTIME)),
	REFUSED(EOPNOTSUPP, SETUP(flags, HTW_SETUP_CLOCK_STEPS)),
	REFUSED(EOPNOTSUPP, SETUP(flags, HTW_SETUP_CLOCK_STEPS),
		SETUP(clock, CLOCK_BOOTTIME)),
	REFUSED(EOPNOTSUPP, SETUP(flags, HTW_SETUP_CLOCK_STEPS),
		SETUP(clock, HTW_CLOCK_VIRTUAL)),
	REFUSED(EINVAL, SETUP(flags, 1U << 2)),
	REFUSED(EINVAL, SETUP(flags, 1U << 16)),
	REFUSED(EINVAL, SETUP(flags, 1U << 31)),

	TAKEN(SETUP(ring_entries, 1)),
	TAKEN(SETUP(ring_entries, 2)),
	TAKEN(SETUP(ring_entries, 4096)),
	REFUSED(EINVAL, SETUP(ring_entries, 3)),
	REFUSED(EINVAL, SETUP(ring_entries, 4095)),
	REFUSED(EINVAL, SETUP(ring_entries, 1U << 31)),
	REFUSED(EINVAL, SETUP(ring_entries, UINT32_MAX)),

	TAKEN(SETUP(max_timers, 1)),
	REFUSED(EINVAL, SETUP(max_timers, UINT32_MAX)),
	REFUSED(EINVAL, SETUP(resv0, 1)),
	REFUSED(EINVAL, SETUP(resv0, 1U << 31)),

	TAKEN(SETUP(clock, HTW_CLOCK_VIRTUAL), SETUP(virtual_start, 1)),
	TAKEN(SETUP(clock, HTW_CLOCK_VIRTUAL), SETUP(virtual_start, MAX_TIME)),
	REFUSED(EINVAL, SETUP(clock, HTW_CLOCK_VIRTUAL),
		SETUP(virtual_start, MAX_TIME + 1)),
	REFUSED(EINVAL, SETUP(clock, HTW_CLOCK_VIRTUAL),
		SETUP(virtual_start, UINT64_MAX)),
	REFUSED(EINVAL, SETUP(virtual_start, 1)),
	REFUSED(EINVAL, SETUP(clock, CLOCK_REALTIME), SETUP(virtual_start, 1)),

	TAKEN(SETUP(clock, HTW_CLOCK_VIRTUAL), SETUP(tick_ns, 1)),
	TAKEN(SETUP(clock, HTW_CLOCK_VIRTUAL), SETUP(tick_ns, 2)),
	TAKEN(SETUP(clock, HTW_CLOCK_VIRTUAL), SETUP(tick_ns, 1ULL << 40)),
	REFUSED(EINVAL, SETUP(clock, HTW_CLOCK_VIRTUAL), SETUP(tick_ns, 3)),
	REFUSED(EINVAL, SETUP(clock, HTW_CLOCK_VIRTUAL),
		SETUP(tick_ns, (1ULL << 32) + 1)),
	REFUSED(EINVAL, SETUP(clock, HTW_CLOCK_VIRTUAL),
		SETUP(tick_ns, (1ULL << 40) + 1)),
	REFUSED(EINVAL, SETUP(clock, HTW_CLOCK_VIRTUAL),
		SETUP(tick_ns, 1ULL << 41)),
	REFUSED(EINVAL, SETUP(clock, HTW_CLOCK_VIRTUAL),
		SETUP(tick_ns, 1ULL << 63)),
	REFUSED(EINVAL, SETUP(clock, HTW_CLOCK_VIRTUAL),
		SETUP(tick_ns, UINT64_MAX)),
	REFUSED(EINVAL, SETUP(tick_ns, 1)),
	REFUSED(EINVAL, SETUP(clock, CLOCK_BOOTTIME),
		SETUP(tick_ns, 1ULL << 17)),

	REFUSED(EINVAL, SETUP(resv[0], 1)),
	REFUSED(EINVAL, SETUP(resv[1], 1ULL << 63)),
	REFUSED(EINVAL, SETUP(resv[2], 1ULL << 32)),
	REFUSED(EINVAL, SETUP(resv[3], UINT64_MAX)),

	/* Only written. */
	TAKEN(SETUP(size, UINT32_MAX), SETUP(ring_off, UINT64_MAX),
	      SETUP(ring_len, UINT64_MAX)),
	TAKEN(SETUP(ctl_off, UINT64_MAX), SETUP(ctl_len, UINT64_MAX)),
	TAKEN(SETUP(words_off, UINT64_MAX), SETUP(words_len, UINT64_MAX)),
	TAKEN(SETUP(event_off, UINT32_MAX), SETUP(event_size, UINT32_MAX)),
};

/* Refused, it is as if it had not been tried: it can be done then. */
static void try_setup(const struct call *call)
{
	struct htw_setup setup = { .clock = CLOCK_MONOTONIC };
	struct htw_setup valid = setup, copy;
	int fd = open_context(0), failures = ktap_state->failures;

	change_fields(&setup, call);
	copy = setup;
	EXPECT_EQ(do_setup(fd, &setup), -call->err);
	if (call->err) {
		EXPECT_EQ(memcmp(&setup, &copy, sizeof(setup)), 0);
		EXPECT_EQ(do_setup(fd, &valid), 0);
	} else {
		EXPECT_EQ(do_setup(fd, &valid), -EBUSY);
	}
	name_call(call, failures);
	close(fd);
}

static void setup_takes_what_is_in_range(void)
{
	size_t i;

	for (i = 0; i < NR(setup_calls); i++)
		try_setup(&setup_calls[i]);
}

static void setup_takes_up_to_the_limits_of_query(void)
{
	struct htw_query q = query(open_context(0));
	struct call calls[] = {
		TAKEN(SETUP(max_timers, q.max_file)),
		REFUSED(EINVAL, SETUP(max_timers, q.max_file + 1)),
		TAKEN(SETUP(ring_entries, q.max_ring)),
		REFUSED(EINVAL, SETUP(ring_entries, q.max_ring - 1)),
		REFUSED(EINVAL, SETUP(ring_entries, q.max_ring * 2)),
	};
	size_t i;

	for (i = 0; i < NR(calls); i++)
		try_setup(&calls[i]);
}

static void expect_setup_too_late(int fd)
{
	struct htw_setup setup = { .clock = CLOCK_MONOTONIC }, copy = setup;

	EXPECT_EQ(do_setup(fd, &setup), -EBUSY);
	EXPECT_EQ(memcmp(&setup, &copy, sizeof(setup)), 0);
	EXPECT_EQ(do_setup(fd, &setup), -EBUSY);
}

static void setup_after_an_arming_ebusy(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);

	expect_setup_too_late(fd);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	expect_setup_too_late(fd);
}

/* What armed nothing does not count. */
static void setup_after_a_refused_arming_works(void)
{
	struct htw_op op = valid_arm();
	int fd = open_context(0);
	struct htw_setup setup = { .clock = CLOCK_BOOTTIME };

	op.slack = UINT64_MAX;
	EXPECT_EQ(do_op(fd, &op), -EINVAL);
	EXPECT_EQ(cancel(fd, 1), -ENOENT);
	EXPECT_EQ(query(fd).nr_file, 0);
	EXPECT_EQ(stats(fd).armed, 0);
	EXPECT_EQ(poll_context(fd, 0), 0);
	EXPECT_EQ(do_setup(fd, &setup), 0);
}

/* --- HTW_IOC_BATCH --- */

static struct htw_event room[4];

static const struct call batch_calls[] = {
	TAKEN(),
	TAKEN(BATCH(nr_ops, 0), BATCH(ops, UINT64_MAX)),
	REFUSED(EINVAL, BATCH(flags, 1)),
	REFUSED(EINVAL, BATCH(flags, 1U << 31)),
	REFUSED(EINVAL, BATCH(resv, 1)),
	REFUSED(EINVAL, BATCH(resv, 1ULL << 63)),
	REFUSED(EINVAL, BATCH(nr_ops, UINT32_MAX)),

	TAKEN(BATCH(min_events, NR(room)), BATCH(timeout, 0)),
	REFUSED(EINVAL, BATCH(min_events, NR(room) + 1)),
	REFUSED(EINVAL, BATCH(min_events, UINT32_MAX)),
	REFUSED(EINVAL, BATCH(min_events, 1), BATCH(nr_events, 0)),

	TAKEN(BATCH(min_events, 1), BATCH(timeout, 1)),
	REFUSED(EINVAL, BATCH(min_events, 1), BATCH(timeout, MAX_TIME + 1)),
	REFUSED(EINVAL, BATCH(min_events, 1), BATCH(timeout, UINT64_MAX - 1)),
	REFUSED(EINVAL, BATCH(timeout, 1)),
	REFUSED(EINVAL, BATCH(timeout, MAX_TIME)),
	REFUSED(EINVAL, BATCH(timeout, HTW_FOREVER)),

	TAKEN(BATCH(done, UINT32_MAX), BATCH(got, UINT32_MAX),
	      BATCH(now, UINT64_MAX)),
};

/* The events of a ring are there; the batch has no room of its own. */
static const struct call ring_batch_calls[] = {
	TAKEN(),
	TAKEN(BATCH(min_events, 8), BATCH(timeout, 0)),
	REFUSED(EINVAL, BATCH(min_events, 9)),
	REFUSED(EINVAL, BATCH(nr_events, 1)),
	REFUSED(EINVAL, BATCH(events, 8)),
};

/* Of one operation, which arms; that is done if the batch is taken, else not. */
static void try_batch(int fd, struct htw_batch batch, const struct call *call)
{
	struct htw_op op = valid_arm(), copy = op;
	int failures = ktap_state->failures;
	struct htw_batch before;

	batch.ops = (uintptr_t)&op;
	batch.nr_ops = 1;
	change_fields(&batch, call);
	before = batch;
	EXPECT_EQ(do_batch(fd, &batch), -call->err);
	if (call->err) {
		EXPECT_EQ(memcmp(&batch, &before, sizeof(batch)), 0);
		EXPECT_EQ(memcmp(&op, &copy, sizeof(op)), 0);
	} else {
		EXPECT_EQ(batch.done, batch.nr_ops);
		EXPECT_EQ(batch.got, 0);
	}
	EXPECT_EQ(held(fd), call->err ? 0 : batch.nr_ops);
	if (op.id)
		EXPECT_EQ(cancel(fd, op.id), HTW_CANCELLED);
	name_call(call, failures);
}

static void batch_takes_what_is_in_range(void)
{
	struct htw_batch batch = {
		.events = (uintptr_t)room, .nr_events = NR(room) };
	int fd = open_context(0);
	size_t i;

	for (i = 0; i < NR(batch_calls); i++)
		try_batch(fd, batch, &batch_calls[i]);
}

static void batch_of_a_ring_takes_no_room(void)
{
	int fd = open_setup(0, (struct htw_setup){
		.clock = CLOCK_MONOTONIC, .ring_entries = 8 });
	size_t i;

	for (i = 0; i < NR(ring_batch_calls); i++)
		try_batch(fd, (struct htw_batch){ 0 }, &ring_batch_calls[i]);
}

static void batch_of_more_than_max_batch_einval(void)
{
	int fd = open_context(0);
	uint32_t max = query(fd).max_batch;
	struct htw_op *ops = calloc((size_t)max + 1, sizeof(*ops));
	struct htw_batch batch = {
		.ops = (uintptr_t)ops, .nr_ops = max + 1 };
	uint32_t i;

	ASSERT_TRUE(ops);
	EXPECT_EQ(do_batch(fd, &batch), -EINVAL);
	for (i = 0; i <= max; i++)
		EXPECT_EQ(ops[i].res, 0);
	batch.nr_ops = max;
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, max);
	for (i = 0; i < max; i++)
		EXPECT_EQ(ops[i].res, -EOPNOTSUPP);
	EXPECT_EQ(ops[max].res, 0);
}

/* --- HTW_IOC_EVENTFD --- */

static int set_eventfd(int fd, int32_t efd)
{
	return ioctl(fd, HTW_IOC_EVENTFD, &efd) ? -errno : 0;
}

static void eventfd_that_is_none_is_refused(void)
{
	int fd = open_context(0), efd = eventfd(0, EFD_CLOEXEC), pipes[2];

	ASSERT_GE(efd, 0);
	ASSERT_EQ(pipe(pipes), 0);
	EXPECT_EQ(set_eventfd(fd, pipes[0]), -EINVAL);
	EXPECT_EQ(set_eventfd(fd, fd), -EINVAL);
	EXPECT_EQ(set_eventfd(fd, 1000000), -EBADF);
	EXPECT_EQ(set_eventfd(fd, INT32_MAX), -EBADF);
	EXPECT_EQ(set_eventfd(fd, -2), -EBADF);
	EXPECT_EQ(set_eventfd(fd, INT32_MIN), -EBADF);
	EXPECT_EQ(set_eventfd(fd, -1), 0);
	EXPECT_EQ(set_eventfd(fd, efd), 0);
	EXPECT_EQ(set_eventfd(fd, efd), 0);
	EXPECT_EQ(set_eventfd(fd, -1), 0);
	EXPECT_EQ(set_eventfd(fd, -1), 0);
	close(efd);
	EXPECT_EQ(set_eventfd(fd, efd), -EBADF);
}

static void eventfd_bad_pointer_efault(void)
{
	int32_t efd = eventfd(0, EFD_CLOEXEC);
	int fd = open_context(0);
	void *bad[] = {
		NULL, unmapped(), (void *)-1L,
		protected_copy(&efd, sizeof(efd), PROT_NONE),
		cut_copy(&efd, sizeof(efd)) };
	size_t i;

	for (i = 0; i < NR(bad); i++)
		EXPECT_ERRNO(ioctl(fd, HTW_IOC_EVENTFD, bad[i]), EFAULT);
	/* It is only read. */
	EXPECT_EQ(ioctl(fd, HTW_IOC_EVENTFD,
			protected_copy(&efd, sizeof(efd), PROT_READ)), 0);
}

/* The one that is there stays. */
static void refused_eventfd_replaces_nothing(void)
{
	int fd = open_context(0), efd = eventfd(0, EFD_CLOEXEC);
	uint64_t counter;

	ASSERT_EQ(set_eventfd(fd, efd), 0);
	EXPECT_EQ(set_eventfd(fd, 1000000), -EBADF);
	EXPECT_EQ(set_eventfd(fd, fd), -EINVAL);
	EXPECT_ERRNO(ioctl(fd, HTW_IOC_EVENTFD, NULL), EFAULT);
	arm_in(fd, 0, 0);
	ASSERT_EQ(read(efd, &counter, sizeof(counter)), sizeof(counter));
	EXPECT_EQ(counter, 1);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(arm_and_rearm_take_what_is_in_range),
	KTAP_TEST(arm_and_rearm_take_the_same_on_each_clock),
	KTAP_TEST(arm_and_rearm_take_word_where_there_are_words),
	KTAP_TEST(arm_and_rearm_interval_has_a_minimum),
	KTAP_TEST(arm_id_nonzero_einval),
	KTAP_TEST(cancel_takes_only_id_else_einval),
	KTAP_TEST(remaining_takes_only_id_else_einval),
	KTAP_TEST(cancel_match_takes_cookie_and_value),
	KTAP_TEST(advance_takes_flags_and_expires),
	KTAP_TEST(advance_of_a_real_clock_eopnotsupp),
	KTAP_TEST(unknown_opcode_eopnotsupp),
	KTAP_TEST(unknown_id_enoent),
	KTAP_TEST(id_with_any_bit_flipped_enoent),
	KTAP_TEST(cancelled_id_enoent),
	KTAP_TEST(delivered_id_ealready),
	KTAP_TEST(arm_beyond_max_timers_enospc),
	KTAP_TEST(setup_takes_what_is_in_range),
	KTAP_TEST(setup_takes_up_to_the_limits_of_query),
	KTAP_TEST(setup_after_an_arming_ebusy),
	KTAP_TEST(setup_after_a_refused_arming_works),
	KTAP_TEST(batch_takes_what_is_in_range),
	KTAP_TEST(batch_of_a_ring_takes_no_room),
	KTAP_TEST(batch_of_more_than_max_batch_einval),
	KTAP_TEST(eventfd_that_is_none_is_refused),
	KTAP_TEST(eventfd_bad_pointer_efault),
	KTAP_TEST(refused_eventfd_replaces_nothing),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("errors", tests, need_device));
}
