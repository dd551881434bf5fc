// SPDX-License-Identifier: GPL-2.0
/*
 * One run of one backend: some of the timers are armed, re-armed, pushed and cancelled
 * while the others stay armed, and then all of them expire at one time. The times and
 * the order are random, and the same for each backend.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend.h"
#include "clock.h"
#include "duration.h"
#include "trial.h"

/* So many of the timers are measured; a multiple of TRIAL_BATCH. */
#define MEASURED	1024U

/* Single steps between two looks at the clock. */
#define CHUNK		64

/* Far enough not to expire meanwhile. */
#define AHEAD		(600 * NSEC_PER_SEC)

/* They expire at a time at which every tick begins that htw may well have. */
#define ALIGNMENT	(1ULL << 20)

/**
 * struct course - what a trial goes over
 * @timers: of the backend
 * @nr: how many timers
 * @nr_measured: the last of them in @order
 * @order: of all timers
 * @when: of each place in @order: a time
 * @seed: of the random numbers
 */
struct course {
	struct timers	timers;
	unsigned int	nr;
	unsigned int	nr_measured;
	uint32_t	*order;
	uint64_t	*when;
	uint64_t	seed;
};

/* Does it for @nr places in the order, from @i on. Return: 0, or a negative errno. */
typedef int (*step_fn)(struct course *course, unsigned int i, unsigned int nr);

/* xorshift64* */
static uint64_t random_number(struct course *course)
{
	course->seed ^= course->seed >> 12;
	course->seed ^= course->seed << 25;
	course->seed ^= course->seed >> 27;
	return course->seed * 0x2545f4914f6cdd1dULL;
}

static void shuffle(struct course *course, unsigned int first, unsigned int nr)
{
	uint32_t *order = course->order + first, other;
	unsigned int i, j;

	for (i = nr; i > 1; i--) {
		j = (unsigned int)(random_number(course) % i);
		other = order[j];
		order[j] = order[i - 1];
		order[i - 1] = other;
	}
}

static void new_times(struct course *course)
{
	uint64_t now = clock_now(CLOCK_MONOTONIC);
	unsigned int i;

	for (i = 0; i < course->nr; i++)
		course->when[i] = now + AHEAD + random_number(course) % AHEAD;
}

static bool lay_out(struct course *course, unsigned int nr)
{
	unsigned int i;

	memset(course, 0, sizeof(*course));
	course->seed = 0x9e3779b97f4a7c15ULL;
	course->nr = nr;
	course->nr_measured = nr < MEASURED ? nr : MEASURED;
	course->order = calloc(nr, sizeof(*course->order));
	course->when = calloc(nr, sizeof(*course->when));
	if (!course->order || !course->when)
		return false;
	for (i = 0; i < nr; i++)
		course->order[i] = i;
	shuffle(course, 0, nr);
	return true;
}

static void clear_away(struct course *course)
{
	free(course->order);
	free(course->when);
}

static int arm(struct course *course, unsigned int i, unsigned int nr)
{
	int err = 0;

	for (; nr && !err; nr--, i++)
		err = course->timers.backend->arm(&course->timers,
				course->order[i], course->when[i]);
	return err;
}

static int rearm(struct course *course, unsigned int i, unsigned int nr)
{
	int err = 0;

	for (; nr && !err; nr--, i++)
		err = course->timers.backend->rearm(&course->timers,
				course->order[i], course->when[i]);
	return err;
}

static int push(struct course *course, unsigned int i, unsigned int nr)
{
	int err = 0;

	for (; nr && !err; nr--, i++)
		err = course->timers.backend->push(&course->timers,
				course->order[i], course->when[i]);
	return err;
}

static int cancel(struct course *course, unsigned int i, unsigned int nr)
{
	int err = 0;

	for (; nr && !err; nr--, i++)
		err = course->timers.backend->cancel(&course->timers,
				course->order[i]);
	return err;
}

static int arm_batch(struct course *course, unsigned int i, unsigned int nr)
{
	return course->timers.backend->arm_batch(&course->timers,
			course->order + i, course->when + i, nr);
}

static int rearm_batch(struct course *course, unsigned int i, unsigned int nr)
{
	return course->timers.backend->rearm_batch(&course->timers,
			course->order + i, course->when + i, nr);
}

static int cancel_batch(struct course *course, unsigned int i, unsigned int nr)
{
	return course->timers.backend->cancel_batch(&course->timers,
			course->order + i, nr);
}

static int in_steps(struct course *course, step_fn step, unsigned int i,
		    unsigned int nr, unsigned int at_once)
{
	unsigned int now;
	int err = 0;

	for (; nr && !err; i += now, nr -= now) {
		now = nr < at_once ? nr : at_once;
		err = step(course, i, now);
	}
	return err;
}

/* Not measured: whichever is faster. */
static int arm_all(struct course *course, unsigned int nr)
{
	if (course->timers.backend->arm_batch)
		return in_steps(course, arm_batch, 0, nr, TRIAL_BATCH);
	return arm(course, 0, nr);
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
	return nr % 2 ? values[nr / 2] :
			(values[nr / 2 - 1] + values[nr / 2]) / 2;
}

/*
 * @step for those that are measured, in another order than before. A chunk of them in
 * which somebody else had the CPU says nothing: so it is the median of all chunks.
 */
