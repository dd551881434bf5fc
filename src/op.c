// SPDX-License-Identifier: GPL-2.0
/*
 * Operations of programs on their timers, one or many at a time.
 *
 * All but the ones that go through the whole context (%WALKS) are done with ctx->lock
 * held, those of a batch up to OPS_AT_ONCE under one hold.
 */
#include "op.h"

#include "compat.h"
#include "context.h"
#include "copy.h"
#include "event.h"
#include "ring.h"
#include "user_timer.h"
#include "words.h"

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/htw_wheel.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

/* How many operations of a batch are copied in one go; they are on the stack. */
/* They are copied to the stack, which is half as large where pointers are. */
#define OPS_AT_ONCE		(2 * sizeof(void *))

/* How far HTW_OP_ADVANCE goes under one hold of ctx->turn: see virtual.c. */
#define STEPS_AT_ONCE		64

#define TIMER_FLAGS							\
	(HTW_TIMER_ABS | HTW_TIMER_DEADLINE | HTW_TIMER_COARSE |	\
	 HTW_TIMER_KEEP | HTW_TIMER_SKIP | HTW_TIMER_BURST | HTW_TIMER_WORD)

/**
 * struct hold - one hold of ctx->lock
 * @ctx: the context
 * @now: the time on its clock; 0 until somebody asks for it
 */
struct hold {
	struct htw_context	*ctx;
	u64			now;
};

/*
 * The time, which for all operations of a hold is that of the first: so what is armed by
 * a delay is not early, because the call began before that.
 */
static u64 now_of(struct hold *hold)
{
	if (!hold->now)
		hold->now = htw_context_now(hold->ctx);
	return hold->now;
}

static u64 expiry_of(struct hold *hold, const struct htw_user_timer *ut,
		     const struct htw_op *op)
{
	if (op->flags & HTW_TIMER_ABS)
		return op->expires;
	/* Both are below 2^63. */
	return min_t(u64, htw_user_timer_own_time(ut, now_of(hold)) + op->expires,
		     KTIME_MAX);
}

static u64 slack_of(struct hold *hold, const struct htw_user_timer *ut,
		    const struct htw_op *op)
{
	u64 now;

	if (!(op->flags & HTW_TIMER_COARSE))
		return op->slack;
	now = htw_user_timer_own_time(ut, now_of(hold));
	return max(op->slack, (ut->expires - min(now, ut->expires)) / 8);
}

static void arm_timer(struct hold *hold, struct htw_user_timer *ut,
		      struct htw_op *op)
{
	ut->cookie = op->cookie;
	ut->interval = op->interval;
	ut->count = op->count;
	ut->flags = op->flags;
	if (!(op->flags & HTW_TIMER_ABS))
		ut->flags |= hold->ctx->delay_flags;
	ut->expires = expiry_of(hold, ut, op);
	ut->slack = slack_of(hold, ut, op);
	ut->state = HTW_TIMER_ARMED;
	ut->arming++;
	if (ut->flags & HTW_TIMER_WORD)
		htw_words_clear(&hold->ctx->words, ut->index); /* W3 */

	op->res = htw_user_timer_start(ut); /* W4 */
	op->id = htw_user_timer_id(ut);
	op->arming = ut->arming;
}

/* -EAGAIN: there has to be a free slot first. */
static int op_arm(struct hold *hold, struct htw_op *op)
{
	struct htw_context *ctx = hold->ctx;
	struct htw_user_timer *ut;

	if (ctx->nr_timers >= ctx->max_timers)
		return -ENOSPC;
	ut = htw_user_timer_take(ctx);
	if (!ut)
		return -EAGAIN;
	/* Once ids of other slots are used up there are slots behind the words. */
	if ((op->flags & HTW_TIMER_WORD) &&
	    !htw_words_has(&ctx->words, ut->index)) {
		htw_user_timer_put(ut);
		return -ENOSPC;
	}
	arm_timer(hold, ut, op);
	ctx->stats.armed++;
	return 0;
}

