/* SPDX-License-Identifier: GPL-2.0 */
/*
 * htw: sleeping on the wheel. Never shorter than asked for; longer by what a timer
 * may be late, see <linux/htw.h>, and by what the scheduler takes.
 */
#ifndef _LINUX_HTW_SLEEP_H
#define _LINUX_HTW_SLEEP_H

#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/types.h>

int htw_sleep_until_range(ktime_t expires, u64 slack_ns, unsigned int state);
int htw_sleep_range(s64 delay_ns, u64 slack_ns, unsigned int state,
		    s64 *remaining_ns);

/**
 * htw_sleep() - sleep, whatever signals come
 * @delay_ns: how long, in ns; zero and less return at once
 *
 * Context: Task.
 * Return: 0, or -ENODEV as htw_sleep_until_range().
 */
static inline int htw_sleep(s64 delay_ns)
{
	return htw_sleep_range(delay_ns, 0, TASK_UNINTERRUPTIBLE, NULL);
}

/**
 * htw_sleep_killable() - sleep until the time is up or the task is killed
 * @delay_ns: how long, in ns; zero and less return at once
 * @remaining_ns: if not NULL, set to the ns that were left; 0 if none were
 *
 * Context: Task.
 * Return: 0 if the time is up; -EINTR and -ENODEV as htw_sleep_until_range().
 */
static inline int htw_sleep_killable(s64 delay_ns, s64 *remaining_ns)
{
	return htw_sleep_range(delay_ns, 0, TASK_KILLABLE, remaining_ns);
}

/**
 * htw_sleep_interruptible() - sleep until the time is up or a signal comes
 * @delay_ns: how long, in ns; zero and less return at once
 * @remaining_ns: if not NULL, set to the ns that were left; 0 if none were
 *
 * Context: Task.
 * Return: 0 if the time is up; -EINTR and -ENODEV as htw_sleep_until_range().
 */
static inline int htw_sleep_interruptible(s64 delay_ns, s64 *remaining_ns)
{
	return htw_sleep_range(delay_ns, 0, TASK_INTERRUPTIBLE, remaining_ns);
}

/**
 * htw_sleep_until() - sleep until a time, whatever signals come
 * @expires: on CLOCK_MONOTONIC; what is past returns at once
 *
 * Context: Task.
 * Return: 0, or -ENODEV as htw_sleep_until_range().
 */
static inline int htw_sleep_until(ktime_t expires)
{
	return htw_sleep_until_range(expires, 0, TASK_UNINTERRUPTIBLE);
}

/**
 * htw_sleep_until_killable() - sleep until a time or until the task is killed
 * @expires: on CLOCK_MONOTONIC; what is past returns at once
 *
 * Context: Task.
 * Return: 0 if the time is up; -EINTR and -ENODEV as htw_sleep_until_range().
 */
static inline int htw_sleep_until_killable(ktime_t expires)
{
	return htw_sleep_until_range(expires, 0, TASK_KILLABLE);
}

/**
 * htw_sleep_until_interruptible() - sleep until a time or until a signal comes
 * @expires: on CLOCK_MONOTONIC; what is past returns at once
 *
 * Context: Task.
 * Return: 0 if the time is up; -EINTR and -ENODEV as htw_sleep_until_range().
 */
static inline int htw_sleep_until_interruptible(ktime_t expires)
{
	return htw_sleep_until_range(expires, 0, TASK_INTERRUPTIBLE);
}

#endif /* _LINUX_HTW_SLEEP_H */
