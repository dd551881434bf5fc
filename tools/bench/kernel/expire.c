// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to expire.
 *
 * expire: the timers lie close together, interrupts are off until all of them are
 * due, and the clock runs from then to the last callback.
 *
 * expire_live: they expire when they are due, each of them or each tick's with an
 * interrupt; the machine has nothing else to do.
 *
 * On a clock that counts the CPU's work alone, which only User Mode Linux has,
 * what is idle in between costs nothing. On another one it would count, so there
 * only the first is run, and only with so few timers that htw takes them in one go.
 */
#include "bench.h"

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/printk.h>

/* Where instructions are counted each one of waiting takes its time. */
#define BURST_SPAN_NS	((BENCH_CPU_TIME ? 500 : 20) * NSEC_PER_MSEC)
#define LIVE_SPAN_NS	NSEC_PER_SEC
#define ONE_PASS	2000

/* How long one may take to arm, at first: see arm_in_time(). */
#define ARM_NS		300

/* Awake again when there is still time. */
#define WAKE_UP_NS	(50 * NSEC_PER_MSEC)

struct expire_run {
	struct bench_load *load;
	const struct bench_peer *peer;
	unsigned int round;
	u64 armed;
	u64 leads[BENCH_NR_PEERS];
	u64 idle;
	u64 first;
	u64 last;
};

static void sleep_until(u64 ns)
{
	u64 now = ktime_get_ns();
	u64 us;

	if (ns <= now + WAKE_UP_NS)
		return;
	us = div_u64(ns - now - WAKE_UP_NS, NSEC_PER_USEC);
	usleep_range(us, us + USEC_PER_MSEC);
}

/*
 * Arms all over a span that begins when that should be done. At random: those that fire
 * together are no neighbours in memory.
 */
static int arm(struct expire_run *run, u64 span)
{
	u64 lead = run->leads[run->peer - bench_peers];
	struct bench_load *load = run->load;
	struct bench_base base;

	bench_watch = (struct bench_watch) { .expected = load->nr };
	init_completion(&bench_watch.done);
	bench_setup(load, run->peer);
	bench_random_deltas(load, span);
	bench_shuffle(load);

	base = bench_now();
	run->first = base.ns + lead;
	/* Those that are coarse take an eighth of the delay. */
	run->last = run->first + span + (lead + span) / 8 + 3 * TICK_NSEC;
	bench_fill_when(load, run->peer, &base, load->shuffled, lead);
	run->armed = run->peer->arm(load, load->shuffled);
	sleep_until(run->first);
	if (bench_watch.fired == 0 && ktime_get_ns() < run->first)
		return 0;
	run->peer->cancel(load, load->in_order);
	return -EAGAIN;
}

/* Some take longer to arm, and the host may have taken the CPU away. */
static int arm_in_time(struct expire_run *run, u64 span)
{
	unsigned int try;
	int ret;

	for (try = 0; try < 5; try++) {
		ret = arm(run, span);
		if (ret != -EAGAIN)
			break;
		run->leads[run->peer - bench_peers] *= 2;
	}
	return ret;
}

/* Waits for the last callback; returns the clock at it. */
static int wait_for_all(struct expire_run *run, const char *bench)
{
	if (wait_for_completion_timeout(&bench_watch.done, 120 * HZ))
		return 0;
	pr_err("%s of %s: only %u of %u have fired\n", bench, run->peer->name,
	       bench_watch.fired, bench_watch.expected);
	run->peer->cancel(run->load, run->load->in_order);
	return -EIO;
}

static void tell(const struct expire_run *run, const char *bench, u64 spent)
{
	char coarse[32];

	if (!run->round)
		return;
	if (run->peer->exact)
		bench_sample(bench, run->load->nr, 1, run->peer->name, run->round,
			     spent, run->load->nr, bench_unit());
	if (!run->peer->coarse)
		return;
	snprintf(coarse, sizeof(coarse), "%s_coarse", bench);
	bench_sample(coarse, run->load->nr, 1, run->peer->name, run->round,
		     spent, run->load->nr, bench_unit());
}

static int burst(struct expire_run *run)
{
	u64 start;
	int ret;

	ret = arm_in_time(run, BURST_SPAN_NS);
	if (ret)
		return ret;
	local_irq_disable();
	while (ktime_get_ns() < run->last)
		cpu_relax();
	start = bench_clock();
	local_irq_enable();
	ret = wait_for_all(run, "expire");
	if (ret)
		return ret;
	tell(run, "expire", bench_watch.ended - start);
	if (!BENCH_CPU_TIME)
		tell(run, "arm_and_expire", run->armed + bench_watch.ended - start);
	return 0;
}

/* What the machine does by itself in the time that live() takes, if left alone. */
static u64 idle_cost(void)
{
	u64 start, least = U64_MAX;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		start = bench_clock();
		sleep_until(ktime_get_ns() + LIVE_SPAN_NS + WAKE_UP_NS);
		least = min(least, bench_clock() - start);
	}
	return least;
}

static int live(struct expire_run *run, const char *bench, u64 span)
{
	u64 start, spent;
	int ret;

	ret = arm_in_time(run, span);
	if (ret)
		return ret;
	start = bench_clock();
	ret = wait_for_all(run, bench);
	spent = bench_watch.ended - start;
	if (!ret)
		tell(run, bench, spent - min(spent, run->idle));
	return ret;
}

static int burst_and_live(struct expire_run *run)
{
	int ret = burst(run);

	if (!ret && BENCH_CPU_TIME)
		ret = live(run, "expire_live", LIVE_SPAN_NS);
	return ret;
}

static int minute(struct expire_run *run)
{
	return live(run, "expire_minute", BENCH_SPAN_NS);
}

static int all_peers(struct expire_run *run, int (*what)(struct expire_run *run))
{
	int ret = 0;

	for (run->peer = bench_peers;
	     run->peer < bench_peers + BENCH_NR_PEERS && !ret; run->peer++)
		ret = what(run);
	return ret;
}

static int expire_of(unsigned int nr, int (*what)(struct expire_run *run))
{
	struct expire_run run = { .load = bench_load_create(nr) };
	unsigned int i;
	int ret = 0;

	if (!run.load)
		return -ENOMEM;
	bench_measure_overhead(run.load);
	for (i = 0; i < BENCH_NR_PEERS; i++)
		run.leads[i] = 2 * WAKE_UP_NS + (u64)nr * ARM_NS;
	if (what == burst_and_live && BENCH_CPU_TIME)
		run.idle = idle_cost();
	for (run.round = 0; run.round <= bench_rounds && !ret; run.round++)
		ret = all_peers(&run, what);
	bench_load_destroy(run.load);
	return ret;
}

/**
 * bench_expire() - what an expiry costs
 *
 * Return: 0, -ENOMEM, -EIO if a timer did not fire, -EAGAIN if the machine is too
 * slow to arm so many timers.
 */
int bench_expire(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < bench_nr_sizes && !ret; i++)
		if (BENCH_CPU_TIME || bench_sizes[i] <= ONE_PASS)
			ret = expire_of(bench_sizes[i], burst_and_live);
	return ret;
}

/**
 * bench_expire_minute() - the same over a minute, if time can be made to pass
 *
 * On virtual time an idle machine skips what lies between two interrupts, so this
 * takes only the time that the work takes.
 *
 * Return: as bench_expire().
 */
int bench_expire_minute(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < bench_nr_sizes && !ret; i++)
		ret = expire_of(bench_sizes[i], minute);
	return ret;
}
