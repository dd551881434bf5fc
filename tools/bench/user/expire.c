// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs that timers expire and a program learns of it.
 *
 * All timers are due at one instant. The interrupt in which they expire takes the CPU
 * from whoever runs, and everything that is left to a softirq, to a thread or to the
 * return to the program does, too. So the program does nothing but look at the clock,
 * again and again, from when all are armed until it is left alone: what is missing
 * between two looks was taken from it, whoever took it ("spin method"). That is
 * "expire". Then it collects all of them, which is "collect"; should some not have
 * expired yet, waiting for them counts there. The cost is the sum of the two: who leaves
 * more to the program, or to the kernel, or to later, gains nothing.
 *
 * The interrupts are as few for everybody as they can be: hrtimers that are due at one
 * time expire in one interrupt. Apart from each other each would have its own.
 *
 * "burst" is the other way around: the program sleeps as programs do, and the clock
 * runs from the instant to the last timer it has collected. Here waking up counts,
 * and what is idle in between. The instant is one at which a tick of htw begins, so
 * that it is not late by design.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define TIMERS	10000

/* How long before they are due that has to be armed, at first. */
#define LEAD_EACH_NS	(options.counted ? 2000 : 5000)

/* Left alone for so long; less than from one tick of the kernel to the next. */
#define QUIET_NS	(3 * MSEC)

/* More between two looks at the clock means that somebody else has run. */
#define TAKEN_NS	(options.counted ? 400 : 4000)

/* A multiple of each tick that htw can have up to 2^20 ns. */
#define ALIGNMENT	(1ULL << 20)

/**
 * struct expire_run - one round of one backend
 * @t: the timers
 * @name: "htw" for all of htw's
 * @way: how they are collected
 * @round: the round
 * @timers: all of them
 * @when: of each: the same instant
 * @expired: those that were collected
 */
struct expire_run {
	struct timers	t;
	const char	*name;
	const char	*way;
	unsigned int	round;
	uint32_t	*timers;
	uint64_t	*when;
	uint32_t	*expired;
};

/* How much of the time from now on is taken from this program, until that is over. */
static uint64_t spin_past(uint64_t due)
{
	uint64_t last = now_ns(), quiet_since = last, taken = 0, now = last;

	while (now < due || now - quiet_since < QUIET_NS) {
		now = now_ns();
		if (now - last > TAKEN_NS) {
			taken += now - last;
			quiet_since = now;
		}
		last = now;
	}
	return taken;
}

/* Arms all for one instant, which it returns. */
static uint64_t arm_together(struct expire_run *run)
{
	uint64_t due, lead = TIMERS * LEAD_EACH_NS;
	unsigned int i;

	for (;; lead *= 2) {
		due = (now_ns() + lead + ALIGNMENT) & ~(ALIGNMENT - 1);
		for (i = 0; i < TIMERS; i++)
			run->when[i] = due;
		arm_all(&run->t, run->timers, run->when, TIMERS);
		if (now_ns() + MSEC < due)
			return due;
		/* The host has taken the CPU away, or this machine is slow. */
		collect_all(&run->t, run->expired, TIMERS);
	}
}

static void tell(const struct expire_run *run, const char *what, uint64_t spent)
{
	static const char *const ways[] = { "batch", "read", "ring" };
	char bench[48];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		/* What is not htw is beside each way of htw. */
		if (run->way && strcmp(run->way, ways[i]))
			continue;
		snprintf(bench, sizeof(bench), "%s_%s", what, ways[i]);
		print_sample(bench, TIMERS, run->name, run->round, (double)spent / TIMERS, unit());
	}
}

static void spinning(struct expire_run *run)
{
	uint64_t due = arm_together(run);
	uint64_t taken, start, end;

	/* From now on: some work for them may be done before they are due. */
	taken = spin_past(due);
	start = now_ns();
	collect_all(&run->t, run->expired, TIMERS);
	end = now_ns();
	check_each_once(&run->t, run->expired, TIMERS);
	tell(run, "expire", taken);
	tell(run, "collect", end - start);
	tell(run, "expire_collect", taken + end - start);
}

static void sleeping(struct expire_run *run)
{
	uint64_t due = arm_together(run);

	collect_all(&run->t, run->expired, TIMERS);
	tell(run, "burst", now_ns() - due);
	check_each_once(&run->t, run->expired, TIMERS);
}

static void one_round(struct expire_run *run, const struct backend *backend, const char *name,
		      const char *way)
{
	run->name = name;
	run->way = way;
	open_timers(&run->t, backend, TIMERS);
	spinning(run);
	sleeping(run);
	backend_close(&run->t);
}

static void all_of_htw(struct expire_run *run)
{
	one_round(run, &backend_htw, "htw", "batch");
	one_round(run, &backend_htw_read, "htw", "read");
	one_round(run, &backend_htw_ring, "htw", "ring");
}

/* What an expiry costs, if ten thousand come at once. */
void bench_expire(void)
{
	struct expire_run run = {
		.timers = need_memory(TIMERS, sizeof(uint32_t)),
		.when = need_memory(TIMERS, sizeof(uint64_t)),
		.expired = need_memory(TIMERS, sizeof(uint32_t)),
	};
	const struct backend *backend;
	unsigned int turn, i;

	for (i = 0; i < TIMERS; i++)
		run.timers[i] = i;
	for (run.round = 0; run.round <= options.rounds; run.round++) {
		progress("expire: round %u of %u", run.round, options.rounds);
		for (turn = 0; turn < NR_PEERS; turn++) {
			backend = peer_of_turn(run.round, turn);
			if (backend == &backend_htw)
				all_of_htw(&run);
			else
				one_round(&run, backend, backend->name, NULL);
		}
	}
	free(run.expired);
	free(run.when);
	free(run.timers);
}
