// SPDX-License-Identifier: GPL-2.0
/*
 * Windows of time for the kernel's own tracers of latency: whoever has set them up turns
 * them on while a window is open, not while the timers for it are armed or cleared away.
 * See tools/bench/latency.sh.
 */
#include "bench.h"

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>

#define WINDOW_MS	6000

/* From the opening of a window to the first expiry: time to turn on a tracer. */
#define LEAD_NS		NSEC_PER_SEC

static bool window_open;
module_param(window_open, bool, 0444);
MODULE_PARM_DESC(window_open, "Now is the time to trace (read it)");

/* With interrupts on: what arming in a loop does to others is not the question. */
static void arm_all(struct bench_load *load, const struct bench_peer *peer)
{
	unsigned int i;

	for (i = 0; i < load->nr; i++) {
		peer->arm_one(&load->timers[i], load->when[i]);
		if (i % BENCH_CHUNK == 0)
			cond_resched();
	}
}

static void cancel_all(struct bench_load *load, const struct bench_peer *peer)
{
	unsigned int i;

	for (i = 0; i < load->nr; i++) {
		peer->cancel_one(&load->timers[i], 0);
		if (i % BENCH_CHUNK == 0)
			cond_resched();
	}
}

/* Until some of them expire, so many that all have to be armed by then. */
static int wait_for_first(u64 first)
{
	u64 now = ktime_get_ns();

	if (now + LEAD_NS > first) {
		pr_err("arming took too long\n");
		return -EAGAIN;
	}
	msleep(div_u64(first - LEAD_NS - now, NSEC_PER_MSEC));
	return 0;
}

static void open_window(void)
{
	WRITE_ONCE(window_open, true);
	msleep(WINDOW_MS);
	WRITE_ONCE(window_open, false);
}

static int window_of(struct bench_load *load, const struct bench_peer *peer,
		     const char *bench, u64 lead)
{
	struct bench_base base;
	u64 first;
	int ret;

	bench_setup(load, peer);
	bench_watch = (struct bench_watch) { .expected = UINT_MAX };
	base = bench_now();
	first = base.ns + lead;
	bench_fill_when(load, peer, &base, load->in_order, lead);
	arm_all(load, peer);
	ret = wait_for_first(first);
	if (!ret)
		open_window();
	cancel_all(load, peer);
	bench_sample(bench, load->nr, 1, peer->name, 1, bench_watch.fired, 1, "timers");
	return ret;
}

static int windows(const char *bench, unsigned int nr, u64 span)
{
	struct bench_load *load = bench_load_create(nr);
	unsigned int i;
	int ret = 0;

	if (!load)
		return -ENOMEM;
	bench_random_deltas(load, span);
	for (i = 0; i < BENCH_NR_PEERS && !ret; i++)
		if (bench_peers[i].exact && bench_is_wanted(&bench_peers[i]))
			ret = window_of(load, &bench_peers[i], bench, 5 * (u64)NSEC_PER_SEC);
	bench_load_destroy(load);
	return ret;
}

/**
 * bench_window_idle() - a window in which nothing is armed
 *
 * Return: 0.
 */
int bench_window_idle(void)
{
	open_window();
	return 0;
}

/**
 * bench_window_pending() - a window with a million timers, of one minute
 *
 * Those of the window expire in it.
 *
 * Return: 0, -ENOMEM, or -EAGAIN if the machine was too slow.
 */
int bench_window_pending(void)
{
	return windows("window_pending", 1000000, BENCH_SPAN_NS);
}

/**
 * bench_window_burst() - a window in which 100 000 timers expire in one tick
 *
 * Return: 0, -ENOMEM, or -EAGAIN if the machine was too slow.
 */
int bench_window_burst(void)
{
	return windows("window_burst", 100000, 1);
}
