// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* Events, from a ring or from the kernel, and operations in batches. */
#include <limits.h>

#include "handle.h"

/* As many as an int can count. */
static unsigned int at_most(unsigned int max)
{
	return max < INT_MAX ? max : INT_MAX;
}

/* A wait for one event, into @events or, with NULL, into the ring. Return: how many. */
static int wait_for_one(struct htw *h, struct htw_event *events, unsigned int max, __u64 timeout)
{
	struct htw_batch batch;
	int err;

	memset(&batch, 0, sizeof(batch));
	batch.events = htw_address(events);
	batch.nr_events = max;
	batch.min_events = timeout != 0;
	batch.timeout = timeout;
	err = htw_ioctl(h, HTW_IOC_BATCH, &batch);
	return err ? err : (int)batch.got;
}

/* What is in the ring. Not htw_ring_advance(): nobody kicks for each event. */
static int take(const struct htw_map *map, struct htw_event *events, unsigned int max)
{
	__u32 ready = htw_ring_ready(map), nr;

	ready = ready < max ? ready : max;
	for (nr = 0; nr < ready; nr++)
		events[nr] = *htw_ring_event(map, nr);
	__atomic_store_n(&map->ctl->head, map->ctl->head + nr, __ATOMIC_RELEASE);
	return (int)nr;
}

/*
 * The ring is asked whether it has stalled only when it is empty: what waits outside
 * of it comes later than what is in it, and whoever wants more comes here again.
 */
static int take_or_wait(struct htw *h, struct htw_event *events, unsigned int max, __u64 timeout)
{
	int got = take(&h->map, events, max);

	if (got || (!timeout && !htw_ring_stalled(&h->map)))
		return got;
	got = wait_for_one(h, NULL, 0, timeout);
	return got < 0 ? got : take(&h->map, events, max);
}

/**
 * htw_next_events() - take events, in order
 * @h: the handle
 * @events: where they are put
 * @max: how many fit there
 * @timeout: how long to wait for the first one, in ns; 0 or HTW_FOREVER
 *
 * Return: how many there were, 0 when the time is over, or a negative errno.
 */
int htw_next_events(struct htw *h, struct htw_event *events, unsigned int max, __u64 timeout)
{
	if (!max)
		return -EINVAL;
	max = at_most(max);
	return h->map.ring ? take_or_wait(h, events, max, timeout) :
			     wait_for_one(h, events, max, timeout);
}

int htw_next_event(struct htw *h, struct htw_event *event, __u64 timeout)
{
	return htw_next_events(h, event, 1, timeout);
}

/* Have what waits outside of the ring put there, as far as there is room. */
int htw_kick(struct htw *h)
{
	int got = wait_for_one(h, NULL, 0, 0);

	return got < 0 ? got : 0;
}

/*
 * Return: room for one more, to be given to htw_prep_*(), or NULL if it is full. Not
 * inline: who knows that there is room need not convince the compiler of it.
 */
struct htw_op *htw_oplist_add(struct htw_oplist *list)
{
	return list->nr < list->room ? &list->ops[list->nr++] : NULL;
}

/**
 * htw_submit_and_wait() - do the operations of a list, then take events: one call
 * @h: the handle
 * @list: what of it has not been done is
 * @events: where events are put
 * @max: how many fit there; 0 if no events are wanted
 * @min: wait until there are so many
 * @timeout: but no longer than so many ns; 0 if @min is 0; or HTW_FOREVER
 *
 * Return: how many events there are in @events, or a negative errno; htw_oplist.done
 * tells how far the operations came.
 */
int htw_submit_and_wait(struct htw *h, struct htw_oplist *list, struct htw_event *events,
			unsigned int max, unsigned int min, __u64 timeout)
{
	struct htw_batch batch;
	int err;

	if (min > max)
		return -EINVAL;
	max = at_most(max);
	memset(&batch, 0, sizeof(batch));
	batch.ops = htw_address(list->ops + list->done);
	batch.nr_ops = list->nr - list->done;
	batch.min_events = min;
	batch.timeout = timeout;
	if (!h->map.ring) {
		batch.events = htw_address(events);
		batch.nr_events = max;
	}
	err = htw_ioctl(h, HTW_IOC_BATCH, &batch);
	if (err)
		return err;
	list->done += batch.done;
	return h->map.ring && max ? take(&h->map, events, max) : (int)batch.got;
}

/* Return: how many operations were done by this call, or a negative errno. */
int htw_submit(struct htw *h, struct htw_oplist *list)
{
	__u32 before = list->done;
	int err = htw_submit_and_wait(h, list, NULL, 0, 0, 0);

	return err < 0 ? err : (int)(list->done - before);
}
