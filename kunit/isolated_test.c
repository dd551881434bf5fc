// SPDX-License-Identifier: GPL-2.0
/*
 * Timers on a machine of which a CPU was isolated (nohz_full=, isolcpus=): nothing
 * comes there but what was armed for that very CPU.
 *
 * For a kernel that was booted so; on another one there is nothing to be seen.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/htw.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/tick.h>

#include "base.h"
#include "ledger.h"

#define WAIT		(60 * HZ)
#define NR_PROBES	50

/**
 * struct probe - a timer that notes where it fired
 * @timer: the timer
 * @done: it has fired
 * @fired_on: the CPU
 */
struct probe {
	struct htw_timer	timer;
	struct completion	done;
	unsigned int		fired_on;
};

static unsigned int isolated_cpu;

static void probe_fired(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	probe->fired_on = raw_smp_processor_id();
	complete(&probe->done);
}

static struct probe *make_probes(struct kunit *test, unsigned int flags)
{
	struct probe *probes;
	unsigned int i;

	probes = kunit_kcalloc(test, NR_PROBES, sizeof(*probes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, probes);
	for (i = 0; i < NR_PROBES; i++) {
		init_completion(&probes[i].done);
		htw_timer_setup(&probes[i].timer, probe_fired, flags);
	}
	return probes;
}

/* In an interrupt on the isolated CPU. */
static void arm_all(void *arg)
{
	struct probe *probes = arg;
	unsigned int i;

	for (i = 0; i < NR_PROBES; i++)
		htw_schedule(&probes[i].timer, i * NSEC_PER_MSEC / 2);
}

static unsigned long interrupts(void)
{
	return READ_ONCE(htw_base_of_cpu(isolated_cpu)->nr_interrupts);
}

/* How many of them fired on the isolated CPU; all of them have fired. */
static unsigned int wait_all(struct kunit *test, struct probe *probes)
{
	unsigned int i, there = 0;

	for (i = 0; i < NR_PROBES; i++) {
		KUNIT_ASSERT_GT(test,
				wait_for_completion_timeout(&probes[i].done, WAIT),
				0UL);
		htw_shutdown_sync(&probes[i].timer);
		there += probes[i].fired_on == isolated_cpu;
	}
	return there;
}

static void timers_go_to_a_housekeeping_cpu(struct kunit *test)
{
	struct probe *probes = make_probes(test, 0);
	unsigned long before = interrupts();

	smp_call_function_single(isolated_cpu, arm_all, probes, 1);
	KUNIT_EXPECT_EQ(test, wait_all(test, probes), 0U);
	KUNIT_EXPECT_EQ(test, interrupts(), before);
}

static void pinned_timers_stay(struct kunit *test)
{
	struct probe *probes = make_probes(test, HTW_PINNED);

	smp_call_function_single(isolated_cpu, arm_all, probes, 1);
	KUNIT_EXPECT_EQ(test, wait_all(test, probes), (unsigned int)NR_PROBES);
}

static void schedule_on_is_obeyed(struct kunit *test)
{
	struct probe *probes = make_probes(test, 0);
	u64 now = ktime_get();
	unsigned int i;

	for (i = 0; i < NR_PROBES; i++)
		htw_schedule_on(&probes[i].timer, now + i * NSEC_PER_MSEC / 2,
				isolated_cpu);
	KUNIT_EXPECT_EQ(test, wait_all(test, probes), (unsigned int)NR_PROBES);
}

/* Half of all armings are on a CPU that is not to take them. */
static void each_arming_ends_once(struct kunit *test)
{
	const struct ledger_params params = {
		.seed = 7,
		.rounds = 4,
		.steps = 500,
		.cycle_cpu = LEDGER_NO_CPU,
	};
	struct ledger_report report;

	KUNIT_ASSERT_EQ(test, ledger_run(&params, &report), 0);
	KUNIT_EXPECT_GT(test, report.armed, 1000ULL);
	KUNIT_EXPECT_EQ(test, report.armed, report.replaced +
			report.cancelled + report.expired);
	KUNIT_EXPECT_EQ(test, report.unbalanced + report.early +
			report.after_sync + report.overlaps +
			report.wrong_returns, 0U);
}

static int isolated_init(struct kunit *test)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		if (tick_nohz_full_cpu(cpu)) {
			isolated_cpu = cpu;
			return 0;
		}
	}
	kunit_skip(test, "no CPU is isolated: boot with nohz_full=1");
}

static struct kunit_case isolated_cases[] = {
	KUNIT_CASE(timers_go_to_a_housekeeping_cpu),
	KUNIT_CASE(pinned_timers_stay),
	KUNIT_CASE(schedule_on_is_obeyed),
	KUNIT_CASE(each_arming_ends_once),
	{}
};

static struct kunit_suite isolated_suite = {
	.name = "htw_isolated",
	.init = isolated_init,
	.test_cases = isolated_cases,
};

kunit_test_suite(isolated_suite);

