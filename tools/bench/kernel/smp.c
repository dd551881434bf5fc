// SPDX-License-Identifier: GPL-2.0
/*
 * All CPUs at once, each with timers of its own and a neighbour's:
 *
 * arm_local: each arms its own.
 * cancel_remote: each cancels those that its neighbour has armed.
 * migrate: each re-arms those of its neighbour for an earlier time, which brings
 * them here.
 */
#include "bench.h"

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/kthread.h>
#include <linux/printk.h>
#include <linux/slab.h>

#define MAX_CPUS	8

struct worker {
	struct bench_load *load;
	u64 (*work)(struct bench_load *load, const u32 *order);
	u64 spent;
	struct completion done;
};

struct smp_run {
	unsigned int nr;
	unsigned int cpus;
	struct bench_load *loads[MAX_CPUS];
	struct worker workers[MAX_CPUS];
	const struct bench_peer *peer;
	unsigned int round;
};

static atomic_t not_ready;

static int work(void *arg)
{
	struct worker *worker = arg;

	atomic_dec(&not_ready);
	while (atomic_read(&not_ready) > 0)
		cond_resched();
	worker->spent = worker->work(worker->load, worker->load->shuffled);
	kthread_complete_and_exit(&worker->done, 0);
}

static struct task_struct *start_worker(struct smp_run *run, unsigned int cpu)
{
	struct worker *worker = &run->workers[cpu];
	struct task_struct *task;

	init_completion(&worker->done);
	task = kthread_create(work, worker, "htw_bench/%u", cpu);
	if (IS_ERR(task))
		return task;
	kthread_bind(task, cpu);
	return task;
}

/* All CPUs do it to the timers of the CPU that is @distance further. */
static int on_all(struct smp_run *run, unsigned int distance, const char *bench,
		  u64 (*what)(struct bench_load *load, const u32 *order))
{
	struct task_struct *tasks[MAX_CPUS];
	unsigned int cpu;
	u64 sum = 0;

	for (cpu = 0; cpu < run->cpus; cpu++) {
		run->workers[cpu].load = run->loads[(cpu + distance) % run->cpus];
		run->workers[cpu].work = what;
		tasks[cpu] = start_worker(run, cpu);
		if (IS_ERR(tasks[cpu]))
			goto err_stop;
	}
	atomic_set(&not_ready, run->cpus);
	for (cpu = 0; cpu < run->cpus; cpu++)
		wake_up_process(tasks[cpu]);
	for (cpu = 0; cpu < run->cpus; cpu++) {
		wait_for_completion(&run->workers[cpu].done);
		sum += run->workers[cpu].spent;
	}
	if (bench && run->round)
		bench_sample(bench, run->nr, run->cpus, run->peer->name, run->round,
			     sum, (u64)run->nr * run->cpus, bench_unit());
	return 0;

err_stop:
	/* None of them has run yet. */
	while (cpu--)
		kthread_stop(tasks[cpu]);
	return -ENOMEM;
}

static void fill(struct smp_run *run, u64 later)
{
	struct bench_base base = bench_now();
	unsigned int cpu;

	for (cpu = 0; cpu < run->cpus; cpu++)
		bench_fill_when(run->loads[cpu], run->peer, &base,
				run->loads[cpu]->shuffled, BENCH_LEAD_NS + later);
}

static int check_answers(const struct smp_run *run, u64 want)
{
	unsigned int cpu;

	for (cpu = 0; cpu < run->cpus; cpu++)
		if (run->loads[cpu]->answers != want) {
			pr_err("CPU %u of %s: %llu timers were pending, not %llu\n", cpu,
			       run->peer->name, run->loads[cpu]->answers, want);
			return -EIO;
		}
	return 0;
}

static int cancel_remote(struct smp_run *run)
{
	fill(run, BENCH_SPAN_NS);
	return on_all(run, 0, "arm_local", run->peer->arm) ?:
		on_all(run, 1, run->cpus > 1 ? "cancel_remote" : NULL, run->peer->cancel) ?:
		check_answers(run, run->nr);
}

static int migrate(struct smp_run *run)
{
	int ret;

	fill(run, BENCH_SPAN_NS);
	ret = on_all(run, 0, NULL, run->peer->arm);
	if (ret)
		return ret;
	fill(run, 0);
	return on_all(run, 1, "migrate", run->peer->arm) ?:
		on_all(run, 1, NULL, run->peer->cancel) ?:
		check_answers(run, run->nr);
}

static int one_round(struct smp_run *run, const struct bench_peer *peer)
{
	unsigned int cpu;
	int ret;

	run->peer = peer;
	for (cpu = 0; cpu < run->cpus; cpu++) {
		bench_setup(run->loads[cpu], peer);
		bench_random_deltas(run->loads[cpu], BENCH_SPAN_NS);
		bench_shuffle(run->loads[cpu]);
	}
	ret = cancel_remote(run);
	if (!ret && run->cpus > 1)
		ret = migrate(run);
	return ret;
}

static int all_rounds(struct smp_run *run)
{
	unsigned int i, cpu;
	int ret = 0;

	for (run->round = 0; run->round <= bench_rounds && !ret; run->round++) {
		for (cpu = 0; cpu < run->cpus; cpu++)
			bench_measure_overhead(run->loads[cpu]);
		for (i = 0; i < BENCH_NR_PEERS && !ret; i++)
			if (bench_peers[i].exact)
				ret = one_round(run, &bench_peers[i]);
	}
	return ret;
}

static int smp_of(struct smp_run *run)
{
	unsigned int cpu;
	int ret = -ENOMEM;

	for (cpu = 0; cpu < run->cpus; cpu++) {
		run->loads[cpu] = bench_load_create(run->nr);
		if (!run->loads[cpu])
			goto out;
	}
	ret = all_rounds(run);
out:
	while (cpu--)
		bench_load_destroy(run->loads[cpu]);
	return ret;
}

/**
 * bench_smp() - what CPUs cost each other
 *
 * Return: 0, -ENOMEM, or -EIO if a timer was not pending.
 */
int bench_smp(void)
{
	struct smp_run *run = kzalloc(sizeof(*run), GFP_KERNEL);
	unsigned int i;
	int ret = 0;

	if (!run)
		return -ENOMEM;
	run->cpus = min_t(unsigned int, num_online_cpus(), MAX_CPUS);
	for (i = 0; i < bench_nr_sizes && !ret; i++) {
		run->nr = bench_sizes[i];
		ret = smp_of(run);
	}
	kfree(run);
	return ret;
}
