/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* What is behind struct htw. */
#ifndef HTW_HANDLE_H
#define HTW_HANDLE_H

#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>

#include "libhtw.h"

/* How many events htw_dispatch() fetches at once. */
#define HTW_FETCH	64

/**
 * struct htw_loop - the callbacks of a context
 * @buckets: chains of armed callbacks, by their id; NULL before the first one
 * @mask: how many buckets there are, less one
 * @nr: how many callbacks are in them
 * @fallback: called for events of no callback, or NULL
 * @events: fetched, and not all dispatched yet
 * @next: the next one of them
 * @nr_events: how many there are
 * @end: number, among all events of the context, of the first one not fetched yet.
 *	With a ring its low 32 bits are htw_ctl.head
 * @running: htw_dispatch() is on the stack
 * @closed: htw_close() was called from a callback
 */
struct htw_loop {
	struct htw_cb		**buckets;
	size_t			mask;
	size_t			nr;
	struct htw_cb		*fallback;
	struct htw_event	events[HTW_FETCH];
	unsigned int		next;
	unsigned int		nr_events;
	__u64			end;
	int			running;
	int			closed;
};

struct htw {
	struct htw_map		map;
	int			fd;
	__u32			clock;
	/* Mappings are not inherited by a child, and must not be unmapped there. */
	pid_t			owner;
	size_t			ring_len;
	size_t			ctl_len;
	size_t			words_len;
	struct htw_loop		loop;
};

/* Return: 0 or the negative errno. */
static inline int htw_ioctl(const struct htw *h, unsigned long request, void *arg)
{
	return ioctl(h->fd, request, arg) ? -errno : 0;
}

/* The kernel takes addresses as numbers of 64 bits, whatever a pointer has. */
static inline __u64 htw_address(const void *pointer)
{
	return (uintptr_t)pointer;
}

void htw_free(struct htw *h);

#endif /* HTW_HANDLE_H */