static int measure(struct course *course, double *ns, step_fn step,
		   unsigned int chunk)
{
	unsigned int nr = course->nr_measured, first = course->nr - nr;
	unsigned int i, now, nr_chunks = 0;
	double chunks[MEASURED];
	uint64_t began;
	int err = 0;

	shuffle(course, first, nr);
	new_times(course);
	for (i = 0; i < nr && !err; i += now) {
		now = nr - i < chunk ? nr - i : chunk;
		began = clock_now(CLOCK_MONOTONIC);
		err = step(course, first + i, now);
		chunks[nr_chunks++] = (double)(clock_now(CLOCK_MONOTONIC) -
					       began) / now;
	}
	*ns = median(chunks, nr_chunks);
	return err;
}

static int run_single(struct course *course, double *ns)
{
	int err;

	err = measure(course, &ns[TRIAL_ARM], arm, CHUNK);
	if (!err)
		err = measure(course, &ns[TRIAL_REARM], rearm, CHUNK);
	if (!err)
		err = measure(course, &ns[TRIAL_CANCEL], cancel, CHUNK);
	return err;
}

static int run_batches(struct course *course, double *ns)
{
	int err;

	if (!course->timers.backend->arm_batch)
		return 0;
	err = measure(course, &ns[TRIAL_ARM_BATCH], arm_batch, TRIAL_BATCH);
	if (!err)
		err = measure(course, &ns[TRIAL_REARM_BATCH], rearm_batch,
			      TRIAL_BATCH);
	if (!err)
		err = measure(course, &ns[TRIAL_CANCEL_BATCH], cancel_batch,
			      TRIAL_BATCH);
	return err;
}

static int open_timers(struct course *course, const struct backend *backend,
		       bool words)
{
	return backend_open(&course->timers, backend, course->nr,
			    backend->arm_batch ? TRIAL_BATCH : 1, words);
}

static int run_operations(struct course *course, const struct backend *backend,
			  double *ns)
{
	int err = open_timers(course, backend, false);

	if (err)
		return err;
	new_times(course);
	err = arm_all(course, course->nr - course->nr_measured);
	if (!err)
		err = run_single(course, ns);
	if (!err)
		err = run_batches(course, ns);
	backend_close(&course->timers);
	return err;
}

/* The program's part of it: a store. The kernel's comes with the old expiry. */
static int run_push(struct course *course, const struct backend *backend,
		    double *ns)
{
	int err;

	if (!backend->push)
		return 0;
	err = open_timers(course, backend, true);
	if (err)
		return err;
	new_times(course);
	err = arm_all(course, course->nr);
	if (!err)
		err = measure(course, &ns[TRIAL_PUSH], push, CHUNK);
	backend_close(&course->timers);
	return err;
}

static int collect_all(struct course *course)
{
	unsigned int got = 0;
	int ret = 0;

	while (got < course->nr && ret >= 0) {
		ret = course->timers.backend->collect(&course->timers,
				course->order, course->nr - got, true);
		got += ret > 0 ? (unsigned int)ret : 0;
	}
	return ret < 0 ? ret : 0;
}

static void all_at(struct course *course, uint64_t due)
{
	unsigned int i;

	for (i = 0; i < course->nr; i++) {
		course->order[i] = i;
		course->when[i] = due;
	}
}

/*
 * From when all of them are due until the last was collected, by a program that
 * sleeps until there are some. They must be armed before: a slow machine gets longer.
 */
static int expire(struct course *course, double *ns)
{
	uint64_t lead = 10 * NSEC_PER_MSEC, due;
	int err;

	for (;; lead *= 2) {
		due = clock_now(CLOCK_MONOTONIC) + lead;
		due = (due + ALIGNMENT) & ~(ALIGNMENT - 1);
		all_at(course, due);
		err = arm_all(course, course->nr);
		if (err)
			return err;
		if (clock_now(CLOCK_MONOTONIC) < due)
			break;
		err = collect_all(course);
		if (err)
			return err;
	}
	err = collect_all(course);
	*ns = (double)(clock_now(CLOCK_MONOTONIC) - due) / course->nr;
	return err;
}

static int run_expire(struct course *course, const struct backend *backend,
		      double *ns)
{
	int err = open_timers(course, backend, false);

	if (err)
		return err;
	err = expire(course, &ns[TRIAL_EXPIRE]);
	backend_close(&course->timers);
	return err;
}

/**
 * trial_run() - measure one backend once
 * @trial: filled in
 * @backend: which
 * @nr: with so many timers
 */
void trial_run(struct trial *trial, const struct backend *backend,
	       unsigned int nr)
{
	struct course course;
	int row, err;

	memset(trial, 0, sizeof(*trial));
	for (row = 0; row < NR_TRIAL_ROWS; row++)
		trial->ns[row] = -1;
	if (lay_out(&course, nr)) {
		err = run_operations(&course, backend, trial->ns);
		if (!err)
			err = run_push(&course, backend, trial->ns);
		if (!err)
			err = run_expire(&course, backend, trial->ns);
		if (err)
			snprintf(trial->why, sizeof(trial->why), "%s",
				 *course.timers.why ? course.timers.why :
						      "failed");
	} else {
		snprintf(trial->why, sizeof(trial->why), "no memory");
	}
	clear_away(&course);
}
