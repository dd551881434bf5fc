/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_INVERSION_H
#define _HTW_INVERSION_H

#include <linux/types.h>

/**
 * struct inversion_report - what inversion_run() has seen
 * @preempted: rounds in which the callback was half way through when it was to be
 *	cancelled, by a task on its own CPU: possible on PREEMPT_RT only
 * @unfinished: rounds in which the callback had not ended when htw_cancel_sync()
 *	had. Must be 0, as all that follow.
 * @starved: rounds in which htw_cancel_sync() did not end before a task of a
 *	priority in between
 */
struct inversion_report {
	unsigned int	preempted;
	unsigned int	unfinished;
	unsigned int	starved;
};

int inversion_run(unsigned int rounds, struct inversion_report *report);

#endif /* _HTW_INVERSION_H */
