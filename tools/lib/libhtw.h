/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * libhtw: the timers of /dev/htw, for C and C++. See libhtw(7).
 *
 * What can fail returns a negative errno; errno itself is not touched on purpose, and
 * means nothing. The library prints nothing, ends nothing and starts no thread.
 *
 * Threads: a handle may be used by any number of threads at once, but
 *
 *  - the events of a ring are taken by one thread at a time: htw_next_event(),
 *    htw_next_events(), htw_ring_*() (without a ring by any number);
 *  - htw_dispatch() and htw_cb_*() are for one thread at a time, all of them together;
 *  - whoever pushes a timer with htw_push() and whoever arms that timer again must be
 *    the same thread, or hold a lock: to arm it clears its word;
 *  - htw_close() comes when nobody uses the handle any more.
 *
 * All times are nanoseconds: on the context's clock, but for timeouts, which are on
 * CLOCK_MONOTONIC.
 */
#ifndef LIBHTW_H
#define LIBHTW_H

#include <linux/htw.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What is inline here is also exported by the library, under the same name, for those
 * who can't include this: inline.c compiles it with an empty HTW_INLINE.
 */
#ifndef HTW_INLINE
#define HTW_INLINE static inline
#endif

/* A context: one open /dev/htw. */
struct htw;

/**
 * struct htw_params - what htw_open() shall open
 * @size: set by htw_params_init()
 * @flags: HTW_SETUP_ flags
 * @clock: CLOCK_MONOTONIC, _BOOTTIME, _REALTIME, _TAI or HTW_CLOCK_VIRTUAL
 * @ring_entries: 0 for no ring, or how many events it has, a power of two
 * @max_timers: most timers, 0 for as many as there can be
 * @resv0: 0
 * @virtual_start: first time of HTW_CLOCK_VIRTUAL, else 0
 * @tick_ns: tick of HTW_CLOCK_VIRTUAL, a power of two, or 0
 * @path: the device, or NULL for /dev/htw
 * @resv: 0
 */
struct htw_params {
	__u32		size;
	__u32		flags;
	__u32		clock;
	__u32		ring_entries;
	__u32		max_timers;
	__u32		resv0;
	__u64		virtual_start;
	__u64		tick_ns;
	const char	*path;
	__u64		resv[4];
};

/* Not by = { 0 }: a clock of 0 is CLOCK_REALTIME. */
HTW_INLINE void htw_params_init(struct htw_params *params)
{
	memset(params, 0, sizeof(*params));
	params->size = sizeof(*params);
	params->clock = CLOCK_MONOTONIC;
}

/* Contexts. */
int htw_open(struct htw **handle, const struct htw_params *params);
void htw_close(struct htw *h);
int htw_get_fd(const struct htw *h);
int htw_set_eventfd(struct htw *h, int eventfd);
int htw_probe(const char *path, struct htw_query *query);
int htw_query(struct htw *h, struct htw_query *query);
int htw_supports(struct htw *h, __u64 features);
int htw_stats(struct htw *h, struct htw_context_stats *stats);

/* One timer, one call. What takes @id returns it there, unless it is NULL. */
int htw_after(struct htw *h, __u64 delay, __u16 flags, __u64 cookie, __u64 *id);
int htw_at(struct htw *h, __u64 time, __u16 flags, __u64 cookie, __u64 *id);
int htw_every(struct htw *h, __u64 interval, __u16 flags, __u64 cookie, __u64 *id);
int htw_rearm_after(struct htw *h, __u64 id, __u64 delay, __u16 flags, __u64 cookie);
int htw_rearm_at(struct htw *h, __u64 id, __u64 time, __u16 flags, __u64 cookie);
int htw_rearm_every(struct htw *h, __u64 id, __u64 interval, __u16 flags, __u64 cookie);
int htw_cancel(struct htw *h, __u64 id);
int htw_cancel_all(struct htw *h);
int htw_cancel_match(struct htw *h, __u64 cookie, __u64 mask);
int htw_remaining(struct htw *h, __u64 id, __u64 *ns);
int htw_do(struct htw *h, struct htw_op *op);

/* Time. */
__s64 htw_now(struct htw *h);
__s64 htw_advance(struct htw *h, __u64 ns);
__s64 htw_advance_to(struct htw *h, __u64 time);
__s64 htw_advance_next(struct htw *h, __u64 time);

/* Events. Return: how many, 0 when the timeout is over. */
int htw_next_event(struct htw *h, struct htw_event *event, __u64 timeout);
int htw_next_events(struct htw *h, struct htw_event *events, unsigned int max, __u64 timeout);
int htw_kick(struct htw *h);

