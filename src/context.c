// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts: the timers of one open /dev/htw.
 *
 * A user timer lives in a slot of its context. Slots come in chunks of a page and
 * stay until the file is closed, so an id (slot index and generation) is looked up
 * without a search, and nothing that a callback or a reader may look at is freed
 * under it. A context keeps the memory of as many timers as it ever held at once.
 *
 *	FREE	  -- arm -->		ARMED
 *	ARMED	  -- expires -->	EXPIRED
 *	EXPIRED	  -- read -->		COPYING
 *	COPYING	  -- copied -->		FREE; ARMED if it is periodic
 *	COPYING	  -- copy faults -->	EXPIRED
 *	any	  -- re-arm -->		ARMED
 *	any	  -- cancel -->		FREE
 *
 * Locking rules
 * -------------
 *
 * ctx->lock protects all states, the list of events and the list of free slots.
 * Callbacks take it in softirq, everybody else with bottom halves disabled. The
 * base's lock is taken inside of it. ctx->grow serialises who adds a chunk.
 *
 * An expiry in flight
 * -------------------
 *
 * htw_cancel() does not stop a callback that has started, and which then waits for
 * ctx->lock. By the time it gets it the timer may be free, or be armed again. It
 * goes on only if the state is ARMED and the timer is not pending, because whoever
 * armed it anew did so under ctx->lock and it can't have expired again: htw runs no
 * callback of a timer while another one of it is running.
 *
 * Reading
 * -------
 *
 * Events are copied to the program without the lock. A timer is COPYING meanwhile.
 * Whoever wants to change it acts as if the event had been read just before, and the
 * reader finds out when it has the lock again: the timer's id or arming number differs
 * from what it has copied. If the copy faults, the event goes back to the head of the
 * list.
 *
 * A periodic timer is armed again when its event has been read, not in the callback:
 * what nobody reads costs nothing. How often it would have expired is computed.
 */
#include "context.h"

#include "base.h"
#include "trace.h"

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#define SLOTS_PER_CHUNK		32
#define MAX_TIMERS		BIT(24)

/* How many events are copied in one go; they are on the stack. */
#define READ_BATCH		16

enum user_timer_state {
	TIMER_FREE,
	TIMER_ARMED,
	TIMER_EXPIRED,
	TIMER_COPYING,
	NR_TIMER_STATES,
};

/**
 * struct user_timer - a timer of a program
 * @timer: the timer in the wheel
 * @ctx: the context it belongs to
 * @link: in htw_context::free (FREE) or htw_context::events (EXPIRED)
 * @cookie: the program's
 * @interval: period in ns, or 0
 * @slack: in ns
 * @fired_ns: when the callback ran (EXPIRED)
 * @index: number of the slot
 * @generation: counts the ids that this slot has had; 0 before the first
 * @arming: counts how often this id was armed
 * @state: what the timer is doing
 * @delivered: the event of the last id was read (FREE)
 */
struct user_timer {
	struct htw_timer	timer;
	struct htw_context	*ctx;
	struct list_head	link;
	u64			cookie;
	u64			interval;
	u64			slack;
	u64			fired_ns;
	u32			index;
	u32			generation;
	u32			arming;
	u8			state;
	bool			delivered;
};

struct chunk {
	struct user_timer	slots[SLOTS_PER_CHUNK];
};

/* A timer costs 128 bytes. */
#ifndef CONFIG_LOCKDEP
static_assert(sizeof(struct chunk) <= 4096);
#endif

/**
 * struct htw_context - an open file of /dev/htw
 * @lock: see "Locking rules"
 * @events: expired timers, in order of delivery
 * @free: slots to use next; the one that was free longest is taken first, so that
 *	the answer to a stale id stays exact for as long as possible
 * @nr_timers: slots that are not free
 * @max_timers: limit of that
 * @readers: woken up for each event
 * @grow: held by who adds a chunk
 * @nr_chunks: how many there are
 * @chunks: slot index / SLOTS_PER_CHUNK to &struct chunk
 */
