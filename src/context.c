// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts: the timers of one open /dev/htw, and what they share.
 *
 *	context.c	the context as such: setting it up, telling about it
 *	user_timer.c	its timers: memory, ids, states, times
 *	op.c		what programs do with them
 *	event.c		what programs are told, by reading or
 *	ring.c		in a ring
 *	words.h		how they put off timers without a call
 *	clock.c		what time it is
 *	account.c	for how many timers each user has room
 *
 * Locking rules
 * -------------
 *
 * ctx->lock protects all states, the lists of events and of free slots, the statistics
 * and the ring. Callbacks take it in softirq, everybody else with bottom halves
 * disabled. The base's lock is taken inside of it, and that of the eventfd's waiters.
 *
 * A private wheel has no lock. With HTW_CLOCK_VIRTUAL whoever arms or cancels takes
 * ctx->turn first (htw_context_lock() does), and HTW_OP_ADVANCE has it while callbacks
 * run, which take ctx->lock for themselves. So to advance, and to sort the timers of
 * one tick, never keeps anybody's bottom halves disabled.
 *
 * ctx->grow serialises who adds a chunk or sets up the context; the mutexes of the
 * accounts and of the list of clocks are inside of it. The latter is held while contexts
 * are told that a clock was set, and ctx->lock is inside of it.
 */
#include "context.h"

#include "account.h"
#include "event.h"
#include "op.h"
#include "user_timer.h"
#include "virtual.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#define MAX_TIMERS		BIT(24)

#define SETUP_FLAGS		(HTW_SETUP_WORDS | HTW_SETUP_CLOCK_STEPS)

/* For mmap(2). They are far enough apart for the largest of each. */
#define OFFSET_RING		0x00000000
#define OFFSET_CTL		0x10000000
#define OFFSET_WORDS		0x20000000

static int set_max_timers(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, MAX_TIMERS);
}

static const struct kernel_param_ops max_timers_ops = {
	.set	= set_max_timers,
	.get	= param_get_uint,
};

static unsigned int max_timers = 1U << 16;
module_param_cb(max_timers, &max_timers_ops, &max_timers, 0644);
__MODULE_PARM_TYPE(max_timers, "uint");
MODULE_PARM_DESC(max_timers,
		 "Most timers of one open /dev/htw, for files opened from now on, 1 to 16777216 (default 65536)");

static void clock_was_set(struct htw_clock *clock);

/**
 * htw_context_create() - make a context without timers
 * @file: the file, which is being opened
 *
 * Return: the context, or NULL if there is no memory.
 */
struct htw_context *htw_context_create(struct file *file)
{
	struct htw_context *ctx;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return NULL;
	ctx->account = htw_account_get(file->f_cred->uid);
	if (IS_ERR(ctx->account)) {
		kfree(ctx);
		return NULL;
	}
	ctx->exempt = file_ns_capable(file, &init_user_ns, CAP_SYS_RESOURCE);
	spin_lock_init(&ctx->lock);
	INIT_LIST_HEAD(&ctx->events);
	INIT_LIST_HEAD(&ctx->deferred);
	init_waitqueue_head(&ctx->readers);
	ctx->after_pass.fn = htw_event_after_pass;
	INIT_WORK(&ctx->work, htw_event_work);
	mutex_init(&ctx->grow);
	mutex_init(&ctx->turn);
	ctx->timer_size = HTW_USER_TIMER_SIZE;
	ctx->tick_ns = 1ULL << htw_base_geometry()->tick_shift;
	ctx->max_timers = READ_ONCE(max_timers);
	htw_clock_open(&ctx->clock);
	htw_clock_start(&ctx->clock, CLOCK_MONOTONIC, clock_was_set);
	return ctx;
}

static void drop_eventfd(struct htw_context *ctx)
{
	struct eventfd_ctx *eventfd;

	spin_lock_bh(&ctx->lock);
	eventfd = ctx->eventfd;
	ctx->eventfd = NULL;
	spin_unlock_bh(&ctx->lock);
	if (eventfd)
		eventfd_ctx_put(eventfd);
}

