// SPDX-License-Identifier: GPL-2.0
/*
 * Has the nth allocation fail that htw makes when it is loaded:
 *
 *	insmod htw_faults.ko nth=3
 *	insmod htw.ko
 *
 * It counts from where htw is initialised: what comes before is the kernel's alone. For a
 * kernel with CONFIG_FAULT_INJECTION and tracepoints.
 */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

static unsigned int nth;
module_param(nth, uint, 0644);
MODULE_PARM_DESC(nth, "Which allocation fails, counted from 1; 0 for none");

/* The task that loads htw. */
static struct task_struct *loader;

static int module_event(struct notifier_block *unused, unsigned long event,
			void *mod)
{
	if (!strcmp(((struct module *)mod)->name, "htw"))
		WRITE_ONCE(loader, event == MODULE_STATE_COMING ? current : NULL);
	return NOTIFY_OK;
}

static struct notifier_block notifier = {
	.notifier_call	= module_event,
};

static void initcall_starts(void *unused, initcall_t fn)
{
	if (READ_ONCE(loader) == current)
		current->fail_nth = READ_ONCE(nth);
}

static struct tracepoint *initcall_start;

static void look_for_it(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "initcall_start"))
		initcall_start = tp;
}

static int __init htw_faults_init(void)
{
	int ret;

	for_each_kernel_tracepoint(look_for_it, NULL);
	if (!initcall_start)
		return -ENOENT;
	ret = tracepoint_probe_register(initcall_start, initcall_starts, NULL);
	if (ret)
		return ret;
	ret = register_module_notifier(&notifier);
	if (ret)
		tracepoint_probe_unregister(initcall_start, initcall_starts, NULL);
	return ret;
}

static void __exit htw_faults_exit(void)
{
	unregister_module_notifier(&notifier);
	tracepoint_probe_unregister(initcall_start, initcall_starts, NULL);
	tracepoint_synchronize_unregister();
}

module_init(htw_faults_init);
module_exit(htw_faults_exit);

MODULE_DESCRIPTION("Has allocations fail while htw is loaded");
MODULE_LICENSE("GPL");
