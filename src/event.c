// SPDX-License-Identifier: GPL-2.0
/*
 * Events: from the expiry of a timer until a program has been told.
 *
 * An expiry in flight
 * -------------------
 *
 * Neither htw_cancel() nor re-arming stops a callback that has started, and which then
 * waits for ctx->lock. By the time it gets it the timer may be free, or be armed again.
 * It goes on only if the state is ARMED and the timer is not pending, because whoever
 * armed it anew did so under ctx->lock and it can't have expired again: htw runs no
 * callback of a timer while another one of it is running.
 *
 * Too much work for a pass
 * ------------------------
 *
 * What a softirq does for a program is on nobody's account, and keeps everybody else
 * from running. To queue an event is a list operation. But with a ring a periodic
 * timer is armed again at once, and deadline words put off timers as often as the
 * program likes. So a pass does that for no more than pass_events timers of a context;
 * the others are DEFERRED to a work item, which the scheduler treats like any other
 * task. As long as there are some, all that expires queues up behind them.
 *
 * Telling
 * -------
 *
 * Those who wait are told at the end of the pass, once, however many events there
 * are.
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
#include "event.h"

#include "compat.h"
#include "context.h"
#include "copy.h"
#include "trace.h"
#include "user_timer.h"

#include <linux/bitops.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

/* How many events are copied in one go; they are on the stack. */
#define READ_BATCH	16

/* Timers that the work item looks at under one hold of the lock. */
#define WORK_BATCH	64

static unsigned int pass_events = 1024;
module_param(pass_events, uint, 0644);
MODULE_PARM_DESC(pass_events,
		 "Most timers of one open /dev/htw with a ring or deadline words that one softirq pass works on (default 1024)");

/**
 * htw_event_queue() - an event waits to be delivered
 * @ut: the timer that has expired; in no list
 */
void htw_event_queue(struct htw_user_timer *ut)
{
	ut->state = HTW_TIMER_EXPIRED;
	list_add_tail(&ut->link, &ut->ctx->events);
	WRITE_ONCE(ut->ctx->nr_events, ut->ctx->nr_events + 1);
	ut->ctx->news = true;
}

/**
 * htw_event_unqueue() - take a timer from the list that its state says it is in
 * @ut: the timer, in any state
 */
void htw_event_unqueue(struct htw_user_timer *ut)
{
	if (ut->state == HTW_TIMER_EXPIRED)
		WRITE_ONCE(ut->ctx->nr_events, ut->ctx->nr_events - 1);
	if (ut->state == HTW_TIMER_EXPIRED || ut->state == HTW_TIMER_DEFERRED)
		list_del(&ut->link);
}

/**
 * htw_event_of_steps() - the event that tells that the clock was set
 * @ctx: the context, locked
 * @now: the time on its clock
 * @event: filled in
 */
void htw_event_of_steps(struct htw_context *ctx, u64 now,
			struct htw_event *event)
{
	*event = (struct htw_event) {
		.expires = now,
		.expirations = ctx->unread_steps,
		.info = HTW_EVENT_CLOCK_STEP << 28,
	};
}

/**
 * htw_event_clock_stepped() - the clock of a context was set
 * @ctx: the context, locked
 */
void htw_event_clock_stepped(struct htw_context *ctx)
{
	ctx->stats.clock_steps++;
	if (!ctx->step_events)
		return;
	WRITE_ONCE(ctx->unread_steps, ctx->unread_steps + 1);
	ctx->news = true;
	if (ctx->ring.entries)
		htw_ring_flush_locked(ctx, htw_context_now(ctx));
}

/* The program has stored a later time in the timer's word. */
static bool was_pushed(struct htw_user_timer *ut, u64 now)
{
	u64 held = htw_user_timer_held(ut);

	if (held == ut->expires) /* W6 */
		return false;
	/* So there is one re-filing for each interval at most. */
	ut->expires = max(held, ut->expires + ut->ctx->tick_ns); /* W7 */
	ut->ctx->stats.pushed++;
	/* It may have come meanwhile. */
	return ut->expires > now; /* W8 */
}

/*
 * The time on CLOCK_MONOTONIC has come, but the timer is to expire later: its clock was
 * set, or its deadline word was written.
 */
