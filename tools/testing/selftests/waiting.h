/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Waiting for events in the ways that several suites use.
 */
#ifndef HTW_TEST_WAITING_H
#define HTW_TEST_WAITING_H

#include <sys/epoll.h>

#include "context.h"
#include "threads.h"

#define EVENT_SIZE	((ssize_t)sizeof(struct htw_event))

/* A cookie that tells a reader to stop. */
#define LAST		UINT64_MAX

static inline void expect_no_event(int fd)
{
	EXPECT_EQ(poll_context(fd, 0), 0);
}

/* A thread. Return: the event, which is of malloc(). */
static inline void *read_one(void *fd)
{
	struct htw_event *event = malloc(sizeof(*event));

	ASSERT_TRUE(event);
	read_event(*(int *)fd, event);
	return event;
}

static inline int new_epoll(int fd, uint32_t flags)
{
	struct epoll_event want = { .events = EPOLLIN | flags };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_GE(ep, 0);
	ASSERT_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want), 0);
	return ep;
}

static inline int wait_epoll(int ep, int timeout_ms)
{
	struct epoll_event got;
	int n = epoll_wait(ep, &got, 1, timeout_ms);

	if (n > 0)
		EXPECT_EQ(got.events, EPOLLIN);
	return n;
}

#endif /* HTW_TEST_WAITING_H */