/* Too late: the last event has been delivered, or is being read. */
static bool is_delivered(const struct htw_user_timer *ut)
{
	return ut->state == HTW_TIMER_KEPT ||
	       (ut->state == HTW_TIMER_COPYING && ut->delivered);
}

static int op_rearm(struct hold *hold, struct htw_op *op)
{
	struct htw_context *ctx = hold->ctx;
	struct htw_user_timer *ut = htw_user_timer_find(ctx, op->id);

	if (IS_ERR(ut))
		return PTR_ERR(ut);
	if (!(ut->flags & HTW_TIMER_KEEP) && is_delivered(ut))
		return -EALREADY;
	if ((op->flags & HTW_TIMER_WORD) &&
	    !htw_words_has(&ctx->words, ut->index))
		return -ENOSPC;
	ctx->stats.rearmed++;
	ctx->stats.withdrawn += ut->state == HTW_TIMER_EXPIRED;
	htw_event_unqueue(ut);
	arm_timer(hold, ut, op);
	return 0;
}

/*
 * Ends a timer that is due at @held: its word was read once. Returns what HTW_OP_CANCEL
 * answers.
 */
static int cancel(struct hold *hold, struct htw_user_timer *ut, u64 held)
{
	struct htw_context_stats *stats = &hold->ctx->stats;
	bool expired = ut->state == HTW_TIMER_EXPIRED;
	int ret;

	if (is_delivered(ut))
		ret = HTW_DELIVERED;
	else if (expired)
		ret = HTW_WITHDRAWN;
	else
		ret = HTW_CANCELLED;

	htw_event_unqueue(ut);
	/* Its callback waits for us, or its turn has not come: it would expire now. */
	if ((ut->state == HTW_TIMER_ARMED && !htw_user_timer_stop(ut)) ||
	    ut->state == HTW_TIMER_DEFERRED) {
		if (held <= htw_user_timer_own_time(ut, now_of(hold))) /* W10 */
			ret = HTW_WITHDRAWN;
	}
	stats->cancelled += ret == HTW_CANCELLED;
	stats->withdrawn += ret == HTW_WITHDRAWN;
	stats->expired += ret == HTW_WITHDRAWN && !expired;
	ut->delivered = false;
	htw_user_timer_put(ut);
	return ret;
}

/* Its event is still to come. What is DEFERRED may yet be put off by its word. */
static bool is_waiting(const struct htw_user_timer *ut)
{
	return ut->state == HTW_TIMER_ARMED || ut->state == HTW_TIMER_DEFERRED;
}

/* When it was due last, of those expiries that no event has told yet. */
static u64 last_expiry(struct hold *hold, const struct htw_user_timer *ut)
{
	struct htw_outcome outcome;
	struct htw_event event;

	if (ut->state == HTW_TIMER_KEPT)
		return htw_user_timer_show_time(ut, ut->expires);
	htw_user_timer_event(ut, now_of(hold), &event, &outcome);
	return event.expires;
}

static int op_cancel(struct hold *hold, struct htw_op *op)
{
	struct htw_user_timer *ut = htw_user_timer_find(hold->ctx, op->id);
	u64 held;

	if (IS_ERR(ut))
		return PTR_ERR(ut);
	if (!(ut->flags & HTW_TIMER_KEEP) && is_delivered(ut))
		return -EALREADY;
	held = htw_user_timer_held(ut); /* W9 */
	op->arming = ut->arming;
	op->value = is_waiting(ut) ? htw_user_timer_show_time(ut, held) :
				     last_expiry(hold, ut);
	op->res = cancel(hold, ut, held);
	return 0;
}

