// SPDX-License-Identifier: GPL-2.0
/*
 * Everybody does everything to the same timers, on all CPUs, and while a CPU goes
 * and comes. The ledger (ledger.c) says whether each arming ended exactly once.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/module.h>

#include "base.h"
#include "ledger.h"
#include "two_cpus.h"

/* Much more than a CPU takes to notice that it has to hurry. */
#define GENEROUS_NS	(10 * (u64)NSEC_PER_SEC)

static ulong ledger_seed = 20261121;
module_param(ledger_seed, ulong, 0444);
MODULE_PARM_DESC(ledger_seed, "Random numbers of the suite htw_smp follow from this");

static void judge(struct kunit *test, const struct ledger_report *report)
{
	kunit_info(test, "ledger_seed=%lu: %llu armed, %llu replaced, %llu cancelled, %llu expired, %llu refused",
		   ledger_seed, report->armed, report->replaced,
		   report->cancelled, report->expired, report->refused);
	KUNIT_EXPECT_EQ(test, report->armed, report->replaced +
			report->cancelled + report->expired);
	KUNIT_EXPECT_EQ(test, report->unbalanced, 0U);
	KUNIT_EXPECT_EQ(test, report->early, 0U);
	KUNIT_EXPECT_EQ(test, report->after_sync, 0U);
	KUNIT_EXPECT_EQ(test, report->overlaps, 0U);
	KUNIT_EXPECT_EQ(test, report->wrong_returns, 0U);
	KUNIT_EXPECT_EQ(test, report->errors, 0U);

	/* Or the race never happened. */
	KUNIT_EXPECT_GT(test, report->replaced, report->armed / 100);
	KUNIT_EXPECT_GT(test, report->cancelled, report->armed / 100);
	KUNIT_EXPECT_GT(test, report->expired, report->armed / 100);
	KUNIT_EXPECT_GT(test, num_online_cpus(), 1U);
}

static void each_arming_ends_once(struct kunit *test)
{
	const struct ledger_params params = {
		.seed = ledger_seed,
		.rounds = 12,
		.steps = 1000,
		.cycle_cpu = LEDGER_NO_CPU,
	};
	struct ledger_report report;

	KUNIT_ASSERT_EQ(test, ledger_run(&params, &report), 0);
	judge(test, &report);
	KUNIT_EXPECT_GT(test, report.refused, 0ULL);
}

#ifdef CONFIG_HOTPLUG_CPU
static bool base_is_offline(unsigned int cpu)
{
	return !READ_ONCE(htw_base_of_cpu(cpu)->online);
}

/* Or they would wait until it comes back. */
static u64 left_on_base(unsigned int cpu)
{
	return READ_ONCE(htw_base_of_cpu(cpu)->wheel->nr_pending);
}

/* Also what the CPU arms when htw has already taken its timers away. */
static void hotplug_loses_nothing(struct kunit *test)
{
	const struct ledger_params params = {
		.seed = ledger_seed + 1,
		.rounds = 8,
		.steps = 100,
		.cycle_cpu = cpumask_last(cpu_online_mask),
		.offline = base_is_offline,
		.left_on = left_on_base,
	};
	struct ledger_report report;

	KUNIT_ASSERT_EQ(test, ledger_run(&params, &report), 0);
	judge(test, &report);
	kunit_info(test, "the CPU took %llu us to go; the latest timer %llu us; %llu armed by the dying CPU",
		   report.down_ns / NSEC_PER_USEC,
		   report.latest_ns / NSEC_PER_USEC, report.dying);
	KUNIT_EXPECT_GT(test, report.dying, 0ULL);
	KUNIT_EXPECT_EQ(test, report.left, 0U);
	KUNIT_EXPECT_LE(test, report.latest_ns, report.down_ns + GENEROUS_NS);
}
#endif

static struct kunit_case smp_cases[] = {
	KUNIT_CASE(each_arming_ends_once),
#ifdef CONFIG_HOTPLUG_CPU
	KUNIT_CASE(hotplug_loses_nothing),
#endif
	{}
};

static struct kunit_suite smp_suite = {
	.name = "htw_smp",
	.init = need_two_cpus,
	.test_cases = smp_cases,
};

kunit_test_suite(smp_suite);
