// SPDX-License-Identifier: GPL-2.0
/*
 * How late timers fire: the same load for each peer, on an idle machine. Lateness is
 * counted from the expiry asked for, before any rounding.
 */
#include "bench.h"

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/printk.h>
#include <linux/sort.h>

static struct lateness_run {
	struct bench_load *load;
	const char *bench;
	u64 first;
	u64 early;
} run;

/* Of no use any more once all are armed, bench_load::when takes the lateness. */
static void record(struct bench_timer *timer)
{
	unsigned int i = timer - run.load->timers;
	s64 late = ktime_get_ns() - run.first - run.load->delta[i];

	run.early += late < 0;
	run.load->when[i] = max_t(s64, late, 0);
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void tell(const char *what, const char *peer, u64 value, const char *unit)
{
	char bench[48];

	snprintf(bench, sizeof(bench), "%s_%s", run.bench, what);
	bench_sample(bench, run.load->nr, 1, peer, 1, value, 1, unit);
}

/* Powers of two: @below counts those of less than 1 << @bits ns. */
static void tell_histogram(const struct bench_load *load, const char *peer)
{
	unsigned int i = 0, bits;

	for (bits = 0; i < load->nr; bits++) {
		while (i < load->nr && fls64(load->when[i]) <= bits)
			i++;
		pr_info("lateness bench=%s n=%u peer=%s bits=%u below=%u\n", run.bench,
			load->nr, peer, bits, i);
	}
}

static void tell_all(const char *peer)
{
	struct bench_load *load = run.load;

	sort(load->when, load->nr, sizeof(*load->when), compare, NULL);
	tell("p50", peer, load->when[load->nr / 2], "ns");
	tell("p99", peer, load->when[div_u64(99ULL * load->nr, 100)], "ns");
	tell("max", peer, load->when[load->nr - 1], "ns");
	tell("early", peer, run.early, "timers");
	tell_histogram(load, peer);
}

static int lateness_of(const struct bench_peer *peer, u64 lead)
{
	struct bench_load *load = run.load;
	struct bench_base base;

	bench_setup(load, peer);
	bench_watch = (struct bench_watch) { .expected = load->nr, .record = record };
	init_completion(&bench_watch.done);
	base = bench_now();
	run.first = base.ns + lead;
	run.early = 0;
	bench_fill_when(load, peer, &base, load->in_order, lead);
	peer->arm(load, load->in_order);
	if (bench_watch.fired) {
		pr_err("arming took longer than %llu ns\n", lead);
		peer->cancel(load, load->in_order);
		return -EAGAIN;
	}
	wait_for_completion(&bench_watch.done);
	tell_all(peer->name);
	return 0;
}

/**
 * bench_lateness() - how late timers fire
 * @bench: what to call it
 * @nr: number of timers
 * @span: over how many ns their expiries are spread
 *
 * Return: 0, -ENOMEM, or -EAGAIN if the machine was too slow.
 */
int bench_lateness(const char *bench, unsigned int nr, u64 span)
{
	unsigned int i;
	int ret = 0;

	run = (struct lateness_run) { .load = bench_load_create(nr), .bench = bench };
	if (!run.load)
		return -ENOMEM;
	bench_random_deltas(run.load, span);
	for (i = 0; i < BENCH_NR_PEERS && !ret; i++)
		if (bench_peers[i].exact)
			ret = lateness_of(&bench_peers[i], NSEC_PER_SEC);
	bench_load_destroy(run.load);
	return ret;
}