/* Deadline words. */
int htw_push(struct htw *h, __u64 id, __u64 time);
__u64 htw_pushed(const struct htw *h, const struct htw_event *event);
int htw_rearm_pushed(struct htw *h, const struct htw_event *event, __u16 flags, __u64 slack);

/*
 * Operations: each of these makes @op one of its kind, whole. What they leave 0
 * can be set afterwards: flags, slack, count.
 */
HTW_INLINE void htw_prep(struct htw_op *op, __u16 opcode, __u64 id)
{
	memset(op, 0, sizeof(*op));
	op->opcode = opcode;
	op->id = id;
}

HTW_INLINE void htw_prep_times(struct htw_op *op, __u64 expires, __u64 interval, __u16 flags,
			       __u64 cookie)
{
	op->expires = expires;
	op->interval = interval;
	op->flags = flags;
	op->cookie = cookie;
}

HTW_INLINE void htw_prep_after(struct htw_op *op, __u64 delay, __u16 flags, __u64 cookie)
{
	htw_prep(op, HTW_OP_ARM, 0);
	htw_prep_times(op, delay, 0, flags, cookie);
}

HTW_INLINE void htw_prep_at(struct htw_op *op, __u64 time, __u16 flags, __u64 cookie)
{
	htw_prep(op, HTW_OP_ARM, 0);
	htw_prep_times(op, time, 0, (__u16)(flags | HTW_TIMER_ABS), cookie);
}

/* The first time after one interval. */
HTW_INLINE void htw_prep_every(struct htw_op *op, __u64 interval, __u16 flags, __u64 cookie)
{
	htw_prep(op, HTW_OP_ARM, 0);
	htw_prep_times(op, interval, interval, flags, cookie);
}

HTW_INLINE void htw_prep_rearm_after(struct htw_op *op, __u64 id, __u64 delay, __u16 flags,
				     __u64 cookie)
{
	htw_prep(op, HTW_OP_REARM, id);
	htw_prep_times(op, delay, 0, flags, cookie);
}

HTW_INLINE void htw_prep_rearm_at(struct htw_op *op, __u64 id, __u64 time, __u16 flags,
				  __u64 cookie)
{
	htw_prep(op, HTW_OP_REARM, id);
	htw_prep_times(op, time, 0, (__u16)(flags | HTW_TIMER_ABS), cookie);
}

HTW_INLINE void htw_prep_rearm_every(struct htw_op *op, __u64 id, __u64 interval, __u16 flags,
				     __u64 cookie)
{
	htw_prep(op, HTW_OP_REARM, id);
	htw_prep_times(op, interval, interval, flags, cookie);
}

HTW_INLINE void htw_prep_cancel(struct htw_op *op, __u64 id)
{
	htw_prep(op, HTW_OP_CANCEL, id);
}

HTW_INLINE void htw_prep_remaining(struct htw_op *op, __u64 id)
{
	htw_prep(op, HTW_OP_REMAINING, id);
}

HTW_INLINE void htw_prep_cancel_match(struct htw_op *op, __u64 cookie, __u64 mask)
{
	htw_prep(op, HTW_OP_CANCEL_MATCH, 0);
	op->cookie = cookie;
	op->value = mask;
}

/* flags: HTW_TIMER_ABS, HTW_ADVANCE_NEXT. */
HTW_INLINE void htw_prep_advance(struct htw_op *op, __u64 time, __u16 flags)
{
	htw_prep(op, HTW_OP_ADVANCE, 0);
	op->expires = time;
	op->flags = flags;
}

/**
 * struct htw_oplist - operations that are submitted together
 * @ops: room for them, the caller's; the results are there afterwards
 * @room: how many fit
 * @nr: how many there are
 * @done: how many of them have been done
 */
struct htw_oplist {
	struct htw_op	*ops;
	__u32		room;
	__u32		nr;
	__u32		done;
};

HTW_INLINE void htw_oplist_init(struct htw_oplist *list, struct htw_op *ops, __u32 room)
{
	list->ops = ops;
	list->room = room;
	list->nr = 0;
	list->done = 0;
}

/* Forget them all, with their results. */
HTW_INLINE void htw_oplist_reset(struct htw_oplist *list)
{
	list->nr = 0;
	list->done = 0;
}

struct htw_op *htw_oplist_add(struct htw_oplist *list);
int htw_submit(struct htw *h, struct htw_oplist *list);
int htw_submit_and_wait(struct htw *h, struct htw_oplist *list, struct htw_event *events,
			unsigned int max, unsigned int min, __u64 timeout);