struct htw_context {
	spinlock_t		lock;
	struct list_head	events;
	struct list_head	free;
	u32			nr_timers;
	u32			max_timers;
	wait_queue_head_t	readers;
	struct mutex		grow;
	u32			nr_chunks;
	struct xarray		chunks;
};

static int set_max_timers(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, MAX_TIMERS);
}

static const struct kernel_param_ops max_timers_ops = {
	.set	= set_max_timers,
	.get	= param_get_uint,
};

static unsigned int max_timers = 1U << 16;
module_param_cb(max_timers, &max_timers_ops, &max_timers, 0644);
__MODULE_PARM_TYPE(max_timers, "uint");
MODULE_PARM_DESC(max_timers,
		 "Most timers of one open /dev/htw, for files opened from now on, 1 to 16777216 (default 65536)");

/**
 * htw_context_create() - make a context without timers
 *
 * Return: the context, or NULL if there is no memory.
 */
struct htw_context *htw_context_create(void)
{
	struct htw_context *ctx;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return NULL;
	spin_lock_init(&ctx->lock);
	INIT_LIST_HEAD(&ctx->events);
	INIT_LIST_HEAD(&ctx->free);
	init_waitqueue_head(&ctx->readers);
	mutex_init(&ctx->grow);
	xa_init(&ctx->chunks);
	ctx->max_timers = READ_ONCE(max_timers);
	return ctx;
}

/**
 * htw_context_destroy() - free a context and all its timers
 * @ctx: the context, which nobody else uses any more
 */
void htw_context_destroy(struct htw_context *ctx)
{
	struct chunk *chunk;
	unsigned long index;
	unsigned int i;

	xa_for_each(&ctx->chunks, index, chunk) {
		/* Also waits for the callbacks, which use ctx. */
		for (i = 0; i < SLOTS_PER_CHUNK; i++)
			htw_shutdown_sync(&chunk->slots[i].timer);
		kfree(chunk);
		cond_resched();
	}
	xa_destroy(&ctx->chunks);
	kfree(ctx);
}

static void user_timer_expired(struct htw_timer *timer)
{
	struct user_timer *ut = container_of(timer, struct user_timer, timer);
	struct htw_context *ctx = ut->ctx;

	spin_lock(&ctx->lock);
	/* See "An expiry in flight". */
	if (ut->state == TIMER_ARMED && !htw_pending(timer)) {
		ut->state = TIMER_EXPIRED;
		ut->fired_ns = ktime_get();
		list_add_tail(&ut->link, &ctx->events);
	}
	spin_unlock(&ctx->lock);
	wake_up_interruptible_poll(&ctx->readers, EPOLLIN | EPOLLRDNORM);
}

static struct chunk *alloc_chunk(struct htw_context *ctx)
{
	struct user_timer *ut;
	struct chunk *chunk;
	unsigned int i;

	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return NULL;
	for (i = 0; i < SLOTS_PER_CHUNK; i++) {
		ut = &chunk->slots[i];
		htw_timer_setup(&ut->timer, user_timer_expired, 0);
		ut->ctx = ctx;
		ut->index = ctx->nr_chunks * SLOTS_PER_CHUNK + i;
	}
	return chunk;
}

/* Adds free slots, unless somebody else just did. */
static int grow(struct htw_context *ctx)
{
	struct chunk *chunk;
	unsigned int i;
	int ret = 0;

	mutex_lock(&ctx->grow);
	if (!list_empty_careful(&ctx->free))
		goto out;
	ret = -ENOMEM;
	chunk = alloc_chunk(ctx);
	if (!chunk)
		goto out;
	ret = xa_err(xa_store(&ctx->chunks, ctx->nr_chunks, chunk,
			      GFP_KERNEL_ACCOUNT));
	if (ret) {
		kfree(chunk);
		goto out;
	}
	ctx->nr_chunks++;
	spin_lock_bh(&ctx->lock);
	for (i = 0; i < SLOTS_PER_CHUNK; i++)
		list_add_tail(&chunk->slots[i].link, &ctx->free);
	spin_unlock_bh(&ctx->lock);
out:
	mutex_unlock(&ctx->grow);
	return ret;
}

