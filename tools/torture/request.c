// SPDX-License-Identifier: GPL-2.0
/*
 * Armings at random: all ways, all distances.
 */
#include "request.h"

#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/minmax.h>

#include "tally.h"

#define YEAR_NS		(365 * 86400ULL * NSEC_PER_SEC)

/*
 * From at once to what can only be cancelled. Most are of some ms: of what is nearer
 * the machine could not do enough at once, and what is further away does not end.
 */
static s64 draw_delay(struct rnd_state *rnd)
{
	static const u64 limits[] = {
		200 * NSEC_PER_USEC, 2 * NSEC_PER_MSEC,
		20 * NSEC_PER_MSEC, 20 * NSEC_PER_MSEC, 60 * NSEC_PER_MSEC,
		60 * NSEC_PER_MSEC, 60 * NSEC_PER_MSEC, 300 * NSEC_PER_MSEC,
		300 * NSEC_PER_MSEC, 300 * NSEC_PER_MSEC, NSEC_PER_SEC,
		NSEC_PER_SEC, 10ULL * NSEC_PER_SEC, 100ULL * NSEC_PER_SEC,
		YEAR_NS,
	};
	u64 limit = limits[draw(rnd, ARRAY_SIZE(limits))];
	u64 delay = (limit >> 16) * draw(rnd, 1 << 16) + draw(rnd, 1 << 16);

	/* What is past is due at once. */
	return draw(rnd, 32) ? delay : -(s64)delay;
}

static u64 add_delay(u64 now, s64 delay)
{
	return delay < 0 && -delay > now ? 0 : now + delay;
}

/* By how much, from the numbers that there are. */
static u64 draw_push(const struct request *request)
{
	return request->slack & ((1 << 24) - 1);
}

static void draw_times(struct request *request, struct rnd_state *rnd)
{
	request->expires = add_delay(ktime_get(), request->delay);
	request->slack = abs(request->delay) >> draw(rnd, 16);
}

static unsigned int draw_cpu(struct rnd_state *rnd)
{
	unsigned int cpu = draw(rnd, nr_cpu_ids);

	cpu = cpumask_next((int)cpu - 1, cpu_online_mask);
	return cpu < nr_cpu_ids ? cpu : cpumask_first(cpu_online_mask);
}

static void draw_flags(struct request *request, struct rnd_state *rnd)
{
	static const unsigned int flags[] = {
		0, 0, HTW_DEADLINE, HTW_COARSE, HTW_DEADLINE | HTW_COARSE,
	};

	request->flags = flags[draw(rnd, ARRAY_SIZE(flags))];
}

static enum way draw_way(struct rnd_state *rnd)
{
	static const enum way ways[] = {
		WAY_DELAY, WAY_DELAY, WAY_DELAY, WAY_AT, WAY_AT, WAY_LATER,
		WAY_LATER, WAY_LATER, WAY_RANGE, WAY_RANGE, WAY_RANGE, WAY_ON,
		WAY_ON, WAY_ON, WAY_REDUCE, WAY_PENDING,
	};

	return ways[draw(rnd, ARRAY_SIZE(ways))];
}

/**
 * request_draw() - any request
 * @request: the request; all of it is written
 * @rnd: the numbers
 */
void request_draw(struct request *request, struct rnd_state *rnd)
{
	*request = (struct request) {
		.way = draw_way(rnd),
		.delay = draw_delay(rnd),
	};
	draw_times(request, rnd);
	if (request->way == WAY_RANGE)
		draw_flags(request, rnd);
	if (request->way == WAY_ON)
		request->cpu = draw_cpu(rnd);
}

/**
 * request_draw_bulk() - one for htw_schedule_bulk()
 * @request: the request; all of it is written
 * @rnd: the numbers
 */
void request_draw_bulk(struct request *request, struct rnd_state *rnd)
{
	*request = (struct request) {
		.way = WAY_RANGE,
		.delay = draw_delay(rnd),
	};
	draw_times(request, rnd);
	draw_flags(request, rnd);
}

/**
 * request_later() - let it be later than a timer is armed for, if it is to be
 * @request: the request
 * @timer: the timer
 */
void request_later(struct request *request, struct htw_timer *timer)
{
	u64 expires = htw_expires(timer);

	if (request->way != WAY_LATER ||
	    expires > (u64)ktime_get() + NSEC_PER_SEC)
		return;
	request->expires = max(request->expires, expires) +
			   draw_push(request);
	tally(TALLY_PUSHED);
}

/**
 * request_soon() - let a request expire within a second
 * @request: the request
 * @rnd: the numbers
 */
