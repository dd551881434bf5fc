// SPDX-License-Identifier: GPL-2.0
/*
 * Three priorities on one CPU: a callback of some ms, which on PREEMPT_RT runs in a
 * thread of low priority; a real-time task which cancels that timer and waits for
 * the callback to end; and one of a priority in between, which wants the CPU all
 * for itself until the first one got what it waits for:
 *
 *	low		middle		high
 *
 *	callback
 *	  wakes high
 *					wakes middle
 *					htw_cancel_sync()
 *	  lent the priority
 *	  of high, it ends
 *					which returns
 *			sees that, ends
 *
 * If high spun, or slept without lending its priority, low would never run again.
 * Elsewhere no task runs before the callback has ended, and nobody waits.
 */
#include "inversion.h"

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/htw.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <uapi/linux/sched/types.h>

#define INVERSION_CPU	1
#define PRIORITY_MIDDLE	30
#define PRIORITY_HIGH	60

/* How long the callback takes, and when the one in between gives up. */
#define CALLBACK_MS	5
#define MIDDLE_NS	(5 * (u64)NSEC_PER_SEC)

static struct {
	struct htw_timer	timer;
	struct completion	wake_high;
	struct completion	wake_middle;
	struct completion	high_done;
	struct completion	middle_done;
	bool			started;
	bool			ended;
	bool			cancelled;
	struct inversion_report	*report;
} run;

static void slow_callback(struct htw_timer *timer)
{
	WRITE_ONCE(run.started, true);
	complete(&run.wake_high);
	mdelay(CALLBACK_MS);
	WRITE_ONCE(run.ended, true);
}

static int high_thread(void *unused)
{
	wait_for_completion(&run.wake_high);
	run.report->preempted += !READ_ONCE(run.ended);
	complete(&run.wake_middle);
	htw_cancel_sync(&run.timer);
	run.report->unfinished += !READ_ONCE(run.ended);
	WRITE_ONCE(run.cancelled, true);
	kthread_complete_and_exit(&run.high_done, 0);
}

static int middle_thread(void *unused)
{
	u64 start;

	wait_for_completion(&run.wake_middle);
	start = ktime_get();
	while (!READ_ONCE(run.cancelled) && ktime_get() < start + MIDDLE_NS)
		cpu_relax();
	run.report->starved += !READ_ONCE(run.cancelled);
	kthread_complete_and_exit(&run.middle_done, 0);
}

static int start_fifo(int (*function)(void *unused), unsigned int priority,
		      const char *name)
{
	const struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = SCHED_FIFO,
		.sched_priority = priority,
	};
	struct task_struct *task = kthread_create(function, NULL, "%s", name);
	int ret;

	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, INVERSION_CPU);
	ret = sched_setattr_nocheck(task, &attr);
	if (ret)
		kthread_stop(task);
	else
		wake_up_process(task);
	return ret;
}

static void arm_here(void *unused)
{
	htw_schedule(&run.timer, NSEC_PER_MSEC);
}

/* The threads are asleep before the timer that wakes them is armed. */
static int run_round(void)
{
	int ret;

	run.started = false;
	run.ended = false;
	run.cancelled = false;
	init_completion(&run.wake_high);
	init_completion(&run.wake_middle);
	init_completion(&run.high_done);
	init_completion(&run.middle_done);

	ret = start_fifo(middle_thread, PRIORITY_MIDDLE, "htw_middle");
	if (ret)
		return ret;
	ret = start_fifo(high_thread, PRIORITY_HIGH, "htw_high");
	if (ret) {
		run.cancelled = true;
		complete(&run.wake_middle);
	} else {
		msleep(20);
		smp_call_function_single(INVERSION_CPU, arm_here, NULL, 1);
		wait_for_completion(&run.high_done);
	}
	wait_for_completion(&run.middle_done);
	return ret;
}

/**
 * inversion_run() - cancel a timer over its callback, from a higher priority
 * @rounds: how often
 * @report: what came of it; all of it is written
 *
 * Context: Task.
 * Return: 0, or why a thread could not be started.
 */
int inversion_run(unsigned int rounds, struct inversion_report *report)
{
	unsigned int i;
	int ret = 0;

	memset(report, 0, sizeof(*report));
	run.report = report;
	htw_timer_setup(&run.timer, slow_callback, 0);
	/* Once starved is enough: it takes seconds. */
	for (i = 0; !ret && !report->starved && i < rounds; i++)
		ret = run_round();
	htw_shutdown_sync(&run.timer);
	return ret;
}