static u64 make_id(const struct user_timer *ut)
{
	return (u64)ut->generation << 32 | ut->index;
}

static struct user_timer *take_slot(struct htw_context *ctx)
{
	struct user_timer *ut;

	ut = list_first_entry(&ctx->free, struct user_timer, link);
	list_del(&ut->link);
	ut->generation++;
	ut->arming = 0;
	ut->delivered = false;
	ctx->nr_timers++;
	return ut;
}

static void put_slot(struct htw_context *ctx, struct user_timer *ut)
{
	ut->state = TIMER_FREE;
	ctx->nr_timers--;
	/* One whose ids are used up is never used again, so that none comes twice. */
	if (ut->generation != U32_MAX)
		list_add_tail(&ut->link, &ctx->free);
}

/* With ctx->lock held: the timer that an id names, or why there is none. */
static struct user_timer *find_timer(struct htw_context *ctx, u64 id)
{
	u32 index = lower_32_bits(id);
	u32 generation = upper_32_bits(id);
	struct user_timer *ut;
	struct chunk *chunk;

	chunk = xa_load(&ctx->chunks, index / SLOTS_PER_CHUNK);
	if (!chunk || !generation)
		return ERR_PTR(-ENOENT);
	ut = &chunk->slots[index % SLOTS_PER_CHUNK];
	if (ut->generation != generation)
		return ERR_PTR(-ENOENT);
	if (ut->state == TIMER_FREE)
		return ERR_PTR(ut->delivered ? -EALREADY : -ENOENT);
	return ut;
}

/* The event of a one-shot timer that is being read is as good as read. */
static bool is_delivered(const struct user_timer *ut)
{
	return ut->state == TIMER_COPYING && !ut->interval;
}

static u64 expiry_of(const struct htw_op *op)
{
	if (op->flags & HTW_TIMER_ABS)
		return op->expires;
	/* Both are below 2^63. */
	return min_t(u64, ktime_get() + op->expires, KTIME_MAX);
}

static void arm_timer(struct user_timer *ut, struct htw_op *op)
{
	ut->cookie = op->cookie;
	ut->interval = op->interval;
	ut->slack = op->slack;
	ut->state = TIMER_ARMED;
	ut->arming++;
	htw_schedule_range(&ut->timer, expiry_of(op), ut->slack, 0);

	op->id = make_id(ut);
	op->arming = ut->arming;
}

/* -EAGAIN: there has to be a free slot first. */
static int op_arm(struct htw_context *ctx, struct htw_op *op)
{
	if (ctx->nr_timers >= ctx->max_timers)
		return -ENOSPC;
	if (list_empty(&ctx->free))
		return -EAGAIN;
	arm_timer(take_slot(ctx), op);
	return 0;
}

static int op_rearm(struct htw_context *ctx, struct htw_op *op)
{
	struct user_timer *ut = find_timer(ctx, op->id);

	if (IS_ERR(ut))
		return PTR_ERR(ut);
	if (is_delivered(ut))
		return -EALREADY;
	if (ut->state == TIMER_EXPIRED)
		list_del(&ut->link);
	arm_timer(ut, op);
	return 0;
}

static int op_cancel(struct htw_context *ctx, struct htw_op *op)
{
	struct user_timer *ut = find_timer(ctx, op->id);

	if (IS_ERR(ut))
		return PTR_ERR(ut);
	if (is_delivered(ut))
		return -EALREADY;

	op->res = HTW_CANCELLED;
	if (ut->state == TIMER_EXPIRED) {
		list_del(&ut->link);
		op->res = HTW_WITHDRAWN;
	} else if (ut->state == TIMER_ARMED && !htw_cancel(&ut->timer)) {
		op->res = HTW_WITHDRAWN;
	}
	op->arming = ut->arming;
	put_slot(ctx, ut);
	return 0;
}

