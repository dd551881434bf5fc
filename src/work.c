// SPDX-License-Identifier: GPL-2.0
/*
 * Delayed work: a timer whose callback puts work on a workqueue.
 *
 * States
 * ------
 *
 *	idle		neither waiting nor on a workqueue; the function may be running
 *	waiting		dwork->waiting; the timer is pending, or its callback is on
 *			the way
 *	queued		work_pending(): the function has not yet begun
 *
 * Queueing takes an idle work to waiting (or queued, without a delay), the timer's
 * callback takes a waiting one to queued, the workqueue a queued one to idle. All
 * but the last happens under a lock, so between looking at the state and changing
 * it a queued work can become idle, and nothing else.
 *
 * The lock
 * --------
 *
 * A raw spinlock, taken with interrupts disabled. The locks of bases and of
 * workqueues are taken within it; nothing is taken outside of it.
 *
 * It is not in the work, because the function may free that as soon as it is queued,
 * while who queued it still has the lock. So there is a table of locks, found by the
 * address of the work, and queue_work_on() is the last that anybody does with a work
 * before the lock is let go.
 *
 * A callback on the way
 * ---------------------
 *
 * Between the expiry of the timer and its callback's taking the lock nobody can stop
 * the callback, nor let it come in vain: who cancels a work may free it. So who finds
 * a work waiting, but can't cancel its timer, lets go of the lock and tries again:
 * the callback is about to take it. See lock_and_stop_timer(). The callback is called
 * with interrupts disabled (HTW_OWNER_IRQSAFE), so who spins can neither have
 * interrupted it nor, on PREEMPT_RT, preempted it.
 *
 * Ending what queues itself
 * -------------------------
 *
 * cancel_work_sync() keeps the function from queueing its work, but not from arming a
 * timer that does. So a work is disabled as long as somebody waits for its function,
 * and who wants to queue it is refused.
 */
#include "base.h"

#include <linux/export.h>
#include <linux/hash.h>
#include <linux/htw_work.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/spinlock.h>

#define LOCK_BITS	6

struct work_lock {
	raw_spinlock_t	lock;
} ____cacheline_aligned_in_smp;

static struct work_lock work_locks[1 << LOCK_BITS] = {
	[0 ... (1 << LOCK_BITS) - 1] = {
		.lock = __RAW_SPIN_LOCK_UNLOCKED(work_locks.lock),
	},
};

static raw_spinlock_t *lock_of(const struct htw_delayed_work *dwork)
{
	return &work_locks[hash_ptr(dwork, LOCK_BITS)].lock;
}

/*
 * Locks @dwork, with its timer stopped. Returns true if it was pending: the work was
 * waiting, and it is for the caller to say what becomes of it.
 */
static bool lock_and_stop_timer(struct htw_delayed_work *dwork,
				unsigned long *flags)
	__acquires(lock_of(dwork))
{
	for (;;) {
		raw_spin_lock_irqsave(lock_of(dwork), *flags);
		if (!dwork->waiting)
			return false;
		if (htw_cancel(&dwork->timer)) {
			dwork->waiting = false;
			return true;
		}
		/* Expired: its callback waits for the lock. */
		raw_spin_unlock_irqrestore(lock_of(dwork), *flags);
		cpu_relax();
	}
}

/* The same with the work taken off its workqueue too. */
static bool lock_and_withdraw(struct htw_delayed_work *dwork,
			      unsigned long *flags)
	__acquires(lock_of(dwork))
{
	if (lock_and_stop_timer(dwork, flags))
		return true;
	/* A disabled one is not queued, though on 6.1 it may look like it. */
	return !dwork->disabled && cancel_work(&dwork->work);
}

static void delay_over(struct htw_timer *timer)
{
	struct htw_delayed_work *dwork =
		container_of(timer, struct htw_delayed_work, timer);
	unsigned long flags;

	raw_spin_lock_irqsave(lock_of(dwork), flags);
	dwork->waiting = false;
	queue_work_on(dwork->cpu, dwork->wq, &dwork->work);
	raw_spin_unlock_irqrestore(lock_of(dwork), flags);
}

/**
 * htw_timer_hint() - the function by which messages name a timer
 * @timer: the timer
 *
 * Return: its callback; of a delayed work the work's function, which tells whose it is.
 */
void *htw_timer_hint(const struct htw_timer *timer)
{
	if (timer->function != delay_over)
		return timer->function;
	return container_of(timer, struct htw_delayed_work, timer)->work.func;
}

static void setup_timer(struct htw_delayed_work *dwork)
{
	htw_timer_setup(&dwork->timer, delay_over, 0);
	dwork->timer.node.owner |= HTW_OWNER_IRQSAFE;
}

static void setup_stack_timer(struct htw_delayed_work *dwork)
{
	htw_timer_setup_on_stack(&dwork->timer, delay_over, 0);
	dwork->timer.node.owner |= HTW_OWNER_IRQSAFE;
}

