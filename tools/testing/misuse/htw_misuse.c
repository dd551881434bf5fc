// SPDX-License-Identifier: GPL-2.0
/*
 * A module that does with timers what must not be done:
 *
 *	insmod htw_misuse.ko crime=free_armed
 *
 * commits that crime while it is loaded, or when it is unloaded, and then looks
 * whether the machine has survived: loading fails with -EIO if not all is as it should
 * be. Whether the crime was reported, and under the right name, is for who loads it
 * to see: guest-misuse.sh.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/htw.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#define HOUR_NS		(3600LL * NSEC_PER_SEC)
#define WAIT		(60 * HZ)

static char *crime = "nothing_wrong";
module_param(crime, charp, 0444);
MODULE_PARM_DESC(crime, "What to do");

static struct htw_timer timer;
static DECLARE_COMPLETION(called);
static DEFINE_SPINLOCK(lock);

static void never_called(struct htw_timer *unused)
{
	pr_err("a callback that must not be called was called\n");
}

static void calls_back(struct htw_timer *unused)
{
	complete(&called);
}

static int expect(bool holds, const char *what)
{
	if (holds)
		return 0;
	pr_err("%s: %s does not hold\n", crime, what);
	return -EIO;
}

#define EXPECT(cond)	expect(cond, #cond)

static int run_once(void (*function)(struct htw_timer *timer))
{
	reinit_completion(&called);
	htw_timer_setup(&timer, function, 0);
	htw_schedule(&timer, 0);
	return EXPECT(wait_for_completion_timeout(&called, WAIT));
}

/* Does this CPU still run timers, and is it in a fit state? */
static int survived(void)
{
	int ret = run_once(calls_back);

	htw_shutdown_sync(&timer);
	return ret ?: EXPECT(!in_atomic() && !irqs_disabled());
}

static int init_armed(void)
{
	int ret;

	htw_timer_setup(&timer, never_called, 0);
	htw_schedule(&timer, HOUR_NS);
	htw_timer_setup(&timer, never_called, 0);
	ret = EXPECT(!htw_pending(&timer));
	return ret ?: EXPECT(htw_schedule(&timer, HOUR_NS) == 0 &&
			     htw_shutdown_sync(&timer) == 1);
}

static int free_armed(void)
{
	struct htw_timer *lost = kmalloc(sizeof(*lost), GFP_KERNEL);

	if (!lost)
		return -ENOMEM;
	htw_timer_setup(lost, never_called, 0);
	htw_schedule(lost, 20 * NSEC_PER_MSEC);
	kfree(lost);
	/* If it is still in the wheel, that finds freed memory now. */
	msleep(50);
	return 0;
}

static int arm_never_set_up(void)
{
	struct htw_timer *garbage = kmalloc(sizeof(*garbage), GFP_KERNEL);
	int ret;

	if (!garbage)
		return -ENOMEM;
	memset(garbage, 0x5a, sizeof(*garbage));
	ret = EXPECT(htw_schedule(garbage, HOUR_NS) == 0);
	htw_shutdown_sync(garbage);
	kfree(garbage);
	return ret;
}

static int cancel_never_set_up(void)
{
	struct htw_timer *garbage = kmalloc(sizeof(*garbage), GFP_KERNEL);
	int ret;

	if (!garbage)
		return -ENOMEM;
	memset(garbage, 0x5a, sizeof(*garbage));
	ret = EXPECT(htw_cancel_sync(garbage) == 0);
	kfree(garbage);
	return ret;
}

static noinline_for_stack void leave_armed(void)
{
	struct htw_timer local;

	htw_timer_setup_on_stack(&local, never_called, 0);
	htw_schedule(&local, 20 * NSEC_PER_MSEC);
	htw_timer_destroy_on_stack(&local);
}

static int leave_stack_armed(void)
{
	leave_armed();
	msleep(50);
	return 0;
}

static int arm_zeroed(void)
{
	memset(&timer, 0, sizeof(timer));
	return EXPECT(htw_schedule(&timer, 0) == -EINVAL) ?:
	       EXPECT(htw_schedule(&timer, 0) == -EINVAL) ?:
	       EXPECT(!htw_pending(&timer));
}

static void takes_lock(struct htw_timer *unused)
{
	spin_lock(&lock);
	spin_unlock(&lock);
	complete(&called);
}

static int cancel_under_lock(void)
{
	int ret = run_once(takes_lock);

	spin_lock_bh(&lock);
	htw_cancel_sync(&timer);
	spin_unlock_bh(&lock);
	return ret;
}

static void leaks_preempt_count(struct htw_timer *unused)
{
	preempt_disable();
	complete(&called);
}

static int leak_preempt_count(void)
{
	return run_once(leaks_preempt_count);
}

/* For this only: nobody can take it again. */
static DEFINE_RAW_SPINLOCK(leaked_lock);

static void leaks_lock(struct htw_timer *unused) __acquires(&leaked_lock)
{
	raw_spin_lock(&leaked_lock);
	complete(&called);
}

static int leak_lock(void)
{
	return run_once(leaks_lock);
}

static void leaks_irqs_disabled(struct htw_timer *unused)
{
	local_irq_disable();
	complete(&called);
}

static int leak_irqs_disabled(void)
{
	return run_once(leaks_irqs_disabled);
}