static int op_remaining(struct hold *hold, struct htw_op *op)
{
	struct htw_user_timer *ut = htw_user_timer_find(hold->ctx, op->id);
	u64 held;

	if (IS_ERR(ut))
		return PTR_ERR(ut);
	held = htw_user_timer_show_time(ut, htw_user_timer_held(ut));
	if (is_waiting(ut) && held > now_of(hold)) {
		op->expires = held;
		op->value = held - now_of(hold);
	} else if (is_waiting(ut) && !ut->interval) {
		op->expires = held;
	} else {
		op->expires = last_expiry(hold, ut);
	}
	op->count = ut->count;
	op->interval = ut->interval;
	op->slack = ut->slack;
	op->cookie = ut->cookie;
	op->arming = ut->arming;
	if (ut->state == HTW_TIMER_KEPT)
		op->res = HTW_STATE_DELIVERED;
	else if (ut->state == HTW_TIMER_EXPIRED || ut->state == HTW_TIMER_COPYING)
		op->res = HTW_STATE_EXPIRED;
	return 0;
}

/* Those of one chunk. Returns how many. */
static unsigned int cancel_chunk(struct htw_context *ctx, u32 first, u64 cookie,
				 u64 mask)
{
	struct hold hold = { .ctx = ctx };
	struct htw_user_timer *ut;
	unsigned int i, nr = 0;

	htw_context_lock(ctx);
	for (i = 0; i < HTW_CHUNK_TIMERS; i++) {
		ut = htw_user_timer_at(ctx, first + i);
		if (ut->state == HTW_TIMER_FREE || (ut->cookie ^ cookie) & mask)
			continue;
		if (!(ut->flags & HTW_TIMER_KEEP) && is_delivered(ut))
			continue;
		cancel(&hold, ut, htw_user_timer_held(ut));
		nr++;
	}
	htw_context_unlock(ctx);
	return nr;
}

static int op_cancel_match(struct hold *hold, struct htw_op *op)
{
	struct htw_context *ctx = hold->ctx;
	u32 i;

	for (i = 0; i < READ_ONCE(ctx->nr_chunks); i++) {
		op->res += cancel_chunk(ctx, i * HTW_CHUNK_TIMERS, op->cookie,
					op->value);
		cond_resched();
	}
	return 0;
}

/**
 * struct journey - the way of a virtual clock
 * @to: where it goes
 * @to_event: it ends where there is an event
 * @expired: how many events there were before
 */
struct journey {
	u64	to;
	bool	to_event;
	u64	expired;
};

/* With an event the tick is brought to its end, but time goes no further. */
static u64 next_stop(struct htw_context *ctx, const struct journey *journey)
{
	u64 next;

	if (!journey->to_event)
		return journey->to;
	if (READ_ONCE(ctx->stats.expired) != journey->expired)
		return htw_wheel_now(ctx->wheel);
	if (!htw_wheel_next_event(ctx->wheel, &next))
		return journey->to;
	return min(next, journey->to);
}

/* A part of the way. Returns true if there is more to go. */
static bool advance_some(struct htw_context *ctx, const struct journey *journey)
{
	u64 stop;
	bool more;

	mutex_lock(&ctx->turn);
	stop = next_stop(ctx, journey);
	more = htw_wheel_advance_some(ctx->wheel, stop, STEPS_AT_ONCE);
	mutex_unlock(&ctx->turn);

	if (journey->to_event &&
	    READ_ONCE(ctx->stats.expired) != journey->expired)
		return more;
	return more || stop < journey->to;
}

/* For who does not hold the context: others may just be letting virtual time pass. */
static u64 time_now(struct htw_context *ctx)
{
	u64 now;

	if (!READ_ONCE(ctx->wheel))
		return htw_clock_now(&ctx->clock);
	mutex_lock(&ctx->turn);
	now = htw_wheel_now(ctx->wheel);
	mutex_unlock(&ctx->turn);
	return now;
}

static int op_advance(struct hold *hold, struct htw_op *op)
{
	struct htw_context *ctx = hold->ctx;
	struct journey journey = {
		.to = op->expires,
		.to_event = op->flags & HTW_ADVANCE_NEXT,
		.expired = READ_ONCE(ctx->stats.expired),
	};

	if (!ctx->wheel)
		return -EOPNOTSUPP;
	if (!(op->flags & HTW_TIMER_ABS))
		journey.to = min_t(u64, time_now(ctx) + op->expires, S64_MAX);
	while (advance_some(ctx, &journey)) {
		cond_resched();
		if (fatal_signal_pending(current))
			break;
		/* The tick is brought to its end. */
		if (task_sigpending(current))
			journey.to = time_now(ctx);
	}
	op->value = time_now(ctx);
	htw_event_notify(ctx);
	return 0;
}

