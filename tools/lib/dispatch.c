// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * Timers with callbacks, for event loops.
 *
 * When a callback cancels another timer, whose event has been fetched already or is in
 * the ring, that event must not be dispatched any more; and its struct htw_cb may have
 * been freed, so an event is never trusted to know its callback. Callbacks are found
 * by the id of the timer, which is never used twice, among those that are armed.
 *
 * A timer that is armed again (HTW_TIMER_KEEP) keeps its id. Its older events have
 * another arming number, of which an event has but 8 bits: hence each callback also
 * knows how many events of the context there were before it was armed.
 */
#include <stdlib.h>

#include "handle.h"

/* Cookies of callbacks are odd, so that their events are known for what they are. */
#define CALLBACK	1

/* As in htw_cb.first: the numbers of events, which do not wrap. */
static __u64 ring_end(struct htw_loop *loop, const struct htw_map *map)
{
	loop->end += (__u32)(map->ctl->head - (__u32)loop->end);
	return loop->end + htw_ring_ready(map);
}

/* The number that the next event to come will have at least. */
static __u64 events_so_far(struct htw *h)
{
	return h->map.ring ? ring_end(&h->loop, &h->map) : h->loop.end;
}

/* Where a chain links to the callback of this id, or its end. */
static struct htw_cb **find(struct htw_loop *loop, __u64 id)
{
	struct htw_cb **link = &loop->buckets[HTW_WORD_INDEX(id) & loop->mask];

	while (*link && (*link)->id != id)
		link = &(*link)->next;
	return link;
}

static void link_cb(struct htw_loop *loop, struct htw_cb *cb)
{
	struct htw_cb **bucket = &loop->buckets[HTW_WORD_INDEX(cb->id) & loop->mask];

	cb->next = *bucket;
	*bucket = cb;
}

static void remember(struct htw_loop *loop, struct htw_cb *cb, __u64 id)
{
	cb->id = id;
	link_cb(loop, cb);
	loop->nr++;
}

static void forget(struct htw_loop *loop, struct htw_cb *cb)
{
	struct htw_cb **link = find(loop, cb->id);

	*link = cb->next;
	cb->id = 0;
	loop->nr--;
}

static void move_all(struct htw_loop *loop, struct htw_cb **from, size_t nr)
{
	struct htw_cb *cb, *next;
	size_t i;

	for (i = 0; i < nr; i++)
		for (cb = from[i]; cb; cb = next) {
			next = cb->next;
			link_cb(loop, cb);
		}
}

/* Only the first table must be had; with less memory the chains are longer. */
static int make_room(struct htw_loop *loop)
{
	size_t nr = loop->buckets ? loop->mask + 1 : 0, want = nr ? 2 * nr : 64;
	struct htw_cb **old = loop->buckets, **buckets;

	if (nr && loop->nr < nr)
		return 0;
	buckets = calloc(want, sizeof(struct htw_cb *));
	if (!buckets)
		return nr ? 0 : -ENOMEM;
	loop->buckets = buckets;
	loop->mask = want - 1;
	move_all(loop, old, nr);
	free(old);
	return 0;
}

static void armed(struct htw_cb *cb, const struct htw_op *op, __u64 first)
{
	cb->first = first;
	cb->arming = op->arming;
	cb->once = !op->interval && !(op->flags & HTW_TIMER_KEEP);
}

/* Return: as htw_cb_arm(), -ENOENT or -EALREADY if that timer is gone. */
static int rearm(struct htw *h, struct htw_cb *cb, struct htw_op *op)
{
	__u64 first = events_so_far(h);
	int res;

	op->opcode = HTW_OP_REARM;
	op->id = cb->id;
	res = htw_do(h, op);
	if (res >= 0)
		armed(cb, op, first);
	return res;
}

static int arm_new(struct htw *h, struct htw_cb *cb, struct htw_op *op)
{
	int res = make_room(&h->loop);

	if (res)
		return res;
	op->opcode = HTW_OP_ARM;
	op->id = 0;
	res = htw_do(h, op);
	if (res < 0)
		return res;
	if (cb->id)
		forget(&h->loop, cb);
	remember(&h->loop, cb, op->id);
	armed(cb, op, 0);
	return res;
}

/**
 * htw_cb_arm() - arm the timer of a callback, or arm it again
 * @h: the handle
 * @cb: the callback
 * @op: from htw_prep_after() and kin; its cookie is the library's
 *
 * An expiry that was not dispatched yet will not be. If this fails nothing has changed.
 *
 * Return: 0, HTW_LATE, or a negative errno of HTW_IOC_OP.
 */
int htw_cb_arm(struct htw *h, struct htw_cb *cb, struct htw_op *op)
{
	int res;

	op->cookie = htw_address(cb) | CALLBACK;
	if (cb->id) {
		res = rearm(h, cb, op);
		if (res != -ENOENT && res != -EALREADY)
			return res;
	}
	return arm_new(h, cb, op);
}