/* How often a timer has expired until @now, and has not been read. */
static u64 expirations(const struct user_timer *ut, u64 now)
{
	u64 expires = ut->timer.expires;

	if (!ut->interval || now <= expires)
		return 1;
	return div64_u64(now - expires, ut->interval) + 1;
}

static int op_remaining(struct htw_context *ctx, struct htw_op *op)
{
	struct user_timer *ut = find_timer(ctx, op->id);
	u64 now = ktime_get();

	if (IS_ERR(ut))
		return PTR_ERR(ut);
	op->expires = ut->timer.expires;
	if (ut->state == TIMER_ARMED && op->expires > now)
		op->value = op->expires - now;
	else
		op->expires += (expirations(ut, now) - 1) * ut->interval;
	op->interval = ut->interval;
	op->slack = ut->slack;
	op->cookie = ut->cookie;
	op->arming = ut->arming;
	return 0;
}

#define OP_TIMES	BIT(0)	/* takes flags, expires, interval, slack, cookie */
#define OP_ID		BIT(1)	/* takes an id */

/* What each opcode takes, and what does it with ctx->lock held. */
static const struct op_desc {
	int		(*fn)(struct htw_context *ctx, struct htw_op *op);
	unsigned int	takes;
} ops[] = {
	[HTW_OP_ARM]		= { op_arm, OP_TIMES },
	[HTW_OP_REARM]		= { op_rearm, OP_TIMES | OP_ID },
	[HTW_OP_CANCEL]		= { op_cancel, OP_ID },
	[HTW_OP_REMAINING]	= { op_remaining, OP_ID },
};

static u64 min_interval(void)
{
	return 1ULL << htw_base_geometry()->tick_shift;
}

static bool times_valid(const struct htw_op *op)
{
	if (op->flags & ~HTW_TIMER_ABS)
		return false;
	if (op->expires > S64_MAX || op->interval > S64_MAX ||
	    op->slack > S64_MAX)
		return false;
	return !op->interval || op->interval >= min_interval();
}

static bool op_valid(const struct op_desc *desc, const struct htw_op *op)
{
	if (op->resv0)
		return false;
	if (!(desc->takes & OP_ID) && op->id)
		return false;
	if (desc->takes & OP_TIMES)
		return times_valid(op);
	return !op->flags && !op->expires && !op->interval && !op->slack &&
	       !op->cookie;
}

/**
 * htw_context_op() - do one operation
 * @ctx: the context
 * @op: the operation as the program gave it; its results are stored there
 *
 * Return: 0, or an errno of HTW_IOC_OP and nothing has changed.
 */
int htw_context_op(struct htw_context *ctx, struct htw_op *op)
{
	const struct op_desc *desc;
	int ret;

	if (op->opcode >= ARRAY_SIZE(ops) || !ops[op->opcode].fn)
		return -EOPNOTSUPP;
	desc = &ops[op->opcode];
	if (!op_valid(desc, op))
		return -EINVAL;

	op->value = 0;
	op->res = 0;
	op->arming = 0;
	for (;;) {
		spin_lock_bh(&ctx->lock);
		ret = desc->fn(ctx, op);
		spin_unlock_bh(&ctx->lock);
		if (ret != -EAGAIN)
			return ret;
		ret = grow(ctx);
		if (ret)
			return ret;
	}
}

/**
 * htw_context_query() - tell what htw can do
 * @ctx: the context
 * @query: filled in
 */
void htw_context_query(struct htw_context *ctx, struct htw_query *query)
{
	unsigned int opcode;

	memset(query, 0, sizeof(*query));
	query->size = sizeof(*query);
	query->features = HTW_FEAT_INTERVAL | HTW_FEAT_SLACK;
	for (opcode = 0; opcode < ARRAY_SIZE(ops); opcode++)
		if (ops[opcode].fn)
			query->op_mask |= BIT_ULL(opcode);
	query->timer_flags = HTW_TIMER_ABS;
	query->clock_mask = BIT(CLOCK_MONOTONIC);
	query->tick_ns = 1ULL << htw_base_geometry()->tick_shift;
	query->min_gap_ns = htw_base_min_gap();
	query->min_interval_ns = min_interval();
	query->max_file = ctx->max_timers;
	query->nr_file = READ_ONCE(ctx->nr_timers);
}

