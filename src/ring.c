// SPDX-License-Identifier: GPL-2.0
/*
 * Event rings.
 *
 * Who writes what
 * ---------------
 *
 *	htw_ring::tail, events	  kernel: fills in the event, then store-release of tail
 *				  program: load-acquire of tail, then reads the events
 *	htw_ctl::head		  program: has read the events, then store-release of head
 *				  kernel: load-acquire of head, then overwrites events
 *	htw_ring::flags		  kernel
 *
 * The program can't write to anything but htw_ctl. The kernel reads nothing else, and
 * of that only the head, which may be any number at any time: it is compared with the
 * kernel's own tail, and one that can't be means that there is no room.
 *
 * A full ring
 * -----------
 *
 * That there is room again is nothing the kernel is told of: the program only stores
 * the head. So each side stores, executes a full barrier, and loads what the other
 * has stored:
 *
 *	kernel			program
 *	  flags = STALLED	  head = ...
 *	  smp_mb()		  full barrier
 *	  load head		  load flags
 *
 * At least one of them sees it: the kernel that there is room, or the program that it
 * has to call. Until then the timers wait in ctx->events. That takes no memory.
 *
 * R1 and so on are the steps of ring.pml in tools/testing/models.
 */
#include "ring.h"

#include "context.h"
#include "event.h"
#include "trace.h"
#include "user_timer.h"

#include <linux/build_bug.h>
#include <linux/sched.h>

/* Events that are put into the ring under one hold of the lock. */
#define FLUSH_BATCH	64

/* The events begin behind it, on a cache line of their own. */
static_assert(sizeof(struct htw_ring) == 128);

static struct htw_ring *ring_page(const struct htw_event_ring *ring)
{
	return ring->shared.addr;
}

static u32 used(const struct htw_event_ring *ring)
{
	const struct htw_ctl *ctl = ring->ctl.addr;

	/* Pairs with the program's store-release: it has read what is overwritten. */
	return ring->tail - smp_load_acquire(&ctl->head);
}

static bool has_room(const struct htw_event_ring *ring)
{
	return used(ring) < ring->entries; /* R1 */
}

/**
 * htw_ring_alloc() - make a ring
 * @ring: all zeroes
 * @entries: how many events it is to have: a power of two
 *
 * Return: 0, or -ENOMEM and there is none.
 */
int htw_ring_alloc(struct htw_event_ring *ring, u32 entries)
{
	struct htw_ring *page;
	int ret;

	ret = htw_shared_alloc(&ring->shared, sizeof(struct htw_ring) +
			       entries * sizeof(struct htw_event));
	if (!ret)
		ret = htw_shared_alloc(&ring->ctl, sizeof(struct htw_ctl));
	if (ret) {
		htw_ring_free(ring);
		return ret;
	}
	page = ring_page(ring);
	page->entries = entries;
	page->mask = entries - 1;
	ring->events = (struct htw_event *)(page + 1);
	ring->entries = entries;
	return 0;
}

/**
 * htw_ring_free() - free the memory of a ring
 * @ring: the ring; it need not have any
 */
void htw_ring_free(struct htw_event_ring *ring)
{
	htw_shared_free(&ring->shared);
	htw_shared_free(&ring->ctl);
}

/**
 * htw_ring_nr() - how many events a program can consume
 * @ring: the ring
 *
 * Context: Any.
 * Return: their number, which is what the program makes of it.
 */
u32 htw_ring_nr(const struct htw_event_ring *ring)
{
	const struct htw_ctl *ctl = ring->ctl.addr;

	return min(READ_ONCE(ring->tail) - READ_ONCE(ctl->head), ring->entries);
}

/* The event at the tail is complete: the program may have it. */
static void publish(struct htw_context *ctx, const struct htw_event *event)
{
	struct htw_event_ring *ring = &ctx->ring;

	trace_htw_event(event);
	WRITE_ONCE(ring->tail, ring->tail + 1);
	/* Pairs with the program's load-acquire: it sees the event. */
	smp_store_release(&ring_page(ring)->tail, ring->tail); /* R3 */
	ctx->stats.delivered++;
	ctx->news = true;
}

