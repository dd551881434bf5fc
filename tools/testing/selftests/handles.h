/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handles of libhtw for the suites. Most of them are on virtual time: what happens is
 * then the same each time, and nothing has to be waited for.
 */
#ifndef HTW_TEST_HANDLES_H
#define HTW_TEST_HANDLES_H

#include <libhtw.h>

#include "context.h"

/* A tick on virtual time: short, but not 1, so that rounding would be seen. */
#define TICK	1024ULL

/* System calls that the library makes, but for open(2), mmap(2) and close(2). */
static unsigned int nr_ioctls;

/* What shall happen just before the next one. */
static void (*before_ioctl)(void);

int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg);

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	void (*before)(void) = before_ioctl;

	__atomic_add_fetch(&nr_ioctls, 1, __ATOMIC_RELAXED);
	if (before) {
		before_ioctl = NULL;
		before();
	}
	return __real_ioctl(fd, request, arg);
}

#define EXPECT_IOCTLS(_nr, _call)					\
	do {								\
		unsigned int ioctls_before = nr_ioctls;			\
									\
		_call;							\
		EXPECT_EQ(nr_ioctls - ioctls_before, _nr);		\
	} while (0)

static inline struct htw_params default_params(void)
{
	struct htw_params params;

	htw_params_init(&params);
	params.path = device_path();
	return params;
}

static inline struct htw *handle_with(struct htw_params params)
{
	struct htw *h;

	ASSERT_EQ(htw_open(&h, &params), 0);
	return h;
}

/* On CLOCK_MONOTONIC, without a ring. */
static inline struct htw *real_handle(void)
{
	return handle_with(default_params());
}

static inline struct htw_params virtual_params(unsigned int ring_entries)
{
	struct htw_params params = default_params();

	params.clock = HTW_CLOCK_VIRTUAL;
	params.tick_ns = TICK;
	params.ring_entries = ring_entries;
	return params;
}

static inline struct htw *virtual_handle(unsigned int ring_entries)
{
	return handle_with(virtual_params(ring_entries));
}

/* The same promises with and without a ring. */
static inline void in_both_modes(void (*test)(struct htw *h))
{
	test(virtual_handle(0));
	test(virtual_handle(64));
}

static inline uint64_t after(struct htw *h, uint64_t delay, uint64_t cookie)
{
	__u64 id = 0;

	ASSERT_EQ(htw_after(h, delay, 0, cookie, &id), 0);
	ASSERT_NE(id, 0);
	return id;
}

/* There is an event, and it is this one. */
static inline void expect_next(struct htw *h, uint64_t cookie, uint64_t expires)
{
	struct htw_event event;

	ASSERT_EQ(htw_next_event(h, &event, 0), 1);
	EXPECT_EQ(event.cookie, cookie);
	EXPECT_EQ(event.expires, expires);
}

static inline void expect_none(struct htw *h)
{
	struct htw_event event;

	EXPECT_EQ(htw_next_event(h, &event, 0), 0);
}

#endif /* HTW_TEST_HANDLES_H */
