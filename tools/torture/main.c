// SPDX-License-Identifier: GPL-2.0
/*
 * htw_torture: everything at once, and each timer keeps a ledger.
 *
 *	insmod htw_torture.ko seconds=60 seed=7
 *	cat /proc/htw_torture
 *
 * begins, tells the log how it goes, and ends after that time or when it is unloaded.
 * Then the log has a verdict, and /proc/htw_torture the results, as KTAP.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "actor.h"
#include "errand.h"
#include "mayfly.h"
#include "onoff.h"
#include "subject.h"
#include "tally.h"
#include "torture.h"

struct torture torture = {
	.seed = 20261121,
};

module_param_named(seed, torture.seed, ulong, 0444);
MODULE_PARM_DESC(seed, "All random numbers follow from this");

module_param_named(onoff_ms, torture.onoff_ms, uint, 0444);
MODULE_PARM_DESC(onoff_ms, "How often a CPU goes or comes; 0: none does (default)");

module_param_named(subjects, torture.nr_subjects, uint, 0444);
MODULE_PARM_DESC(subjects, "Timers that everybody knows (default 64 for each CPU)");

module_param_named(threads, torture.nr_threads, uint, 0444);
MODULE_PARM_DESC(threads, "Threads that act (default 2 for each CPU)");

static unsigned int seconds = 60;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "How long (default 60)");

static unsigned int progress = 10;
module_param(progress, uint, 0444);
MODULE_PARM_DESC(progress, "A line for the log every so many seconds (default 10)");

static unsigned int late_ms = 2000;
module_param(late_ms, uint, 0444);
MODULE_PARM_DESC(late_ms, "How late a callback may be, besides what hrtimers are and what a CPU takes to go (default 2000)");

static unsigned int tick_shift = 17;
module_param(tick_shift, uint, 0444);
MODULE_PARM_DESC(tick_shift, "That of htw.ko (default 17)");

static struct task_struct *conductor;
static int start_error;

/* All has ended, and was counted. */
static bool done;

static unsigned long long sum(enum tally what)
{
	return tally_sum(what);
}

static void print_progress(u64 since)
{
	pr_info("%llu s: armed %llu replaced %llu cancelled %llu expired %llu freed %llu CPUs %llu wrong %u\n",
		div_u64(ktime_get() - since, NSEC_PER_SEC),
		sum(TALLY_ARMED), sum(TALLY_REPLACED), sum(TALLY_CANCELLED),
		sum(TALLY_EXPIRED), sum(TALLY_FREED),
		sum(TALLY_OFFLINE) + sum(TALLY_ONLINE), tally_all_wrongs());
}

static void wait_for_end(void)
{
	u64 start = ktime_get();
	u64 end = start + seconds * (u64)NSEC_PER_SEC;
	u64 next = start;

	while ((u64)ktime_get() < end && !kthread_should_stop()) {
		schedule_timeout_interruptible(HZ);
		tally_print_wrongs();
		if (!progress || (u64)ktime_get() < next)
			continue;
		next += progress * (u64)NSEC_PER_SEC;
		print_progress(start);
	}
}

static int start_all(void)
{
	return subjects_start() ?: errands_start() ?: actors_start() ?:
	       onoff_start();
}

/* Callbacks act on subjects, so those go last. */
static void stop_all(void)
{
	onoff_stop();
	actors_stop();
	subjects_stop();
	errands_stop();
	mayflies_stop();
	subjects_free();
	/* What they have left to be looked at. */
	mayflies_stop();
}

/**
 * torture_bound() - how long after its latest time a callback may come
 *
 * Where the machine stood still for seconds nobody was in time.
 *
 * Return: it, in ns; it grows.
 */
u64 torture_bound(void)
{
	return torture.late_ns + tally_peer_latest() + onoff_delay();
}

static void check_latest(void)
{
	if (tally_latest() > torture_bound())
		tally_wrong(WRONG_LATE, NULL, tally_latest(), torture_bound(),
			    0);
}

static void verdict(void)
{
	check_latest();
	tally_print_wrongs();
	pr_alert("End of test: %s: seed=%lu seconds=%u armed %llu wrong %u\n",
		 tally_all_wrongs() || start_error ? "FAILURE" : "SUCCESS",
		 torture.seed, seconds, sum(TALLY_ARMED), tally_all_wrongs());
}

