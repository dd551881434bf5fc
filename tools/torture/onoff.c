// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs that go and come.
 */
#include "onoff.h"

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "actor.h"
#include "tally.h"
#include "torture.h"

/* Not all kernels without it have functions that say so. */
#ifndef CONFIG_HOTPLUG_CPU
#define remove_cpu(cpu)	((void)(cpu), -EOPNOTSUPP)
#define add_cpu(cpu)	((void)(cpu), -EOPNOTSUPP)
#endif

static struct task_struct *task;

/* Since when a CPU goes or comes, 0 if none does; and the longest that it took. */
static u64 since;
static u64 longest;

/**
 * onoff_delay() - how much longer timers may take because of CPUs that go or come
 *
 * Return: the longest that this took, in ns.
 */
u64 onoff_delay(void)
{
	u64 began = READ_ONCE(since);
	u64 delay = READ_ONCE(longest);

	return began ? max(delay, (u64)ktime_get() - began) : delay;
}

static void go(unsigned int cpu)
{
	if (remove_cpu(cpu))
		tally_wrong(WRONG_HOTPLUG, NULL, cpu, 0, 0);
	tally(TALLY_OFFLINE);
}

static void come(unsigned int cpu)
{
	if (add_cpu(cpu))
		tally_wrong(WRONG_HOTPLUG, NULL, cpu, 1, 0);
	else
		actors_come(cpu);
	tally(TALLY_ONLINE);
}

static void timed(void (*change)(unsigned int cpu), unsigned int cpu)
{
	u64 start = ktime_get();

	WRITE_ONCE(since, start);
	change(cpu);
	WRITE_ONCE(longest, max(longest, (u64)ktime_get() - start));
	WRITE_ONCE(since, 0);
}

/* One of those that can, up or down; or nr_cpu_ids. */
static unsigned int any_cpu(struct rnd_state *rnd)
{
	unsigned int cpu = draw(rnd, nr_cpu_ids), i;

	for (i = 0; i < nr_cpu_ids; i++) {
		cpu = (cpu + 1) % nr_cpu_ids;
		if (cpu_present(cpu) && cpu_is_hotpluggable(cpu))
			return cpu;
	}
	return nr_cpu_ids;
}

static void bring_all_back(void)
{
	unsigned int cpu;

	for_each_present_cpu(cpu)
		if (!cpu_online(cpu))
			timed(come, cpu);
}

static void rest(unsigned int ms)
{
	while (ms > 100 && !kthread_should_stop()) {
		msleep(100);
		ms -= 100;
	}
	msleep(ms);
}

/* Now and then one stays away for so long that what was forgotten there is too late. */
static void stay_away(struct rnd_state *rnd)
{
	if (!draw(rnd, 4))
		rest(div_u64(torture_bound(), NSEC_PER_MSEC) + 1000);
}

static void change_one(struct rnd_state *rnd)
{
	unsigned int cpu = any_cpu(rnd);

	if (cpu >= nr_cpu_ids)
		return;
	if (!cpu_online(cpu)) {
		timed(come, cpu);
	} else if (num_online_cpus() > 1) {
		timed(go, cpu);
		stay_away(rnd);
	}
}

/* At the end all are there again. */
static int onoff_thread(void *unused)
{
	struct rnd_state rnd;

	draw_init(&rnd, 4ULL << 32);
	while (!kthread_should_stop()) {
		change_one(&rnd);
		rest(1 + draw(&rnd, 2 * torture.onoff_ms));
	}
	bring_all_back();
	return 0;
}

/**
 * onoff_start() - begin with it, if it is wanted
 *
 * Return: 0 or an errno.
 */
int onoff_start(void)
{
	if (!torture.onoff_ms)
		return 0;
	task = kthread_run(onoff_thread, NULL, "htw_torture/onoff");
	return PTR_ERR_OR_ZERO(task);
}

/**
 * onoff_stop() - end it, with all CPUs there
 */
void onoff_stop(void)
{
	if (!IS_ERR_OR_NULL(task))
		kthread_stop(task);
}
