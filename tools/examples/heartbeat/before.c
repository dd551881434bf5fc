// SPDX-License-Identifier: GPL-2.0
/*
 * A daemon's chores, with timerfd: some are due again and again, and after a second's
 * fraction the daemon ends. after.c is the same with libhtw; README tells what changed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define MSEC	1000000L

#define NR_CHORES	3

static struct chore {
	const char	*name;
	long		every_ms;
	uint64_t	times, until;
	int		fd;
} chores[NR_CHORES] = {
	{ .name = "heartbeat", .every_ms = 10, .until = 30 },
	{ .name = "metrics", .every_ms = 25, .until = 8 },
	{ .name = "flush", .every_ms = 40, .until = 5 },
};

static void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(1);
	}
}

static void start(struct chore *chore, int epfd)
{
	struct timespec period = { .tv_nsec = chore->every_ms * MSEC };
	struct itimerspec times = { .it_value = period, .it_interval = period };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = chore };

	chore->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	check(chore->fd < 0, "timerfd_create");
	check(timerfd_settime(chore->fd, 0, &times, NULL), "timerfd_settime");
	check(epoll_ctl(epfd, EPOLL_CTL_ADD, chore->fd, &event), "epoll_ctl");
}

/* Return: 1 if it was the last time. */
static unsigned int do_chore(struct chore *chore)
{
	uint64_t expirations;

	check(read(chore->fd, &expirations, sizeof(expirations)) < 0, "read");
	chore->times += expirations;
	if (chore->times < chore->until)
		return 0;
	chore->times = chore->until;
	check(close(chore->fd), "close");
	return 1;
}

int main(void)
{
	int epfd = epoll_create1(EPOLL_CLOEXEC), nr, i;
	unsigned int done = 0;
	struct epoll_event ready[NR_CHORES];
	size_t c;

	check(epfd < 0, "epoll_create1");
	for (c = 0; c < NR_CHORES; c++)
		start(&chores[c], epfd);
	while (done < NR_CHORES) {
		nr = epoll_wait(epfd, ready, NR_CHORES, -1);
		check(nr < 0, "epoll_wait");
		for (i = 0; i < nr; i++)
			done += do_chore(ready[i].data.ptr);
	}
	for (c = 0; c < NR_CHORES; c++)
		printf("%-10s %llu times\n", chores[c].name, (unsigned long long)chores[c].times);
	return 0;
}