/**
 * struct htw_map - what a program shares with the kernel, for htw_ring_*()
 * @handle: whose it is
 * @ring: what the kernel tells, or NULL if there is no ring
 * @ctl: what the program tells
 * @events: the first event of the ring
 * @words: deadline words, or NULL if there are none
 * @event_size: bytes from one event to the next
 * @mask: how many events the ring has, less one
 * @nr_words: how many words there are
 * @resv: 0
 */
struct htw_map {
	struct htw		*handle;
	const struct htw_ring	*ring;
	struct htw_ctl		*ctl;
	const unsigned char	*events;
	__u64			*words;
	__u32			event_size;
	__u32			mask;
	__u32			nr_words;
	__u32			resv;
};

const struct htw_map *htw_get_map(const struct htw *h);

/* Return: how many events are in the ring. */
HTW_INLINE __u32 htw_ring_ready(const struct htw_map *map)
{
	return __atomic_load_n(&map->ring->tail, __ATOMIC_ACQUIRE) - map->ctl->head;
}

/* Return: the event number @nr, of which htw_ring_ready() must have told. */
HTW_INLINE const struct htw_event *htw_ring_event(const struct htw_map *map, __u32 nr)
{
	const unsigned char *at = map->events;

	at += (size_t)((map->ctl->head + nr) & map->mask) * map->event_size;
	return (const struct htw_event *)(const void *)at;
}

/* Return: the next event, which stays in the ring, or NULL. */
HTW_INLINE const struct htw_event *htw_ring_peek(const struct htw_map *map)
{
	return htw_ring_ready(map) ? htw_ring_event(map, 0) : NULL;
}

/* All events that are in the ring now: @nr and @ready are __u32, of the caller. */
#define htw_ring_for_each(map, nr, ready, event)			\
	for ((nr) = 0, (ready) = htw_ring_ready(map);			\
	     (nr) < (ready) && ((event) = htw_ring_event(map, nr)); (nr)++)

/*
 * Return: whether events wait outside of the ring. A full barrier comes first: either
 * this sees what the kernel has set, or the kernel sees the head stored before.
 */
HTW_INLINE int htw_ring_stalled(const struct htw_map *map)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !!(__atomic_load_n(&map->ring->flags, __ATOMIC_RELAXED) & HTW_RING_STALLED);
}

/*
 * The first @nr events have been consumed: their places are the kernel's again, and
 * what waited for them gets in. Return: 0 or a negative errno.
 */
HTW_INLINE int htw_ring_advance(const struct htw_map *map, __u32 nr)
{
	__atomic_store_n(&map->ctl->head, map->ctl->head + nr, __ATOMIC_RELEASE);
	return htw_ring_stalled(map) ? htw_kick(map->handle) : 0;
}

struct htw_cb;

typedef void (*htw_cb_fn)(struct htw *h, struct htw_cb *cb, const struct htw_event *event);

/**
 * struct htw_cb - a timer with a callback, for event loops
 * @fn: what htw_dispatch() calls
 *
 * The rest is the library's. It is part of a structure of the program's. It may be freed
 * after htw_cb_cancel(), and when it is not armed: also by callbacks.
 */
struct htw_cb {
	htw_cb_fn	fn;
	struct htw_cb	*next;
	__u64		id;
	__u64		first;
	__u32		arming;
	__u32		once;
};

HTW_INLINE void htw_cb_init(struct htw_cb *cb, htw_cb_fn fn)
{
	memset(cb, 0, sizeof(*cb));
	cb->fn = fn;
}

/* Return: the id, or 0 if there is no timer. */
HTW_INLINE __u64 htw_cb_id(const struct htw_cb *cb)
{
	return cb->id;
}

int htw_cb_arm(struct htw *h, struct htw_cb *cb, struct htw_op *op);
int htw_cb_cancel(struct htw *h, struct htw_cb *cb);
int htw_dispatch(struct htw *h, unsigned int max);
void htw_set_default(struct htw *h, struct htw_cb *cb);

HTW_INLINE int htw_cb_after(struct htw *h, struct htw_cb *cb, __u64 delay, __u16 flags)
{
	struct htw_op op;

	htw_prep_after(&op, delay, flags, 0);
	return htw_cb_arm(h, cb, &op);
}

HTW_INLINE int htw_cb_at(struct htw *h, struct htw_cb *cb, __u64 time, __u16 flags)
{
	struct htw_op op;

	htw_prep_at(&op, time, flags, 0);
	return htw_cb_arm(h, cb, &op);
}

HTW_INLINE int htw_cb_every(struct htw *h, struct htw_cb *cb, __u64 interval, __u16 flags)
{
	struct htw_op op;

	htw_prep_every(&op, interval, flags, 0);
	return htw_cb_arm(h, cb, &op);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBHTW_H */
