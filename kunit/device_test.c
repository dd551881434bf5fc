// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts from the inside: what a program could only bring about in years, or by being
 * very lucky. Ids that are used up, numbers that begin again at 0, a callback that comes
 * when its timer is not the same any more.
 *
 * Most of it is on virtual time, where every answer is exact.
 */
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/htw.h>
#include <linux/ktime.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "context.h"
#include "event.h"
#include "op.h"
#include "ring.h"
#include "user_timer.h"
#include "words.h"

#define TICK_NS		1024ULL
#define RING		4
#define HOUR_NS		(3600ULL * NSEC_PER_SEC)

static u64 at(u64 tick)
{
	return tick * TICK_NS;
}

/* The context of a file that nobody has opened; it ends with the test. */
static struct htw_context *make_context(struct kunit *test, u32 clock, u32 flags)
{
	struct htw_setup setup = {
		.clock = clock,
		.flags = flags,
		.ring_entries = RING,
		.tick_ns = clock == HTW_CLOCK_VIRTUAL ? TICK_NS : 0,
		.max_timers = HTW_CHUNK_TIMERS,
	};
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);
	struct htw_context *ctx;

	KUNIT_ASSERT_NOT_NULL(test, file);
	file->f_cred = current_cred();
	ctx = htw_context_create(file);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	test->priv = ctx;
	KUNIT_ASSERT_EQ(test, htw_context_setup(ctx, &setup), 0);
	return ctx;
}

static struct htw_context *make_virtual(struct kunit *test)
{
	return make_context(test, HTW_CLOCK_VIRTUAL, HTW_SETUP_WORDS);
}

static void end_context(struct kunit *test)
{
	if (test->priv)
		htw_context_destroy(test->priv);
}

/* Does what must not be refused. */
static struct htw_op done(struct kunit *test, struct htw_op op)
{
	KUNIT_ASSERT_EQ(test, htw_op_do(test->priv, &op), 0);
	return op;
}

static u64 arm(struct kunit *test, u64 expires, u16 flags)
{
	return done(test, (struct htw_op) {
		.opcode = HTW_OP_ARM,
		.flags = HTW_TIMER_ABS | flags,
		.expires = expires,
	}).id;
}

static struct htw_op rearm(struct kunit *test, u64 id, u64 expires)
{
	return done(test, (struct htw_op) {
		.opcode = HTW_OP_REARM,
		.flags = HTW_TIMER_ABS,
		.expires = expires,
		.id = id,
	});
}

static struct htw_op cancel(struct kunit *test, u64 id)
{
	return done(test, (struct htw_op) { .opcode = HTW_OP_CANCEL, .id = id });
}

static struct htw_op remaining(struct kunit *test, u64 id)
{
	return done(test, (struct htw_op) { .opcode = HTW_OP_REMAINING, .id = id });
}

static void cancel_all(struct kunit *test)
{
	done(test, (struct htw_op) { .opcode = HTW_OP_CANCEL_MATCH });
}

static void advance(struct kunit *test, u64 to)
{
	done(test, (struct htw_op) {
		.opcode = HTW_OP_ADVANCE,
		.flags = HTW_TIMER_ABS,
		.expires = to,
	});
}

static struct htw_user_timer *timer_of(struct kunit *test, u64 id)
{
	return htw_user_timer_at(test->priv, lower_32_bits(id));
}

static struct htw_ring *ring_of(const struct htw_context *ctx)
{
	return ctx->ring.shared.addr;
}

static struct htw_ctl *ctl_of(const struct htw_context *ctx)
{
	return ctx->ring.ctl.addr;
}

/* As a program does it. */
static bool consume(struct htw_context *ctx, struct htw_event *event)
{
	u32 head = ctl_of(ctx)->head;

	/* Pairs with publish(): there is the event too. */
	if (head == smp_load_acquire(&ring_of(ctx)->tail))
		return false;
	*event = ctx->ring.events[head & ring_of(ctx)->mask];
	/* Pairs with used(): the event may be overwritten. */
	smp_store_release(&ctl_of(ctx)->head, head + 1);
	return true;
}

