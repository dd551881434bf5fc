/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_TORTURE_REQUEST_H
#define _HTW_TORTURE_REQUEST_H

#include <linux/htw.h>

#include "ledger.h"
#include "torture.h"

/* All ways to arm one timer. */
enum way {
	WAY_DELAY,		/* htw_schedule() */
	WAY_AT,			/* htw_schedule_at() */
	WAY_LATER,		/* the same, for later than it was armed for */
	WAY_RANGE,		/* htw_schedule_range() */
	WAY_ON,			/* htw_schedule_on() */
	WAY_REDUCE,		/* htw_schedule_reduce() */
	WAY_PENDING,		/* htw_schedule_pending() */
};

/**
 * struct request - one arming, and what is answered
 * @way: how
 * @delay: from when it was drawn, in ns
 * @expires: when
 * @slack: for WAY_RANGE
 * @flags: for WAY_RANGE
 * @cpu: for WAY_ON
 * @ret: what the call has returned
 */
struct request {
	enum way	way;
	s64		delay;
	u64		expires;
	u64		slack;
	unsigned int	flags;
	unsigned int	cpu;
	int		ret;
};

void request_draw(struct request *request, struct rnd_state *rnd);
void request_draw_bulk(struct request *request, struct rnd_state *rnd);
void request_later(struct request *request, struct htw_timer *timer);
void request_soon(struct request *request, struct rnd_state *rnd);
struct span request_span(const struct request *request);
unsigned int request_call_flags(const struct request *request);
void request_make(struct request *request, struct htw_timer *timer);
void request_over(const struct request *request, struct span *span);
enum found request_found(const struct request *request, const void *who);

#endif /* _HTW_TORTURE_REQUEST_H */
