/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must be so whatever a program does, but for the kernel still being there.
 */
#ifndef HTW_FUZZ_ORACLE_H
#define HTW_FUZZ_ORACLE_H

#include <linux/htw.h>

#include "program.h"

enum { MAX_CONTEXTS = 24, MAX_RESULTS = 512 };

/**
 * struct timer - a timer that a program has armed
 * @id: its id
 * @cancelled: it has been, and no event of it may come any more
 * @tail: that of the ring then
 * @replaced: a younger one has the same slot, so this one has ended
 */
struct timer {
	uint64_t	id;
	uint32_t	cancelled;
	uint32_t	tail;
	uint32_t	replaced;
};

/**
 * struct context - what is known of a context that a program has opened
 * @setup: as the kernel has answered; all 0 before
 * @armed: HTW_OP_ARM that succeeded
 * @rearmed: HTW_OP_REARM that succeeded
 * @untold: operations of which this is not known: their results could not be told
 * @early: an event may come before the time it names: HTW_TIMER_DEADLINE, or the clock
 *	was set
 * @nr_timers: of those armed, also those that there is no room for in @timers
 * @timers: them
 */
struct context {
	struct htw_setup	setup;
	uint64_t		armed;
	uint64_t		rearmed;
	uint64_t		untold;
	uint32_t		early;
	uint32_t		nr_timers;
	struct timer		timers[MAX_TIMERS];
};

/**
 * struct result - what a call has returned
 * @actor: who made it
 * @call: its number in the program
 * @ret: what it has returned, or a negative errno
 */
struct result {
	uint32_t	actor;
	uint32_t	call;
	int64_t		ret;
};

/**
 * struct run - one run of a program; all its processes share it
 * @failed: something was wrong
 * @failure: what
 * @concurrent: there was more than one thread
 * @nr_actors: how many threads and children there were
 * @nr_contexts: how many contexts
 * @nr_results: how many calls
 * @contexts: them
 * @results: what they have returned, of the first
 */
struct run {
	uint32_t	failed;
	char		failure[400];
	uint32_t	concurrent;
	uint32_t	nr_actors;
	uint32_t	nr_contexts;
	uint32_t	nr_results;
	struct context	contexts[MAX_CONTEXTS];
	struct result	results[MAX_RESULTS];
};

extern struct run *run;

void oracle_open(void);
void oracle_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

void oracle_call(const struct call *call, long ret);
void oracle_op(struct context *context, const struct htw_op *before,
	       const struct htw_op *after, int err);
void oracle_cancelled(struct context *context, uint64_t id, uint32_t tail);
void oracle_events(struct context *context, const struct htw_event *events,
		   uint64_t nr, uint64_t now);
void oracle_setup(const struct htw_setup *setup);
void oracle_query(const struct htw_query *query);
void oracle_stats(const struct htw_context_stats *stats);
void oracle_end(struct context *context, int fd);

bool oracle_is_zero(const void *memory, uint64_t size);

#endif /* HTW_FUZZ_ORACLE_H */
