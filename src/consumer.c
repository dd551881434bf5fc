// SPDX-License-Identifier: GPL-2.0
/*
 * Modules that unload and leave timers behind.
 *
 * Such a timer calls, when it expires, code that is no longer there. So each time a
 * module has run its exit function (or its init function has failed), and before its
 * memory is freed, all bases are searched for timers that belong to it: they are
 * dequeued, and the log says whose they were.
 *
 * How none is missed
 * ------------------
 *
 * First htw_going is set. Whoever takes an expired timer off a wheel looks at it, and
 * does not call a callback of that module. A pass that began before may not have seen
 * it, and may be running one: passes run in softirq context, so synchronize_rcu()
 * waits for them. From then on the module's code is running nowhere: none of
 * its timers is armed or moved by anybody, but only by the wheels, until it is found.
 *
 * A wheel is searched list by list, with no more than HTW_BATCH nodes under one hold
 * of the lock. In between the wheel may move a timer from a list that is yet to come
 * to one that was searched already. But it does so once per row at most, because a
 * timer that nobody arms moves to finer rows only, and perhaps once more because it had
 * been pushed (that may lead to a coarser one). So a base is searched again as
 * long as its wheel has moved anything meanwhile, and at most so often that a timer
 * can't have moved each time. Expired timers come last: every list leads there.
 *
 * Within a slot each node that was looked at moves to the end, so that the search can
 * go on at the start. It is done when the first of them is back at the start. If
 * that one has left the slot meanwhile, it is done after as many nodes as there were
 * in the whole wheel.
 *
 * CPU hotplug, which moves timers to other bases, has to wait.
 */
#include "consumer.h"

#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>

#include "base.h"

/* More than these are counted, but not named. */
#define NR_NAMES	8

/* Two modules may be unloaded at once. */
static DEFINE_MUTEX(search_mutex);

/* The module whose timers are being searched for. Changes under search_mutex. */
struct module *htw_going __read_mostly;

/* What was found. The lock is inside those of the bases. */
static struct {
	raw_spinlock_t		lock;
	unsigned long		nr;
	unsigned int		nr_names;
	struct {
		void		*function;
		unsigned long	nr;
	} names[NR_NAMES];
} found = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(found.lock),
};

static void note_name(void *function)
{
	unsigned int i;

	for (i = 0; i < found.nr_names; i++)
		if (found.names[i].function == function)
			break;
	if (i == NR_NAMES)
		return;
	if (i == found.nr_names)
		found.nr_names++;
	found.names[i].function = function;
	found.names[i].nr++;
}

/**
 * htw_consumer_orphan() - does a timer belong to a module that goes?
 * @mod: the module
 * @timer: the timer
 *
 * It does if it calls a function of the module, or lies in its data.
 *
 * Context: Under the lock of the timer's base.
 * Return: true if it does, and then it was noted for the report.
 */
bool htw_consumer_orphan(struct module *mod, struct htw_timer *timer)
{
	void *function = htw_timer_hint(timer);

	if (!within_module((unsigned long)function, mod) &&
	    !within_module((unsigned long)timer, mod))
		return false;
	raw_spin_lock(&found.lock);
	found.nr++;
	note_name(function);
	raw_spin_unlock(&found.lock);
	return true;
}

/**
 * struct search - how far the search of a wheel has come
 * @nr: the list that it is in, see htw_wheel_list()
 * @first: the first node of the list that was looked at and stays; it may be gone
 * @left: how many nodes there can be in the list at most
 */
struct search {
	unsigned int		nr;
	struct htw_node		*first;
	u64			left;
};

static bool drop_orphan(struct htw_base *base, struct htw_node *node)
{
	struct htw_timer *timer = container_of(node, struct htw_timer, node);

	if (!htw_consumer_orphan(htw_going, timer))
		return false;
	htw_timer_drop(base, timer);
	return true;
}

