// SPDX-License-Identifier: GPL-2.0
/*
 * What can be counted, and is the same in every run: interrupts on virtual time
 * (User Mode Linux with time-travel=inf-cpu), and the work of a wheel that nobody but
 * its owner moves.
 */
#include "bench.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/printk.h>

#include "base.h"

#define SLACK_TIMERS	100000
#define TICK_TIMERS	1000000

#define HOUR_NS		(3600 * (u64)NSEC_PER_SEC)
#define DAY_NS		(24 * HOUR_NS)

/* Of a timer that is alone: across every level's boundary. */
static const u64 distances[] = {
	NSEC_PER_MSEC, NSEC_PER_SEC / 10, NSEC_PER_SEC, 60 * (u64)NSEC_PER_SEC,
	HOUR_NS, DAY_NS, 30 * DAY_NS, 365 * DAY_NS,
};

static void expect(unsigned int nr)
{
	bench_watch = (struct bench_watch) { .expected = nr };
	init_completion(&bench_watch.done);
}

/* Interrupts */

struct counted {
	u64 interrupts;
	u64 moves;
};

static struct counted count_now(void)
{
	struct htw_base *base = htw_base_of_cpu(0);

	return (struct counted) { base->nr_interrupts, base->wheel->nr_moves };
}

static struct counted with_slack(struct bench_load *load, unsigned int percent)
{
	struct counted before, after;
	unsigned int i;
	u64 base;

	bench_setup(load, &bench_peers[0]);
	expect(load->nr);
	before = count_now();
	base = ktime_get_ns() + NSEC_PER_SEC;
	for (i = 0; i < load->nr; i++)
		htw_schedule_range(&load->timers[i].htw, base + load->delta[i],
				   div_u64(load->delta[i] * percent, 100), 0);
	wait_for_completion(&bench_watch.done);
	after = count_now();
	return (struct counted) {
		.interrupts = after.interrupts - before.interrupts,
		.moves = after.moves - before.moves,
	};
}

static void tell_slack(const char *bench, const char *who, u64 value, const char *unit)
{
	bench_sample(bench, SLACK_TIMERS, 1, who, 1, value, 1, unit);
}

/**
 * bench_slack() - how many interrupts and cascade moves slack saves
 *
 * Return: 0 or -ENOMEM.
 */
int bench_slack(void)
{
	struct bench_load *load = bench_load_create(SLACK_TIMERS);
	struct counted none, one, ten;

	if (!load)
		return -ENOMEM;
	bench_random_deltas(load, BENCH_SPAN_NS);
	none = with_slack(load, 0);
	one = with_slack(load, 1);
	ten = with_slack(load, 10);
	tell_slack("interrupts_slack_1", "htw", one.interrupts, "interrupts");
	tell_slack("interrupts_slack_1", "no_slack", none.interrupts, "interrupts");
	tell_slack("interrupts_slack_10", "htw", ten.interrupts, "interrupts");
	tell_slack("interrupts_slack_10", "no_slack", none.interrupts, "interrupts");
	tell_slack("moves_slack_1", "htw", one.moves, "moves");
	tell_slack("moves_slack_1", "no_slack", none.moves, "moves");
	tell_slack("moves_slack_10", "htw", ten.moves, "moves");
	tell_slack("moves_slack_10", "no_slack", none.moves, "moves");
	bench_load_destroy(load);
	return 0;
}

/* Interrupts that one timer costs which is alone and left alone. */
static u64 alone(struct bench_timer *timer, u64 delay)
{
	u64 before;

	expect(1);
	before = count_now().interrupts;
	htw_schedule(&timer->htw, delay);
	wait_for_completion(&bench_watch.done);
	return count_now().interrupts - before;
}

/**
 * bench_alone() - what a timer costs at any distance, from one tick to a year
 *
 * Return: 0 or -ENOMEM.
 */