/**
 * htw_context_destroy() - free a context and all its timers
 * @ctx: the context, which no program uses any more
 */
void htw_context_destroy(struct htw_context *ctx)
{
	htw_clock_stop(&ctx->clock);
	htw_user_timer_end_all(ctx);
	htw_account_put(ctx->account);
	drop_eventfd(ctx);
	htw_ring_free(&ctx->ring);
	htw_shared_free(&ctx->words);
	/* A pass may still have to come to its end: see htw_event_after_pass(). */
	kfree_rcu(ctx, rcu);
}

static bool lock_with_turn(struct htw_context *ctx, bool turn)
	__acquires(&ctx->lock)
{
	if (turn)
		mutex_lock(&ctx->turn);
	spin_lock_bh(&ctx->lock);
	return turn == !!ctx->wheel;
}

/**
 * htw_context_lock() - begin to work with the timers of a context
 * @ctx: the context
 *
 * Context: Task.
 */
void htw_context_lock(struct htw_context *ctx)
	__acquires(&ctx->lock)
{
	if (likely(lock_with_turn(ctx, READ_ONCE(ctx->wheel))))
		return;
	/* It was set up in between, which is done once. */
	spin_unlock_bh(&ctx->lock);
	lock_with_turn(ctx, true);
}

/**
 * htw_context_unlock() - let others do so
 * @ctx: the context
 */
void htw_context_unlock(struct htw_context *ctx)
	__releases(&ctx->lock)
{
	spin_unlock_bh(&ctx->lock);
	if (ctx->wheel)
		mutex_unlock(&ctx->turn);
}

/**
 * htw_context_now() - what time it is in a context
 * @ctx: the context, which is locked, or has ctx->turn held, or is not on virtual time
 *
 * Return: the time on its clock, in ns.
 */
u64 htw_context_now(struct htw_context *ctx)
{
	if (ctx->wheel)
		return htw_wheel_now(ctx->wheel);
	return htw_clock_now(&ctx->clock);
}

/* Arms the timers of a chunk once more: what they wait for comes at another time. */
static void refile_chunk(struct htw_context *ctx, u32 first)
{
	struct htw_user_timer *ut;
	unsigned int i;

	spin_lock_bh(&ctx->lock);
	for (i = 0; i < HTW_CHUNK_TIMERS; i++) {
		ut = htw_user_timer_at(ctx, first + i);
		if (ut->state != HTW_TIMER_ARMED ||
		    (ut->flags & HTW_TIMER_MONOTONIC))
			continue;
		htw_user_timer_start(ut);
		ctx->stats.refiled++;
	}
	spin_unlock_bh(&ctx->lock);
}

/* Have timers to be armed once more? */
static bool note_offset(struct htw_context *ctx)
{
	struct htw_clock *clock = &ctx->clock;
	s64 offset = htw_clock_offset(clock);
	bool stepped, astray;

	spin_lock_bh(&ctx->lock);
	stepped = offset != clock->last_offset;
	astray = clock->astray;
	clock->last_offset = offset;
	clock->astray = false;
	if (stepped)
		htw_event_clock_stepped(ctx);
	spin_unlock_bh(&ctx->lock);
	return stepped || astray;
}

/*
 * What is armed while this runs is armed by the new offset already, which was there
 * before anybody was told, or by a newer one, and then this is called again. The clock
 * may have been set and set back: then the offset is what it was, but not that of all
 * timers.
 */
static void clock_was_set(struct htw_clock *clock)
{
	struct htw_context *ctx = container_of(clock, struct htw_context, clock);
	u32 i;

	if (!note_offset(ctx))
		return;
	htw_event_notify(ctx);

	for (i = 0; i < READ_ONCE(ctx->nr_chunks); i++) {
		refile_chunk(ctx, i * HTW_CHUNK_TIMERS);
		cond_resched();
	}
}