static void set_ring(struct htw_context *ctx, u32 nr)
{
	ctx->ring.tail = nr;
	ring_of(ctx)->tail = nr;
	ctl_of(ctx)->head = nr;
}

static void ring_goes_on_across_2_to_the_32(struct kunit *test)
{
	struct htw_context *ctx = make_virtual(test);
	struct htw_event event;
	unsigned int i, nr = 0;

	set_ring(ctx, U32_MAX - 1);
	for (i = 1; i <= 3 * RING; i++)
		arm(test, at(i), 0);
	advance(test, at(3 * RING));
	KUNIT_EXPECT_EQ(test, htw_ring_nr(&ctx->ring), (u32)RING);
	KUNIT_EXPECT_EQ(test, ring_of(ctx)->tail, (u32)(RING - 2));
	KUNIT_EXPECT_EQ(test, ring_of(ctx)->flags, HTW_RING_STALLED);
	while (consume(ctx, &event)) {
		KUNIT_EXPECT_EQ(test, event.expires, at(++nr));
		htw_ring_flush(ctx);
	}
	KUNIT_EXPECT_EQ(test, nr, 3U * RING);
	KUNIT_EXPECT_EQ(test, ring_of(ctx)->flags, 0U);
	KUNIT_EXPECT_EQ(test, htw_ring_nr(&ctx->ring), 0U);
}

/* What a hostile program may have stored there. */
static void head_that_can_not_be_is_a_full_ring(struct kunit *test)
{
	static const u32 far[] = { 1, 2, 100, 1U << 31, U32_MAX - RING };
	struct htw_context *ctx = make_virtual(test);
	struct htw_event event;
	unsigned int i;

	set_ring(ctx, 7);
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		ctl_of(ctx)->head = 7 + far[i];
		KUNIT_EXPECT_EQ(test, htw_ring_nr(&ctx->ring), (u32)RING);
		arm(test, at(i + 1), 0);
		advance(test, at(i + 1));
		KUNIT_EXPECT_EQ(test, ring_of(ctx)->tail, 7U);
	}
	ctl_of(ctx)->head = 7;
	htw_ring_flush(ctx);
	for (i = 0; i < RING; i++) {
		KUNIT_ASSERT_TRUE(test, consume(ctx, &event));
		KUNIT_EXPECT_EQ(test, event.expires, at(i + 1));
	}
	KUNIT_EXPECT_FALSE(test, consume(ctx, &event));
}

/* The slot's next id would be its first one again. */
static void used_up_slot_has_no_more_ids(struct kunit *test)
{
	struct htw_context *ctx = make_virtual(test);
	struct htw_op stale = { .opcode = HTW_OP_CANCEL };
	u64 id = arm(test, at(100), 0);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, lower_32_bits(id), 0U);
	timer_of(test, id)->generation = U32_MAX;
	id |= (u64)U32_MAX << 32;
	KUNIT_EXPECT_EQ(test, cancel(test, id).res, HTW_CANCELLED);
	for (i = 0; i < HTW_CHUNK_TIMERS; i++)
		KUNIT_EXPECT_NE(test, lower_32_bits(arm(test, at(100), 0)), 0U);
	KUNIT_EXPECT_EQ(test, ctx->nr_chunks, 2U);
	stale.id = id;
	KUNIT_EXPECT_EQ(test, htw_op_do(ctx, &stale), -ENOENT);
	stale.id = 1ULL << 32;
	KUNIT_EXPECT_EQ(test, htw_op_do(ctx, &stale), -ENOENT);
}

static void last_id_but_one_has_a_successor(struct kunit *test)
{
	u64 id;

	make_virtual(test);
	id = arm(test, at(100), 0);
	timer_of(test, id)->generation = U32_MAX - 1;
	cancel_all(test);
	while (upper_32_bits(id) != U32_MAX) {
		KUNIT_ASSERT_LT(test, lower_32_bits(id), (u32)HTW_CHUNK_TIMERS);
		id = arm(test, at(100), 0);
		cancel(test, id);
	}
	KUNIT_EXPECT_EQ(test, lower_32_bits(id), 0U);
}

