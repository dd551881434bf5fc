// SPDX-License-Identifier: GPL-2.0
/*
 * What must be so: which errnos a call may return, what it may write, what events may
 * come, and that the books of a context are balanced at the end. Where several threads
 * are at work some of it can't be known, and is not asked for.
 */
#include "oracle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#define ARRAY_SIZE(_a)	(sizeof(_a) / sizeof((_a)[0]))

struct run *run;

/**
 * oracle_open() - make room for what the processes of a program share
 */
void oracle_open(void)
{
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run == MAP_FAILED)
		abort();
}

/**
 * oracle_fail() - something is wrong
 * @format: what; the first one counts
 */
void oracle_fail(const char *format, ...)
{
	va_list args;

	if (__atomic_exchange_n(&run->failed, 1, __ATOMIC_SEQ_CST))
		return;
	va_start(args, format);
	vsnprintf(run->failure, sizeof(run->failure), format, args);
	va_end(args);
}

/* --- errnos --- */

enum { MAX_ERRNOS = 10 };

/* As Documentation/uapi*.rst have them, and what any file or address says. */
static const int errnos[NR_KINDS][MAX_ERRNOS] = {
	[CALL_open]	= { ENOMEM },
	[CALL_setup]	= { EINVAL, EOPNOTSUPP, EBUSY, E2BIG, ENOMEM, EFAULT },
	[CALL_batch]	= { EINVAL, EINTR, EFAULT },
	[CALL_fill]	= { EINVAL, EINTR },
	[CALL_eventfd]	= { EBADF, EINVAL, EFAULT },
	[CALL_query]	= { EINVAL, E2BIG, EFAULT },
	[CALL_stats]	= { EINVAL, E2BIG, EFAULT },
	[CALL_ioctl]	= { ENOTTY, EINVAL, E2BIG, EFAULT, EBUSY, EOPNOTSUPP, EBADF,
			    ENOMEM, ENOENT },
	[CALL_read]	= { EINVAL, EAGAIN, EINTR, EFAULT, EBUSY, EBADF },
	[CALL_write]	= { EINVAL, EBADF },
	[CALL_poll]	= { EINTR },
	[CALL_map]	= { EINVAL, EPERM, EACCES, ENOMEM, EOVERFLOW },
	[CALL_unmap]	= { EINVAL },
	[CALL_remap]	= { EINVAL, EFAULT, ENOMEM },
	[CALL_protect]	= { EACCES, ENOMEM },
	[CALL_store]	= { EFAULT },
	[CALL_head]	= { EFAULT },
	[CALL_word]	= { EFAULT },
	[CALL_fdinfo]	= { ENOENT },
	[CALL_sleep]	= { EINTR },
	[CALL_step]	= { EPERM },
	[CALL_thread]	= { EAGAIN },
	[CALL_fork]	= { EAGAIN },
};

static const int errnos_of_op[][MAX_ERRNOS] = {
	[HTW_OP_ARM]	= { EINVAL, ENOSPC, EDQUOT, ENFILE, ENOMEM },
	[HTW_OP_REARM]	= { EINVAL, ENOSPC, ENOENT, EALREADY },
	[HTW_OP_CANCEL]	= { EINVAL, ENOENT, EALREADY },
	[HTW_OP_REMAINING] = { EINVAL, ENOENT, EALREADY },
	[HTW_OP_CANCEL_MATCH] = { EINVAL },
	[HTW_OP_ADVANCE] = { EINVAL, EOPNOTSUPP },
};

static bool is_one_of(const int *list, int err)
{
	int i;

	for (i = 0; i < MAX_ERRNOS && list[i]; i++)
		if (list[i] == err)
			return true;
	return false;
}

static bool op_may_return(uint16_t opcode, int err)
{
	if (!opcode || opcode >= ARRAY_SIZE(errnos_of_op))
		return err == EOPNOTSUPP;
	return is_one_of(errnos_of_op[opcode], err);
}