static bool setup_valid(const struct htw_context *ctx,
			const struct htw_setup *setup)
{
	if ((setup->flags & ~SETUP_FLAGS) || setup->resv0 ||
	    memchr_inv(setup->resv, 0, sizeof(setup->resv)))
		return false;
	if (setup->max_timers > READ_ONCE(ctx->max_timers) ||
	    setup->ring_entries > HTW_MAX_RING ||
	    (setup->ring_entries && !is_power_of_2(setup->ring_entries)))
		return false;
	if (setup->clock != HTW_CLOCK_VIRTUAL)
		return !setup->virtual_start && !setup->tick_ns;
	/* What tick_ns can be is for the wheel to say. */
	return setup->virtual_start <= S64_MAX;
}

static bool clock_supported(const struct htw_setup *setup)
{
	bool can_be_set = htw_clock_can_be_set(setup->clock);

	if ((setup->flags & HTW_SETUP_WORDS) && can_be_set)
		return false;
	if ((setup->flags & HTW_SETUP_CLOCK_STEPS) && !can_be_set)
		return false;
	return setup->clock == HTW_CLOCK_VIRTUAL || htw_clock_known(setup->clock);
}

static struct htw_wheel *create_wheel(const struct htw_setup *setup)
{
	const struct htw_wheel_params params = {
		.start_ns = setup->virtual_start,
		.tick_ns = setup->tick_ns,
	};

	return htw_virtual_create(&params, GFP_KERNEL_ACCOUNT);
}

/**
 * struct setup_memory - what a context gets by being set up
 * @wheel: for HTW_CLOCK_VIRTUAL, or NULL
 * @ring: the ring, or zeroes
 * @words: the deadline words, or zeroes
 */
struct setup_memory {
	struct htw_wheel	*wheel;
	struct htw_event_ring	ring;
	struct htw_shared	words;
};

static void free_memory(struct setup_memory *memory)
{
	htw_wheel_destroy(memory->wheel);
	htw_ring_free(&memory->ring);
	htw_shared_free(&memory->words);
}

/* Allocates all that is asked for, or nothing. */
static int alloc_memory(struct setup_memory *memory,
			const struct htw_setup *setup, u32 nr_timers)
{
	struct htw_wheel *wheel;
	int ret = 0;

	if (setup->clock == HTW_CLOCK_VIRTUAL) {
		wheel = create_wheel(setup);
		if (IS_ERR(wheel))
			return PTR_ERR(wheel);
		memory->wheel = wheel;
	}
	if (setup->ring_entries)
		ret = htw_ring_alloc(&memory->ring, setup->ring_entries);
	if (!ret && (setup->flags & HTW_SETUP_WORDS))
		ret = htw_shared_alloc(&memory->words, sizeof(u64) *
				       round_up(nr_timers, HTW_CHUNK_TIMERS));
	if (ret)
		free_memory(memory);
	return ret;
}

/*
 * There are no timers, nor will be before ctx->grow is released. But other threads
 * can wait for events, or be about to find out that there is no timer of some id.
 */
static void use_memory(struct htw_context *ctx, const struct setup_memory *memory)
{
	u32 entries = memory->ring.entries;

	spin_lock_bh(&ctx->lock);
	if (memory->wheel) {
		ctx->timer_size = sizeof(struct htw_user_timer);
		WRITE_ONCE(ctx->tick_ns, htw_wheel_tick_ns(memory->wheel));
		WRITE_ONCE(ctx->wheel, memory->wheel);
	}
	ctx->words = memory->words;
	ctx->ring = memory->ring;
	ctx->ring.entries = 0;
	/* Pairs with htw_ring_entries(): then there is all the rest. */
	smp_store_release(&ctx->ring.entries, entries);
	spin_unlock_bh(&ctx->lock);
}