static int is_of(const struct htw_cb *cb, const struct htw_event *event, __u64 nr)
{
	return event->id == cb->id && nr >= cb->first &&
	       HTW_EVENT_ARMING(event->info) == (cb->arming & 0xff);
}

/* Is there an event of this callback that was fetched or published, but not dispatched? */
static int in_flight(struct htw *h, const struct htw_cb *cb)
{
	struct htw_loop *loop = &h->loop;
	__u64 end = events_so_far(h), nr = loop->end - loop->nr_events + loop->next;
	unsigned int i;

	for (i = loop->next; i < loop->nr_events; i++)
		if (is_of(cb, &loop->events[i], nr++))
			return 1;
	for (i = 0; nr < end; i++)
		if (is_of(cb, htw_ring_event(&h->map, i), nr++))
			return 1;
	return 0;
}

/**
 * htw_cb_cancel() - end the timer of a callback
 * @h: the handle
 * @cb: the callback, which is not called any more and may be freed
 *
 * Return: HTW_CANCELLED if it had not expired; HTW_WITHDRAWN if it had, but that was
 * not dispatched; HTW_DELIVERED if that was; 0 if there was no timer; or a negative
 * errno, and then nothing has changed.
 */
int htw_cb_cancel(struct htw *h, struct htw_cb *cb)
{
	int res;

	if (!cb->id)
		return 0;
	res = htw_cancel(h, cb->id);
	if (res == HTW_DELIVERED || res == -ENOENT || res == -EALREADY)
		res = in_flight(h, cb) ? HTW_WITHDRAWN : HTW_DELIVERED;
	if (res > 0)
		forget(&h->loop, cb);
	return res;
}

/**
 * htw_set_default() - who is called for events of no callback
 * @h: the handle
 * @cb: a callback that is never armed; NULL to have them dropped
 *
 * These are the events of timers that were armed without one, whose cookies must be
 * even, and those that the clock was set.
 */
void htw_set_default(struct htw *h, struct htw_cb *cb)
{
	h->loop.fallback = cb;
}

static void dispatch_one(struct htw *h, const struct htw_event *event, __u64 nr)
{
	struct htw_loop *loop = &h->loop;
	struct htw_cb *cb = loop->fallback;

	if (event->cookie & CALLBACK) {
		cb = loop->buckets ? *find(loop, event->id) : NULL;
		if (cb && !is_of(cb, event, nr))
			cb = NULL;
		if (cb && cb->once)
			forget(loop, cb);
	}
	if (cb)
		cb->fn(h, cb, event);
}

/* Return: how many there are to be dispatched, or a negative errno. */
static int fetch(struct htw *h, unsigned int max)
{
	struct htw_loop *loop = &h->loop;
	int got;

	max = max < HTW_FETCH ? max : HTW_FETCH;
	if (h->map.ring)
		ring_end(loop, &h->map);
	got = htw_next_events(h, loop->events, max, 0);
	loop->next = 0;
	loop->nr_events = got < 0 ? 0 : (unsigned int)got;
	loop->end += loop->nr_events;
	return got;
}

static void dispatch_fetched(struct htw *h)
{
	struct htw_loop *loop = &h->loop;
	__u64 first = loop->end - loop->nr_events;
	struct htw_event event;

	while (loop->next < loop->nr_events && !loop->closed) {
		event = loop->events[loop->next];
		dispatch_one(h, &event, first + loop->next++);
	}
}

/* Return: how many events, or a negative errno if the first fetch failed. */
static int dispatch(struct htw *h, unsigned int max)
{
	unsigned int done = 0, want;
	int got;

	do {
		want = max - done;
		got = fetch(h, want);
		if (got <= 0)
			return done ? (int)done : got;
		dispatch_fetched(h);
		done += (unsigned int)got;
		/* A short read was all that there was: poll(2) tells of what came since. */
		if (!h->map.ring && got < HTW_FETCH)
			break;
	} while (done < max && !h->loop.closed);
	return (int)done;
}

/**
 * htw_dispatch() - call the callbacks of timers that have expired
 * @h: the handle
 * @max: for so many events at most
 *
 * It does not wait: that is for poll(2) and kin, on htw_get_fd().
 *
 * Return: how many events there were, -EINVAL for none, -EBUSY from a callback,
 * -ECANCELED if a callback has closed the handle, or another negative errno.
 */
int htw_dispatch(struct htw *h, unsigned int max)
{
	int res;

	if (h->loop.running)
		return -EBUSY;
	if (!max)
		return -EINVAL;
	h->loop.running = 1;
	res = dispatch(h, max < INT32_MAX ? max : INT32_MAX);
	h->loop.running = 0;
	if (!h->loop.closed)
		return res;
	htw_free(h);
	return -ECANCELED;
}
