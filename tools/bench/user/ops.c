// SPDX-License-Identifier: GPL-2.0
/*
 * Arm, re-arm, push, cancel, among timers that stay armed. None of them ever fires.
 *
 * There are as many timers as the row says, and some more, which are armed, and then
 * as many are cancelled, taken at random from all of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

/* Timers more, and steps that are measured. */
#define EXTRA	4096

/*
 * io_uring looks for a timeout in the list of all: it would take minutes. In a very long
 * list it takes few steps for the same reason.
 */
#define URING_STEPS	256
#define FEW_STEPS	16
#define LONG_LIST	100000

/* With so many timers a round takes long, and most of that is to make and end them. */
#define FEW_ROUNDS	1

/* Single steps between two looks at the clock. */
#define CHUNK	64

static const unsigned int batches[] = { 1, 16, 256, 4096 };

/**
 * struct ops_run - one round of one backend
 * @t: the timers
 * @nr: those that stay armed: the first of @order
 * @steps: how many are measured at most: the next of @order
 * @order: all timers
 * @when: of each step: the time
 * @chunks: of each chunk: what a step took
 * @round: the round
 */
struct ops_run {
	struct timers	t;
	unsigned int	nr;
	unsigned int	steps;
	uint32_t	*order;
	uint64_t	*when;
	double		*chunks;
	unsigned int	round;
};

typedef int (*step_fn)(struct ops_run *run, unsigned int i, unsigned int nr);

static int do_arm(struct ops_run *run, unsigned int i, unsigned int nr)
{
	const uint32_t *timer = run->order + run->nr + i;
	int err = 0;

	for (; nr && !err; nr--, i++)
		err = run->t.backend->arm(&run->t, *timer++, run->when[i]);
	return err;
}

static int do_rearm(struct ops_run *run, unsigned int i, unsigned int nr)
{
	const uint32_t *timer = run->order + run->nr + i;
	int err = 0;

	for (; nr && !err; nr--, i++)
		err = run->t.backend->rearm(&run->t, *timer++, run->when[i]);
	return err;
}

static int do_push(struct ops_run *run, unsigned int i, unsigned int nr)
{
	const uint32_t *timer = run->order + run->nr + i;
	int err = 0;

	for (; nr && !err; nr--, i++)
		err = run->t.backend->push(&run->t, *timer++, run->when[i]);
	return err;
}

static int do_cancel(struct ops_run *run, unsigned int i, unsigned int nr)
{
	const uint32_t *timer = run->order + run->nr + i;
	int err = 0;

	for (; nr && !err; nr--)
		err = run->t.backend->cancel(&run->t, *timer++);
	return err;
}

static int do_arm_batch(struct ops_run *run, unsigned int i, unsigned int nr)
{
	return run->t.backend->arm_batch(&run->t, run->order + run->nr + i, run->when + i, nr);
}

static int do_rearm_batch(struct ops_run *run, unsigned int i, unsigned int nr)
{
	return run->t.backend->rearm_batch(&run->t, run->order + run->nr + i, run->when + i, nr);
}

static int do_cancel_batch(struct ops_run *run, unsigned int i, unsigned int nr)
{
	return run->t.backend->cancel_batch(&run->t, run->order + run->nr + i, nr);
}

/*
 * The cost of one step. A chunk in which the host took the CPU away says nothing: so it
 * is the median of all chunks, where instructions are not counted.
 */
static double estimate(struct ops_run *run, unsigned int nr)
{
	double sum = 0;
	unsigned int i;

	if (!options.counted)
		return median(run->chunks, nr);
	for (i = 0; i < nr; i++)
		sum += run->chunks[i];
	return sum / nr;
}

/* @step over all @nr, @chunk at a time. */
static double steps(struct ops_run *run, step_fn step, unsigned int nr, unsigned int chunk)
{
	unsigned int i, nr_chunks = 0;
	uint64_t start, end;
	int err;

	if (chunk > nr)
		chunk = nr;
	for (i = 0; i + chunk <= nr; i += chunk) {
		start = now_ns();
		err = step(run, i, chunk);
		end = now_ns();
		check(&run->t, err);
		run->chunks[nr_chunks++] = (double)(end - start) / chunk;
	}
	if (i < nr)
		check(&run->t, step(run, i, nr - i));
	return estimate(run, nr_chunks);
}

static void random_times(struct ops_run *run, uint64_t lead)
{
	uint64_t first = now_ns() + lead;
	unsigned int i;

	for (i = 0; i < EXTRA; i++)
		run->when[i] = first + random_delta(SPAN_NS);
}

/* Takes those that the next steps are about from all of them. */
static void choose(struct ops_run *run, unsigned int nr)
{
	unsigned int i, other;
	uint32_t timer;

	for (i = run->nr; i < run->nr + nr; i++) {
		other = random_below(run->nr + nr);
		timer = run->order[i];
		run->order[i] = run->order[other];
		run->order[other] = timer;
	}
}

static void tell(const struct ops_run *run, const char *bench, double value)
{
	const char *peer = run->t.backend->name;

	print_sample(bench, run->nr, peer, run->round, value, unit());
}

