// SPDX-License-Identifier: GPL-2.0
/* timerfd: a file descriptor for each timer, and epoll to wait for all of them. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"

#define MAX_EVENTS	256

/**
 * struct timerfds - what it keeps
 * @epoll: the descriptor of all
 * @fds: those of the timers; 0 if there is none
 * @ready: what epoll_wait(2) has told, of which
 * @nr_ready: so many are there and
 * @next: the first so many have been read
 */
struct timerfds {
	int			epoll;
	int			*fds;
	struct epoll_event	ready[MAX_EVENTS];
	int			nr_ready;
	int			next;
};

static int add_timer(struct timers *t, struct timerfds *own, uint32_t timer)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = timer };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		return backend_fail(t, errno, "timerfd_create number %u", timer);
	own->fds[timer] = fd;
	if (epoll_ctl(own->epoll, EPOLL_CTL_ADD, fd, &event))
		return backend_fail(t, errno,
				    "epoll_ctl of timerfd number %u; see fs.epoll.max_user_watches",
				    timer);
	return 0;
}

static int setup(struct timers *t)
{
	struct timerfds *own;
	uint32_t i;
	int err;

	/* Besides those that are open already. */
	err = backend_raise_limit(t, RLIMIT_NOFILE, "RLIMIT_NOFILE (ulimit -n)", t->nr + 64ULL);
	if (err)
		return err;
	own = backend_alloc(t, 1, sizeof(*own));
	t->own = own;
	if (!own)
		return -ENOMEM;
	own->epoll = -1;
	own->fds = backend_alloc(t, t->nr, sizeof(*own->fds));
	if (!own->fds)
		return -ENOMEM;
	own->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (own->epoll < 0)
		return backend_fail(t, errno, "epoll_create1");
	for (i = 0; i < t->nr && !err; i++)
		err = add_timer(t, own, i);
	return err;
}

static void teardown(struct timers *t)
{
	struct timerfds *own = t->own;
	uint32_t i;

	if (own->epoll >= 0)
		close(own->epoll);
	for (i = 0; own->fds && i < t->nr; i++)
		if (own->fds[i])
			close(own->fds[i]);
	free(own->fds);
	free(own);
}

static int set(struct timers *t, uint32_t timer, uint64_t when)
{
	const struct timerfds *own = t->own;
	struct itimerspec spec = {
		.it_value.tv_sec = (time_t)(when / 1000000000),
		.it_value.tv_nsec = (long)(when % 1000000000),
	};

	if (timerfd_settime(own->fds[timer], TFD_TIMER_ABSTIME, &spec, NULL))
		return backend_fail(t, errno, "timerfd_settime");
	return 0;
}

static int cancel(struct timers *t, uint32_t timer)
{
	return set(t, timer, 0);
}

static int wait_for_some(struct timers *t, struct timerfds *own, bool wait)
{
	int nr = epoll_wait(own->epoll, own->ready, MAX_EVENTS,
			    wait ? (int)(BACKEND_PATIENCE_NS / 1000000) : 0);

	if (nr < 0)
		return backend_fail(t, errno, "epoll_wait");
	if (!nr && wait)
		return backend_fail(t, ETIME, "epoll_wait: no timer has expired");
	own->nr_ready = nr;
	own->next = 0;
	return nr;
}

static int read_one(struct timers *t, struct timerfds *own, uint32_t *expired)
{
	uint32_t timer = own->ready[own->next++].data.u32;
	uint64_t expirations;

	if (read(own->fds[timer], &expirations, sizeof(expirations)) < 0)
		return backend_fail(t, errno, "read of a timerfd that epoll has named");
	*expired = timer;
	return 0;
}

static int collect(struct timers *t, uint32_t *expired, unsigned int max, bool wait)
{
	struct timerfds *own = t->own;
	unsigned int got = 0;
	int ret;

	while (got < max) {
		if (own->next == own->nr_ready) {
			ret = wait_for_some(t, own, wait && !got);
			if (ret <= 0)
				return ret ? ret : (int)got;
		}
		ret = read_one(t, own, &expired[got++]);
		if (ret)
			return ret;
	}
	return (int)got;
}

const struct backend backend_timerfd = {
	.name = "timerfd",
	.what = "timerfd_settime(2), epoll_wait(2) and read(2)",
	.setup = setup,
	.teardown = teardown,
	.arm = set,
	.rearm = set,
	.cancel = cancel,
	.collect = collect,
};
