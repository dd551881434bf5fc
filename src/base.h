/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_BASE_H
#define _HTW_BASE_H

#include <linux/cache.h>
#include <linux/hrtimer.h>
#include <linux/htw.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include "stats.h"
#include "wheel.h"

/* Most nodes that are touched under one hold of a base's lock. */
#define HTW_BATCH		64

/* What one pass may take before it has to come again. */
#define HTW_PASS_CALLBACKS	4096
#define HTW_PASS_NS		(2 * NSEC_PER_MSEC)

/*
 * The word in htw_timer::node.owner. It changes only under the lock of the base
 * that it names, but for the moment between two bases: see "Moving a timer".
 */
#define HTW_OWNER_CPU		0x0000ffffU
#define HTW_OWNER_PENDING	0x00010000U
#define HTW_OWNER_MIGRATING	0x00020000U
#define HTW_OWNER_SHUTDOWN	0x00040000U

/**
 * struct htw_base - one CPU's wheel, with its lock and its hrtimer
 * @lock: protects everything in here, and the timers in @wheel
 * @cpu: the CPU that this base belongs to
 * @online: the CPU is up, and timers may be put here
 * @in_pass: expired timers are being run; the end of the pass programs the
 *	hrtimer, so nobody else has to
 * @kicked: an IPI is on its way to program the hrtimer
 * @armed_ns: what the hrtimer is programmed for; KTIME_MAX if it is not
 * @nr_interrupts: how often @hrtimer has run
 * @clock: the clock when the pass last read it, in ns
 * @running: the timer whose callback is running
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
	bool			online;
	bool			in_pass;
	bool			kicked;
	u64			armed_ns;
	unsigned long		nr_interrupts;
	u64			clock;
	struct htw_timer	*running;
	struct task_struct	*running_task;
	struct htw_wheel	*wheel;
	struct hrtimer		hrtimer;
	call_single_data_t	csd;
	struct htw_stats	stats;
#ifdef CONFIG_PREEMPT_RT
	spinlock_t		expiry_lock;
	atomic_t		waiters;
#endif
} ____cacheline_aligned;

bool htw_base_ready(void);
struct htw_base *htw_base_of_cpu(unsigned int cpu);
struct htw_base *htw_base_lock_online(void)
	__acquires(base->lock);
bool htw_base_program(struct htw_base *base, u64 tick);
void htw_base_kick(struct htw_base *base);
void htw_base_wait_running(struct htw_base *base);

const struct htw_geometry *htw_base_geometry(void);
unsigned long htw_base_min_gap(void);

int htw_base_init(void);
void htw_base_exit(void);

#endif /* _HTW_BASE_H */