/* Nobody can have these slots again. */
static void use_up(struct kunit *test, unsigned int nr)
{
	struct htw_context *ctx = test->priv;
	unsigned int i;

	for (i = 0; i < nr; i++)
		timer_of(test, arm(test, at(100), 0))->generation = U32_MAX;
	KUNIT_EXPECT_EQ(test, ctx->nr_timers, nr);
	cancel_all(test);
	KUNIT_EXPECT_EQ(test, ctx->nr_timers, 0U);
}

static void slot_behind_the_words_has_none(struct kunit *test)
{
	struct htw_context *ctx = make_virtual(test);
	const u16 flags = HTW_TIMER_ABS | HTW_TIMER_WORD;
	struct htw_op op = { .opcode = HTW_OP_ARM, .flags = flags, .expires = at(100) };
	u32 nr_words = ctx->words.len / sizeof(u64);
	unsigned int i;
	u64 id;

	for (i = 0; i < nr_words; i += HTW_CHUNK_TIMERS)
		use_up(test, HTW_CHUNK_TIMERS);
	for (i = 0; i < 2 * HTW_CHUNK_TIMERS; i++)
		KUNIT_EXPECT_EQ(test, htw_op_do(ctx, &op), -ENOSPC);
	KUNIT_EXPECT_EQ(test, ctx->nr_timers, 0U);

	/* Which takes nothing from those who want no word. */
	for (i = 0; i < HTW_CHUNK_TIMERS; i++)
		id = arm(test, at(100), 0);
	KUNIT_EXPECT_GE(test, lower_32_bits(id), nr_words);
	op.opcode = HTW_OP_REARM;
	op.expires = at(200);
	op.id = id;
	KUNIT_EXPECT_EQ(test, htw_op_do(ctx, &op), -ENOSPC);
	KUNIT_EXPECT_EQ(test, remaining(test, id).expires, at(100));
}

static void last_slot_with_a_word_has_it(struct kunit *test)
{
	struct htw_context *ctx = make_virtual(test);
	u32 nr_words = ctx->words.len / sizeof(u64);
	unsigned int i;
	u64 id;

	KUNIT_EXPECT_TRUE(test, htw_words_has(&ctx->words, nr_words - 1));
	KUNIT_EXPECT_FALSE(test, htw_words_has(&ctx->words, nr_words));
	for (i = HTW_CHUNK_TIMERS; i < nr_words; i += HTW_CHUNK_TIMERS)
		use_up(test, HTW_CHUNK_TIMERS);
	for (i = 0; i < HTW_CHUNK_TIMERS; i++)
		id = arm(test, at(100), HTW_TIMER_WORD);
	KUNIT_EXPECT_EQ(test, lower_32_bits(id), nr_words - 1);
	((u64 *)ctx->words.addr)[nr_words - 1] = at(300);
	KUNIT_EXPECT_EQ(test, remaining(test, id).expires, at(300));
}

static void words_only_put_off(struct kunit *test)
{
	static const struct {
		u64 word, until;
	} cases[] = {
		{ 0, 1000 }, { 1, 1000 }, { 999, 1000 }, { 1000, 1000 },
		{ 1001, 1001 }, { S64_MAX, S64_MAX }, { S64_MAX + 1ULL, 1000 },
		{ U64_MAX, 1000 },
	};
	struct htw_context *ctx = make_virtual(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		((u64 *)ctx->words.addr)[5] = cases[i].word;
		KUNIT_EXPECT_EQ(test, htw_words_read(&ctx->words, 5, 1000),
				cases[i].until);
	}
}

/* Its callback has begun, and has not got the lock yet. */
static void take_off_the_wheel(struct kunit *test, u64 id)
{
	KUNIT_ASSERT_EQ(test, htw_user_timer_stop(timer_of(test, id)), 1);
}

