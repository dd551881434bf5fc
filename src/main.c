// SPDX-License-Identifier: GPL-2.0
/* Loading and unloading. */
#include <linux/init.h>
#include <linux/module.h>

#include "base.h"
#include "chardev.h"
#include "clock.h"
#include "consumer.h"
#include "debug.h"
#include "stats.h"

static int __init htw_init(void)
{
	int ret;

	ret = htw_debug_init();
	if (ret)
		return ret;
	ret = htw_base_init();
	if (ret)
		goto err_debug_exit;
	ret = htw_consumer_init();
	if (ret)
		goto err_base_exit;
	ret = htw_clock_init();
	if (ret)
		goto err_consumer_exit;
	ret = htw_chardev_init();
	if (ret)
		goto err_clock_exit;
	htw_stats_init();
	return 0;

err_clock_exit:
	htw_clock_exit();
err_consumer_exit:
	htw_consumer_exit();
err_base_exit:
	htw_base_exit();
err_debug_exit:
	htw_debug_exit();
	return ret;
}

static void __exit htw_exit(void)
{
	htw_stats_exit();
	htw_chardev_exit();
	htw_clock_exit();
	htw_consumer_exit();
	htw_base_exit();
	htw_debug_exit();
}

/* Before the drivers that use it, if all are built in. */
subsys_initcall(htw_init);
module_exit(htw_exit);

MODULE_DESCRIPTION("Timers on hierarchical timing wheels");
MODULE_AUTHOR("The htw developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(HTW_VERSION);
