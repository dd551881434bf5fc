// SPDX-License-Identifier: GPL-2.0
/* The timers, their expiries, and the order in which they are touched. */
#include "bench.h"

#include <linux/math64.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

/* The same numbers for all peers, and in every run. */
static struct rnd_state rnd;

static u64 random_below(u64 limit)
{
	u64 r = (u64)prandom_u32_state(&rnd) << 32 | prandom_u32_state(&rnd);

	return mul_u64_u64_shr(r, limit, 64);
}

/**
 * bench_load_create() - make a load
 * @nr: number of timers
 *
 * Return: the load, with no expiries yet; NULL if there is not enough memory.
 */
struct bench_load *bench_load_create(unsigned int nr)
{
	struct bench_load *load = kzalloc(sizeof(*load), GFP_KERNEL);
	unsigned int i;

	if (!load)
		return NULL;
	load->nr = nr;
	load->timers = vzalloc(array_size(nr + 1, sizeof(*load->timers)));
	load->delta = vzalloc(array_size(nr, sizeof(*load->delta)));
	load->in_order = vzalloc(array_size(nr, sizeof(*load->in_order)));
	load->shuffled = vzalloc(array_size(nr, sizeof(*load->shuffled)));
	load->when = vzalloc(array_size(nr, sizeof(*load->when)));
	load->chunks = vzalloc(array_size(DIV_ROUND_UP(nr, BENCH_CHUNK),
					  sizeof(*load->chunks)));
	if (!load->timers || !load->delta || !load->in_order ||
	    !load->shuffled || !load->when || !load->chunks) {
		bench_load_destroy(load);
		return NULL;
	}
	for (i = 0; i < nr; i++) {
		load->in_order[i] = i;
		load->shuffled[i] = i;
	}
	prandom_seed_state(&rnd, nr);
	return load;
}

/**
 * bench_load_destroy() - free a load
 * @load: the load; none of its timers is armed
 */
void bench_load_destroy(struct bench_load *load)
{
	vfree(load->timers);
	vfree(load->delta);
	vfree(load->in_order);
	vfree(load->shuffled);
	vfree(load->when);
	vfree(load->chunks);
	kfree(load);
}

/**
 * bench_setup() - make all timers those of one peer
 * @load: the load; none of its timers is armed
 * @peer: the peer
 */
void bench_setup(struct bench_load *load, const struct bench_peer *peer)
{
	unsigned int i;

	for (i = 0; i <= load->nr; i++)
		peer->setup(&load->timers[i]);
}

/**
 * bench_shuffle() - a new order at random
 * @load: the load
 */
void bench_shuffle(struct bench_load *load)
{
	unsigned int i, other;

	for (i = load->nr - 1; i; i--) {
		other = random_below(i + 1);
		swap(load->shuffled[i], load->shuffled[other]);
	}
}

void bench_random_deltas(struct bench_load *load, u64 span)
{
	unsigned int i;

	for (i = 0; i < load->nr; i++)
		load->delta[i] = random_below(span);
}

void bench_ascending_deltas(struct bench_load *load, u64 span)
{
	unsigned int i;

	for (i = 0; i < load->nr; i++)
		load->delta[i] = div_u64(span, load->nr) * i;
}

void bench_descending_deltas(struct bench_load *load, u64 span)
{
	unsigned int i;

	for (i = 0; i < load->nr; i++)
		load->delta[i] = div_u64(span, load->nr) * (load->nr - i);
}

struct bench_base bench_now(void)
{
	return (struct bench_base) { .ns = ktime_get_ns(), .jiffies = jiffies };
}

/**
 * bench_fill_when() - compute beforehand what the steps will set
 * @load: the load, with deltas
 * @peer: whose unit to use
 * @base: what the deltas are relative to; NULL for delays
 * @order: in which the timers will be touched
 * @later: added to all deltas, in ns
 */
void bench_fill_when(struct bench_load *load, const struct bench_peer *peer,
		     const struct bench_base *base, const u32 *order, u64 later)
{
	unsigned int i;
	u64 delta;

	for (i = 0; i < load->nr; i++) {
		delta = load->delta[order[i]] + later;
		load->when[i] = base ? peer->when(base, delta) : peer->delay(delta);
	}
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/**
 * bench_estimate() - what all steps took
 * @load: the load, with its chunks measured
 *
 * On a clock that stands still while the host does something else, the sum. On
 * another one a chunk in which the host took the CPU away says nothing: there
 * each counts as much as the median.
 *
 * Return: ns.
 */
u64 bench_estimate(struct bench_load *load)
{
	unsigned int nr = DIV_ROUND_UP(load->nr, BENCH_CHUNK);
	unsigned int i;
	u64 sum = 0;

	if (BENCH_CPU_TIME) {
		for (i = 0; i < nr; i++)
			sum += load->chunks[i];
	} else {
		sort(load->chunks, nr, sizeof(*load->chunks), compare, NULL);
		sum = load->chunks[nr / 2] * nr;
	}
	return sum - min(sum, load->overhead);
}

static int nothing(struct bench_timer *timer, u64 when)
{
	/* Both are computed, and not used. */
	asm volatile("" : : "r" (timer), "r" (when));
	return 0;
}

/**
 * bench_measure_overhead() - what the loop and the clock cost by themselves
 * @load: the load; from now on bench_estimate() leaves it out
 */
void bench_measure_overhead(struct bench_load *load)
{
	load->overhead = 0;
	load->overhead = bench_steps(load, load->shuffled, nothing);
}
