/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_HTW_TYPES_H
#define _LINUX_HTW_TYPES_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct htw_node - what a wheel knows of one timer
 * @entry: link in a slot of the wheel, or in its list of expired nodes
 * @tick: the tick at which the node is due
 * @row: the row of slots that the node sits in, or one of the HTW_ROW_ values of a
 *	node that sits in none
 * @__pad: not used
 * @slot: index of the slot that it sits in, among all of the wheel
 * @owner: free for whoever owns the wheel; the wheel never looks at it
 *
 * Embedded in every timer. All of it but @owner belongs to the wheel.
 */
struct htw_node {
	struct list_head	entry;
	u64			tick;
	u8			row;
	u8			__pad;
	u16			slot;
	u32			owner;
};

#endif /* _LINUX_HTW_TYPES_H */