/**
 * oracle_call() - a call has returned
 * @call: the call
 * @ret: what; a negative errno if it failed
 */
void oracle_call(const struct call *call, long ret)
{
	int err = (int)-ret;

	/* There may be no such descriptor. */
	if (ret >= 0 || err == EBADF)
		return;
	/* What fails by order is memory, or the copy of an argument. */
	if (call->fail && (err == ENOMEM || err == EFAULT || err == ENFILE))
		return;
	if (call->kind == CALL_op ?
	    err == EFAULT || op_may_return((uint16_t)call->op.opcode, err) :
	    is_one_of(errnos[call->kind], err))
		return;
	oracle_fail("%s may not fail with %s", call_descs[call->kind].name,
		    strerrorname_np(err));
}

/* --- operations --- */

bool oracle_is_zero(const void *memory, uint64_t size)
{
	const char *bytes = memory;

	while (size--)
		if (*bytes++)
			return false;
	return true;
}

static void note_timer(struct context *context, uint64_t id)
{
	uint32_t n, i;

	for (i = 0; i < context->nr_timers && i < MAX_TIMERS; i++) {
		if (context->timers[i].id == id)
			oracle_fail("id %#llx comes twice", (unsigned long long)id);
		/* Another one has its slot now. */
		if ((uint32_t)context->timers[i].id == (uint32_t)id)
			context->timers[i].replaced = 1;
	}
	n = __atomic_fetch_add(&context->nr_timers, 1, __ATOMIC_SEQ_CST);
	if (n < MAX_TIMERS)
		context->timers[n].id = id;
}

/**
 * oracle_cancelled() - a timer was cancelled
 * @context: of which context
 * @id: the timer
 * @tail: the next event in the ring has this number
 */
void oracle_cancelled(struct context *context, uint64_t id, uint32_t tail)
{
	uint32_t i;

	for (i = 0; i < context->nr_timers && i < MAX_TIMERS; i++) {
		if (context->timers[i].id == id) {
			context->timers[i].tail = tail;
			context->timers[i].cancelled = 1;
		}
	}
}

/* What the opcode does not give back is as it was. */
static bool keeps(const struct htw_op *before, const struct htw_op *after)
{
	bool tells = before->opcode == HTW_OP_REMAINING;

	return before->opcode == after->opcode && before->flags == after->flags &&
	       (tells || (before->expires == after->expires &&
			  before->interval == after->interval &&
			  before->slack == after->slack &&
			  before->cookie == after->cookie &&
			  before->count == after->count)) &&
	       (before->opcode == HTW_OP_ARM || before->id == after->id);
}

static bool result_makes_sense(const struct htw_op *op)
{
	switch (op->opcode) {
	case HTW_OP_ARM:
		return op->id >> 32 && op->arming == 1 && !op->value &&
		       !(op->res & ~HTW_LATE);
	case HTW_OP_REARM:
		return op->arming > 1 && !op->value && !(op->res & ~HTW_LATE);
	case HTW_OP_CANCEL:
		return op->arming && op->res >= HTW_CANCELLED &&
		       op->res <= HTW_DELIVERED;
	case HTW_OP_REMAINING:
		return op->arming && op->res >= HTW_STATE_ARMED &&
		       op->res <= HTW_STATE_DELIVERED && op->expires <= INT64_MAX &&
		       op->value <= INT64_MAX;
	case HTW_OP_CANCEL_MATCH:
		return !op->arming && op->res >= 0;
	case HTW_OP_ADVANCE:
		return !op->arming && !op->res && op->value <= INT64_MAX;
	}
	return false;
}