static int conduct(void *unused)
{
	start_error = start_all();
	if (start_error)
		pr_err("could not start: error %d\n", start_error);
	else
		wait_for_end();
	stop_all();
	verdict();
	/* Pairs with that in torture_show(). */
	smp_store_release(&done, true);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static void show_tally(struct seq_file *m)
{
	seq_printf(m, "# seed=%lu seconds=%u\n", torture.seed, seconds);
	seq_printf(m, "# armed %llu: replaced %llu cancelled %llu expired %llu\n",
		   sum(TALLY_ARMED), sum(TALLY_REPLACED), sum(TALLY_CANCELLED),
		   sum(TALLY_EXPIRED));
	seq_printf(m, "# surely known %llu; latest by %llu ns, an hrtimer by %llu ns, a CPU went in %llu ns\n",
		   sum(TALLY_SURE), tally_latest(), tally_peer_latest(),
		   onoff_delay());
	seq_printf(m, "# refused: shut down %llu no CPU %llu running %llu self %llu\n",
		   sum(TALLY_SHUT), sum(TALLY_NO_CPU), sum(TALLY_RUNNING),
		   sum(TALLY_SELF));
	seq_printf(m, "# waited %llu bulk %llu pushed %llu slept %llu errands %llu\n",
		   sum(TALLY_WAITED), sum(TALLY_BULK), sum(TALLY_PUSHED),
		   sum(TALLY_SLEPT), sum(TALLY_ERRANDS));
	seq_printf(m, "# mayflies %llu freed %llu of which buried %llu\n",
		   sum(TALLY_HATCHED), sum(TALLY_FREED), sum(TALLY_BURIED));
	seq_printf(m, "# CPUs: went %llu came %llu\n", sum(TALLY_OFFLINE),
		   sum(TALLY_ONLINE));
}

/* A race that never happened proves nothing. */
static bool all_was_done(void)
{
	u64 few = sum(TALLY_ARMED) / 100;

	return !start_error && sum(TALLY_REPLACED) > few &&
	       sum(TALLY_CANCELLED) > few && sum(TALLY_EXPIRED) > few &&
	       sum(TALLY_SURE) > sum(TALLY_EXPIRED) / 10 && sum(TALLY_SHUT) &&
	       sum(TALLY_RUNNING) && sum(TALLY_SELF) && sum(TALLY_WAITED) &&
	       sum(TALLY_BULK) && sum(TALLY_PUSHED) && sum(TALLY_SLEPT) &&
	       sum(TALLY_ERRANDS) && sum(TALLY_HATCHED) && sum(TALLY_BURIED);
}

/* What each result says did not happen. */
static const struct {
	const char	*name;
	enum wrong	wrong;
} results[] = {
	{ "nothing_was_early", WRONG_EARLY },
	{ "nothing_was_late", WRONG_LATE },
	{ "nothing_was_lost", WRONG_LOST },
	{ "nothing_came_unasked", WRONG_UNASKED },
	{ "no_two_callbacks_of_a_timer_at_once", WRONG_OVERLAP },
	{ "sync_means_sync", WRONG_SYNC },
	{ "all_answers_can_be_true", WRONG_ANSWER },
	{ "ledgers_balance", WRONG_BALANCE },
	{ "callbacks_run_where_they_should", WRONG_CPU },
	{ "nothing_was_touched_after_its_end", WRONG_TOUCHED },
	{ "cpus_come_and_go", WRONG_HOTPLUG },
	{ "there_was_memory", WRONG_MEMORY },
};

static void show_result(struct seq_file *m, unsigned int nr, bool ok,
			const char *name)
{
	seq_printf(m, "%sok %u %s\n", ok ? "" : "not ", nr, name);
}

static int torture_show(struct seq_file *m, void *unused)
{
	unsigned int i;

	/* The numbers are complete. */
	if (!smp_load_acquire(&done)) {
		seq_puts(m, "# still running\n");
		return 0;
	}
	seq_printf(m, "KTAP version 1\n1..%zu\n", ARRAY_SIZE(results) + 1);
	show_tally(m);
	show_result(m, 1, all_was_done(), "everything_was_done");
	for (i = 0; i < ARRAY_SIZE(results); i++) {
		if (tally_wrongs(results[i].wrong))
			seq_printf(m, "# %u times\n",
				   tally_wrongs(results[i].wrong));
		show_result(m, i + 2, !tally_wrongs(results[i].wrong),
			    results[i].name);
	}
	return 0;
}

static void set_defaults(void)
{
	if (!torture.nr_subjects)
		torture.nr_subjects = 64 * num_possible_cpus();
	if (!torture.nr_threads)
		torture.nr_threads = 2 * num_possible_cpus();
	torture.late_ns = late_ms * (u64)NSEC_PER_MSEC;
	torture.tick_ns = 1ULL << tick_shift;
}

static int __init torture_init(void)
{
	if (tick_shift > 30)
		return -EINVAL;
	set_defaults();
	if (!proc_create_single("htw_torture", 0444, NULL, torture_show))
		return -ENOMEM;
	conductor = kthread_run(conduct, NULL, "htw_torture");
	if (IS_ERR(conductor)) {
		remove_proc_entry("htw_torture", NULL);
		return PTR_ERR(conductor);
	}
	pr_info("seed=%lu seconds=%u onoff_ms=%u subjects=%u threads=%u late_ms=%u\n",
		torture.seed, seconds, torture.onoff_ms, torture.nr_subjects,
		torture.nr_threads, late_ms);
	return 0;
}

static void __exit torture_exit(void)
{
	kthread_stop(conductor);
	remove_proc_entry("htw_torture", NULL);
}

module_init(torture_init);
module_exit(torture_exit);

MODULE_DESCRIPTION("htw: everything at once, with a ledger of each timer");
MODULE_LICENSE("GPL");
