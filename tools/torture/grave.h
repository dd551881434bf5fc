/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_TORTURE_GRAVE_H
#define _HTW_TORTURE_GRAVE_H

#include <linux/llist.h>
#include <linux/types.h>

/**
 * struct grave - the head of what can be buried
 * @node: in the list of those that are
 * @size: with this head
 */
struct grave {
	struct llist_node	node;
	size_t			size;
};

void grave_bury(struct grave *grave, size_t size);
void grave_open_all(void);

#endif /* _HTW_TORTURE_GRAVE_H */