#define TAKES_EXPIRES	BIT(0)
#define TAKES_TIMES	BIT(1)	/* count, interval, slack */
#define TAKES_COOKIE	BIT(2)
#define TAKES_ID	BIT(3)
#define TAKES_VALUE	BIT(4)
#define WALKS		BIT(5)	/* without ctx->lock */

/**
 * struct op_desc - an opcode
 * @fn: does it; its results in htw_op are 0 before
 * @what: TAKES_ bits: fields that may not be 0; and WALKS
 * @flags: those that it knows
 */
struct op_desc {
	int	(*fn)(struct hold *hold, struct htw_op *op);
	u16	what;
	u16	flags;
};

static const struct op_desc ops[] = {
	[HTW_OP_ARM] = {
		op_arm, TAKES_EXPIRES | TAKES_TIMES | TAKES_COOKIE, TIMER_FLAGS,
	},
	[HTW_OP_REARM] = {
		op_rearm, TAKES_EXPIRES | TAKES_TIMES | TAKES_COOKIE | TAKES_ID,
		TIMER_FLAGS,
	},
	[HTW_OP_CANCEL] = { op_cancel, TAKES_ID, 0 },
	[HTW_OP_REMAINING] = { op_remaining, TAKES_ID, 0 },
	[HTW_OP_CANCEL_MATCH] = {
		op_cancel_match, TAKES_COOKIE | TAKES_VALUE | WALKS, 0,
	},
	[HTW_OP_ADVANCE] = {
		op_advance, TAKES_EXPIRES | WALKS, HTW_TIMER_ABS | HTW_ADVANCE_NEXT,
	},
};

/**
 * htw_op_mask() - what operations there are
 *
 * Return: htw_query.op_mask.
 */
u64 htw_op_mask(void)
{
	unsigned int opcode;
	u64 mask = 0;

	for (opcode = 0; opcode < ARRAY_SIZE(ops); opcode++)
		if (ops[opcode].fn)
			mask |= BIT_ULL(opcode);
	return mask;
}

/**
 * htw_op_timer_flags() - what flags a timer can have
 *
 * Return: htw_query.timer_flags.
 */
u64 htw_op_timer_flags(void)
{
	return TIMER_FLAGS;
}

static bool has_both(u16 flags, u16 a, u16 b)
{
	return (flags & a) && (flags & b);
}

/* What flags forbid to each other, and to timers that expire once. */
static bool flags_agree(const struct htw_context *ctx, const struct htw_op *op)
{
	const u16 periodic = HTW_TIMER_SKIP | HTW_TIMER_BURST;

	if (has_both(op->flags, HTW_TIMER_SKIP, HTW_TIMER_BURST) ||
	    has_both(op->flags, HTW_TIMER_DEADLINE,
		     HTW_TIMER_COARSE | HTW_TIMER_WORD))
		return false;
	if (!op->interval && (op->flags & periodic))
		return false;
	return !(op->flags & HTW_TIMER_WORD) || (ctx->words.addr && !op->interval);
}

static bool times_valid(const struct htw_context *ctx, const struct htw_op *op)
{
	if ((op->expires | op->interval | op->slack) > S64_MAX)
		return false;
	if (op->interval ? op->interval < ctx->tick_ns : op->count)
		return false;
	return !(op->flags & ~(HTW_TIMER_ABS | HTW_TIMER_KEEP)) ||
	       flags_agree(ctx, op);
}

static bool op_valid(const struct htw_context *ctx, const struct op_desc *desc,
		     const struct htw_op *op)
{
	if (op->flags & ~desc->flags)
		return false;
	if (!(desc->what & TAKES_ID) && op->id)
		return false;
	if (!(desc->what & TAKES_COOKIE) && op->cookie)
		return false;
	if (desc->what & TAKES_TIMES)
		return times_valid(ctx, op);
	return op->expires <= (desc->what & TAKES_EXPIRES ? S64_MAX : 0) &&
	       !op->count && !op->interval && !op->slack;
}

