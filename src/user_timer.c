// SPDX-License-Identifier: GPL-2.0
/*
 * The timers of programs.
 *
 * A user timer lives in a slot of its context. Slots come in chunks of a page and
 * stay until the file is closed, so an id (slot index and generation) is looked up
 * without a search, and nothing that a callback or a reader may look at is freed
 * under it. A context keeps the memory of as many timers as it ever held at once.
 *
 *	FREE	  -- arm -->			ARMED
 *	ARMED	  -- its time comes -->		EXPIRED; DEFERRED if that is too much
 *						work for this pass
 *	DEFERRED  -- looked at -->		EXPIRED, or ARMED if it was put off
 *	EXPIRED	  -- read -->			COPYING
 *	COPYING	  -- copied, the last -->	FREE, or KEPT
 *	COPYING	  -- copied, periodic -->	ARMED
 *	COPYING	  -- copy faults -->		EXPIRED
 *	any	  -- re-arm -->			ARMED
 *	any	  -- cancel -->			FREE
 *
 * With a ring an event is never copied: from EXPIRED a timer goes straight to where
 * the copy would have led it.
 *
 * Everything here needs ctx->lock, but for growing and the end.
 */
#include "user_timer.h"

#include "account.h"
#include "context.h"
#include "event.h"
#include "words.h"

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

static struct htw_user_timer *slot_of(const struct htw_context *ctx,
				      void *chunk, unsigned int i)
{
	return chunk + i * ctx->timer_size;
}

