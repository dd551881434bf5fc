/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_CONSUMER_H
#define _HTW_CONSUMER_H

#include <linux/compiler.h>
#include <linux/htw.h>

struct module;

extern struct module *htw_going;

bool htw_consumer_orphan(struct module *mod, struct htw_timer *timer);

/**
 * htw_consumer_is_gone() - does an expired timer's callback no longer exist?
 * @timer: the timer, no longer pending
 *
 * Context: Under the lock of its base.
 * Return: true if the callback must not be called; then the timer was noted.
 */
static inline bool htw_consumer_is_gone(struct htw_timer *timer)
{
	struct module *mod = READ_ONCE(htw_going);

	return unlikely(mod) && htw_consumer_orphan(mod, timer);
}

int htw_consumer_init(void);
void htw_consumer_exit(void);

#endif /* _HTW_CONSUMER_H */
