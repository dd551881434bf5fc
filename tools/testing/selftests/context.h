/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites do with the device all the time. What must work here ends the
 * test when it does not; what may fail returns the negative errno.
 */
#ifndef HTW_TEST_CONTEXT_H
#define HTW_TEST_CONTEXT_H

#include <fcntl.h>
#include <linux/htw.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "ktap.h"

#define USEC	1000ULL
#define MSEC	1000000ULL
#define SEC	1000000000ULL
#define HOUR	(3600 * SEC)

#define MAX_TIME	((uint64_t)INT64_MAX)

static inline const char *device_path(void)
{
	const char *path = getenv("HTW_DEVICE");

	return path && *path ? path : "/dev/htw";
}

/* For struct ktap_suite: no device is no reason to skip. */
static inline const char *need_device(void)
{
	static char reason[256];
	int fd = open(device_path(), O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return NULL;
	}
	snprintf(reason, sizeof(reason), "%s: %s; %s", device_path(),
		 strerror(errno), errno == EACCES ?
		 "become a member of its group, or root" :
		 "load the module htw");
	return reason;
}

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

static inline uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline void sleep_ns(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / SEC),
		.tv_nsec = (long)(ns % SEC),
	};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static inline int open_context(int flags)
{
	int fd = open(device_path(), O_RDWR | O_CLOEXEC | flags);

	ASSERT_GE(fd, 0);
	return fd;
}

static inline int do_op(int fd, struct htw_op *op)
{
	return ioctl(fd, HTW_IOC_OP, op) ? -errno : 0;
}

static inline int do_setup(int fd, struct htw_setup *setup)
{
	return ioctl(fd, HTW_IOC_SETUP, setup) ? -errno : 0;
}

static inline int do_batch(int fd, struct htw_batch *batch)
{
	return ioctl(fd, HTW_IOC_BATCH, batch) ? -errno : 0;
}

/* A context that is set up like that. */
static inline int open_setup(int flags, struct htw_setup setup)
{
	int fd = open_context(flags);

	ASSERT_EQ(do_setup(fd, &setup), 0);
	return fd;
}

static inline int open_clock(int flags, uint32_t clock)
{
	return open_setup(flags, (struct htw_setup){ .clock = clock });
}

/* At time 0; never blocks, as nobody but the reader makes time pass. */
static inline int open_virtual(uint64_t tick_ns)
{
	return open_setup(O_NONBLOCK, (struct htw_setup){
		.clock = HTW_CLOCK_VIRTUAL, .tick_ns = tick_ns });
}

static inline struct htw_query query(int fd)
{
	struct htw_query q = { 0 };

	ASSERT_EQ(ioctl(fd, HTW_IOC_QUERY, &q), 0);
	return q;
}

static inline struct htw_context_stats stats(int fd)
{
	struct htw_context_stats s = { 0 };

	ASSERT_EQ(ioctl(fd, HTW_IOC_STATS, &s), 0);
	return s;
}

/* How many timers the context holds. */
static inline uint64_t held(int fd)
{
	return query(fd).nr_file;
}

/* Return: the id. */
static inline uint64_t arm(int fd, struct htw_op op)
{
	op.opcode = HTW_OP_ARM;
	ASSERT_EQ(do_op(fd, &op), 0);
	return op.id;
}

static inline uint64_t arm_in(int fd, uint64_t delay, uint64_t cookie)
{
	return arm(fd, (struct htw_op){ .expires = delay, .cookie = cookie });
}

static inline uint64_t arm_at(int fd, uint64_t time, uint64_t cookie)
{
	return arm(fd, (struct htw_op){
		.flags = HTW_TIMER_ABS, .expires = time, .cookie = cookie });
}

static inline uint64_t arm_every(int fd, uint64_t first,
				 uint64_t interval, uint64_t cookie)
{
	return arm(fd, (struct htw_op){
		.flags = HTW_TIMER_ABS, .expires = first,
		.interval = interval, .cookie = cookie });
}

/* An interval that the kernel takes and a test can wait for. */
static inline uint64_t short_interval(int fd)
{
	uint64_t least = query(fd).min_interval_ns;

	return least > 2 * MSEC ? least : 2 * MSEC;
}

/* Return: HTW_CANCELLED, HTW_WITHDRAWN, HTW_DELIVERED or the negative errno. */
static inline int cancel(int fd, uint64_t id)
{
	struct htw_op op = { .opcode = HTW_OP_CANCEL, .id = id };
	int err = do_op(fd, &op);

	return err ? err : op.res;
}

static inline int rearm_in(int fd, uint64_t id, uint64_t delay,
			   uint64_t cookie)
{
	struct htw_op op = {
		.opcode = HTW_OP_REARM,
		.id = id,
		.expires = delay,
		.cookie = cookie,
	};

	return do_op(fd, &op);
}

static inline int remaining(int fd, uint64_t id, struct htw_op *op)
{
	*op = (struct htw_op){ .opcode = HTW_OP_REMAINING, .id = id };
	return do_op(fd, op);
}

/* Let virtual time pass. Return: the time that it is then. */
static inline uint64_t advance(int fd, uint16_t flags, uint64_t expires)
{
	struct htw_op op = {
		.opcode = HTW_OP_ADVANCE, .flags = flags, .expires = expires };

	ASSERT_EQ(do_op(fd, &op), 0);
	return op.value;
}

/* Return: the events of poll(2), 0 after that time. */
static inline int poll_context(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	ASSERT_GE(poll(&pfd, 1, timeout_ms), 0);
	return pfd.revents;
}

static inline void wait_readable(int fd)
{
	ASSERT_EQ(poll_context(fd, -1), POLLIN);
}

/* Nothing is there to be read, nor will be for a while. */
#define EXPECT_SILENCE(_fd)	EXPECT_EQ(poll_context(_fd, 20), 0)

/* Read one event; it must not have come early. Return: the time after that. */
static inline uint64_t read_event_on(int fd, clockid_t clock,
				     struct htw_event *event)
{
	uint64_t now;

	ASSERT_EQ(read(fd, event, sizeof(*event)), sizeof(*event));
	now = clock_ns(clock);
	EXPECT_GE(now, event->expires);
	EXPECT_EQ(HTW_EVENT_TYPE(event->info), HTW_EVENT_EXPIRED);
	return now;
}

static inline uint64_t read_event(int fd, struct htw_event *event)
{
	return read_event_on(fd, CLOCK_MONOTONIC, event);
}

/* Read what there is, at most @room. Return: how many. */
static inline size_t read_events(int fd, struct htw_event *events, size_t room)
{
	ssize_t len = read(fd, events, room * sizeof(*events));

	if (len < 0)
		ASSERT_EQ(errno, EAGAIN);
	return len < 0 ? 0 : (size_t)len / sizeof(*events);
}

/* Small, repeatable, good enough to shuffle with. */
static inline uint32_t random_of(uint64_t *state, uint32_t limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32) % limit;
}

/*
 * Stay on one CPU, the @nr-th of those that there are, counted around. For the
 * process of a test, whose parent is the runner and may use all of them.
 */
static inline void pin_to_cpu(int nr)
{
	cpu_set_t all, one;
	int cpu;

	ASSERT_EQ(sched_getaffinity(getppid(), sizeof(all), &all), 0);
	nr %= CPU_COUNT(&all);
	for (cpu = 0; !CPU_ISSET(cpu, &all) || nr--; cpu++)
		;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
}

#endif /* HTW_TEST_CONTEXT_H */