/* What the manual says is refused. */
static bool may_be_armed(const struct htw_op *op)
{
	const uint16_t both = HTW_TIMER_SKIP | HTW_TIMER_BURST;

	return op->expires <= INT64_MAX && op->interval <= INT64_MAX &&
	       op->slack <= INT64_MAX && op->flags < HTW_TIMER_WORD << 1 &&
	       (op->flags & both) != both && (op->interval || !op->count) &&
	       (op->interval || !(op->flags & both)) &&
	       !((op->flags & HTW_TIMER_DEADLINE) &&
		 (op->flags & (HTW_TIMER_COARSE | HTW_TIMER_WORD)));
}

static const struct timer *timer_of(const struct context *context, uint64_t id)
{
	uint32_t i;

	for (i = 0; i < context->nr_timers && i < MAX_TIMERS; i++)
		if (context->timers[i].id == id)
			return &context->timers[i];
	return NULL;
}

/* Has no timer been armed of which nothing is known? */
static bool all_is_known(const struct context *context)
{
	return !run->concurrent && !context->untold && context->nr_timers <= MAX_TIMERS;
}

/* The timer that it was done to is there. */
static bool may_be_found(const struct context *context, const struct htw_op *op)
{
	const struct timer *timer = timer_of(context, op->id);

	return !all_is_known(context) ||
	       (timer && !timer->cancelled && !timer->replaced);
}

static void expect_accepted(const struct context *context, const struct htw_op *op)
{
	bool arms = op->opcode == HTW_OP_ARM || op->opcode == HTW_OP_REARM;
	bool finds = op->opcode == HTW_OP_REARM || op->opcode == HTW_OP_CANCEL ||
		     op->opcode == HTW_OP_REMAINING;

	if (arms && !may_be_armed(op))
		oracle_fail("operation %u was done, and should have been refused",
			    op->opcode);
	if (finds && !may_be_found(context, op))
		oracle_fail("operation %u was done to the timer %#llx, which is none",
			    op->opcode, (unsigned long long)op->id);
}

static void op_succeeded(struct context *context, const struct htw_op *op)
{
	if (op->opcode == HTW_OP_ARM) {
		__atomic_add_fetch(&context->armed, 1, __ATOMIC_SEQ_CST);
		note_timer(context, op->id);
	} else if (op->opcode == HTW_OP_REARM) {
		__atomic_add_fetch(&context->rearmed, 1, __ATOMIC_SEQ_CST);
	}
}

/**
 * oracle_op() - an operation was done, alone or in a batch
 * @context: of which context
 * @before: as it was given to the kernel
 * @after: as it was given back
 * @err: 0, or a negative errno
 */
void oracle_op(struct context *context, const struct htw_op *before,
	       const struct htw_op *after, int err)
{
	struct htw_op same = *before;

	if (err) {
		same.res = after->res;
		if (!op_may_return(before->opcode, -err))
			oracle_fail("operation %u may not fail with %s",
				    before->opcode, strerrorname_np(-err));
		if (memcmp(&same, after, sizeof(same)))
			oracle_fail("operation %u failed with %s, and has changed its argument",
				    before->opcode, strerrorname_np(-err));
		return;
	}
	if (!keeps(before, after))
		oracle_fail("operation %u has changed what it does not write",
			    before->opcode);
	if (!result_makes_sense(after))
		oracle_fail("operation %u: res %d arming %u id %#llx value %#llx expires %#llx",
			    after->opcode, after->res, after->arming,
			    (unsigned long long)after->id,
			    (unsigned long long)after->value,
			    (unsigned long long)after->expires);
	expect_accepted(context, before);
	op_succeeded(context, after);
}

/* --- structures --- */

/**
 * oracle_setup() - HTW_IOC_SETUP has succeeded
 * @setup: what it has answered
 */