static void *alloc_chunk(struct htw_context *ctx)
{
	struct htw_user_timer *ut;
	unsigned int i;
	void *chunk;

	chunk = kzalloc(HTW_CHUNK_TIMERS * ctx->timer_size, GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return NULL;
	for (i = 0; i < HTW_CHUNK_TIMERS; i++) {
		ut = slot_of(ctx, chunk, i);
		if (ctx->wheel)
			htw_wheel_timer_setup(&ut->virtual_timer,
					      htw_event_virtual_expired);
		else
			htw_timer_setup(&ut->timer, htw_event_expired, 0);
		ut->ctx = ctx;
		ut->index = ctx->nr_chunks * HTW_CHUNK_TIMERS + i;
	}
	return chunk;
}

/*
 * Slots are used in the order in which they were freed, so that the answer to a stale id
 * stays exact for as long as possible.
 */
static void add_free(struct htw_context *ctx, struct htw_user_timer *ut)
{
	ut->next_free = NULL;
	if (ctx->free)
		ctx->last_free->next_free = ut;
	else
		WRITE_ONCE(ctx->free, ut);
	ctx->last_free = ut;
}

/* Makes place for one more pointer to a chunk, of which there are twice as many then. */
static int grow_chunks(struct htw_context *ctx)
{
	u32 max = ctx->max_chunks ? 2 * ctx->max_chunks : 16;
	void **chunks, **old = ctx->chunks;

	if (ctx->nr_chunks < ctx->max_chunks)
		return 0;
	chunks = kvcalloc(max, sizeof(*chunks), GFP_KERNEL_ACCOUNT);
	if (!chunks)
		return -ENOMEM;
	spin_lock_bh(&ctx->lock);
	memcpy(chunks, old, ctx->nr_chunks * sizeof(*chunks));
	ctx->chunks = chunks;
	ctx->max_chunks = max;
	spin_unlock_bh(&ctx->lock);
	kvfree(old);
	return 0;
}

static int add_chunk(struct htw_context *ctx)
{
	unsigned int i;
	void *chunk;
	int ret;

	ret = grow_chunks(ctx);
	if (ret)
		return ret;
	chunk = alloc_chunk(ctx);
	if (!chunk)
		return -ENOMEM;
	spin_lock_bh(&ctx->lock);
	ctx->chunks[ctx->nr_chunks] = chunk;
	WRITE_ONCE(ctx->nr_chunks, ctx->nr_chunks + 1);
	for (i = 0; i < HTW_CHUNK_TIMERS; i++)
		add_free(ctx, slot_of(ctx, chunk, i));
	spin_unlock_bh(&ctx->lock);
	return 0;
}

/**
 * htw_user_timer_grow() - make room for more timers
 * @ctx: the context
 *
 * Does nothing if somebody else just did.
 *
 * Context: Task, without ctx->lock.
 * Return: 0, -ENOMEM, -EDQUOT or -ENFILE.
 */
int htw_user_timer_grow(struct htw_context *ctx)
{
	int ret = 0;

	mutex_lock(&ctx->grow);
	if (READ_ONCE(ctx->free))
		goto out;
	ret = htw_account_charge(ctx->account, HTW_CHUNK_TIMERS, ctx->exempt);
	if (ret)
		goto out;
	ret = add_chunk(ctx);
	if (ret)
		htw_account_uncharge(ctx->account, HTW_CHUNK_TIMERS);
out:
	mutex_unlock(&ctx->grow);
	return ret;
}

static void shut_down_chunk(struct htw_context *ctx, void *chunk)
{
	unsigned int i;

	for (i = 0; i < HTW_CHUNK_TIMERS; i++)
		htw_shutdown_sync(&slot_of(ctx, chunk, i)->timer);
	cond_resched();
}

/**
 * htw_user_timer_end_all() - free all timers
 * @ctx: the context, which no program uses any more
 *
 * Context: Task. Waits for the callbacks that run.
 */
void htw_user_timer_end_all(struct htw_context *ctx)
{
	u32 i;

	if (!ctx->wheel) {
		for (i = 0; i < ctx->nr_chunks; i++)
			shut_down_chunk(ctx, ctx->chunks[i]);
		/* None is deferred anew. Those that are must not be looked at. */
		spin_lock_bh(&ctx->lock);
		INIT_LIST_HEAD(&ctx->deferred);
		spin_unlock_bh(&ctx->lock);
		cancel_work_sync(&ctx->work);
	}
	htw_wheel_destroy(ctx->wheel);
	for (i = 0; i < ctx->nr_chunks; i++) {
		kfree(ctx->chunks[i]);
		cond_resched();
	}
	kvfree(ctx->chunks);
	htw_account_uncharge(ctx->account, ctx->nr_chunks * HTW_CHUNK_TIMERS);
}

/**
 * htw_user_timer_take() - begin to use a free slot
 * @ctx: the context
 *
 * Return: the timer, with a new id; NULL if no slot is free.
 */
struct htw_user_timer *htw_user_timer_take(struct htw_context *ctx)
{
	struct htw_user_timer *ut = ctx->free;

	if (!ut)
		return NULL;
	WRITE_ONCE(ctx->free, ut->next_free);
	ut->generation++;
	ut->arming = 0;
	ut->delivered = false;
	WRITE_ONCE(ctx->nr_timers, ctx->nr_timers + 1);
	return ut;
}

/**
 * htw_user_timer_put() - the slot of a timer is free
 * @ut: the timer, which is neither pending nor in a list
 */
void htw_user_timer_put(struct htw_user_timer *ut)
{
	ut->state = HTW_TIMER_FREE;
	WRITE_ONCE(ut->ctx->nr_timers, ut->ctx->nr_timers - 1);
	/* One whose ids are used up is never used again, so that none comes twice. */
	if (ut->generation != U32_MAX)
		add_free(ut->ctx, ut);
}

/**
 * htw_user_timer_at() - the timer in a slot
 * @ctx: the context
 * @index: number of the slot
 *
 * Return: the timer, which may be free, or NULL.
 */
struct htw_user_timer *htw_user_timer_at(struct htw_context *ctx, u32 index)
{
	u32 chunk = index / HTW_CHUNK_TIMERS;

	if (chunk >= ctx->nr_chunks)
		return NULL;
	return slot_of(ctx, ctx->chunks[chunk], index % HTW_CHUNK_TIMERS);
}

/**
 * htw_user_timer_find() - the timer that an id names
 * @ctx: the context
 * @id: the id
 *
 * Return: the timer, or why there is none: ERR_PTR(-ENOENT) or ERR_PTR(-EALREADY).
 */
struct htw_user_timer *htw_user_timer_find(struct htw_context *ctx, u64 id)
{
	struct htw_user_timer *ut = htw_user_timer_at(ctx, lower_32_bits(id));
	u32 generation = upper_32_bits(id);

	if (!ut || !generation || ut->generation != generation)
		return ERR_PTR(-ENOENT);
	if (ut->state == HTW_TIMER_FREE)
		return ERR_PTR(ut->delivered ? -EALREADY : -ENOENT);
	return ut;
}

/* From CLOCK_MONOTONIC in the kernel to the clock of this timer. */
static s64 offset(const struct htw_user_timer *ut)
{
	if (ut->ctx->wheel || (ut->flags & HTW_TIMER_MONOTONIC))
		return 0;
	return htw_clock_offset(&ut->ctx->clock);
}

/* A time of a timer on CLOCK_MONOTONIC; what is past is 0. */
static u64 to_monotonic(u64 time, s64 by)
{
	s64 ret;

	if (check_sub_overflow((s64)min_t(u64, time, S64_MAX), by, &ret))
		return S64_MAX;
	return max_t(s64, ret, 0);
}

/* The offset by which a timer is armed; clock_was_set() has to know of another one. */
static s64 arming_offset(struct htw_user_timer *ut)
{
	struct htw_clock *clock = &ut->ctx->clock;
	s64 by = offset(ut);

	if (unlikely(by != clock->last_offset) &&
	    !(ut->flags & HTW_TIMER_MONOTONIC))
		clock->astray = true;
	return by;
}

/**
 * htw_user_timer_show_time() - a time of a timer as the program knows it
 * @ut: the timer
 * @time: on the timer's own clock
 *
 * Return: the same on the context's clock.
 */
u64 htw_user_timer_show_time(const struct htw_user_timer *ut, u64 time)
{
	if (!(ut->flags & HTW_TIMER_MONOTONIC))
		return time;
	return min_t(u64, time + htw_clock_offset(&ut->ctx->clock), S64_MAX);
}

static u64 window(const struct htw_user_timer *ut)
{
	return max(ut->slack, ut->ctx->tick_ns);
}

/* When it may fire at the earliest. */
static u64 earliest(const struct htw_user_timer *ut)
{
	if (!(ut->flags & HTW_TIMER_DEADLINE))
		return ut->expires;
	return ut->expires - min(ut->expires, window(ut));
}

/* The next tick is the first at which anything can fire. */
static bool can_be_kept(const struct htw_user_timer *ut)
{
	u64 tick_ns = ut->ctx->tick_ns;
	u64 next = round_down(htw_context_now(ut->ctx), tick_ns) + tick_ns;

	return max(next, round_up(earliest(ut), tick_ns)) <= ut->expires;
}

static int start_virtual(struct htw_user_timer *ut)
{
	struct htw_wheel *wheel = ut->ctx->wheel;
	int ret = 0;

	if (ut->flags & HTW_TIMER_DEADLINE) {
		if (!can_be_kept(ut))
			ret = HTW_LATE;
		htw_wheel_schedule_range(wheel, &ut->virtual_timer, earliest(ut),
					 ut->expires - earliest(ut), 0);
	} else {
		htw_wheel_schedule_range(wheel, &ut->virtual_timer, ut->expires,
					 ut->slack, 0);
	}
	return ret;
}

/**
 * htw_user_timer_start() - have a timer expire when it is due
 * @ut: the timer; its state is ARMED
 *
 * Return: 0, or HTW_LATE.
 */
int htw_user_timer_start(struct htw_user_timer *ut)
{
	u64 expires;

	if (unlikely(ut->ctx->wheel))
		return start_virtual(ut);
	expires = to_monotonic(ut->expires, arming_offset(ut));
	if (ut->flags & HTW_TIMER_DEADLINE)
		return htw_schedule_range(&ut->timer, expires, ut->slack,
					  HTW_DEADLINE) & HTW_LATE;
	if (ut->slack)
		htw_schedule_range(&ut->timer, expires, ut->slack, 0);
	else
		htw_schedule_at(&ut->timer, expires);
	return 0;
}

/**
 * htw_user_timer_stop() - have a timer not expire
 * @ut: the timer; its state is ARMED
 *
 * Return: 0 if its callback has begun and waits for ctx->lock, else 1.
 */
int htw_user_timer_stop(struct htw_user_timer *ut)
{
	if (ut->ctx->wheel)
		return htw_wheel_cancel(&ut->virtual_timer);
	return htw_cancel(&ut->timer);
}

/**
 * htw_user_timer_held() - until when a timer really waits
 * @ut: the timer
 *
 * Return: when it is due, on its own clock, with what its deadline word says now.
 */
u64 htw_user_timer_held(const struct htw_user_timer *ut)
{
	if (!(ut->flags & HTW_TIMER_WORD))
		return ut->expires;
	return htw_words_read(&ut->ctx->words, ut->index, ut->expires);
}

/**
 * htw_user_timer_due() - may a timer fire now?
 * @ut: the timer
 * @now: the time on the context's clock
 *
 * Return: false if its clock was set back since it was armed.
 */
bool htw_user_timer_due(const struct htw_user_timer *ut, u64 now)
{
	/* That clock can't be set back, and nobody is early on it. */
	if (ut->ctx->clock.id == CLOCK_MONOTONIC)
		return true;
	return htw_user_timer_own_time(ut, now) >= earliest(ut);
}

/* How long after the last tick that its slack allowed it is now. */
static u64 lateness(const struct htw_user_timer *ut, u64 now)
{
	u64 due = ut->expires;
	u64 late, to_tick;

	if (!(ut->flags & HTW_TIMER_DEADLINE))
		due += ut->slack;
	now = htw_user_timer_own_time(ut, now);
	if (now <= due)
		return 0;
	late = now - due;
	/* The ticks are those of CLOCK_MONOTONIC. */
	to_tick = -(due - offset(ut)) & (ut->ctx->tick_ns - 1);
	return late > to_tick ? late - to_tick : 0;
}

/**
 * htw_user_timer_note_lateness() - a timer expires
 * @ut: the timer
 * @now: the time on the context's clock
 */
void htw_user_timer_note_lateness(struct htw_user_timer *ut, u64 now)
{
	struct htw_context_stats *stats = &ut->ctx->stats;
	u64 late = lateness(ut, now);

	ut->late = min_t(u64, late >> 10, U32_MAX);
	if (late > stats->lateness_max)
		stats->lateness_max = late;
}

/* How often a timer would have expired until @now, if nobody had kept it from that. */
static u64 periods(const struct htw_user_timer *ut, u64 now)
{
	now = htw_user_timer_own_time(ut, now);
	if (!ut->interval || now <= ut->expires)
		return 1;
	return div64_u64(now - ut->expires, ut->interval) + 1;
}

static u32 event_info(const struct htw_user_timer *ut)
{
	const u32 most = HTW_EVENT_LATENESS_MAX >> 10;

	return HTW_EVENT_EXPIRED << 28 | (ut->arming & 0xff) << 20 |
	       min(ut->late, most);
}

/**
 * htw_user_timer_event() - the event of a timer that has expired
 * @ut: the timer
 * @now: the time on the context's clock
 * @event: filled in
 * @outcome: what to give to htw_user_timer_delivered()
 *
 * Changes nothing.
 */
void htw_user_timer_event(const struct htw_user_timer *ut, u64 now,
			  struct htw_event *event, struct htw_outcome *outcome)
{
	u64 passed = ut->flags & HTW_TIMER_BURST ? 1 : periods(ut, now);
	u64 told = ut->flags & HTW_TIMER_SKIP ? 1 : passed;
	u64 expires;

	outcome->last = !ut->interval || (ut->count && told >= ut->count);
	if (outcome->last && ut->count)
		told = ut->count;
	expires = ut->expires + (told - 1) * ut->interval;
	outcome->nr = told;
	outcome->next = outcome->last ? expires :
			min_t(u64, ut->expires + passed * ut->interval, S64_MAX);

	event->cookie = ut->cookie;
	event->id = htw_user_timer_id(ut);
	event->expires = htw_user_timer_show_time(ut, expires);
	event->expirations = min_t(u64, told, U32_MAX);
	event->info = event_info(ut);
}

/**
 * htw_user_timer_delivered() - go on after an event has been delivered
 * @ut: the timer; it is in no list
 * @outcome: what htw_user_timer_event() said
 */
void htw_user_timer_delivered(struct htw_user_timer *ut,
			      const struct htw_outcome *outcome)
{
	ut->expires = outcome->next;
	if (!outcome->last) {
		if (ut->count)
			ut->count -= outcome->nr;
		ut->state = HTW_TIMER_ARMED;
		htw_user_timer_start(ut);
		return;
	}
	ut->count = 0;
	ut->delivered = true;
	if (ut->flags & HTW_TIMER_KEEP)
		ut->state = HTW_TIMER_KEPT;
	else
		htw_user_timer_put(ut);
}
