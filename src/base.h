/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_BASE_H
#define _HTW_BASE_H

#include <linux/cache.h>
#include <linux/hrtimer.h>
#include <linux/htw.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include "stats.h"
#include "wheel.h"

/* Most nodes that are touched under one hold of a base's lock. */
#define HTW_BATCH		64

/* What one pass may take before it has to come again. */
#define HTW_PASS_CALLBACKS	4096
#define HTW_PASS_NS		(2 * NSEC_PER_MSEC)

/* After how many callbacks a pass looks at the clock. */
#define HTW_CLOCK_EVERY		8

/*
 * The word in htw_timer::node.owner. It changes only under the lock of the base
 * that it names, but for the moment between two bases: see "Moving a timer".
 */
#define HTW_OWNER_CPU		0x0000ffffU
#define HTW_OWNER_PENDING	0x00010000U
#define HTW_OWNER_MIGRATING	0x00020000U
#define HTW_OWNER_SHUTDOWN	0x00040000U
#define HTW_OWNER_PINNED	0x00080000U
#define HTW_OWNER_IRQSAFE	0x00100000U	/* called with interrupts disabled */

/**
 * struct htw_base - one CPU's wheel, with its lock and its hrtimer
 * @lock: protects everything in here, and the timers in @wheel
 * @cpu: the CPU that this base belongs to
 * @tick_shift: of the wheel's geometry
 * @tick_mask: a tick in ns, less one
 * @online: the CPU is up, and timers may be put here
 * @isolated: the CPU is not to be disturbed, nohz_full= or isolcpus= says
 * @takes_local: timers that this CPU arms are put here: it is online and not
 *	isolated
 * @in_pass: expired timers are being run; the end of the pass programs the
 *	hrtimer, so nobody else has to
 * @kicked: an IPI is on its way to program the hrtimer
 * @armed_ns: what the hrtimer is programmed for; KTIME_MAX if it is not
 * @wake_tick: the first tick that is not before @armed_ns: for what is due then or
 *	later nothing need be programmed
 * @moves_until: when @nr_moves starts again from 0, in ns
 * @nr_moves: how often the hrtimer was lately moved earlier, see "The hrtimer"
 * @nr_interrupts: how often @hrtimer has run
 * @nr_programs: how often @hrtimer was started
 * @clock: the clock when the pass last read it, in ns
 * @running: the timer whose callback is running
 * @running_goes_to: where @running is to go when its callback has returned; not
 *	NULL only while it is also pending, see "Moving a timer" in timer.c
 * @running_task: the task on which the pass runs; valid while @running is set.
 *	NULL in a pass until its first callback
 * @wheel: the wheel; allocated when the CPU first comes up
 * @hrtimer: runs a pass in softirq context
 * @csd: for @kicked
 * @stats: what has happened here
 * @expiry_lock: PREEMPT_RT only: held during a pass, but dropped between two
 *	callbacks when somebody waits for it
 * @waiters: PREEMPT_RT only: how many wait for @expiry_lock
 */
struct htw_base {
	raw_spinlock_t		lock;
	unsigned int		cpu;
	unsigned int		tick_shift;
	unsigned int		tick_mask;
	bool			takes_local;
	bool			online;
	bool			isolated;
	bool			in_pass;
	bool			kicked;
	u64			wake_tick;
	struct htw_timer	*running;
	struct htw_base		*running_goes_to;
	struct task_struct	*running_task;
	struct htw_wheel	*wheel;
	u64			clock;
	u64			armed_ns;
	u64			moves_until;
	unsigned int		nr_moves;
	unsigned long		nr_interrupts;
	unsigned long		nr_programs;
	struct hrtimer		hrtimer;
	call_single_data_t	csd;
	struct htw_stats	stats;
#ifdef CONFIG_PREEMPT_RT
	spinlock_t		expiry_lock;
	atomic_t		waiters;
#endif
} ____cacheline_aligned;

DECLARE_PER_CPU(struct htw_base, htw_bases);

/**
 * struct htw_after_pass - something to do once at the end of a pass
 * @node: in the list of the CPU on which the pass runs
 * @queued: bit 0 is set while it is in one
 * @fn: what to do, in softirq context without a lock. It may be wanted again as soon
 *	as this has begun
 */
struct htw_after_pass {
	struct llist_node	node;
	unsigned long		queued;
	void			(*fn)(struct htw_after_pass *after);
};

bool htw_base_ready(void);
struct htw_base *htw_base_stand_in(struct htw_base *base, bool pinned);
struct htw_base *htw_base_lock_online(struct htw_base *base)
	__acquires(base->lock);
struct htw_base *htw_base_move_timer(struct htw_base *base,
				     struct htw_timer *timer,
				     struct htw_base *to)
	__must_hold(base->lock);
void htw_base_program(struct htw_base *base, u64 tick);
void htw_base_catch_up(struct htw_base *base, u64 now);
void htw_base_wait_running(struct htw_base *base);
void htw_base_after_pass(struct htw_after_pass *after);

void htw_timer_drop(struct htw_base *base, struct htw_timer *timer);

void *htw_timer_hint(const struct htw_timer *timer);

const struct htw_geometry *htw_base_geometry(void);
unsigned long htw_base_min_gap(void);

int htw_base_init(void);
void htw_base_exit(void);

/**
 * htw_base_of_cpu() - the base of a CPU
 * @cpu: the CPU
 *
 * Return: the base, which may be offline.
 */
static inline struct htw_base *htw_base_of_cpu(unsigned int cpu)
{
	return per_cpu_ptr(&htw_bases, cpu);
}

/**
 * htw_base_clock() - the time, in a callback
 * @timer: the timer whose callback runs; nobody can arm it meanwhile
 *
 * Return: CLOCK_MONOTONIC in ns, as the pass has read it not many callbacks ago.
 */
static inline u64 htw_base_clock(const struct htw_timer *timer)
{
	return htw_base_of_cpu(timer->node.owner & HTW_OWNER_CPU)->clock;
}

/**
 * htw_base_here() - the base for a timer that this CPU arms
 * @pinned: it is to stay on this CPU, if that is possible at all
 *
 * Context: Interrupts disabled.
 * Return: the base, which may go offline before it is locked; NULL if there is none
 * yet.
 */
static inline struct htw_base *htw_base_here(bool pinned)
{
	struct htw_base *base = this_cpu_ptr(&htw_bases);

	if (likely(READ_ONCE(base->takes_local)))
		return base;
	return htw_base_stand_in(base, pinned);
}

#endif /* _HTW_BASE_H */