static const struct op_desc *check_op(const struct htw_context *ctx,
				      const struct htw_op *op)
{
	const struct op_desc *desc;

	if (op->opcode >= ARRAY_SIZE(ops) || !ops[op->opcode].fn)
		return ERR_PTR(-EOPNOTSUPP);
	desc = &ops[op->opcode];
	if (!op_valid(ctx, desc, op))
		return ERR_PTR(-EINVAL);
	return desc;
}

/* Clears what it will fill in; one that fails leaves that as it was. */
static int do_op(struct hold *hold, const struct op_desc *desc, struct htw_op *op)
{
	const u64 value = op->value;
	const u32 arming = op->arming;
	int ret;

	if (!(desc->what & TAKES_VALUE))
		op->value = 0;
	op->res = 0;
	op->arming = 0;
	ret = desc->fn(hold, op);
	if (ret) {
		op->value = value;
		op->arming = arming;
	}
	return ret;
}

static int do_locked(struct htw_context *ctx, const struct op_desc *desc,
		     struct htw_op *op)
{
	struct hold hold = { .ctx = ctx };
	int ret;

	htw_context_lock(ctx);
	ret = do_op(&hold, desc, op);
	htw_context_unlock(ctx);
	return ret;
}

/**
 * htw_op_do() - do one operation
 * @ctx: the context
 * @op: the operation as the program gave it; its results are stored there
 *
 * Context: Task.
 * Return: 0, or an errno of HTW_IOC_OP and nothing has changed.
 */
int htw_op_do(struct htw_context *ctx, struct htw_op *op)
{
	const struct op_desc *desc = check_op(ctx, op);
	struct hold hold = { .ctx = ctx };
	int ret;

	if (IS_ERR(desc))
		return PTR_ERR(desc);
	if (desc->what & WALKS)
		return do_op(&hold, desc, op);
	for (;;) {
		ret = do_locked(ctx, desc, op);
		if (ret != -EAGAIN)
			return ret;
		ret = htw_user_timer_grow(ctx);
		if (ret)
			return ret;
	}
}

/**
 * htw_op_undo_arm() - the program will never learn of this operation
 * @ctx: the context
 * @op: the operation, done
 *
 * A timer whose id the program never learns would have no end.
 */
void htw_op_undo_arm(struct htw_context *ctx, const struct htw_op *op)
{
	struct htw_op undo = { .opcode = HTW_OP_CANCEL, .id = op->id };

	if (op->opcode == HTW_OP_ARM && op->res >= 0)
		htw_op_do(ctx, &undo);
}

/* Those of @nr operations that can be done under one hold. Returns how many. */
static unsigned int do_under_one_hold(struct htw_context *ctx,
				      struct htw_op *op, unsigned int nr)
{
	struct hold hold = { .ctx = ctx };
	const struct op_desc *desc;
	unsigned int i;
	int ret;

	htw_context_lock(ctx);
	for (i = 0; i < nr; i++) {
		desc = check_op(ctx, &op[i]);
		if (!IS_ERR(desc) && (desc->what & WALKS))
			break;
		ret = IS_ERR(desc) ? PTR_ERR(desc) :
				     do_op(&hold, desc, &op[i]);
		if (ret == -EAGAIN)
			break;
		if (ret)
			op[i].res = ret;
	}
	htw_context_unlock(ctx);
	return i;
}

static void do_ops(struct htw_context *ctx, struct htw_op *op, unsigned int nr)
{
	unsigned int i = 0;
	int ret;

	while (i < nr) {
		i += do_under_one_hold(ctx, op + i, nr - i);
		if (i == nr)
			break;
		ret = htw_op_do(ctx, &op[i]);
		if (ret)
			op[i].res = ret;
		i++;
	}
}