/* How long after the last tick that its slack allowed a timer has fired. */
static u64 lateness(const struct user_timer *ut)
{
	unsigned int shift = htw_base_geometry()->tick_shift;
	u64 due = ut->timer.expires + ut->slack;

	if (ut->fired_ns <= due)
		return 0;
	due = htw_tick_after(shift, due) << shift;
	return ut->fired_ns > due ? ut->fired_ns - due : 0;
}

static u32 event_info(const struct user_timer *ut)
{
	u64 late = min_t(u64, lateness(ut), HTW_EVENT_LATENESS_MAX);

	return HTW_EVENT_EXPIRED << 28 | (ut->arming & 0xff) << 20 | late >> 10;
}

/**
 * struct read_batch - events on their way to a program
 * @nr: how many
 * @periods: how many expirations each stands for, without a limit
 * @armings: the arming number of each timer
 * @timers: the timers
 * @events: what is copied
 */
struct read_batch {
	unsigned int		nr;
	u64			periods[READ_BATCH];
	u32			armings[READ_BATCH];
	struct user_timer	*timers[READ_BATCH];
	struct htw_event	events[READ_BATCH];
};

static void take_event(struct htw_context *ctx, struct read_batch *batch)
{
	struct htw_event *event = &batch->events[batch->nr];
	struct user_timer *ut;
	u64 periods;

	ut = list_first_entry(&ctx->events, struct user_timer, link);
	list_del(&ut->link);
	ut->state = TIMER_COPYING;

	periods = expirations(ut, ktime_get());
	event->cookie = ut->cookie;
	event->id = make_id(ut);
	event->expires = ut->timer.expires + (periods - 1) * ut->interval;
	event->expirations = min_t(u64, periods, U32_MAX);
	event->info = event_info(ut);

	batch->timers[batch->nr] = ut;
	batch->periods[batch->nr] = periods;
	batch->armings[batch->nr] = ut->arming;
	batch->nr++;
}

static void event_copied(struct htw_context *ctx, struct user_timer *ut,
			 u64 periods)
{
	u64 next;

	if (!ut->interval) {
		ut->delivered = true;
		put_slot(ctx, ut);
		return;
	}
	next = ut->timer.expires + periods * ut->interval;
	ut->state = TIMER_ARMED;
	htw_schedule_range(&ut->timer, min_t(u64, next, KTIME_MAX), ut->slack, 0);
}

static void event_not_copied(struct htw_context *ctx, struct user_timer *ut)
{
	ut->state = TIMER_EXPIRED;
	list_add(&ut->link, &ctx->events);
}

/* See "Reading": the first @copied events have reached the program. */
static void finish_batch(struct htw_context *ctx, struct read_batch *batch,
			 unsigned int copied)
{
	struct user_timer *ut;
	unsigned int i;

	spin_lock_bh(&ctx->lock);
	for (i = batch->nr; i-- > 0; ) {
		ut = batch->timers[i];
		if (ut->state != TIMER_COPYING ||
		    make_id(ut) != batch->events[i].id ||
		    ut->arming != batch->armings[i])
			continue;
		if (i < copied)
			event_copied(ctx, ut, batch->periods[i]);
		else
			event_not_copied(ctx, ut);
	}
	spin_unlock_bh(&ctx->lock);

	if (copied < batch->nr)
		wake_up_interruptible_poll(&ctx->readers,
					   EPOLLIN | EPOLLRDNORM);
}

static void trace_events(const struct read_batch *batch, unsigned int copied)
{
	unsigned int i;

	if (!trace_htw_event_enabled())
		return;
	for (i = 0; i < copied; i++)
		trace_htw_event(&batch->events[i]);
}