/* More in each of 16 slots than can be looked at under one hold of a lock. */
#define NR_LEFT		3000

static void never_called_either(struct htw_timer *unused)
{
	pr_err("another callback that must not be called was called\n");
}

static int leave_pending(void)
{
	struct htw_timer *left;
	unsigned int i;

	/* Pages, as kmemleak would find anything else. */
	left = alloc_pages_exact(NR_LEFT * sizeof(*left), GFP_KERNEL);
	if (!left)
		return -ENOMEM;
	for (i = 0; i < NR_LEFT; i++) {
		if (i % 3)
			htw_timer_setup(&left[i], never_called, 0);
		else
			htw_timer_setup(&left[i], never_called_either, 0);
		htw_schedule(&left[i], HOUR_NS + (i % 16) * 60 * NSEC_PER_SEC);
	}
	/* One that was pushed sits in an earlier slot than it belongs in. */
	htw_schedule(&left[0], 24 * HOUR_NS);
	return 0;
}

static int leave_pending_and_fail(void)
{
	return leave_pending() ?: -EUCLEAN;
}

/*
 * Some of these run while the others, and those of leave_pending(), are looked for,
 * and arm themselves where that has been already.
 */
static struct htw_timer running[64];

static void runs_again(struct htw_timer *self)
{
	complete(&called);
	htw_schedule(self, 5 * NSEC_PER_MSEC);
}

static int leave_running(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(running); i++) {
		htw_timer_setup(&running[i], runs_again, 0);
		htw_schedule(&running[i], i * 5 * NSEC_PER_MSEC / ARRAY_SIZE(running));
	}
	return leave_pending() ?: EXPECT(wait_for_completion_timeout(&called, WAIT));
}

/* Runs for longer than it takes to unload, and arms itself at the end of it. */
static void runs_long(struct htw_timer *self)
{
	complete(&called);
	mdelay(100);
	htw_schedule(self, 10 * NSEC_PER_MSEC);
}

static int leave_slow(void)
{
	return run_once(runs_long);
}

static DEFINE_HTW_TIMER(defined, calls_back);

static int use_static(void)
{
	int ret;

	reinit_completion(&called);
	ret = EXPECT(htw_cancel(&defined) == 0) ?:
	      EXPECT(htw_schedule(&defined, 0) == 0) ?:
	      EXPECT(wait_for_completion_timeout(&called, WAIT));
	return ret ?: EXPECT(htw_shutdown_sync(&defined) == 0);
}

static int use_stack(void)
{
	struct htw_timer local;
	int ret;

	reinit_completion(&called);
	htw_timer_setup_on_stack(&local, calls_back, 0);
	ret = EXPECT(htw_schedule(&local, 0) == 0) ?:
	      EXPECT(wait_for_completion_timeout(&called, WAIT));
	htw_shutdown_sync(&local);
	htw_timer_destroy_on_stack(&local);
	return ret;
}

static void frees_itself(struct htw_timer *self)
{
	/* Armed again, and taken back, before it goes. */
	htw_schedule(self, HOUR_NS);
	htw_shutdown_sync(self);
	kfree(self);
	complete(&called);
}

static int use_heap(void)
{
	struct htw_timer *own = kmalloc(sizeof(*own), GFP_KERNEL);

	if (!own)
		return -ENOMEM;
	reinit_completion(&called);
	htw_timer_setup(own, frees_itself, 0);
	htw_schedule(own, 0);
	return EXPECT(wait_for_completion_timeout(&called, WAIT));
}

static int cancel_zeroed(void)
{
	memset(&timer, 0, sizeof(timer));
	return EXPECT(htw_cancel(&timer) == 0) ?:
	       EXPECT(htw_cancel_sync(&timer) == 0) ?:
	       EXPECT(htw_shutdown_sync(&timer) == 0);
}

static int nothing_wrong(void)
{
	return use_static() ?: use_stack() ?: use_heap() ?: cancel_zeroed();
}

#define CRIME(_name)	{ .name = #_name, .commit = _name }

static const struct {
	const char	*name;
	int		(*commit)(void);
	bool		leaves;		/* a timer that is in use */
} crimes[] = {
	CRIME(nothing_wrong),
	CRIME(init_armed),
	CRIME(free_armed),
	CRIME(arm_never_set_up),
	CRIME(cancel_never_set_up),
	CRIME(leave_stack_armed),
	CRIME(arm_zeroed),
	CRIME(cancel_under_lock),
	CRIME(leak_preempt_count),
	CRIME(leak_lock),
	CRIME(leak_irqs_disabled),
	CRIME(leave_pending),
	CRIME(leave_pending_and_fail),
	{ .name = "leave_running", .commit = leave_running, .leaves = true },
	{ .name = "leave_slow", .commit = leave_slow, .leaves = true },
};

static int __init htw_misuse_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(crimes); i++) {
		if (strcmp(crimes[i].name, crime))
			continue;
		return crimes[i].commit() ?: crimes[i].leaves ? 0 : survived();
	}
	pr_err("unknown crime %s\n", crime);
	return -EINVAL;
}

static void __exit htw_misuse_exit(void)
{
}

module_init(htw_misuse_init);
module_exit(htw_misuse_exit);

MODULE_DESCRIPTION("Misuses htw on purpose");
MODULE_LICENSE("GPL");