static bool is_put_off(struct htw_user_timer *ut, u64 now)
{
	if (htw_user_timer_due(ut, now))
		return (ut->flags & HTW_TIMER_WORD) && was_pushed(ut, now);
	ut->ctx->stats.refiled++;
	return true;
}

static void expire(struct htw_user_timer *ut, u64 now)
{
	struct htw_context *ctx = ut->ctx;

	ut->state = HTW_TIMER_ARMED;
	if (is_put_off(ut, now)) {
		htw_user_timer_start(ut);
		return;
	}
	htw_user_timer_note_lateness(ut, now);
	ctx->stats.expired++;
	if (ctx->ring.entries)
		htw_ring_add(ctx, ut, now);
	else
		htw_event_queue(ut);
}

/* See "Too much work for a pass". */
static bool is_too_much(struct htw_context *ctx)
{
	if (!ctx->ring.entries && !ctx->words.addr)
		return false;
	return ++ctx->nr_in_pass > READ_ONCE(pass_events) ||
	       !list_empty(&ctx->deferred);
}

/**
 * htw_event_expired() - the callback of all timers that are not virtual
 * @timer: the timer
 *
 * Context: Softirq.
 */
void htw_event_expired(struct htw_timer *timer)
{
	struct htw_user_timer *ut = container_of(timer, struct htw_user_timer,
						 timer);
	struct htw_context *ctx = ut->ctx;

	spin_lock(&ctx->lock);
	/* See "An expiry in flight". */
	if (ut->state == HTW_TIMER_ARMED && !htw_pending(timer)) { /* W5 */
		if (is_too_much(ctx)) {
			ut->state = HTW_TIMER_DEFERRED;
			list_add_tail(&ut->link, &ctx->deferred);
		} else {
			expire(ut, htw_base_clock(timer) +
			       htw_clock_offset(&ctx->clock));
		}
		/* It takes the lock: what is still queued will see this timer. */
		if (!test_bit(0, &ctx->after_pass.queued))
			htw_base_after_pass(&ctx->after_pass);
	}
	spin_unlock(&ctx->lock);
}

/**
 * htw_event_virtual_expired() - the callback of virtual timers
 * @wheel: the context's wheel
 * @timer: the timer
 *
 * Context: Task, in HTW_OP_ADVANCE, with ctx->turn held.
 */
void htw_event_virtual_expired(struct htw_wheel *wheel,
			       struct htw_wheel_timer *timer)
{
	struct htw_user_timer *ut = container_of(timer, struct htw_user_timer,
						 virtual_timer);

	spin_lock_bh(&ut->ctx->lock);
	expire(ut, htw_wheel_now(wheel));
	spin_unlock_bh(&ut->ctx->lock);
}

/* With the lock: is there anything to tell? Then the others have to be woken. */
static bool take_news(struct htw_context *ctx)
{
	bool news = ctx->news;

	if (!news)
		return false;
	ctx->news = false;
	ctx->stats.wakeups++;
	if (ctx->eventfd)
		htw_eventfd_signal(ctx->eventfd);
	return true;
}

static void wake_all(struct htw_context *ctx)
{
	wake_up_interruptible_poll(&ctx->readers, EPOLLIN | EPOLLRDNORM);
	kill_fasync(&ctx->fasync, SIGIO, POLL_IN);
}

/**
 * htw_event_notify() - tell those who wait that there are events, if it is news
 * @ctx: the context
 *
 * Context: Task, without locks.
 */
void htw_event_notify(struct htw_context *ctx)
{
	bool news;

	spin_lock_bh(&ctx->lock);
	news = take_news(ctx);
	spin_unlock_bh(&ctx->lock);
	if (news)
		wake_all(ctx);
}

/**
 * htw_event_after_pass() - a pass in which timers of a context have expired is over
 * @after: of the context
 *
 * Context: Softirq, which is a read side of RCU: that keeps the context.
 */
void htw_event_after_pass(struct htw_after_pass *after)
{
	struct htw_context *ctx = container_of(after, struct htw_context,
					       after_pass);
	bool news;

	spin_lock(&ctx->lock);
	ctx->nr_in_pass = 0;
	if (!list_empty(&ctx->deferred))
		queue_work(system_unbound_wq, &ctx->work);
	news = take_news(ctx);
	spin_unlock(&ctx->lock);
	if (news)
		wake_all(ctx);
}