/* They are on two pages at most. Stores what is there. */
static bool is_writable(struct htw_op __user *uops, const struct htw_op *op,
			unsigned int nr)
{
	return !put_user(op->opcode, &uops->opcode) &&
	       !put_user(op[nr - 1].arming, &uops[nr - 1].arming);
}

/*
 * Copies, does and copies back up to @nr operations, but only one if the results may
 * meet a page that is not writable: nothing behind it is to be done. Returns false for
 * a fault.
 */
static bool batch_some(struct htw_context *ctx, struct htw_op __user *uops,
		       unsigned int nr, u32 *done)
{
	struct htw_op op[OPS_AT_ONCE] __uninitialized;
	unsigned int i, told;

	nr = htw_copy_in(op, uops, sizeof(*op), nr);
	if (!nr)
		return false;
	if (!is_writable(uops, op, nr))
		nr = 1;
	do_ops(ctx, op, nr);
	told = htw_copy_out(uops, op, sizeof(*op), nr);
	for (i = told; i < nr; i++)
		htw_op_undo_arm(ctx, &op[i]);
	*done += told;
	return told == nr;
}

/* Returns 0 if all were done, else why not. */
static int batch_ops(struct htw_context *ctx, struct htw_batch *batch)
{
	struct htw_op __user *uops = u64_to_user_ptr(batch->ops);
	unsigned int nr;

	while (batch->done < batch->nr_ops) {
		if (task_sigpending(current))
			return -EINTR;
		nr = min_t(u32, batch->nr_ops - batch->done, OPS_AT_ONCE);
		if (!batch_some(ctx, uops + batch->done, nr, &batch->done))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}

/* Waits as asked for, and reads what there is then. */
static int batch_events(struct htw_context *ctx, struct htw_batch *batch)
{
	struct htw_event __user *events = u64_to_user_ptr(batch->events);
	u32 entries = htw_ring_entries(&ctx->ring);
	ssize_t nr = 0;
	int ret = 0;

	if (entries) {
		htw_ring_flush(ctx);
		htw_event_notify(ctx);
	}
	if (batch->min_events)
		ret = htw_event_wait(ctx, batch->min_events, batch->timeout);
	/* Others can still have what nobody here will see. */
	if (fatal_signal_pending(current))
		return -EINTR;
	/* In a ring that was set up meanwhile there is nothing for @events. */
	if (batch->nr_events)
		nr = htw_event_read(ctx, events, batch->nr_events, true);
	else if (entries)
		nr = htw_ring_nr(&ctx->ring);
	if (nr > 0)
		batch->got = nr;
	else if (nr == -EFAULT)
		return nr;
	if (ret != -ERESTARTSYS || batch->got)
		return 0;
	/* Or else the kernel has something to do for the task, and it comes back. */
	return task_sigpending(current) ? -EINTR : -ERESTARTNOINTR;
}

static bool batch_valid(const struct htw_context *ctx,
			const struct htw_batch *batch)
{
	u32 entries = htw_ring_entries(&ctx->ring);

	if (batch->flags || batch->resv || batch->nr_ops > HTW_MAX_BATCH)
		return false;
	if (entries && (batch->events || batch->nr_events))
		return false;
	if (!batch->min_events)
		return !batch->timeout;
	return batch->min_events <= (entries ?: batch->nr_events) &&
	       (batch->timeout <= S64_MAX || batch->timeout == HTW_FOREVER);
}

/**
 * htw_op_batch() - do many operations, then wait for events
 * @ctx: the context
 * @batch: as the program gave it; its results are stored there
 *
 * Context: Task.
 * Return: 0, or an errno of HTW_IOC_BATCH; then nothing was done, and no event read.
 */
int htw_op_batch(struct htw_context *ctx, struct htw_batch *batch)
{
	int ret;

	if (!batch_valid(ctx, batch))
		return -EINVAL;
	batch->done = 0;
	batch->got = 0;
	ret = batch_ops(ctx, batch);
	if (!ret)
		ret = batch_events(ctx, batch);
	batch->now = time_now(ctx);
	return batch->done ? 0 : ret;
}