void oracle_setup(const struct htw_setup *setup)
{
	if ((setup->ring_entries & (setup->ring_entries - 1)) ||
	    (setup->flags & ~(HTW_SETUP_WORDS | HTW_SETUP_CLOCK_STEPS)) ||
	    setup->virtual_start > INT64_MAX ||
	    (setup->tick_ns & (setup->tick_ns - 1)))
		oracle_fail("HTW_IOC_SETUP was done, and should have been refused");
	if (setup->size != sizeof(*setup) || setup->resv0 || !setup->max_timers ||
	    !setup->tick_ns || !setup->ctl_len != !setup->ring_entries ||
	    !setup->ring_len != !setup->ring_entries ||
	    !setup->words_len != !(setup->flags & HTW_SETUP_WORDS) ||
	    setup->event_size != sizeof(struct htw_event) ||
	    !oracle_is_zero(setup->resv, sizeof(setup->resv)))
		oracle_fail("HTW_IOC_SETUP answers what makes no sense");
}

/**
 * oracle_query() - HTW_IOC_QUERY has succeeded
 * @query: what it has answered
 */
void oracle_query(const struct htw_query *query)
{
	if (query->size != sizeof(*query) || query->flags || query->resv0 ||
	    query->resv || !query->tick_ns || query->nr_file > query->max_file ||
	    query->nr_file > query->nr_user || query->nr_user % 32)
		oracle_fail("HTW_IOC_QUERY answers what makes no sense");
}

/**
 * oracle_stats() - HTW_IOC_STATS has succeeded
 * @stats: what it has answered
 */
void oracle_stats(const struct htw_context_stats *stats)
{
	if (stats->size != sizeof(*stats) || stats->flags ||
	    !oracle_is_zero(stats->resv, sizeof(stats->resv)))
		oracle_fail("HTW_IOC_STATS answers what makes no sense");
}

/* --- events --- */

static void check_step_event(const struct context *context,
			     const struct htw_event *event)
{
	if (!(context->setup.flags & HTW_SETUP_CLOCK_STEPS) || event->id ||
	    event->cookie || !event->expirations)
		oracle_fail("an event tells of a clock that was not set");
}

/* @read: it was read now; else it is in the ring, as the event number @nr. */
static void check_event(const struct context *context, const struct htw_event *event,
			uint64_t now, bool read, uint32_t nr)
{
	const struct timer *timer = timer_of(context, event->id);

	if (HTW_EVENT_TYPE(event->info) == HTW_EVENT_CLOCK_STEP) {
		check_step_event(context, event);
		return;
	}
	if (HTW_EVENT_TYPE(event->info) != HTW_EVENT_EXPIRED ||
	    !(event->id >> 32) || !event->expirations)
		oracle_fail("an event is none: id %#llx info %#x expirations %u",
			    (unsigned long long)event->id, event->info,
			    event->expirations);
	if (!context->early && event->expires > now)
		oracle_fail("an event is early: due at %llu, it is %llu",
			    (unsigned long long)event->expires,
			    (unsigned long long)now);
	if (all_is_known(context) && !timer)
		oracle_fail("an event of id %#llx, which was never armed",
			    (unsigned long long)event->id);
	if (!run->concurrent && timer && timer->replaced && read)
		oracle_fail("an event of id %#llx, which had ended",
			    (unsigned long long)event->id);
	if (!run->concurrent && timer && timer->cancelled &&
	    (read || (int32_t)(nr - timer->tail) >= 0))
		oracle_fail("an event of id %#llx, which was cancelled",
			    (unsigned long long)event->id);
}

/**
 * oracle_events() - events were read
 * @context: of which context
 * @events: them
 * @nr: how many
 * @now: the time on the context's clock
 */
void oracle_events(struct context *context, const struct htw_event *events,
		   uint64_t nr, uint64_t now)
{
	uint64_t i;

	for (i = 0; i < nr; i++)
		check_event(context, &events[i], now, true, 0);
}

/* --- the end --- */

static uint64_t now_of(int fd)
{
	struct htw_batch batch = { 0 };

	if (ioctl(fd, HTW_IOC_BATCH, &batch))
		oracle_fail("a batch of nothing fails");
	return batch.now;
}

