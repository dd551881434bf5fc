// SPDX-License-Identifier: GPL-2.0
/* Arm, re-arm, push later, cancel: none of these timers ever fires. */
#include "bench.h"

#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/vmalloc.h>

struct ops_run {
	struct bench_load *load;
	const struct bench_peer *peer;
	struct bench_base base;
	unsigned int round;
	struct htw_bulk *bulk;
};

/* What has no name is not told. Round 0 only warms the caches. */
static void tell_as(const struct ops_run *run, const char *bench, const char *who,
		    u64 spent)
{
	if (bench && run->round)
		bench_sample(bench, run->load->nr, 1, who, run->round, spent,
			     run->load->nr, bench_unit());
}

static void tell(const struct ops_run *run, const char *bench, u64 spent)
{
	tell_as(run, bench, run->peer->name, spent);
}

static int check_answers(const struct ops_run *run, const char *bench, u64 want)
{
	if (run->load->answers == want)
		return 0;
	pr_err("%s of %s: %llu timers were pending, not %llu\n", bench,
	       run->peer->name, run->load->answers, want);
	return -EIO;
}

/* Arms all for their deltas, @later: from a state in which @pending are armed. */
static int arm(struct ops_run *run, const char *bench, const u32 *order,
	       u64 later, u64 pending)
{
	struct bench_load *load = run->load;

	bench_fill_when(load, run->peer, &run->base, order, BENCH_LEAD_NS + later);
	tell(run, bench, run->peer->arm(load, order));
	return run->peer->counts_arms ? check_answers(run, bench, pending) : 0;
}

static int arm_relative(struct ops_run *run, const char *bench)
{
	struct bench_load *load = run->load;

	bench_fill_when(load, run->peer, NULL, load->in_order, BENCH_LEAD_NS);
	tell(run, bench, run->peer->arm_relative(load, load->in_order));
	return run->peer->counts_arms ? check_answers(run, "arm_relative", 0) : 0;
}

static int cancel(struct ops_run *run, const char *bench)
{
	bench_shuffle(run->load);
	tell(run, bench, run->peer->cancel(run->load, run->load->shuffled));
	return check_answers(run, bench ?: "cancel", run->load->nr);
}

/* What a table of timeouts goes through, each timer at a random moment. */
static int life_of_a_timeout(struct ops_run *run)
{
	struct bench_load *load = run->load;
	int ret;

	bench_random_deltas(load, BENCH_SPAN_NS);
	ret = arm(run, "arm_random", load->in_order, 0, 0);
	if (ret)
		return ret;

	bench_random_deltas(load, BENCH_SPAN_NS);
	bench_shuffle(load);
	ret = arm(run, "rearm_random", load->shuffled, 0, load->nr);
	if (ret)
		return ret;

	bench_shuffle(load);
	ret = arm(run, "push_later", load->shuffled, BENCH_SPAN_NS / 2, load->nr);
	if (ret)
		return ret;
	return cancel(run, "cancel");
}

/*
 * Behind a timer that is due before them all, as in a table that is in use: the
 * interrupt for the next event is programmed already.
 */
static int arm_behind(struct ops_run *run, const char *bench)
{
	struct bench_timer *first = &run->load->timers[run->load->nr];
	u64 when = run->peer->when(&run->base, BENCH_LEAD_NS / 2);
	int ret;

	run->peer->arm_one(first, when);
	ret = arm(run, bench, run->load->in_order, 0, 0);
	run->peer->cancel_one(first, when);
	return ret ?: cancel(run, NULL);
}

/* As bench_steps(), but a chunk is one call. */
static u64 bulk_steps(struct ops_run *run, size_t (*op)(struct htw_bulk *bulk, size_t n))
{
	struct bench_load *load = run->load;
	unsigned int i, nr, chunk = 0;
	unsigned long flags;
	u64 start;

	load->answers = 0;
	for (i = 0; i < load->nr; i += nr, chunk++) {
		nr = min_t(unsigned int, BENCH_CHUNK, load->nr - i);
		local_irq_save(flags);
		start = bench_clock();
		load->answers += op(&run->bulk[i], nr);
		load->chunks[chunk] = bench_clock() - start;
		local_irq_restore(flags);
		cond_resched();
	}
	return bench_estimate(load);
}

static void fill_bulk(struct ops_run *run, const u32 *order)
{
	struct bench_load *load = run->load;
	unsigned int i;

	bench_fill_when(load, run->peer, &run->base, order, BENCH_LEAD_NS);
	for (i = 0; i < load->nr; i++)
		run->bulk[i] = (struct htw_bulk) {
			.timer = &load->timers[order[i]].htw,
			.expires = load->when[i],
		};
}