/**
 * __htw_delayed_work_init() - see INIT_HTW_DELAYED_WORK()
 * @dwork: the delayed work, with its work initialised
 * @onstack: it is on the stack
 *
 * Context: Any.
 */
void __htw_delayed_work_init(struct htw_delayed_work *dwork, bool onstack)
{
	if (onstack)
		setup_stack_timer(dwork);
	else
		setup_timer(dwork);
	dwork->wq = NULL;
	dwork->cpu = WORK_CPU_UNBOUND;
	dwork->waiting = false;
	dwork->disabled = 0;
}
EXPORT_SYMBOL_GPL(__htw_delayed_work_init);

/**
 * htw_destroy_delayed_work_on_stack() - the end of a delayed work on the stack
 * @dwork: the delayed work, after htw_cancel_delayed_work_sync()
 *
 * Nobody can queue it any more, and debugobjects knows that it is gone.
 *
 * Context: Task.
 */
void htw_destroy_delayed_work_on_stack(struct htw_delayed_work *dwork)
{
	htw_shutdown_sync(&dwork->timer);
	htw_timer_destroy_on_stack(&dwork->timer);
	destroy_work_on_stack(&dwork->work);
}
EXPORT_SYMBOL_GPL(htw_destroy_delayed_work_on_stack);

static bool wait_for_delay(struct htw_delayed_work *dwork, s64 delay, u64 slack)
{
	ktime_t expires = ktime_add_safe(ktime_get(), delay);
	int ret;

	/* That of DEFINE_HTW_DELAYED_WORK() is set up when it is first needed. */
	if (unlikely(!dwork->timer.function))
		setup_timer(dwork);
	ret = htw_schedule_range(&dwork->timer, expires, slack, 0);
	WARN_ONCE(ret < 0, "htw: %ps is not queued: error %d\n",
		  dwork->work.func, ret);
	return ret >= 0;
}

/* Queues an idle work. Without a delay nobody touches it afterwards: see "The lock". */
static bool start(struct htw_delayed_work *dwork, int cpu,
		  struct workqueue_struct *wq, s64 delay, u64 slack)
{
	if (delay <= 0)
		return queue_work_on(cpu, wq, &dwork->work);
	dwork->wq = wq;
	dwork->cpu = cpu;
	dwork->waiting = wait_for_delay(dwork, delay, slack);
	return dwork->waiting;
}

/**
 * htw_queue_delayed_work_range() - queue a work after a delay, with slack
 * @cpu: where the work is to run, as for queue_work_on(), or %WORK_CPU_UNBOUND.
 *	The timer runs where this is called.
 * @wq: the workqueue
 * @dwork: the delayed work
 * @delay_ns: from now, in ns; zero and less queue it now, without a timer
 * @slack_ns: how much longer the delay may be, in ns; see htw_schedule_range()
 *
 * Does nothing if the work is pending: waiting for its delay to end or for its
 * function to begin. A work whose function is running can be queued again, by that
 * function too.
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return: true if the work was queued, and its function will begin once after this;
 * false if it was pending, or is disabled or being cancelled by one of the _sync
 * functions. If htw is built into the kernel and not initialised yet: false, and the
 * kernel warns.
 */
bool htw_queue_delayed_work_range(int cpu, struct workqueue_struct *wq,
				  struct htw_delayed_work *dwork, s64 delay_ns,
				  u64 slack_ns)
{
	unsigned long flags;
	bool ret = false;

	if (WARN_ON_ONCE(!wq || !dwork->work.func))
		return false;

	raw_spin_lock_irqsave(lock_of(dwork), flags);
	if (!dwork->disabled && !dwork->waiting && !work_pending(&dwork->work))
		ret = start(dwork, cpu, wq, delay_ns, slack_ns);
	raw_spin_unlock_irqrestore(lock_of(dwork), flags);
	return ret;
}
EXPORT_SYMBOL_GPL(htw_queue_delayed_work_range);

/**
 * htw_mod_delayed_work_range() - queue a work, or change when it will be, with slack
 * @cpu: where the work is to run, as for queue_work_on(), or %WORK_CPU_UNBOUND
 * @wq: the workqueue
 * @dwork: the delayed work
 * @delay_ns: from now, in ns; zero and less queue it now, without a timer
 * @slack_ns: how much longer the delay may be, in ns; see htw_schedule_range()
 *
 * Like htw_queue_delayed_work_range(), but replaces what was pending, also if the
 * work is on a workqueue already: then it is taken off and waits.
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return: true if the work was pending, and its function begins once, when this call
 * says; false if it was not: then it is queued now, unless it is disabled or being
 * cancelled by one of the _sync functions.
 */
bool htw_mod_delayed_work_range(int cpu, struct workqueue_struct *wq,
				struct htw_delayed_work *dwork, s64 delay_ns,
				u64 slack_ns)
{
	unsigned long flags;
	bool ret;

	if (WARN_ON_ONCE(!wq || !dwork->work.func))
		return false;

	ret = lock_and_withdraw(dwork, &flags);
	if (!dwork->disabled)
		start(dwork, cpu, wq, delay_ns, slack_ns);
	raw_spin_unlock_irqrestore(lock_of(dwork), flags);
	return ret;
}
EXPORT_SYMBOL_GPL(htw_mod_delayed_work_range);