static void cancel_against_the_callback_goes_by_the_time(struct kunit *test)
{
	struct htw_context *ctx = make_virtual(test);
	u64 before = arm(test, at(10), 0), then = arm(test, at(20), 0);

	take_off_the_wheel(test, before);
	take_off_the_wheel(test, then);
	advance(test, at(10) - 1);
	KUNIT_EXPECT_EQ(test, cancel(test, before).res, HTW_CANCELLED);
	KUNIT_EXPECT_EQ(test, ctx->stats.expired, 0ULL);
	advance(test, at(20));
	KUNIT_EXPECT_EQ(test, cancel(test, then).res, HTW_WITHDRAWN);
	KUNIT_EXPECT_EQ(test, ctx->stats.expired, 1ULL);
	KUNIT_EXPECT_EQ(test, ctx->stats.withdrawn, 1ULL);
	KUNIT_EXPECT_EQ(test, ctx->stats.cancelled, 1ULL);
}

/* What a pass had no time for waits for the work item, which nobody queues here. */
static void defer(struct kunit *test, u64 id)
{
	struct htw_context *ctx = test->priv;
	struct htw_user_timer *ut = timer_of(test, id);

	take_off_the_wheel(test, id);
	spin_lock_bh(&ctx->lock);
	ut->state = HTW_TIMER_DEFERRED;
	list_add_tail(&ut->link, &ctx->deferred);
	spin_unlock_bh(&ctx->lock);
}

static void deferred_timer_is_one_that_waits(struct kunit *test)
{
	struct htw_context *ctx = make_virtual(test);
	u64 id = arm(test, at(10), 0), other = arm(test, at(12), 0);
	struct htw_op op;

	defer(test, id);
	defer(test, other);
	advance(test, at(4));
	op = remaining(test, id);
	KUNIT_EXPECT_EQ(test, op.res, HTW_STATE_ARMED);
	KUNIT_EXPECT_EQ(test, op.value, at(6));
	op = cancel(test, id);
	KUNIT_EXPECT_EQ(test, op.res, HTW_CANCELLED);
	KUNIT_EXPECT_EQ(test, op.value, at(10));

	advance(test, at(20));
	op = remaining(test, other);
	KUNIT_EXPECT_EQ(test, op.res, HTW_STATE_ARMED);
	KUNIT_EXPECT_EQ(test, op.value, 0ULL);
	KUNIT_EXPECT_EQ(test, op.expires, at(12));
	op = cancel(test, other);
	KUNIT_EXPECT_EQ(test, op.res, HTW_WITHDRAWN);
	KUNIT_EXPECT_EQ(test, op.value, at(12));
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->deferred));
	KUNIT_EXPECT_EQ(test, ctx->stats.expired, 1ULL);
}

/* What fdinfo says. */
static void expect_shown(struct kunit *test, const char *line)
{
	struct seq_file seq = { .size = 2048 };

	seq.buf = kunit_kzalloc(test, seq.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seq.buf);
	htw_context_show(test->priv, &seq);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(seq.buf, line), "no %s in %s", line,
				  seq.buf);
}

static void states_are_shown_as_what_they_mean(struct kunit *test)
{
	struct htw_context *ctx = make_virtual(test);
	u64 ids[7];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = arm(test, at(100), 0);
	defer(test, ids[0]);
	defer(test, ids[1]);
	timer_of(test, ids[2])->state = HTW_TIMER_COPYING;
	timer_of(test, ids[3])->state = HTW_TIMER_KEPT;
	expect_shown(test, "htw-timers:\t7\n");
	expect_shown(test, "htw-pending:\t5\n");
	expect_shown(test, "htw-unread:\t1\n");
	expect_shown(test, "htw-kept:\t1\n");
	expect_shown(test, "htw-clock:\tvirtual\n");
	timer_of(test, ids[2])->state = HTW_TIMER_ARMED;
	timer_of(test, ids[3])->state = HTW_TIMER_ARMED;
	cancel_all(test);
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->deferred));
}

static void deferred_timer_is_armed_again(struct kunit *test)
{
	struct htw_context *ctx = make_virtual(test);
	u64 id = arm(test, at(10), 0);
	struct htw_event event;

	defer(test, id);
	advance(test, at(20));
	rearm(test, id, at(30));
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->deferred));
	KUNIT_EXPECT_FALSE(test, consume(ctx, &event));
	advance(test, at(30));
	KUNIT_ASSERT_TRUE(test, consume(ctx, &event));
	KUNIT_EXPECT_EQ(test, event.expires, at(30));
	KUNIT_EXPECT_FALSE(test, consume(ctx, &event));
}

