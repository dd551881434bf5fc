// SPDX-License-Identifier: GPL-2.0
/* What the benchmarks share: the clock, samples, random numbers. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "measure.h"

/* The largest batch in which timers are armed where that is not measured. */
#define BATCH	4096

/* Of idleness before any timers are opened. */
#define SETTLE_NS	(300 * MSEC)

const struct backend *const peers[NR_PEERS] = {
	&backend_htw, &backend_timerfd, &backend_posix, &backend_uring,
};

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

/* What a ns of the clock is. */
const char *unit(void)
{
	return options.counted ? "instructions" : "ns";
}

/**
 * print_sample() - print one value
 * @bench: what was measured
 * @nr: number of timers
 * @peer: who did it
 * @round: in which round; nothing is printed of round 0, which only warms up
 * @value: the value
 * @unit: its unit
 */
void print_sample(const char *bench, unsigned int nr, const char *peer, unsigned int round,
		  double value, const char *unit)
{
	if (!round)
		return;
	printf("htw_bench: sample bench=%s n=%u cpus=1 peer=%s round=%u value=%.3f unit=%s\n",
	       bench, nr, peer, round, value, unit);
	fflush(stdout);
}

/* For who watches. */
void progress(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("htw_bench: failed: ");
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(EXIT_FAILURE);
}

/* @ret is what a function of a backend returned. */
void check(const struct timers *t, int ret)
{
	if (ret < 0)
		die("%s, %u timers: %s", t->backend->name, t->nr, t->why);
}

/* Zeroed, and there: no page of it is missing when it is used. */
void *need_memory(size_t nr, size_t size)
{
	void *memory = malloc(nr * size);

	if (!memory)
		die("no memory for %zu objects of %zu bytes", nr, size);
	return memset(memory, 0, nr * size);
}

/* The same numbers in each run: xorshift64*. */
static uint64_t random_u64(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1d;
}

uint32_t random_below(uint32_t limit)
{
	return (uint32_t)((random_u64() >> 32) * limit >> 32);
}

uint64_t random_delta(uint64_t span)
{
	return random_u64() % span;
}

void sleep_until(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / SEC),
		.tv_nsec = (long)(ns % SEC),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

/* As many timers as can be armed at once, or nothing goes on. */
void open_timers(struct timers *t, const struct backend *backend, unsigned int nr)
{
	/* What was closed before may still be at work in the kernel, as io_uring is. */
	sleep_until(now_ns() + SETTLE_NS);
	check(t, backend_open(t, backend, nr, backend->arm_batch ? BATCH : 1, false));
}

/* As fast as it goes. */
void arm_all(struct timers *t, const uint32_t *timers, const uint64_t *when, unsigned int nr)
{
	unsigned int i, step = t->batch;

	for (i = 0; i < nr; i += step) {
		if (step > nr - i)
			step = nr - i;
		if (step > 1)
			check(t, t->backend->arm_batch(t, timers + i, when + i, step));
		else
			check(t, t->backend->arm(t, timers[i], when[i]));
	}
}

/* Waits until @nr have expired, and stores which. */
void collect_all(struct timers *t, uint32_t *expired, unsigned int nr)
{
	unsigned int got = 0;
	int ret;

	while (got < nr) {
		ret = t->backend->collect(t, expired + got, nr - got, true);
		check(t, ret);
		got += (unsigned int)ret;
	}
}

void check_each_once(const struct timers *t, const uint32_t *expired, unsigned int nr)
{
	bool *seen = need_memory(t->nr, sizeof(*seen));
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (expired[i] >= t->nr || seen[expired[i]])
			die("%s: timer %u has expired twice, or is none", t->backend->name,
			    expired[i]);
		seen[expired[i]] = true;
	}
	free(seen);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts them. */
double median(double *values, size_t nr)
{
	qsort(values, nr, sizeof(*values), compare);
	return nr % 2 ? values[nr / 2] : (values[nr / 2 - 1] + values[nr / 2]) / 2;
}

/* Each round begins with the next of them. */
const struct backend *peer_of_turn(unsigned int round, unsigned int turn)
{
	return peers[(round + turn) % NR_PEERS];
}