static struct htw_event *next_event(struct htw_event_ring *ring)
{
	return &ring->events[ring->tail & (ring->entries - 1)];
}

static void publish_timer(struct htw_context *ctx, struct htw_user_timer *ut,
			  u64 now)
{
	struct htw_event *event = next_event(&ctx->ring);
	struct htw_outcome outcome;

	htw_user_timer_event(ut, now, event, &outcome); /* R2 */
	publish(ctx, event);
	htw_user_timer_delivered(ut, &outcome);
}

static void publish_steps(struct htw_context *ctx, u64 now)
{
	struct htw_event *event = next_event(&ctx->ring);

	htw_event_of_steps(ctx, now, event);
	WRITE_ONCE(ctx->unread_steps, 0);
	publish(ctx, event);
}

/* Up to FLUSH_BATCH of the events that wait. Returns false if none is left. */
static bool publish_some(struct htw_context *ctx, u64 now)
{
	struct htw_user_timer *ut;
	unsigned int n;

	for (n = 0; n < FLUSH_BATCH && has_room(&ctx->ring); n++) { /* R4 */
		if (ctx->unread_steps) {
			publish_steps(ctx, now);
			continue;
		}
		if (!ctx->nr_events)
			return false;
		ut = list_first_entry(&ctx->events, struct htw_user_timer, link);
		htw_event_unqueue(ut);
		publish_timer(ctx, ut, now);
	}
	return ctx->nr_events || ctx->unread_steps;
}

static void set_stalled(struct htw_event_ring *ring, bool stalled)
{
	WRITE_ONCE(ring->stalled, stalled);
	WRITE_ONCE(ring_page(ring)->flags, stalled ? HTW_RING_STALLED : 0);
}

/*
 * Puts up to FLUSH_BATCH events into the ring, and sees to it that the program knows
 * whether there are more. Returns true if there are, and there may be room for them.
 */
static bool flush_some(struct htw_context *ctx, u64 now)
{
	struct htw_event_ring *ring = &ctx->ring;

	if (!publish_some(ctx, now)) {
		if (ring->stalled)
			set_stalled(ring, false); /* R5 */
		return false;
	}
	if (!ring->stalled) {
		set_stalled(ring, true); /* R6 */
		ctx->stats.stalls++;
		WRITE_ONCE(ring_page(ring)->stalls, ctx->stats.stalls);
		/* See "A full ring". */
		smp_mb(); /* R7 */
	}
	return has_room(ring); /* R8 */
}

/**
 * htw_ring_flush_locked() - put events into the ring, as many as a softirq may
 * @ctx: the context, locked
 * @now: the time on its clock
 */
void htw_ring_flush_locked(struct htw_context *ctx, u64 now)
{
	/*
	 * The second time is for who has made room while STALLED was being set. When
	 * that leaves something, STALLED was there before the head that it saw.
	 */
	if (flush_some(ctx, now))
		flush_some(ctx, now); /* R11 */
}

/**
 * htw_ring_flush() - put all events into the ring for which there is room
 * @ctx: the context
 *
 * Context: Task.
 */
void htw_ring_flush(struct htw_context *ctx)
{
	bool more;

	do {
		htw_context_lock(ctx);
		more = flush_some(ctx, htw_context_now(ctx)); /* R12 */
		htw_context_unlock(ctx);
		cond_resched();
	} while (more); /* R13 */
}

/**
 * htw_ring_add() - a timer has expired
 * @ctx: the context, locked
 * @ut: the timer; EXPIRED, and in no list
 * @now: the time on the context's clock
 */
void htw_ring_add(struct htw_context *ctx, struct htw_user_timer *ut, u64 now)
{
	if (!ctx->nr_events && !ctx->unread_steps && has_room(&ctx->ring)) { /* R9 */
		publish_timer(ctx, ut, now);
		return;
	}
	htw_event_queue(ut); /* R10 */
	htw_ring_flush_locked(ctx, now);
}