static bool work_some(struct htw_context *ctx)
{
	struct htw_user_timer *ut;
	unsigned int n;
	bool more;
	u64 now;

	spin_lock_bh(&ctx->lock);
	now = htw_context_now(ctx);
	for (n = 0; n < WORK_BATCH && !list_empty(&ctx->deferred); n++) {
		ut = list_first_entry(&ctx->deferred, struct htw_user_timer, link);
		htw_event_unqueue(ut);
		expire(ut, now);
	}
	more = !list_empty(&ctx->deferred);
	spin_unlock_bh(&ctx->lock);
	return more;
}

/**
 * htw_event_work() - look at the timers that were too much for a pass
 * @work: of the context
 */
void htw_event_work(struct work_struct *work)
{
	struct htw_context *ctx = container_of(work, struct htw_context, work);

	while (work_some(ctx)) {
		htw_event_notify(ctx);
		cond_resched();
	}
	htw_event_notify(ctx);
}

/**
 * struct read_batch - events on their way to a program
 * @nr: how many
 * @steps: how many clock steps the first one tells of; 0 if it is a timer's
 * @timers: the timers
 * @armings: the arming number of each timer
 * @outcomes: what becomes of them
 * @events: what is copied
 */
struct read_batch {
	unsigned int		nr;
	u32			steps;
	struct htw_user_timer	*timers[READ_BATCH];
	u32			armings[READ_BATCH];
	struct htw_outcome	outcomes[READ_BATCH];
	struct htw_event	events[READ_BATCH];
};

static void take_steps(struct htw_context *ctx, struct read_batch *batch,
		       u64 now)
{
	htw_event_of_steps(ctx, now, &batch->events[0]);
	batch->timers[0] = NULL;
	batch->steps = ctx->unread_steps;
	batch->nr = 1;
	WRITE_ONCE(ctx->unread_steps, 0);
}

static void take_event(struct htw_context *ctx, struct read_batch *batch,
		       u64 now)
{
	struct htw_user_timer *ut;
	unsigned int i = batch->nr++;

	ut = list_first_entry(&ctx->events, struct htw_user_timer, link);
	htw_event_unqueue(ut);
	ut->state = HTW_TIMER_COPYING;
	htw_user_timer_event(ut, now, &batch->events[i], &batch->outcomes[i]);
	ut->delivered = batch->outcomes[i].last;
	batch->timers[i] = ut;
	batch->armings[i] = ut->arming;
}

static void take_some(struct htw_context *ctx, struct read_batch *batch,
		      size_t nr)
{
	u64 now;

	batch->nr = 0;
	batch->steps = 0;
	htw_context_lock(ctx);
	if (ctx->unread_steps || ctx->nr_events) {
		now = htw_context_now(ctx);
		if (ctx->unread_steps)
			take_steps(ctx, batch, now);
		while (batch->nr < nr && ctx->nr_events)
			take_event(ctx, batch, now);
	}
	htw_context_unlock(ctx);
}

/*
 * The timer goes on, unless its next period is over too and is told on its own. Returns
 * true if so.
 */
static bool event_copied(struct htw_user_timer *ut,
			 const struct htw_outcome *outcome, u64 now)
{
	if (outcome->last || !(ut->flags & HTW_TIMER_BURST) ||
	    outcome->next > htw_user_timer_own_time(ut, now)) {
		htw_user_timer_delivered(ut, outcome);
		return false;
	}
	ut->expires = outcome->next;
	if (ut->count)
		ut->count--;
	htw_user_timer_note_lateness(ut, now);
	ut->ctx->stats.expired++;
	htw_event_queue(ut);
	return true;
}

static void event_not_copied(struct htw_user_timer *ut)
{
	htw_event_queue(ut);
	list_move(&ut->link, &ut->ctx->events);
}

static bool still_copying(const struct read_batch *batch, unsigned int i)
{
	const struct htw_user_timer *ut = batch->timers[i];

	return ut->state == HTW_TIMER_COPYING &&
	       htw_user_timer_id(ut) == batch->events[i].id &&
	       ut->arming == batch->armings[i];
}

/*
 * Whatever is not back in its place at the end of this is delivered. Returns true if
 * there is something to be read that another reader has found to be gone.
 */