static void wait_for_events(struct kunit *test, u32 nr)
{
	struct htw_context *ctx = test->priv;
	unsigned int tries = 6000;

	while (htw_ring_nr(&ctx->ring) < nr && --tries)
		msleep(10);
	KUNIT_ASSERT_EQ(test, htw_ring_nr(&ctx->ring), nr);
}

static void what_expires_queues_up_behind_the_deferred(struct kunit *test)
{
	struct htw_context *ctx = make_context(test, CLOCK_MONOTONIC, 0);
	u64 first = arm(test, ktime_get() + HOUR_NS, 0), then;
	struct htw_event event;

	defer(test, first);
	then = arm(test, ktime_get(), 0);
	wait_for_events(test, 2);
	KUNIT_ASSERT_TRUE(test, consume(ctx, &event));
	KUNIT_EXPECT_EQ(test, event.id, first);
	KUNIT_ASSERT_TRUE(test, consume(ctx, &event));
	KUNIT_EXPECT_EQ(test, event.id, then);
}

/* As if it had waited for the lock all the while. */
static void callback_comes_late(struct kunit *test, u64 id)
{
	local_bh_disable();
	htw_event_expired(&timer_of(test, id)->timer);
	local_bh_enable();
}

static void callback_of_what_is_armed_again_does_nothing(struct kunit *test)
{
	struct htw_context *ctx = make_context(test, CLOCK_MONOTONIC, 0);
	u64 id = arm(test, ktime_get() + HOUR_NS, 0);

	callback_comes_late(test, id);
	KUNIT_EXPECT_EQ(test, remaining(test, id).res, HTW_STATE_ARMED);
	KUNIT_EXPECT_EQ(test, ctx->stats.expired, 0ULL);
	KUNIT_EXPECT_EQ(test, htw_ring_nr(&ctx->ring), 0U);
	KUNIT_EXPECT_EQ(test, cancel(test, id).res, HTW_CANCELLED);
}

static void callback_of_what_is_cancelled_does_nothing(struct kunit *test)
{
	struct htw_context *ctx = make_context(test, CLOCK_MONOTONIC, 0);
	u64 id = arm(test, ktime_get() + HOUR_NS, 0);

	cancel(test, id);
	callback_comes_late(test, id);
	KUNIT_EXPECT_EQ(test, ctx->stats.expired, 0ULL);
	KUNIT_EXPECT_EQ(test, htw_ring_nr(&ctx->ring), 0U);
	KUNIT_EXPECT_EQ(test, ctx->nr_timers, 0U);
}

/* A kept one whose event is in the ring expires no second time. */
static void callback_of_what_is_delivered_does_nothing(struct kunit *test)
{
	struct htw_context *ctx = make_context(test, CLOCK_MONOTONIC, 0);
	u64 id = arm(test, ktime_get(), HTW_TIMER_KEEP);

	wait_for_events(test, 1);
	callback_comes_late(test, id);
	KUNIT_EXPECT_EQ(test, htw_ring_nr(&ctx->ring), 1U);
	KUNIT_EXPECT_EQ(test, ctx->stats.expired, 1ULL);
	KUNIT_EXPECT_EQ(test, remaining(test, id).res, HTW_STATE_DELIVERED);
}

static void event_has_the_number_of_its_arming(struct kunit *test)
{
	struct htw_context *ctx = make_virtual(test);
	u64 id = arm(test, at(1000), 0);
	struct htw_event event;
	unsigned int i;

	timer_of(test, id)->arming = U32_MAX - 300;
	for (i = 0; i < 600; i++) {
		rearm(test, id, at(1000));
		KUNIT_EXPECT_EQ(test, remaining(test, id).arming, U32_MAX - 299 + i);
	}
	advance(test, at(1000));
	KUNIT_ASSERT_TRUE(test, consume(ctx, &event));
	KUNIT_EXPECT_EQ(test, HTW_EVENT_ARMING(event.info),
			(u32)((U32_MAX - 300 + 600) & 0xff));
	KUNIT_EXPECT_EQ(test, HTW_EVENT_TYPE(event.info), HTW_EVENT_EXPIRED);
}