/* There are no more than HTW_BATCH of them, whose order has to stay. */
static void search_expired(struct htw_base *base)
{
	struct htw_node *node, *next;

	list_for_each_entry_safe(node, next, &base->wheel->expired, entry)
		drop_orphan(base, node);
}

/* Returns false if all nodes of the slot have been looked at. */
static bool search_slot(struct htw_base *base, struct list_head *head,
			struct search *at)
{
	struct htw_node *node;

	node = list_first_entry_or_null(head, struct htw_node, entry);
	if (!node || node == at->first || !at->left)
		return false;
	at->left--;
	if (drop_orphan(base, node))
		return true;
	list_move_tail(&node->entry, head);
	if (!at->first)
		at->first = node;
	return true;
}

/* Under one hold of the lock; returns false when the round is over. */
static bool search_some(struct htw_base *base, struct search *at)
{
	unsigned int budget = HTW_BATCH;
	struct list_head *head;

	while (budget--) {
		head = htw_wheel_list(base->wheel, at->nr);
		if (head == &base->wheel->expired) {
			search_expired(base);
			return false;
		}
		if (search_slot(base, head, at))
			continue;
		at->nr++;
		at->first = NULL;
		at->left = base->wheel->nr_pending;
	}
	return true;
}

/* Returns true if the wheel moved any timer meanwhile. */
static bool search_once(struct htw_base *base)
{
	struct search at = { };
	u64 moves;
	bool more;

	raw_spin_lock_irq(&base->lock);
	at.left = base->wheel->nr_pending;
	moves = base->wheel->nr_moves;
	while (search_some(base, &at)) {
		raw_spin_unlock_irq(&base->lock);
		cond_resched();
		raw_spin_lock_irq(&base->lock);
	}
	more = moves != base->wheel->nr_moves;
	raw_spin_unlock_irq(&base->lock);
	return more;
}

static void search_base(struct htw_base *base)
{
	/* Once for each row, once for a push, and once that finds it. */
	unsigned int rounds = HTW_MAX_ROWS + 2;

	while (search_once(base) && --rounds)
		;
}

static void search_all(struct module *mod)
{
	unsigned int cpu;

	WRITE_ONCE(htw_going, mod);
	synchronize_rcu();

	cpus_read_lock();
	for_each_possible_cpu(cpu)
		if (htw_base_of_cpu(cpu)->wheel)
			search_base(htw_base_of_cpu(cpu));
	cpus_read_unlock();
	WRITE_ONCE(htw_going, NULL);
}

/* While the module is there, or its functions would have no names. */
static void report(struct module *mod)
{
	unsigned long unnamed = found.nr;
	unsigned int i;

	pr_err("module %s left %lu timers pending, which are now cancelled:\n",
	       mod->name, found.nr);
	for (i = 0; i < found.nr_names; i++) {
		pr_err("  %lu that call %ps\n", found.names[i].nr,
		       found.names[i].function);
		unnamed -= found.names[i].nr;
	}
	if (unnamed)
		pr_err("  %lu that call other functions\n", unnamed);
}

static void forget(void)
{
	found.nr = 0;
	found.nr_names = 0;
	memset(found.names, 0, sizeof(found.names));
}

static int module_changes(struct notifier_block *nb, unsigned long state,
			  void *data)
{
	struct module *mod = data;

	if (state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	mutex_lock(&search_mutex);
	search_all(mod);
	if (found.nr)
		report(mod);
	forget();
	mutex_unlock(&search_mutex);
	return NOTIFY_OK;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_changes,
};

/**
 * htw_consumer_init() - watch modules go
 *
 * Return: 0, or what register_module_notifier() returns.
 */
int htw_consumer_init(void)
{
	return register_module_notifier(&module_notifier);
}

/**
 * htw_consumer_exit() - watch no longer
 */
void htw_consumer_exit(void)
{
	unregister_module_notifier(&module_notifier);
}
