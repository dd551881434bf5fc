// SPDX-License-Identifier: GPL-2.0
/*
 * How late a program learns that a timer has expired: one at a time, at random moments
 * within some seconds, while it sleeps. Counted from the time asked for.
 */
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

#define TIMERS	5000
#define SPAN	(3 * SEC)
#define LEAD	(500 * MSEC)

static void arm_at_random(struct timers *t, uint64_t *when)
{
	uint32_t *timers = need_memory(TIMERS, sizeof(*timers));
	uint64_t first = now_ns() + LEAD;
	uint32_t i;

	for (i = 0; i < TIMERS; i++) {
		timers[i] = i;
		when[i] = first + random_delta(SPAN);
	}
	arm_all(t, timers, when, TIMERS);
	if (now_ns() >= first)
		die("the host is too busy: arming took longer than %llu ms", LEAD / MSEC);
	free(timers);
}

/* Stores each lateness; returns how many came before their time. */
static unsigned int wait_for_all(struct timers *t, const uint64_t *when, double *late)
{
	unsigned int got = 0, early = 0;
	uint32_t expired[256];
	uint64_t now;
	int i, nr;

	while (got < TIMERS) {
		nr = t->backend->collect(t, expired, ARRAY_SIZE(expired), true);
		check(t, nr);
		now = now_ns();
		for (i = 0; i < nr && got < TIMERS; i++) {
			early += now < when[expired[i]];
			late[got++] = now < when[expired[i]] ? 0 :
				      (double)(now - when[expired[i]]);
		}
	}
	return early;
}

/* Powers of two, of sorted values, as htw_bench prints them. */
static void tell_histogram(const char *peer, const double *late)
{
	unsigned int i = 0, bits;

	for (bits = 0; i < TIMERS; bits++) {
		while (i < TIMERS && late[i] < (double)(1ULL << bits))
			i++;
		printf("htw_bench: lateness bench=late_program n=%u peer=%s bits=%u below=%u\n",
		       TIMERS, peer, bits, i);
	}
}

static void lateness_of(const struct backend *backend)
{
	uint64_t *when = need_memory(TIMERS, sizeof(*when));
	double *late = need_memory(TIMERS, sizeof(*late));
	const char *name = backend->name;
	unsigned int early;
	struct timers t;

	open_timers(&t, backend, TIMERS);
	arm_at_random(&t, when);
	early = wait_for_all(&t, when, late);
	backend_close(&t);
	print_sample("late_program_p50", TIMERS, name, 1, median(late, TIMERS), "ns");
	print_sample("late_program_p99", TIMERS, name, 1, late[TIMERS * 99 / 100], "ns");
	print_sample("late_program_max", TIMERS, name, 1, late[TIMERS - 1], "ns");
	print_sample("late_program_early", TIMERS, name, 1, early, "timers");
	tell_histogram(name, late);
	free(late);
	free(when);
}

/* How late all of them are, one after the other. */
void bench_lateness(void)
{
	unsigned int i;

	for (i = 0; i < NR_PEERS; i++) {
		progress("lateness: %s", peers[i]->name);
		lateness_of(peers[i]);
	}
}