static u64 lateness_at(struct htw_user_timer *ut, u64 now)
{
	ut->ctx->stats.lateness_max = 0;
	htw_user_timer_note_lateness(ut, now);
	return ut->ctx->stats.lateness_max;
}

static void lateness_counts_from_the_last_tick_allowed(struct kunit *test)
{
	struct htw_user_timer *ut;

	make_virtual(test);
	ut = timer_of(test, arm(test, at(10), 0));
	KUNIT_EXPECT_EQ(test, lateness_at(ut, at(10) - 1), 0ULL);
	KUNIT_EXPECT_EQ(test, lateness_at(ut, at(10)), 0ULL);
	KUNIT_EXPECT_EQ(test, lateness_at(ut, at(10) + 1), 1ULL);

	/* The first tick that is not early. */
	ut->expires = at(10) + 1;
	KUNIT_EXPECT_EQ(test, lateness_at(ut, at(11)), 0ULL);
	KUNIT_EXPECT_EQ(test, lateness_at(ut, at(11) + 1), 1ULL);
	ut->slack = at(3);
	KUNIT_EXPECT_EQ(test, lateness_at(ut, at(14)), 0ULL);
	KUNIT_EXPECT_EQ(test, lateness_at(ut, at(14) + 1), 1ULL);
	ut->flags |= HTW_TIMER_DEADLINE;
	KUNIT_EXPECT_EQ(test, lateness_at(ut, at(14)), at(3));
}

static void lateness_is_told_in_units_of_1024(struct kunit *test)
{
	struct htw_context *ctx = make_virtual(test);
	struct htw_user_timer *ut = timer_of(test, arm(test, at(10), 0));

	htw_user_timer_note_lateness(ut, at(10) + 5 * 1024 + 1023);
	KUNIT_EXPECT_EQ(test, ut->late, 5U);
	htw_user_timer_note_lateness(ut, at(10) + (1ULL << 45));
	KUNIT_EXPECT_EQ(test, ut->late, U32_MAX);
	htw_user_timer_note_lateness(ut, at(10) + 7);
	KUNIT_EXPECT_EQ(test, ut->late, 0U);
	KUNIT_EXPECT_EQ(test, ctx->stats.lateness_max, 1ULL << 45);
}

/* A timer of period 10, first due at 100, as seen at a time. */
static void expect_event(struct kunit *test, u64 now, u32 count, u16 flags,
			 u64 expires, u32 expirations, u64 next)
{
	struct htw_user_timer *ut = timer_of(test, 0);
	struct htw_outcome outcome;
	struct htw_event event;

	ut->expires = 100;
	ut->interval = 10;
	ut->count = count;
	ut->flags = flags;
	htw_user_timer_event(ut, now, &event, &outcome);
	KUNIT_EXPECT_EQ_MSG(test, event.expires, expires, "at %llu", now);
	KUNIT_EXPECT_EQ_MSG(test, event.expirations, expirations, "at %llu", now);
	KUNIT_EXPECT_EQ_MSG(test, outcome.last, !next, "at %llu", now);
	if (next)
		KUNIT_EXPECT_EQ_MSG(test, outcome.next, next, "at %llu", now);
}

static void periods_are_counted_to_the_ns(struct kunit *test)
{
	make_virtual(test);
	arm(test, at(10), 0);
	expect_event(test, 99, 0, 0, 100, 1, 110);
	expect_event(test, 100, 0, 0, 100, 1, 110);
	expect_event(test, 109, 0, 0, 100, 1, 110);
	expect_event(test, 110, 0, 0, 110, 2, 120);
	expect_event(test, 119, 0, 0, 110, 2, 120);
	expect_event(test, 1099, 0, 0, 1090, 100, 1100);
	/* Five times in all. */
	expect_event(test, 139, 5, 0, 130, 4, 140);
	expect_event(test, 140, 5, 0, 140, 5, 0);
	expect_event(test, 9999, 5, 0, 140, 5, 0);
	expect_event(test, 125, 0, HTW_TIMER_SKIP, 100, 1, 130);
	expect_event(test, 125, 0, HTW_TIMER_BURST, 100, 1, 110);
	expect_event(test, 125, 1, HTW_TIMER_SKIP, 100, 1, 0);
	expect_event(test, 125, 2, HTW_TIMER_BURST, 100, 1, 110);
}