/* The same beside each size of htw's batches, where there are none. */
static void tell_single(const struct ops_run *run, const char *what, double value)
{
	char bench[32];
	unsigned int i;

	tell(run, what, value);
	if (run->t.backend->arm_batch)
		return;
	for (i = 0; i < ARRAY_SIZE(batches); i++) {
		snprintf(bench, sizeof(bench), "%s_%u", what, batches[i]);
		tell(run, bench, value);
	}
}

static void single(struct ops_run *run)
{
	random_times(run, LEAD_NS);
	tell_single(run, "arm", steps(run, do_arm, run->steps, CHUNK));
	choose(run, run->steps);
	random_times(run, LEAD_NS);
	tell_single(run, "rearm", steps(run, do_rearm, run->steps, CHUNK));
	choose(run, run->steps);
	random_times(run, LEAD_NS + 2 * SPAN_NS);
	/* Beside deadline words: see pushes(). */
	tell(run, "push", steps(run, do_rearm, run->steps, CHUNK));
	if (run->t.backend != &backend_htw)
		tell(run, "push_word", steps(run, do_rearm, run->steps, CHUNK));
	choose(run, run->steps);
	tell_single(run, "cancel", steps(run, do_cancel, run->steps, CHUNK));
}

static void batched(struct ops_run *run, unsigned int batch)
{
	unsigned int nr = batch > run->steps ? batch : run->steps;
	char bench[32];

	random_times(run, LEAD_NS);
	snprintf(bench, sizeof(bench), "arm_%u", batch);
	tell(run, bench, steps(run, do_arm_batch, nr, batch));
	/* Then it is the last, and what cancels all is closing them. */
	if (nr > run->steps)
		return;
	choose(run, nr);
	random_times(run, LEAD_NS);
	snprintf(bench, sizeof(bench), "rearm_%u", batch);
	tell(run, bench, steps(run, do_rearm_batch, nr, batch));
	choose(run, nr);
	snprintf(bench, sizeof(bench), "cancel_%u", batch);
	tell(run, bench, steps(run, do_cancel_batch, nr, batch));
}

static void arm_those_that_stay(struct ops_run *run)
{
	uint64_t *when = need_memory(run->nr, sizeof(*when));
	uint64_t first = now_ns() + LEAD_NS;
	unsigned int i;

	for (i = 0; i < run->nr; i++)
		when[i] = first + random_delta(SPAN_NS);
	arm_all(&run->t, run->order, when, run->nr);
	free(when);
}

/* What has never been armed before needs memory; that is not what is measured. */
static void warm_up(struct ops_run *run)
{
	random_times(run, LEAD_NS);
	steps(run, do_arm, run->steps, CHUNK);
	choose(run, run->steps);
	steps(run, do_cancel, run->steps, CHUNK);
}

static void all_ops(struct ops_run *run)
{
	unsigned int i;

	arm_those_that_stay(run);
	warm_up(run);
	single(run);
	if (!run->t.backend->arm_batch)
		return;
	for (i = 0; i < ARRAY_SIZE(batches); i++)
		batched(run, batches[i]);
}

/* Of htw alone: a store into the word of a timer. */
static void pushes(struct ops_run *run)
{
	check(&run->t, backend_open(&run->t, &backend_htw, run->nr + EXTRA, EXTRA, true));
	arm_those_that_stay(run);
	warm_up(run);
	random_times(run, LEAD_NS);
	steps(run, do_arm, run->steps, CHUNK);
	choose(run, run->steps);
	random_times(run, LEAD_NS + 2 * SPAN_NS);
	tell(run, "push_word", steps(run, do_push, run->steps, CHUNK));
	backend_close(&run->t);
}

static void number_them(struct ops_run *run)
{
	unsigned int i;

	for (i = 0; i < run->nr + EXTRA; i++)
		run->order[i] = i;
}

static void one_round(struct ops_run *run, const struct backend *backend)
{
	run->steps = EXTRA;
	if (backend == &backend_uring)
		run->steps = run->nr < LONG_LIST ? URING_STEPS : FEW_STEPS;
	number_them(run);
	open_timers(&run->t, backend, run->nr + EXTRA);
	all_ops(run);
	backend_close(&run->t);
	if (backend != &backend_htw)
		return;
	number_them(run);
	pushes(run);
}

static void ops_of(unsigned int nr)
{
	struct ops_run run = {
		.nr = nr,
		.order = need_memory(nr + EXTRA, sizeof(uint32_t)),
		.when = need_memory(EXTRA, sizeof(uint64_t)),
		.chunks = need_memory(EXTRA, sizeof(double)),
	};
	unsigned int turn, rounds = nr < LONG_LIST ? options.rounds : FEW_ROUNDS;
	const struct backend *backend;

	for (run.round = 0; run.round <= rounds; run.round++) {
		progress("ops: %u timers, round %u of %u", nr, run.round, rounds);
		for (turn = 0; turn < NR_PEERS; turn++) {
			backend = peer_of_turn(run.round, turn);
			if (nr <= PEERS_UP_TO || backend == &backend_htw)
				one_round(&run, backend);
		}
	}
	free(run.chunks);
	free(run.when);
	free(run.order);
}

/* What each operation costs, for each number of timers. */
void bench_ops(void)
{
	unsigned int i;

	for (i = 0; i < options.nr_sizes; i++)
		ops_of(options.sizes[i]);
}