static bool finish_timers(struct htw_context *ctx, struct read_batch *batch,
			  unsigned int copied)
{
	u64 now = htw_context_now(ctx);
	bool news = copied < batch->nr;
	unsigned int i;

	/* Backwards, so that those that were not copied are in order again. */
	for (i = batch->nr; i-- > copied; ) {
		if (batch->timers[i] && still_copying(batch, i))
			event_not_copied(batch->timers[i]);
	}
	for (i = 0; i < copied; i++) {
		if (batch->timers[i] && still_copying(batch, i))
			news |= event_copied(batch->timers[i],
					     &batch->outcomes[i], now);
	}
	return news;
}

/* See "Reading": the first @copied events have reached the program. */
static void finish_batch(struct htw_context *ctx, struct read_batch *batch,
			 unsigned int copied)
{
	bool news;

	htw_context_lock(ctx);
	news = finish_timers(ctx, batch, copied);
	if (!copied)
		WRITE_ONCE(ctx->unread_steps, ctx->unread_steps + batch->steps);
	ctx->stats.delivered += copied;
	ctx->news |= news;
	htw_context_unlock(ctx);
	if (news)
		htw_event_notify(ctx);
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
	struct read_batch batch __uninitialized;
	unsigned int copied;

	take_some(ctx, &batch, min_t(size_t, nr, READ_BATCH));
	if (!batch.nr)
		return 0;
	copied = htw_copy_out(buf, batch.events,
			      sizeof(*batch.events), batch.nr);
	trace_events(&batch, copied);
	finish_batch(ctx, &batch, copied);
	return copied ? copied : -EFAULT;
}

/* Without a lock: whoever adds one wakes up who has seen too few. */
static u32 nr_ready(const struct htw_context *ctx)
{
	if (htw_ring_entries(&ctx->ring))
		return htw_ring_nr(&ctx->ring);
	return READ_ONCE(ctx->nr_events) + !!READ_ONCE(ctx->unread_steps);
}

/**
 * htw_event_read() - read events
 * @ctx: the context
 * @buf: where to
 * @nr: how many fit, at least one
 * @nonblock: do not wait for the first one
 *
 * Context: Task.
 * Return: how many were read, -EAGAIN, -EBUSY, -ERESTARTSYS or -EFAULT.
 */
ssize_t htw_event_read(struct htw_context *ctx, struct htw_event __user *buf,
		       size_t nr, bool nonblock)
{
	size_t done = 0;
	int ret;

	while (done < nr) {
		/* Also if it was set up while this has waited. */
		if (htw_ring_entries(&ctx->ring))
			return done ?: -EBUSY;
		ret = read_some(ctx, buf + done, nr - done);
		if (ret > 0)
			done += ret;
		else if (done)
			break;
		else if (ret < 0)
			return ret;
		else if (nonblock)
			return -EAGAIN;
		else if (wait_event_interruptible(ctx->readers, nr_ready(ctx)))
			return -ERESTARTSYS;
		/* Short periods can fill a large buffer for seconds. */
		cond_resched();
		if (done && signal_pending(current))
			break;
	}
	return done;
}

/**
 * htw_event_wait() - wait until there are events
 * @ctx: the context
 * @nr: how many, at least one
 * @timeout_ns: how long at most, or HTW_FOREVER
 *
 * Context: Task.
 * Return: 0, -ETIME, or -ERESTARTSYS.
 */
int htw_event_wait(struct htw_context *ctx, u32 nr, u64 timeout_ns)
{
	ktime_t timeout = min_t(u64, timeout_ns, KTIME_MAX);

	return wait_event_interruptible_hrtimeout(ctx->readers,
						  nr_ready(ctx) >= nr, timeout);
}

/**
 * htw_event_poll() - is there an event?
 * @ctx: the context
 * @file: the file that is polled
 * @wait: the poll table
 *
 * With a ring, what did not fit there goes there now.
 *
 * Return: EPOLLIN | EPOLLRDNORM, or 0.
 */
__poll_t htw_event_poll(struct htw_context *ctx, struct file *file,
			struct poll_table_struct *wait)
{
	poll_wait(file, &ctx->readers, wait);
	if (READ_ONCE(ctx->ring.stalled)) {
		htw_ring_flush(ctx);
		htw_event_notify(ctx);
	}
	return nr_ready(ctx) ? EPOLLIN | EPOLLRDNORM : 0;
}
