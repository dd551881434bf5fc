// SPDX-License-Identifier: GPL-2.0
/*
 * Sleeping on the wheel.
 *
 * The sleeper and its timer share one word, sleeper.task:
 *
 *	sleeper					callback
 *
 *	state = sleeping
 *	full barrier				task = NULL
 *	task not NULL: schedule()		wake_up_process(): full barrier,
 *						 wakes who is not running
 *
 * Whoever is first, the other one sees it, so no wake-up is lost. Only task being
 * NULL says that the time is up: others may wake the task for reasons of theirs.
 *
 * The timer is on the sleeper's stack. The sleeper does not return before it is
 * shut down, that is before the callback has done with both.
 */
#include <linux/export.h>
#include <linux/htw.h>
#include <linux/htw_sleep.h>
#include <linux/kernel.h>
#include <linux/sched/signal.h>

struct sleeper {
	struct htw_timer	timer;
	struct task_struct	*task;
};

static void sleeper_expired(struct htw_timer *timer)
{
	struct sleeper *sleeper = container_of(timer, struct sleeper, timer);
	struct task_struct *task = sleeper->task;

	WRITE_ONCE(sleeper->task, NULL);
	wake_up_process(task);
}

static void wait_for_timer(struct sleeper *sleeper, unsigned int state)
{
	for (;;) {
		set_current_state(state);
		if (!READ_ONCE(sleeper->task) ||
		    signal_pending_state(state, current))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

/**
 * htw_sleep_until_range() - sleep until a time, with slack and a state
 * @expires: on CLOCK_MONOTONIC; what is past returns at once
 * @slack_ns: how much longer it may last, in ns; see htw_schedule_range()
 * @state: who may end it before: TASK_UNINTERRUPTIBLE and TASK_IDLE nobody,
 *	TASK_KILLABLE what kills the task, TASK_INTERRUPTIBLE any signal
 *
 * Wake-ups that are not for a signal don't end it.
 *
 * The error for a signal is -EINTR, not -ERESTARTSYS: only the caller knows whether
 * what is left of its sleep would be asked for again. Who sleeps until an absolute
 * time in a system call without other effects may return -ERESTARTSYS instead.
 *
 * Context: Task; sleeps.
 * Return:
 * * 0			- it is @expires or later
 * * %-EINTR		- it is not; a signal is pending
 * * %-ENODEV		- it may not be: htw is built into the kernel and not
 *   initialised yet
 */
int htw_sleep_until_range(ktime_t expires, u64 slack_ns, unsigned int state)
{
	struct sleeper sleeper = { .task = current };
	int ret;

	might_sleep();

	if (ktime_get() >= expires)
		return 0;

	htw_timer_setup_on_stack(&sleeper.timer, sleeper_expired, 0);
	ret = htw_schedule_range(&sleeper.timer, expires, slack_ns, 0);
	if (ret >= 0)
		wait_for_timer(&sleeper, state);
	htw_shutdown_sync(&sleeper.timer);
	htw_timer_destroy_on_stack(&sleeper.timer);
	if (ret < 0)
		return ret;
	return ktime_get() >= expires ? 0 : -EINTR;
}
EXPORT_SYMBOL_GPL(htw_sleep_until_range);

/**
 * htw_sleep_range() - sleep, with slack and a state
 * @delay_ns: how long, in ns; zero and less return at once
 * @slack_ns: how much longer it may last, in ns; see htw_schedule_range()
 * @state: as for htw_sleep_until_range()
 * @remaining_ns: if not NULL, set to the ns that were left; 0 if none were
 *
 * Context: Task; sleeps.
 * Return: as htw_sleep_until_range().
 */
int htw_sleep_range(s64 delay_ns, u64 slack_ns, unsigned int state,
		    s64 *remaining_ns)
{
	ktime_t expires = ktime_add_safe(ktime_get(), max_t(s64, delay_ns, 0));
	int ret;

	ret = htw_sleep_until_range(expires, slack_ns, state);
	if (remaining_ns)
		*remaining_ns = ret ? max_t(s64, expires - ktime_get(), 0) : 0;
	return ret;
}
EXPORT_SYMBOL_GPL(htw_sleep_range);
