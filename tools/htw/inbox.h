/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_INBOX_H
#define HTW_TOOL_INBOX_H

#include <linux/htw.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * struct inbox - where the events of a context come from
 * @fd: of the device, non-blocking
 * @ring: what the kernel tells about the ring; NULL if events are read
 * @ctl: what we tell about it
 * @words: the deadline words; NULL if there are none
 * @setup: as the kernel filled it in
 */
struct inbox {
	int			fd;
	const struct htw_ring	*ring;
	struct htw_ctl		*ctl;
	__u64			*words;
	struct htw_setup	setup;
};

bool inbox_open(struct inbox *inbox, int fd, const struct htw_setup *setup);
int inbox_take(struct inbox *inbox, struct htw_event *events, unsigned int max);
void inbox_close(struct inbox *inbox);

#endif /* HTW_TOOL_INBOX_H */
