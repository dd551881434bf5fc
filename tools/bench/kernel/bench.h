/* SPDX-License-Identifier: GPL-2.0 */
/*
 * htw_bench: what htw costs beside timer_list and hrtimer, in one run.
 *
 * Prints samples, one a line, for tools/bench/report.awk:
 *
 *	htw_bench: sample bench=NAME n=TIMERS cpus=N peer=NAME round=R value=V unit=U
 *
 * and "htw_bench: done" when all that was asked for has run.
 */
#ifndef _HTW_BENCH_H
#define _HTW_BENCH_H

#include <linux/cache.h>
#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/htw.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/timer.h>
#include <linux/types.h>

/* Is the clock one of CPU time? Only what is built into such a kernel can ask for it. */
#if defined(CONFIG_UML) && !defined(MODULE)
#define BENCH_CPU_TIME	1
#else
#define BENCH_CPU_TIME	0
#endif

/* Timers that are handled with interrupts off between two looks at the clock. */
#define BENCH_CHUNK	(BENCH_CPU_TIME ? 1000 : 250)

/* Expiries are spread over this, and begin that much after the base. */
#define BENCH_SPAN_NS	(60 * (u64)NSEC_PER_SEC)
#define BENCH_LEAD_NS	(300 * (u64)NSEC_PER_SEC)

/**
 * struct bench_timer - a timer of any kind
 * @htw: one of ours
 * @list: or one of the kernel's wheel
 * @hr: or of the kernel's tree
 *
 * A cache line, whichever it is: no peer has less memory to touch.
 */
struct bench_timer {
	union {
		struct htw_timer htw;
		struct timer_list list;
		struct hrtimer hr;
	};
} ____cacheline_aligned;

/**
 * struct bench_load - timers, and what to do with them
 * @nr: how many
 * @timers: the timers, and one more
 * @delta: of each timer: its expiry, in ns after the base
 * @in_order: 0, 1, 2 ...
 * @shuffled: the same numbers at random, see bench_shuffle()
 * @when: of each step: the expiry to set, in the unit of the peer
 * @chunks: of each BENCH_CHUNK steps: how long they took, in ns
 * @overhead: of @nr steps that do nothing, in ns
 * @answers: the sum of what the functions returned
 */
struct bench_load {
	unsigned int		nr;
	struct bench_timer	*timers;
	u64			*delta;
	u32			*in_order;
	u32			*shuffled;
	u64			*when;
	u64			*chunks;
	u64			overhead;
	u64			answers;
};

/**
 * struct bench_base - one moment on all clocks
 * @ns: CLOCK_MONOTONIC
 * @jiffies: of timer_list
 */
struct bench_base {
	u64		ns;
	unsigned long	jiffies;
};

/**
 * struct bench_peer - one of those that are compared
 * @name: as it is printed
 * @setup: prepares a timer, with bench_fired() as its callback
 * @when: the expiry @delta ns after @base, in the unit that @arm takes
 * @delay: the same relative to now, in the unit that @arm_relative takes
 * @arm: step through the timers in the order given, arm each for its @when
 * @arm_relative: the same relative to now
 * @cancel: the same, but cancel
 * @arm_one: arms one timer
 * @cancel_one: and cancels it
 * @counts_arms: @arm adds one to bench_load::answers for a timer that was pending
 * @exact: compare it with those that are as late as they have to be
 * @coarse: compare it with those that are up to an eighth of the delay late
 */
struct bench_peer {
	const char *name;
	void (*setup)(struct bench_timer *timer);
	u64 (*when)(const struct bench_base *base, u64 delta);
	u64 (*delay)(u64 delta);
	u64 (*arm)(struct bench_load *load, const u32 *order);
	u64 (*arm_relative)(struct bench_load *load, const u32 *order);
	u64 (*cancel)(struct bench_load *load, const u32 *order);
	int (*arm_one)(struct bench_timer *timer, u64 when);
	int (*cancel_one)(struct bench_timer *timer, u64 when);
	bool counts_arms;
	bool exact;
	bool coarse;
};

/* The first is htw; in the order in which they take turns. */
#define BENCH_NR_PEERS	4
extern const struct bench_peer bench_peers[BENCH_NR_PEERS];

/**
 * struct bench_watch - what becomes of the callbacks
 * @fired: how many have run
 * @expected: when so many have run, @done is completed
 * @record: called from each of them, unless NULL
 * @ended: bench_clock() when the last of them ran
 * @done: see @expected
 */
struct bench_watch {
	unsigned int		fired;
	unsigned int		expected;
	void			(*record)(struct bench_timer *timer);
	u64			ended;
	struct completion	done;
};

extern struct bench_watch bench_watch;

/* Of the command line. */
extern unsigned int bench_rounds;
extern unsigned int bench_sizes[8];
extern unsigned int bench_nr_sizes;

void bench_sample(const char *bench, unsigned int nr, unsigned int cpus,
		  const char *peer, unsigned int round, u64 total, u64 steps,
		  const char *unit);

bool bench_is_wanted(const struct bench_peer *peer);
u64 bench_clock(void);
const char *bench_unit(void);

struct bench_load *bench_load_create(unsigned int nr);
void bench_load_destroy(struct bench_load *load);
void bench_setup(struct bench_load *load, const struct bench_peer *peer);
void bench_shuffle(struct bench_load *load);
void bench_random_deltas(struct bench_load *load, u64 span);
void bench_ascending_deltas(struct bench_load *load, u64 span);
void bench_descending_deltas(struct bench_load *load, u64 span);
struct bench_base bench_now(void);
void bench_fill_when(struct bench_load *load, const struct bench_peer *peer,
		     const struct bench_base *base, const u32 *order, u64 later);
u64 bench_estimate(struct bench_load *load);
void bench_measure_overhead(struct bench_load *load);

int bench_ops(void);
int bench_expire(void);
int bench_expire_minute(void);
int bench_smp(void);
int bench_slack(void);
int bench_alone(void);
int bench_tick_work(void);
int bench_window_idle(void);
int bench_window_pending(void);
int bench_window_burst(void);
int bench_lateness(const char *bench, unsigned int nr, u64 span);

/*
 * The loop that all times come from. Inlined into each peer's function together
 * with @op: an indirect call would cost as much as what is measured.
 */
static __always_inline u64 bench_steps(struct bench_load *load, const u32 *order,
				       int (*op)(struct bench_timer *timer, u64 when))
{
	unsigned int i, end, chunk = 0;
	unsigned long flags;
	u64 start;

	load->answers = 0;
	for (i = 0; i < load->nr; chunk++) {
		end = min(i + BENCH_CHUNK, load->nr);
		local_irq_save(flags);
		start = bench_clock();
		for (; i < end; i++)
			load->answers += op(&load->timers[order[i]], load->when[i]);
		load->chunks[chunk] = bench_clock() - start;
		local_irq_restore(flags);
		cond_resched();
	}
	return bench_estimate(load);
}

#endif /* _HTW_BENCH_H */
