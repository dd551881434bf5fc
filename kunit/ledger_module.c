// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger as a module for kernels that have no KUnit: Debian's, and those with
 * PREEMPT_RT. It runs when it is loaded; /proc/htw_ledger has the results, as KTAP.
 */
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "inversion.h"
#include "ledger.h"

/* See struct ledger_report: nobody can say more about the machine than that. */
#define GENEROUS_NS	(10 * (u64)NSEC_PER_SEC)

#define INVERSION_ROUNDS	20

static ulong ledger_seed = 20261121;
module_param(ledger_seed, ulong, 0444);
MODULE_PARM_DESC(ledger_seed, "All random numbers follow from this");

static struct ledger_report at_once;
static struct ledger_report hotplug;
static struct inversion_report inversion;

static bool balanced(const struct ledger_report *report)
{
	return report->armed && !report->unbalanced &&
	       !report->wrong_returns && !report->errors &&
	       report->armed == report->replaced + report->cancelled +
				report->expired;
}

/* A race that never happened proves nothing. */
static bool all_ends_seen(const struct ledger_report *report)
{
	return report->replaced > report->armed / 100 &&
	       report->cancelled > report->armed / 100 &&
	       report->expired > report->armed / 100;
}

static bool on_time(const struct ledger_report *report)
{
	return !report->early &&
	       report->latest_ns <= report->down_ns + GENEROUS_NS;
}

static bool quiet(const struct ledger_report *report)
{
	return !report->after_sync && !report->overlaps;
}

static void show_report(struct seq_file *m, const struct ledger_report *report)
{
	seq_printf(m, "# armed %llu replaced %llu cancelled %llu expired %llu refused %llu\n",
		   report->armed, report->replaced, report->cancelled,
		   report->expired, report->refused);
	seq_printf(m, "# unbalanced %u wrong returns %u errors %u early %u after sync %u overlaps %u\n",
		   report->unbalanced, report->wrong_returns, report->errors,
		   report->early, report->after_sync, report->overlaps);
	seq_printf(m, "# latest %llu ns, the CPU went in %llu ns\n",
		   report->latest_ns, report->down_ns);
}

static void show_result(struct seq_file *m, unsigned int *nr, bool passed,
			const char *name)
{
	seq_printf(m, "%sok %u %s\n", passed ? "" : "not ", ++*nr, name);
}

static int ledger_show(struct seq_file *m, void *unused)
{
	unsigned int nr = 0;

	seq_printf(m, "KTAP version 1\n# ledger_seed=%lu\n1..8\n", ledger_seed);
	show_report(m, &at_once);
	show_result(m, &nr, balanced(&at_once), "each_arming_ends_once");
	show_result(m, &nr, all_ends_seen(&at_once), "in_each_of_three_ways");
	show_result(m, &nr, on_time(&at_once), "nothing_is_early");
	show_result(m, &nr, quiet(&at_once), "sync_means_sync");

	show_report(m, &hotplug);
	show_result(m, &nr, balanced(&hotplug) && all_ends_seen(&hotplug),
		    "hotplug_loses_nothing");
	show_result(m, &nr, on_time(&hotplug) && quiet(&hotplug),
		    "hotplug_delays_no_more_than_the_cpu");

	seq_printf(m, "# preempted %u of %u callbacks; unfinished %u starved %u\n",
		   inversion.preempted, INVERSION_ROUNDS,
		   inversion.unfinished, inversion.starved);
	show_result(m, &nr, !inversion.unfinished && !inversion.starved,
		    "cancel_sync_lends_its_priority");
	show_result(m, &nr, inversion.preempted || !IS_ENABLED(CONFIG_PREEMPT_RT),
		    "callbacks_are_preemptible_on_rt");
	return 0;
}

static int __init ledger_init(void)
{
	struct ledger_params params = {
		.seed = ledger_seed,
		.rounds = 10,
		.steps = 2000,
		.cycle_cpu = LEDGER_NO_CPU,
	};
	int ret;

	if (num_online_cpus() < 2) {
		pr_err("needs two CPUs\n");
		return -ENODEV;
	}
	ret = ledger_run(&params, &at_once);
	if (ret)
		return ret;
	params.rounds = 6;
	params.steps = 100;
	params.cycle_cpu = cpumask_last(cpu_online_mask);
	ret = ledger_run(&params, &hotplug);
	if (ret)
		return ret;
	ret = inversion_run(INVERSION_ROUNDS, &inversion);
	if (ret)
		return ret;
	if (!proc_create_single("htw_ledger", 0444, NULL, ledger_show))
		return -ENOMEM;
	return 0;
}

static void __exit ledger_exit(void)
{
	remove_proc_entry("htw_ledger", NULL);
}

module_init(ledger_init);
module_exit(ledger_exit);

MODULE_DESCRIPTION("htw: timers armed and cancelled everywhere at once");
MODULE_LICENSE("GPL");