int bench_alone(void)
{
	struct bench_load *load = bench_load_create(1);
	unsigned int i;
	u64 most;

	if (!load)
		return -ENOMEM;
	bench_setup(load, &bench_peers[0]);
	most = alone(&load->timers[0], 1ULL << htw_base_geometry()->tick_shift);
	for (i = 0; i < ARRAY_SIZE(distances); i++)
		most = max(most, alone(&load->timers[0], distances[i]));
	bench_sample("interrupts_alone", 1, 1, "htw", 1, most, 1, "interrupts");
	bench_load_destroy(load);
	return 0;
}

/* The wheel by itself, tick by tick */

struct drive {
	struct htw_wheel *wheel;
	u64 fired;
	u64 most_in_hold;
	u64 most_moves;
	u64 late;
	u64 spent;
};

static void fill_wheel(struct drive *drive, struct bench_load *load)
{
	struct htw_node *node;
	unsigned int i;

	for (i = 0; i < load->nr; i++) {
		node = &load->timers[i].htw.node;
		htw_node_init(node);
		htw_wheel_insert(drive->wheel, node,
				 1 + (load->delta[i] >> drive->wheel->tick_shift));
	}
}

/* One hold of a base's lock is one call that collects, and takes out what is due. */
static bool one_hold(struct drive *drive, u64 tick)
{
	u64 moves = drive->wheel->nr_moves;
	struct htw_node *node;
	u64 popped = 0;
	bool done;

	done = htw_wheel_collect(drive->wheel, tick, HTW_BATCH);
	while ((node = htw_wheel_pop(drive->wheel))) {
		popped++;
		drive->late += node->tick != tick;
	}
	drive->fired += popped;
	drive->most_in_hold = max(drive->most_in_hold,
				  drive->wheel->nr_moves - moves + popped);
	return done;
}

static void one_tick(struct drive *drive, u64 tick)
{
	u64 moves = drive->wheel->nr_moves;

	while (!one_hold(drive, tick))
		;
	drive->most_moves = max(drive->most_moves, drive->wheel->nr_moves - moves);
}

static int drive_wheel(struct drive *drive, struct bench_load *load)
{
	u64 tick, last = 1 + (BENCH_SPAN_NS >> drive->wheel->tick_shift);
	u64 start;

	fill_wheel(drive, load);
	start = bench_clock();
	for (tick = 1; tick <= last; tick++) {
		one_tick(drive, tick);
		if (!(tick % 1024))
			cond_resched();
	}
	drive->spent = bench_clock() - start;
	if (drive->fired == load->nr && !drive->late)
		return 0;
	pr_err("of %u timers %llu fired, %llu on another tick\n", load->nr,
	       drive->fired, drive->late);
	return -EIO;
}

static int tick_work(struct drive *drive)
{
	struct bench_load *load = bench_load_create(TICK_TIMERS);
	int ret;

	if (!load)
		return -ENOMEM;
	bench_random_deltas(load, BENCH_SPAN_NS);
	ret = drive_wheel(drive, load);
	bench_load_destroy(load);
	if (ret)
		return ret;
	bench_sample("moves_in_a_tick", TICK_TIMERS, 1, "htw", 1, drive->most_moves, 1, "moves");
	bench_sample("timers_in_a_hold", TICK_TIMERS, 1, "htw", 1, drive->most_in_hold, 1,
		     "timers");
	bench_sample("wheel_minute", TICK_TIMERS, 1, "htw", 1, drive->spent, TICK_TIMERS,
		     bench_unit());
	return 0;
}

/**
 * bench_tick_work() - the most that a wheel does in a tick, and under one lock hold
 *
 * With a million timers over a minute, each tick for itself.
 *
 * Return: 0, -ENOMEM, or -EIO if a timer was late or lost.
 */
int bench_tick_work(void)
{
	const struct htw_geometry *geo = htw_base_geometry();
	struct drive drive = { .wheel = kvzalloc(htw_wheel_size(geo), GFP_KERNEL) };
	int ret;

	if (!drive.wheel)
		return -ENOMEM;
	htw_wheel_init(drive.wheel, geo, 0);
	ret = tick_work(&drive);
	kvfree(drive.wheel);
	return ret;
}
