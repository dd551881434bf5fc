/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_RING_H
#define _HTW_RING_H

#include <asm/barrier.h>
#include <linux/types.h>
#include <uapi/linux/htw.h>

#include "shared.h"

struct htw_context;
struct htw_user_timer;

#define HTW_MAX_RING	65536

/**
 * struct htw_event_ring - events that a program consumes without a call
 * @entries: how many it has: a power of two; 0 if there is no ring
 * @tail: how many events were ever put there
 * @stalled: HTW_RING_STALLED is set
 * @events: the events, in @shared
 * @shared: struct htw_ring and the events; the kernel reads none of it
 * @ctl: struct htw_ctl, which the program writes
 */
struct htw_event_ring {
	u32			entries;
	u32			tail;
	bool			stalled;
	struct htw_event	*events;
	struct htw_shared	shared;
	struct htw_shared	ctl;
};

int htw_ring_alloc(struct htw_event_ring *ring, u32 entries);
void htw_ring_free(struct htw_event_ring *ring);
/* Without a lock: 0, or the ring can be used. */
static inline u32 htw_ring_entries(const struct htw_event_ring *ring)
{
	/* Pairs with use_memory(): there is all the rest. */
	return smp_load_acquire(&ring->entries);
}

u32 htw_ring_nr(const struct htw_event_ring *ring);

void htw_ring_add(struct htw_context *ctx, struct htw_user_timer *ut, u64 now);
void htw_ring_flush(struct htw_context *ctx);
void htw_ring_flush_locked(struct htw_context *ctx, u64 now);

#endif /* _HTW_RING_H */