void request_soon(struct request *request, struct rnd_state *rnd)
{
	request->delay = draw(rnd, NSEC_PER_SEC);
	draw_times(request, rnd);
	if (request->way >= WAY_REDUCE || request->way == WAY_LATER)
		request->way = WAY_AT;
}

static u64 add_ns(u64 a, u64 b)
{
	return min_t(u64, a, S64_MAX) + min_t(u64, b, S64_MAX);
}

static u64 earliest_in_range(const struct request *request)
{
	u64 now = ktime_get();
	u64 slack = max(request->slack, torture.tick_ns);

	if (!(request->flags & HTW_DEADLINE))
		return request->expires;
	if (request->flags & HTW_COARSE && request->expires > now)
		slack = max(slack, (request->expires - now) / 8);
	return request->expires - min(slack, request->expires);
}

/**
 * request_span() - when the timer may fire, if it is armed from now on
 * @request: the request
 *
 * Return: its earliest time; the latest is told by request_over().
 */
struct span request_span(const struct request *request)
{
	struct span span = {
		.earliest = request->expires,
		.latest = U64_MAX,
		.cpu = ANY_CPU,
	};

	if (request->way == WAY_DELAY)
		span.earliest = add_delay(ktime_get(), max(request->delay, 0LL));
	if (request->way == WAY_RANGE)
		span.earliest = earliest_in_range(request);
	if (request->way == WAY_ON)
		span.cpu = request->cpu;
	return span;
}

/**
 * request_call_flags() - what kind of call it is
 * @request: the request
 *
 * Return: CALL_ flags.
 */
unsigned int request_call_flags(const struct request *request)
{
	if (request->way == WAY_PENDING)
		return CALL_ARMS | CALL_ONLY_PENDING;
	return CALL_ARMS;
}

/**
 * request_make() - arm the timer
 * @request: the request
 * @timer: the timer
 */
void request_make(struct request *request, struct htw_timer *timer)
{
	switch (request->way) {
	case WAY_DELAY:
		request->ret = htw_schedule(timer, request->delay);
		break;
	case WAY_AT:
	case WAY_LATER:
		request->ret = htw_schedule_at(timer, request->expires);
		break;
	case WAY_RANGE:
		request->ret = htw_schedule_range(timer, request->expires,
						  request->slack,
						  request->flags);
		break;
	case WAY_ON:
		request->ret = htw_schedule_on(timer, request->expires,
					       request->cpu);
		break;
	case WAY_REDUCE:
		request->ret = htw_schedule_reduce(timer, request->expires);
		break;
	case WAY_PENDING:
		request->ret = htw_schedule_pending(timer, request->expires);
		break;
	}
}

/**
 * request_over() - the call has returned: until when should the timer fire?
 * @request: the request
 * @span: from request_span(); its latest time is set
 *
 * The tick and the minimum gap are part of the bound.
 */
void request_over(const struct request *request, struct span *span)
{
	u64 now = ktime_get();

	span->latest = request->expires;
	if (request->way == WAY_DELAY)
		span->latest = add_delay(now, max(request->delay, 0LL));
	if (request->way == WAY_RANGE && !(request->flags & HTW_DEADLINE))
		span->latest = add_ns(request->expires, request->slack);
	if (request->flags == HTW_COARSE && request->delay > 0)
		span->latest = add_ns(span->latest, request->delay >> 3);
	/* What is past is due at once. */
	span->latest = max(span->latest, now);
}

static bool is_possible(const struct request *request)
{
	switch (request->ret) {
	case 0:
	case HTW_WAS_PENDING:
		return true;
	case HTW_LATE:
	case HTW_LATE | HTW_WAS_PENDING:
		return request->flags & HTW_DEADLINE;
	case -ESHUTDOWN:
		return true;
	case -ENXIO:
		return request->way == WAY_ON && torture.onoff_ms;
	default:
		return false;
	}
}

/**
 * request_found() - what the call has found
 * @request: the request
 * @who: the timer's ledger
 *
 * Return: it, for ledger_end().
 */
enum found request_found(const struct request *request, const void *who)
{
	if (!is_possible(request))
		tally_wrong(WRONG_ANSWER, who, request->ret, request->way,
			    request->flags);
	if (request->ret == -ESHUTDOWN)
		tally(TALLY_SHUT);
	if (request->ret == -ENXIO)
		tally(TALLY_NO_CPU);
	if (request->ret < 0)
		return request->ret == -ESHUTDOWN ? FOUND_SHUT : FOUND_OUT;
	if (!(request->ret & HTW_WAS_PENDING))
		return FOUND_IDLE;
	return request->way == WAY_REDUCE ? FOUND_EITHER : FOUND_PENDING;
}