static int setup_locked(struct htw_context *ctx, const struct htw_setup *setup)
{
	u32 nr_timers = setup->max_timers ?: ctx->max_timers;
	struct setup_memory memory = { };
	int ret;

	if (ctx->set_up || ctx->nr_chunks)
		return -EBUSY;
	ret = alloc_memory(&memory, setup, nr_timers);
	if (ret)
		return ret;
	use_memory(ctx, &memory);
	if (!ctx->wheel) {
		htw_clock_stop(&ctx->clock);
		htw_clock_start(&ctx->clock, setup->clock, clock_was_set);
	}
	if (htw_clock_can_be_set(ctx->clock.id))
		ctx->delay_flags = HTW_TIMER_MONOTONIC;
	WRITE_ONCE(ctx->max_timers, nr_timers);
	ctx->step_events = setup->flags & HTW_SETUP_CLOCK_STEPS;
	ctx->set_up = true;
	return 0;
}

static void describe_mappings(const struct htw_context *ctx,
			      struct htw_setup *setup)
{
	setup->size = sizeof(*setup);
	setup->max_timers = ctx->max_timers;
	setup->tick_ns = ctx->tick_ns;
	setup->ring_off = OFFSET_RING;
	setup->ring_len = ctx->ring.shared.len;
	setup->ctl_off = OFFSET_CTL;
	setup->ctl_len = ctx->ring.ctl.len;
	setup->words_off = OFFSET_WORDS;
	setup->words_len = ctx->words.len;
	setup->event_off = sizeof(struct htw_ring);
	setup->event_size = sizeof(struct htw_event);
}

/**
 * htw_context_setup() - set up a context
 * @ctx: the context
 * @setup: what it is to be like; what it is like is filled in
 *
 * Return: 0, or an errno of HTW_IOC_SETUP and nothing has changed.
 */
int htw_context_setup(struct htw_context *ctx, struct htw_setup *setup)
{
	int ret;

	if (!setup_valid(ctx, setup))
		return -EINVAL;
	if (!clock_supported(setup))
		return -EOPNOTSUPP;
	mutex_lock(&ctx->grow);
	ret = setup_locked(ctx, setup);
	if (!ret)
		describe_mappings(ctx, setup);
	mutex_unlock(&ctx->grow);
	return ret;
}

/**
 * htw_context_mmap() - map the memory of a context into a program
 * @ctx: the context
 * @vma: where to
 *
 * Return: 0, or an errno of mmap(2) as <uapi/linux/htw.h> has it.
 */
int htw_context_mmap(struct htw_context *ctx, struct vm_area_struct *vma)
{
	int ret = -EINVAL;

	/* It is being set up, or has been, or not yet. */
	mutex_lock(&ctx->grow);
	switch ((u64)vma->vm_pgoff << PAGE_SHIFT) {
	case OFFSET_RING:
		ret = htw_shared_map(&ctx->ring.shared, vma, false);
		break;
	case OFFSET_CTL:
		ret = htw_shared_map(&ctx->ring.ctl, vma, true);
		break;
	case OFFSET_WORDS:
		ret = htw_shared_map(&ctx->words, vma, true);
		break;
	}
	mutex_unlock(&ctx->grow);
	return ret;
}

/**
 * htw_context_set_eventfd() - have an eventfd signalled when there is news
 * @ctx: the context
 * @fd: the file descriptor, or -1 for none any more
 *
 * Return: 0, -EBADF or -EINVAL.
 */
int htw_context_set_eventfd(struct htw_context *ctx, int fd)
{
	struct eventfd_ctx *eventfd = NULL;

	if (fd != -1) {
		eventfd = eventfd_ctx_fdget(fd);
		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
	}
	spin_lock_bh(&ctx->lock);
	swap(ctx->eventfd, eventfd);
	spin_unlock_bh(&ctx->lock);
	if (eventfd)
		eventfd_ctx_put(eventfd);
	return 0;
}

static u32 clock_mask(void)
{
	u32 id, mask = BIT(HTW_CLOCK_VIRTUAL);

	for (id = 0; id < HTW_CLOCK_VIRTUAL; id++)
		if (htw_clock_known(id))
			mask |= BIT(id);
	return mask;
}

/**
 * htw_context_query() - tell what htw can do
 * @ctx: the context
 * @query: filled in
 */
