// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of timers that have ended. KASAN sees who touches it once it is freed. For
 * kernels without it some is poisoned first, lies there for a while, and must then
 * be as it was.
 */
#include "grave.h"

#include <linux/slab.h>
#include <linux/string.h>

#include "tally.h"

#define POISON		0x5b

static LLIST_HEAD(graves);

/**
 * grave_bury() - the end of something
 * @grave: its head
 * @size: with that
 *
 * Context: Any but NMI.
 */
void grave_bury(struct grave *grave, size_t size)
{
	grave->size = size;
	memset(grave + 1, POISON, size - sizeof(*grave));
	llist_add(&grave->node, &graves);
	tally(TALLY_BURIED);
}

static void open_grave(struct grave *grave)
{
	u8 *from = (u8 *)(grave + 1);
	u8 *at = memchr_inv(from, POISON, grave->size - sizeof(*grave));

	if (at)
		tally_wrong(WRONG_TOUCHED, grave, *at, at - (u8 *)grave,
			    grave->size);
	kfree(grave);
	tally(TALLY_FREED);
}

/**
 * grave_open_all() - look at what was buried, and free it
 *
 * Context: Task.
 */
void grave_open_all(void)
{
	struct grave *grave, *next;

	llist_for_each_entry_safe(grave, next, llist_del_all(&graves), node)
		open_grave(grave);
}
