// SPDX-License-Identifier: GPL-2.0
/*
 * Has the nth allocation fail that is made when htw is loaded:
 *
 *	insmod htw_faults.ko nth=3
 *	insmod htw.ko
 *
 * It counts from where htw has been linked and is about to be initialised: what comes
 * before is the kernel's alone. For a kernel with CONFIG_FAULT_INJECTION.
 */
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/string.h>

static unsigned int nth;
module_param(nth, uint, 0644);
MODULE_PARM_DESC(nth, "Which allocation fails, counted from 1; 0 for none");

static int module_event(struct notifier_block *unused, unsigned long event,
			void *mod)
{
	if (event == MODULE_STATE_COMING &&
	    !strcmp(((struct module *)mod)->name, "htw"))
		current->fail_nth = READ_ONCE(nth);
	return NOTIFY_OK;
}

/* Behind all others, which allocate too. */
static struct notifier_block notifier = {
	.notifier_call	= module_event,
	.priority	= INT_MIN,
};

static int __init htw_faults_init(void)
{
	return register_module_notifier(&notifier);
}

static void __exit htw_faults_exit(void)
{
	unregister_module_notifier(&notifier);
}

module_init(htw_faults_init);
module_exit(htw_faults_exit);

MODULE_DESCRIPTION("Has allocations fail while htw is loaded");
MODULE_LICENSE("GPL");