void htw_context_query(struct htw_context *ctx, struct htw_query *query)
{
	*query = (struct htw_query) {
		.size		= sizeof(*query),
		.features	= HTW_FEAT_INTERVAL | HTW_FEAT_SLACK |
				  HTW_FEAT_BATCH | HTW_FEAT_RING |
				  HTW_FEAT_WORDS | HTW_FEAT_EVENTFD |
				  HTW_FEAT_STATS,
		.op_mask	= htw_op_mask(),
		.setup_flags	= SETUP_FLAGS,
		.timer_flags	= htw_op_timer_flags(),
		.clock_mask	= clock_mask(),
		.max_batch	= HTW_MAX_BATCH,
		.tick_ns	= READ_ONCE(ctx->tick_ns),
		.min_gap_ns	= htw_base_min_gap(),
		.min_interval_ns = READ_ONCE(ctx->tick_ns),
		.max_file	= READ_ONCE(ctx->max_timers),
		.max_user	= htw_account_max_user(),
		.max_total	= htw_account_max_total(),
		.nr_file	= READ_ONCE(ctx->nr_timers),
		.nr_user	= htw_account_nr(ctx->account),
		.max_ring	= HTW_MAX_RING,
	};
}

/**
 * htw_context_stats() - tell what has happened
 * @ctx: the context
 * @stats: filled in
 */
void htw_context_stats(struct htw_context *ctx, struct htw_context_stats *stats)
{
	spin_lock_bh(&ctx->lock);
	*stats = ctx->stats;
	spin_unlock_bh(&ctx->lock);
	stats->size = sizeof(*stats);
}

/* Counts the timers of a chunk by their states. */
static void count_states(struct htw_context *ctx, u32 first, unsigned int *counts)
{
	unsigned int i;

	spin_lock_bh(&ctx->lock);
	for (i = 0; i < HTW_CHUNK_TIMERS; i++)
		counts[htw_user_timer_at(ctx, first + i)->state]++;
	spin_unlock_bh(&ctx->lock);
}

/**
 * htw_context_show() - describe a context, for /proc/PID/fdinfo
 * @ctx: the context
 * @seq: where to
 *
 * The timers are counted a chunk at a time, and may change in between.
 */
void htw_context_show(struct htw_context *ctx, struct seq_file *seq)
{
	unsigned int counts[HTW_NR_TIMER_STATES] = { };
	struct htw_context_stats stats;
	u32 i;

	for (i = 0; i < READ_ONCE(ctx->nr_chunks); i++) {
		count_states(ctx, i * HTW_CHUNK_TIMERS, counts);
		cond_resched();
	}
	htw_context_stats(ctx, &stats);
	seq_printf(seq, "htw-clock:\t%s\n",
		   READ_ONCE(ctx->wheel) ? "virtual" : htw_clock_name(ctx->clock.id));
	seq_printf(seq, "htw-timers:\t%u\n", READ_ONCE(ctx->nr_timers));
	seq_printf(seq, "htw-pending:\t%u\n",
		   counts[HTW_TIMER_ARMED] + counts[HTW_TIMER_DEFERRED]);
	seq_printf(seq, "htw-unread:\t%u\n",
		   counts[HTW_TIMER_EXPIRED] + counts[HTW_TIMER_COPYING]);
	seq_printf(seq, "htw-kept:\t%u\n", counts[HTW_TIMER_KEPT]);
	seq_printf(seq, "htw-max-timers:\t%u\n", READ_ONCE(ctx->max_timers));
	seq_printf(seq, "htw-ring:\t%u\n", htw_ring_entries(&ctx->ring));
	seq_printf(seq, "htw-words:\t%zu\n", ctx->words.len / sizeof(u64));
	seq_printf(seq, "htw-armed:\t%llu\n", stats.armed + stats.rearmed);
	seq_printf(seq, "htw-expired:\t%llu\n", stats.expired);
	seq_printf(seq, "htw-delivered:\t%llu\n", stats.delivered);
	seq_printf(seq, "htw-pushed:\t%llu\n", stats.pushed);
	seq_printf(seq, "htw-stalls:\t%llu\n", stats.stalls);
	seq_printf(seq, "htw-lateness-max:\t%llu\n", stats.lateness_max);
}