/* Beside the same thing done one by one. */
static int one_by_one(struct ops_run *run)
{
	struct bench_load *load = run->load;

	bench_random_deltas(load, BENCH_SPAN_NS);
	bench_fill_when(load, run->peer, &run->base, load->in_order, BENCH_LEAD_NS);
	tell_as(run, "arm_bulk", "one_by_one", run->peer->arm(load, load->in_order));
	bench_shuffle(load);
	tell_as(run, "cancel_bulk", "one_by_one", run->peer->cancel(load, load->shuffled));
	return check_answers(run, "cancel", load->nr);
}

static int bulk_round(struct ops_run *run)
{
	struct bench_load *load = run->load;
	int ret;

	ret = one_by_one(run);
	if (ret)
		return ret;
	bench_random_deltas(load, BENCH_SPAN_NS);
	fill_bulk(run, load->in_order);
	tell(run, "arm_bulk", bulk_steps(run, htw_schedule_bulk));
	ret = check_answers(run, "arm_bulk", load->nr);
	if (ret)
		return ret;
	bench_shuffle(load);
	fill_bulk(run, load->shuffled);
	tell(run, "cancel_bulk", bulk_steps(run, htw_cancel_bulk));
	return check_answers(run, "cancel_bulk", load->nr);
}

/*
 * What has been cancelled may have left an interrupt behind, before which none has to
 * be programmed. Let it pass.
 */
static void settle(struct ops_run *run)
{
	struct bench_base now = bench_now();

	bench_watch = (struct bench_watch) { .expected = 1 };
	init_completion(&bench_watch.done);
	run->peer->arm_one(&run->load->timers[run->load->nr],
			   run->peer->when(&now, NSEC_PER_MSEC));
	/* Not asleep: what the caches know would be gone. */
	while (!completion_done(&bench_watch.done))
		cpu_relax();
	bench_watch = (struct bench_watch) { .record = NULL };
}

static int arm_in_order(struct ops_run *run)
{
	struct bench_load *load = run->load;
	int ret;

	bench_ascending_deltas(load, BENCH_SPAN_NS);
	ret = arm(run, "arm_ascending", load->in_order, 0, 0) ?: cancel(run, NULL);
	if (ret)
		return ret;

	bench_descending_deltas(load, BENCH_SPAN_NS);
	ret = arm_behind(run, "arm_descending");
	if (ret)
		return ret;
	settle(run);
	return arm(run, "arm_descending_next", load->in_order, 0, 0) ?:
		cancel(run, NULL);
}

/* Without a name only to warm up, after another peer's turn. */
static int arm_from_now(struct ops_run *run, const char *bench)
{
	bench_random_deltas(run->load, BENCH_SPAN_NS);
	return arm_relative(run, bench) ?: cancel(run, NULL);
}

static int one_round(struct ops_run *run)
{
	int ret;

	bench_setup(run->load, run->peer);
	settle(run);
	run->base = bench_now();
	ret = arm_from_now(run, NULL) ?: life_of_a_timeout(run) ?: arm_in_order(run) ?:
		arm_from_now(run, "arm_relative");
	if (!ret && run->peer == bench_peers)
		ret = bulk_round(run);
	if (!ret && bench_watch.fired) {
		pr_err("%u timers fired that were to be cancelled\n", bench_watch.fired);
		ret = -EIO;
	}
	return ret;
}

static int all_rounds(struct ops_run *run)
{
	int ret = 0;

	for (run->round = 0; run->round <= bench_rounds && !ret; run->round++) {
		bench_measure_overhead(run->load);
		for (run->peer = bench_peers;
		     run->peer < bench_peers + BENCH_NR_PEERS && !ret; run->peer++)
			if (run->peer->exact)
				ret = one_round(run);
	}
	return ret;
}

static int ops_of(unsigned int nr)
{
	struct ops_run run = { .load = bench_load_create(nr) };
	int ret = -ENOMEM;

	if (!run.load)
		return ret;
	run.bulk = vzalloc(array_size(nr, sizeof(*run.bulk)));
	if (!run.bulk)
		goto out;
	ret = all_rounds(&run);
	vfree(run.bulk);
out:
	bench_load_destroy(run.load);
	return ret;
}

/**
 * bench_ops() - what arming and cancelling cost on one CPU
 *
 * Return: 0, -ENOMEM, or -EIO if a timer fired or was not pending.
 */
int bench_ops(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < bench_nr_sizes && !ret; i++)
		ret = ops_of(bench_sizes[i]);
	return ret;
}