/* Returns how many events were copied, 0 if there is none, or -EFAULT. */
static int read_some(struct htw_context *ctx, struct htw_event __user *buf,
		     size_t nr)
{
	struct read_batch batch;
	unsigned long left;
	unsigned int copied;

	batch.nr = 0;
	spin_lock_bh(&ctx->lock);
	while (batch.nr < min_t(size_t, nr, READ_BATCH) &&
	       !list_empty(&ctx->events))
		take_event(ctx, &batch);
	spin_unlock_bh(&ctx->lock);
	if (!batch.nr)
		return 0;

	left = copy_to_user(buf, batch.events,
			    batch.nr * sizeof(struct htw_event));
	copied = batch.nr - DIV_ROUND_UP(left, sizeof(struct htw_event));
	trace_events(&batch, copied);
	finish_batch(ctx, &batch, copied);
	return copied ? copied : -EFAULT;
}

static bool has_events(struct htw_context *ctx)
{
	bool ret;

	spin_lock_bh(&ctx->lock);
	ret = !list_empty(&ctx->events);
	spin_unlock_bh(&ctx->lock);
	return ret;
}

/**
 * htw_context_read() - read events
 * @ctx: the context
 * @buf: where to
 * @nr: how many fit, at least one
 * @nonblock: do not wait for the first one
 *
 * Return: how many were read, -EAGAIN, -ERESTARTSYS or -EFAULT.
 */
ssize_t htw_context_read(struct htw_context *ctx, struct htw_event __user *buf,
			 size_t nr, bool nonblock)
{
	size_t done = 0;
	int ret;

	while (done < nr) {
		ret = read_some(ctx, buf + done, nr - done);
		if (ret > 0)
			done += ret;
		else if (done)
			break;
		else if (ret < 0)
			return ret;
		else if (nonblock)
			return -EAGAIN;
		else if (wait_event_interruptible(ctx->readers, has_events(ctx)))
			return -ERESTARTSYS;
		/* Short periods can fill a large buffer for seconds. */
		cond_resched();
		if (done && signal_pending(current))
			break;
	}
	return done;
}

/**
 * htw_context_poll() - is there an event to read?
 * @ctx: the context
 * @file: the file that is polled
 * @wait: the poll table
 *
 * Return: EPOLLIN | EPOLLRDNORM, or 0.
 */
__poll_t htw_context_poll(struct htw_context *ctx, struct file *file,
			  struct poll_table_struct *wait)
{
	poll_wait(file, &ctx->readers, wait);
	return has_events(ctx) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* Counts the timers of @chunk by their states. */
static void count_states(struct htw_context *ctx, const struct chunk *chunk,
			 unsigned int *counts)
{
	unsigned int i;

	spin_lock_bh(&ctx->lock);
	for (i = 0; i < SLOTS_PER_CHUNK; i++)
		counts[chunk->slots[i].state]++;
	spin_unlock_bh(&ctx->lock);
}

/**
 * htw_context_show() - describe a context, for /proc/PID/fdinfo
 * @ctx: the context
 * @seq: where to
 *
 * The timers are counted a chunk at a time, and may change in between.
 */
void htw_context_show(struct htw_context *ctx, struct seq_file *seq)
{
	unsigned int counts[NR_TIMER_STATES] = { };
	struct chunk *chunk;
	unsigned long index;

	xa_for_each(&ctx->chunks, index, chunk) {
		count_states(ctx, chunk, counts);
		cond_resched();
	}
	seq_puts(seq, "htw-clock:\tmonotonic\n");
	seq_printf(seq, "htw-timers:\t%u\n", READ_ONCE(ctx->nr_timers));
	seq_printf(seq, "htw-pending:\t%u\n", counts[TIMER_ARMED]);
	seq_printf(seq, "htw-unread:\t%u\n",
		   counts[TIMER_EXPIRED] + counts[TIMER_COPYING]);
	seq_printf(seq, "htw-max-timers:\t%u\n", ctx->max_timers);
}
