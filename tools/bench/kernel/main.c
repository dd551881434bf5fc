// SPDX-License-Identifier: GPL-2.0
/* Runs what the parameters name, when it is loaded or at the end of the boot. */
#include "bench.h"

#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/string.h>

static char *run = "";
module_param(run, charp, 0444);
MODULE_PARM_DESC(run, "What to run, separated by commas: ops, expire, expire_minute, smp, slack, alone, tick_work, late_live, late_minute, window_idle, window_pending, window_burst");

unsigned int bench_rounds = 5;
module_param_named(rounds, bench_rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "Number of rounds, after one that is not counted (default 5)");

unsigned int bench_sizes[8] = { 1000, 10000, 100000, 1000000 };
unsigned int bench_nr_sizes = 4;
module_param_array_named(sizes, bench_sizes, uint, &bench_nr_sizes, 0444);
MODULE_PARM_DESC(sizes, "Numbers of timers (default 1000,10000,100000,1000000)");

static bool halt_after;
module_param_named(halt, halt_after, bool, 0444);
MODULE_PARM_DESC(halt, "Stop the machine at the end, for a kernel without user space (default N)");

static char *unit = "ns";
module_param(unit, charp, 0444);
MODULE_PARM_DESC(unit, "What a ns of the clock is, for machines on which it is something else (default ns)");

static char *as = "htw";
module_param(as, charp, 0444);
MODULE_PARM_DESC(as, "What to call htw in the samples, to compare two of it (default htw)");

static char *only = "";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "In the windows: this one of htw, timer_list and hrtimer (default all)");

static int late_live(void)
{
	return bench_lateness("late_live", 20000, 2 * (u64)NSEC_PER_SEC);
}

static int late_minute(void)
{
	return bench_lateness("late_minute", 100000, BENCH_SPAN_NS);
}

static const struct suite {
	const char *name;
	int (*run)(void);
} suites[] = {
	{ "ops", bench_ops },
	{ "expire", bench_expire },
	{ "expire_minute", bench_expire_minute },
	{ "smp", bench_smp },
	{ "slack", bench_slack },
	{ "alone", bench_alone },
	{ "tick_work", bench_tick_work },
	{ "late_live", late_live },
	{ "late_minute", late_minute },
	{ "window_idle", bench_window_idle },
	{ "window_pending", bench_window_pending },
	{ "window_burst", bench_window_burst },
};

/**
 * bench_unit() - the unit of bench_clock()
 *
 * Return: ns, or what the parameter says.
 */
const char *bench_unit(void)
{
	return unit;
}

/**
 * bench_is_wanted() - was it asked for?
 * @peer: the peer
 *
 * Return: true unless another one was named.
 */
bool bench_is_wanted(const struct bench_peer *peer)
{
	return !*only || !strcmp(only, peer->name);
}

/**
 * bench_sample() - print one value
 * @bench: what was measured
 * @nr: number of timers
 * @cpus: number of CPUs that did it
 * @peer: who did it
 * @round: in which round
 * @total: how much of @unit it took
 * @steps: for how many steps
 * @unit: of the value that is printed, which is @total by @steps
 */
void bench_sample(const char *bench, unsigned int nr, unsigned int cpus,
		  const char *peer, unsigned int round, u64 total, u64 steps,
		  const char *unit)
{
	u64 milli = div64_u64(total * 1000, steps);
	u32 rest;

	if (!strcmp(peer, "htw"))
		peer = as;
	milli = div_u64_rem(milli, 1000, &rest);
	pr_info("sample bench=%s n=%u cpus=%u peer=%s round=%u value=%llu.%03u unit=%s\n",
		bench, nr, cpus, peer, round, milli, rest, unit);
}

static bool is_named(const char *name)
{
	size_t len = strlen(name);
	const char *at;

	for (at = run; (at = strstr(at, name)); at += len)
		if ((at == run || at[-1] == ',') && (!at[len] || at[len] == ','))
			return true;
	return false;
}

static int run_suites(void)
{
	const struct suite *suite;
	int ret;

	for (suite = suites; suite < suites + ARRAY_SIZE(suites); suite++) {
		if (!is_named(suite->name))
			continue;
		ret = suite->run();
		if (ret) {
			pr_err("failed: %s: %d\n", suite->name, ret);
			return ret;
		}
	}
	pr_info("done\n");
	return 0;
}

static DECLARE_COMPLETION(finished);
static int result;

static int bench_thread(void *unused)
{
	result = run_suites();
	kthread_complete_and_exit(&finished, 0);
}

/* A thread that wandered would take its timers along. */
static int run_on_first_cpu(void)
{
	struct task_struct *task = kthread_create(bench_thread, NULL, "htw_bench");

	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, 0);
	wake_up_process(task);
	wait_for_completion(&finished);
	return result;
}

static int __init bench_init(void)
{
	int ret = 0;

	if (*run)
		ret = run_on_first_cpu();
	if (halt_after)
		kernel_halt();
	return ret;
}

static void __exit bench_exit(void)
{
}

/* If it is built in: after all that could still be starting. */
late_initcall(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Benchmarks of htw beside timer_list and hrtimer");
MODULE_AUTHOR("The htw developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(HTW_VERSION);