/**
 * htw_cancel_delayed_work() - take back what was queued
 * @dwork: the delayed work
 *
 * Does not wait for the function, which may be running, and queue its work again:
 * see htw_cancel_delayed_work_sync(). If this returns true and the function is not
 * running, htw does not touch the work any more.
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return: true if the work was pending, and the function does not begin because of
 * that queueing; else false.
 */
bool htw_cancel_delayed_work(struct htw_delayed_work *dwork)
{
	unsigned long flags;
	bool ret;

	ret = lock_and_withdraw(dwork, &flags);
	raw_spin_unlock_irqrestore(lock_of(dwork), flags);
	return ret;
}
EXPORT_SYMBOL_GPL(htw_cancel_delayed_work);

/**
 * htw_disable_delayed_work_sync() - cancel, wait, and refuse what comes
 * @dwork: the delayed work
 *
 * On return the work is not pending, its function is not running, and nobody can
 * queue it before htw_enable_delayed_work() is called as often as this was. Before
 * freeing a work that others may still want to queue, this is the call.
 *
 * The caller must not hold a lock that the function takes, nor be that function.
 *
 * Context: Task; sleeps while the function is running.
 * Return: true if the work was pending, else false.
 */
bool htw_disable_delayed_work_sync(struct htw_delayed_work *dwork)
{
	unsigned long flags;
	bool ret;

	might_sleep();

	ret = lock_and_stop_timer(dwork, &flags);
	dwork->disabled++;
	raw_spin_unlock_irqrestore(lock_of(dwork), flags);
	return cancel_work_sync(&dwork->work) || ret;
}
EXPORT_SYMBOL_GPL(htw_disable_delayed_work_sync);

/**
 * htw_enable_delayed_work() - take back one htw_disable_delayed_work_sync()
 * @dwork: the delayed work
 *
 * Context: Any but NMI.
 * Return: true if the work can be queued now; false if others have disabled it too.
 */
bool htw_enable_delayed_work(struct htw_delayed_work *dwork)
{
	unsigned long flags;
	bool ret;

	raw_spin_lock_irqsave(lock_of(dwork), flags);
	if (!WARN_ON_ONCE(!dwork->disabled))
		dwork->disabled--;
	ret = !dwork->disabled;
	raw_spin_unlock_irqrestore(lock_of(dwork), flags);
	return ret;
}
EXPORT_SYMBOL_GPL(htw_enable_delayed_work);

/**
 * htw_cancel_delayed_work_sync() - take back what was queued, and wait
 * @dwork: the delayed work
 *
 * On return the work is not pending and its function is not running, unless somebody
 * else has queued it meanwhile. That the function queues its own work does not keep
 * it from ending: while this waits, queueing is refused.
 *
 * The caller must not hold a lock that the function takes, nor be that function:
 * lockdep reports both.
 *
 * Context: Task; sleeps while the function is running.
 * Return: true if the work was pending, else false.
 */
bool htw_cancel_delayed_work_sync(struct htw_delayed_work *dwork)
{
	bool ret;

	ret = htw_disable_delayed_work_sync(dwork);
	htw_enable_delayed_work(dwork);
	return ret;
}
EXPORT_SYMBOL_GPL(htw_cancel_delayed_work_sync);

/**
 * htw_flush_delayed_work() - do it now, and wait until it is done
 * @dwork: the delayed work
 *
 * A work that waits for its delay is queued at once. Like flush_work(), this waits
 * for what was queued before: the function may queue its work again.
 *
 * Context: Task; sleeps.
 * Return: true if the function began or was running; false if the work was idle.
 */
bool htw_flush_delayed_work(struct htw_delayed_work *dwork)
{
	unsigned long flags;
	bool ret;

	might_sleep();

	ret = lock_and_stop_timer(dwork, &flags);
	if (ret)
		queue_work_on(dwork->cpu, dwork->wq, &dwork->work);
	raw_spin_unlock_irqrestore(lock_of(dwork), flags);
	return flush_work(&dwork->work) || ret;
}
EXPORT_SYMBOL_GPL(htw_flush_delayed_work);

/**
 * htw_delayed_work_pending() - is a work queued?
 * @dwork: the delayed work
 *
 * Context: Any but NMI. The answer may be old when it arrives.
 * Return: true from queueing until the function begins or the work is cancelled.
 */
bool htw_delayed_work_pending(struct htw_delayed_work *dwork)
{
	unsigned long flags;
	bool ret;

	/* Under the lock, because on its way to the workqueue it is neither. */
	raw_spin_lock_irqsave(lock_of(dwork), flags);
	ret = dwork->waiting ||
	      (!dwork->disabled && work_pending(&dwork->work));
	raw_spin_unlock_irqrestore(lock_of(dwork), flags);
	return ret;
}
EXPORT_SYMBOL_GPL(htw_delayed_work_pending);