static void check_ring_page(const struct htw_ring *ring, const struct context *context,
			    const struct htw_context_stats *stats)
{
	/* What tells of a clock that was set comes when it comes. */
	bool settled = !(context->setup.flags & HTW_SETUP_CLOCK_STEPS);

	if (ring->entries != context->setup.ring_entries ||
	    ring->mask != ring->entries - 1 ||
	    (settled && ring->stalls != stats->stalls) ||
	    (settled && ring->tail != (uint32_t)stats->delivered) ||
	    (ring->flags & ~HTW_RING_STALLED) ||
	    !oracle_is_zero(ring->resv, sizeof(ring->resv)))
		oracle_fail("the ring says what is not so: tail %u of %llu, flags %#x",
			    ring->tail, (unsigned long long)stats->delivered,
			    ring->flags);
}

static void check_ring(struct context *context, int fd,
		       const struct htw_context_stats *stats, uint64_t now)
{
	const struct htw_setup *setup = &context->setup;
	const struct htw_event *events;
	const struct htw_ring *ring;
	uint32_t n;

	ring = mmap(NULL, setup->ring_len, PROT_READ, MAP_SHARED, fd,
		    (off_t)setup->ring_off);
	if (ring == MAP_FAILED) {
		/* The file was opened for writing alone. */
		if (errno != EACCES)
			oracle_fail("the ring can't be mapped: %s",
				    strerrorname_np(errno));
		return;
	}
	check_ring_page(ring, context, stats);
	events = (const void *)((const char *)ring + setup->event_off);
	for (n = ring->tail > ring->entries ? ring->tail - ring->entries : 0;
	     n != ring->tail; n++)
		check_event(context, &events[n & ring->mask], now, false, n);
	munmap((void *)ring, setup->ring_len);
}

static bool is_between(uint64_t value, uint64_t least, uint64_t more)
{
	return value >= least && value <= least + more;
}

static void check_books(const struct context *context,
			const struct htw_context_stats *stats)
{
	uint64_t ended = stats->delivered + stats->withdrawn;

	if (!is_between(stats->armed, context->armed, context->untold) ||
	    !is_between(stats->rearmed, context->rearmed, context->untold))
		oracle_fail("armed %llu re-armed %llu, and the books say %llu and %llu",
			    (unsigned long long)context->armed,
			    (unsigned long long)context->rearmed,
			    (unsigned long long)stats->armed,
			    (unsigned long long)stats->rearmed);
	/* A timer that is cancelled while the copy of its event fails is in neither. */
	if (!(context->setup.flags & HTW_SETUP_CLOCK_STEPS) &&
	    (run->concurrent ? stats->expired < ended : stats->expired != ended))
		oracle_fail("expired %llu, but delivered %llu and withdrawn %llu",
			    (unsigned long long)stats->expired,
			    (unsigned long long)stats->delivered,
			    (unsigned long long)stats->withdrawn);
}

/**
 * oracle_end() - nobody uses the context any more: is all as it must be?
 * @context: the context
 * @fd: a descriptor of it
 */
void oracle_end(struct context *context, int fd)
{
	struct htw_op all = { .opcode = HTW_OP_CANCEL_MATCH };
	struct htw_context_stats stats = { 0 };
	struct htw_query query = { 0 };

	if (ioctl(fd, HTW_IOC_OP, &all))
		oracle_fail("not all timers can be cancelled");
	if (ioctl(fd, HTW_IOC_QUERY, &query) || ioctl(fd, HTW_IOC_STATS, &stats))
		oracle_fail("a context can't be asked any more");
	oracle_query(&query);
	oracle_stats(&stats);
	if (query.nr_file)
		oracle_fail("%llu timers are left when all are cancelled",
			    (unsigned long long)query.nr_file);
	check_books(context, &stats);
	if (context->setup.ring_len)
		check_ring(context, fd, &stats, now_of(fd));
}