static void nothing_overflows_in_an_event(struct kunit *test)
{
	struct htw_user_timer *ut;
	struct htw_outcome outcome;
	struct htw_event event;

	make_virtual(test);
	ut = timer_of(test, arm(test, at(10), 0));
	ut->expires = 1;
	ut->interval = 1;
	htw_user_timer_event(ut, U32_MAX + 5ULL, &event, &outcome);
	KUNIT_EXPECT_EQ(test, event.expirations, U32_MAX);
	KUNIT_EXPECT_EQ(test, event.expires, U32_MAX + 5ULL);
	KUNIT_EXPECT_EQ(test, outcome.nr, U32_MAX + 5ULL);
	ut->interval = S64_MAX;
	htw_user_timer_event(ut, S64_MAX, &event, &outcome);
	KUNIT_EXPECT_EQ(test, outcome.next, (u64)S64_MAX);
}

static void wall_clock_timer_is_due_at_its_earliest(struct kunit *test)
{
	struct htw_context *ctx = make_context(test, CLOCK_REALTIME, 0);
	u64 now = ktime_get_real(), when = now + HOUR_NS;
	struct htw_user_timer *ut = timer_of(test, arm(test, when, 0));

	KUNIT_EXPECT_FALSE(test, htw_user_timer_due(ut, when - 1));
	KUNIT_EXPECT_TRUE(test, htw_user_timer_due(ut, when));
	ut->flags |= HTW_TIMER_DEADLINE;
	KUNIT_EXPECT_FALSE(test, htw_user_timer_due(ut, when - ctx->tick_ns - 1));
	KUNIT_EXPECT_TRUE(test, htw_user_timer_due(ut, when - ctx->tick_ns));
	ut->slack = NSEC_PER_SEC;
	KUNIT_EXPECT_FALSE(test, htw_user_timer_due(ut, when - NSEC_PER_SEC - 1));
	KUNIT_EXPECT_TRUE(test, htw_user_timer_due(ut, when - NSEC_PER_SEC));
	ut->slack = U64_MAX;
	KUNIT_EXPECT_TRUE(test, htw_user_timer_due(ut, 0));
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(ring_goes_on_across_2_to_the_32),
	KUNIT_CASE(head_that_can_not_be_is_a_full_ring),
	KUNIT_CASE(used_up_slot_has_no_more_ids),
	KUNIT_CASE(last_id_but_one_has_a_successor),
	KUNIT_CASE(slot_behind_the_words_has_none),
	KUNIT_CASE(last_slot_with_a_word_has_it),
	KUNIT_CASE(words_only_put_off),
	KUNIT_CASE(cancel_against_the_callback_goes_by_the_time),
	KUNIT_CASE(deferred_timer_is_one_that_waits),
	KUNIT_CASE(states_are_shown_as_what_they_mean),
	KUNIT_CASE(deferred_timer_is_armed_again),
	KUNIT_CASE(what_expires_queues_up_behind_the_deferred),
	KUNIT_CASE(callback_of_what_is_armed_again_does_nothing),
	KUNIT_CASE(callback_of_what_is_cancelled_does_nothing),
	KUNIT_CASE(callback_of_what_is_delivered_does_nothing),
	KUNIT_CASE(event_has_the_number_of_its_arming),
	KUNIT_CASE(lateness_counts_from_the_last_tick_allowed),
	KUNIT_CASE(lateness_is_told_in_units_of_1024),
	KUNIT_CASE(periods_are_counted_to_the_ns),
	KUNIT_CASE(nothing_overflows_in_an_event),
	KUNIT_CASE(wall_clock_timer_is_due_at_its_earliest),
	{ }
};

static struct kunit_suite device_suite = {
	.name = "htw_device",
	.exit = end_context,
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);
