// SPDX-License-Identifier: GPL-2.0
/*
 * A daemon's chores, with libhtw: some are due again and again, and after a second's
 * fraction the daemon ends. before.c is the same with timerfd; README tells what changed.
 */
#include <libhtw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define MSEC	1000000ULL

#define NR_CHORES	3

static struct chore {
	struct htw_cb	timer;
	const char	*name;
	__u64		every_ms, times, until;
} chores[NR_CHORES] = {
	{ .name = "heartbeat", .every_ms = 10, .until = 30 },
	{ .name = "metrics", .every_ms = 25, .until = 8 },
	{ .name = "flush", .every_ms = 40, .until = 5 },
};

static unsigned int done;

static void check(int res, const char *what)
{
	if (res < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(-res));
		exit(1);
	}
}

static void do_chore(struct htw *h, struct htw_cb *timer, const struct htw_event *event)
{
	/* The first member, so that the timer is where the chore is. */
	struct chore *chore = (struct chore *)timer;

	chore->times += event->expirations;
	if (chore->times < chore->until)
		return;
	chore->times = chore->until;
	check(htw_cb_cancel(h, timer), "htw_cb_cancel");
	done++;
}

int main(void)
{
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };
	struct htw *h;
	size_t c;

	check(htw_open(&h, NULL), "/dev/htw");
	if (epfd < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, htw_get_fd(h), &event)) {
		perror("epoll");
		return 1;
	}
	for (c = 0; c < NR_CHORES; c++) {
		htw_cb_init(&chores[c].timer, do_chore);
		check(htw_cb_every(h, &chores[c].timer, chores[c].every_ms * MSEC, 0),
		      chores[c].name);
	}
	while (done < NR_CHORES) {
		if (epoll_wait(epfd, &event, 1, -1) < 0) {
			perror("epoll_wait");
			return 1;
		}
		check(htw_dispatch(h, 64), "htw_dispatch");
	}
	for (c = 0; c < NR_CHORES; c++)
		printf("%-10s %llu times\n", chores[c].name, chores[c].times);
	htw_close(h);
	return 0;
}
