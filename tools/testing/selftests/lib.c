// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of libhtw, one by one: what they return, and that they make no more system
 * calls than they say. What the kernel makes of the operations is tested elsewhere.
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/time.h>

#include "handles.h"

#define ARRAY_SIZE(_a)	(sizeof(_a) / sizeof((_a)[0]))

/* Opening and closing */

static void descriptor_is_closed_on_exec_and_polls(void)
{
	struct htw *h = real_handle();
	int fd = htw_get_fd(h);

	EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EXPECT_EQ(poll_context(fd, 0), 0);
	after(h, 0, 1);
	wait_readable(fd);
	htw_close(h);
	EXPECT_ERRNO(fcntl(fd, F_GETFD), EBADF);
}

static void params_may_be_left_out(void)
{
	struct htw *h;

	if (strcmp(device_path(), "/dev/htw"))
		ktap_skip("the device is somewhere else");
	ASSERT_EQ(htw_open(&h, NULL), 0);
	EXPECT_GE(htw_now(h), 0);
	htw_close(h);
}

static void params_that_init_did_not_make_are_refused(void)
{
	struct htw_params zero = { 0 }, longer = default_params();
	struct htw_params resv0 = default_params(), resv = default_params();
	struct htw *h = NULL;

	longer.size += 8;
	resv0.resv0 = 1;
	resv.resv[3] = 1;
	EXPECT_EQ(htw_open(&h, &zero), -EINVAL);
	EXPECT_EQ(htw_open(&h, &longer), -EINVAL);
	EXPECT_EQ(htw_open(&h, &resv0), -EINVAL);
	EXPECT_EQ(htw_open(&h, &resv), -EINVAL);
	EXPECT_TRUE(!h);
}

static int lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	close(fd);
	return fd;
}

static void failed_open_tells_why_and_leaves_nothing(void)
{
	struct htw_params missing = default_params(), other = default_params();
	struct htw_params ring = default_params(), clock = default_params();
	int before = lowest_free_fd();
	struct htw *h = NULL;

	missing.path = "/dev/no-such-device";
	other.path = "/dev/null";
	ring.ring_entries = 3;
	clock.clock = CLOCK_PROCESS_CPUTIME_ID;
	EXPECT_EQ(htw_open(&h, &missing), -ENOENT);
	EXPECT_EQ(htw_open(&h, &other), -ENOTTY);
	EXPECT_EQ(htw_open(&h, &ring), -EINVAL);
	EXPECT_EQ(htw_open(&h, &clock), -EOPNOTSUPP);
	EXPECT_TRUE(!h);
	EXPECT_EQ(lowest_free_fd(), before);
}

static struct htw *handle_with_all(void)
{
	struct htw_params params = virtual_params(16);

	params.flags = HTW_SETUP_WORDS;
	return handle_with(params);
}

static int is_mapped(const void *at)
{
	return msync((void *)(uintptr_t)at, 1, MS_ASYNC) == 0;
}

static void close_takes_the_mappings_away(void)
{
	struct htw *h = handle_with_all();
	struct htw_map map = *htw_get_map(h);

	ASSERT_TRUE(map.ring && map.ctl && map.words);
	EXPECT_TRUE(is_mapped(map.ring) && is_mapped(map.ctl) && is_mapped(map.words));
	htw_close(h);
	EXPECT_TRUE(!is_mapped(map.ring));
	EXPECT_TRUE(!is_mapped(map.ctl));
	EXPECT_TRUE(!is_mapped(map.words));
	htw_close(NULL);
}

/* The child has its own memory where the parent has the ring. */
static void close_in_a_child_unmaps_nothing_of_it(void)
{
	struct htw *h = handle_with_all();
	void *at = (void *)(uintptr_t)htw_get_map(h)->ring, *own;
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		own = mmap(at, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		ASSERT_EQ(own, at);
		htw_close(h);
		EXPECT_TRUE(is_mapped(at));
		_exit(0);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	after(h, TICK, 7);
	ASSERT_EQ(htw_advance(h, TICK), TICK);
	expect_next(h, 7, TICK);
}

static void what_the_kernel_can_do_is_told(void)
{
	struct htw *h = real_handle();
	struct htw_query probed, asked;

	ASSERT_EQ(htw_probe(device_path(), &probed), 0);
	ASSERT_EQ(htw_query(h, &asked), 0);
	EXPECT_EQ(probed.features, asked.features);
	EXPECT_TRUE(asked.features & HTW_FEAT_BATCH);
	EXPECT_EQ(asked.nr_file, 0);
	EXPECT_EQ(htw_probe("/dev/no-such-device", &probed), -ENOENT);
	EXPECT_EQ(htw_probe("/dev/null", &probed), -ENOTTY);
	EXPECT_EQ(htw_supports(h, HTW_FEAT_BATCH | HTW_FEAT_RING), 1);
	EXPECT_EQ(htw_supports(h, HTW_FEAT_BATCH | 1ULL << 63), 0);
}

static void statistics_count(void)
{
	struct htw *h = virtual_handle(0);
	struct htw_context_stats stats;

	after(h, TICK, 1);
	EXPECT_EQ(htw_cancel(h, after(h, TICK, 2)), HTW_CANCELLED);
	ASSERT_EQ(htw_advance(h, TICK), TICK);
	expect_next(h, 1, TICK);
	ASSERT_EQ(htw_stats(h, &stats), 0);
	EXPECT_EQ(stats.armed, 2);
	EXPECT_EQ(stats.cancelled, 1);
	EXPECT_EQ(stats.delivered, 1);
}

/* One timer */

static void after_and_at_and_every_arm(void)
{
	struct htw *h = virtual_handle(0);
	__u64 id;

	ASSERT_EQ(htw_advance(h, 10 * TICK), 10 * TICK);
	EXPECT_EQ(htw_after(h, 3 * TICK, 0, 1, &id), 0);
	EXPECT_EQ(htw_at(h, 12 * TICK, 0, 2, &id), 0);
	EXPECT_EQ(htw_every(h, 5 * TICK, 0, 3, &id), 0);
	EXPECT_EQ(htw_after(h, 4 * TICK, 0, 4, NULL), 0);
	ASSERT_EQ(htw_advance_to(h, 15 * TICK), 15 * TICK);
	expect_next(h, 2, 12 * TICK);
	expect_next(h, 1, 13 * TICK);
	expect_next(h, 4, 14 * TICK);
	expect_next(h, 3, 15 * TICK);
	ASSERT_EQ(htw_advance(h, 5 * TICK), 20 * TICK);
	expect_next(h, 3, 20 * TICK);
	expect_none(h);
}

static void timer_on_the_real_clock_is_never_early(void)
{
	struct htw *h = real_handle();
	__s64 before = htw_now(h);
	struct htw_event event;

	after(h, 2 * MSEC, 42);
	ASSERT_EQ(htw_next_event(h, &event, HTW_FOREVER), 1);
	EXPECT_EQ(event.cookie, 42);
	EXPECT_GE(event.expires, before + (__s64)(2 * MSEC));
	EXPECT_GE(htw_now(h), event.expires);
}

static void rearm_changes_times_and_cookie_of_the_same_id(void)
{
	struct htw *h = virtual_handle(0);
	uint64_t id = after(h, TICK, 1);

	EXPECT_EQ(htw_rearm_after(h, id, 5 * TICK, 0, 2), 0);
	ASSERT_EQ(htw_advance(h, 4 * TICK), 4 * TICK);
	expect_none(h);
	EXPECT_EQ(htw_rearm_at(h, id, 6 * TICK, 0, 3), 0);
	ASSERT_EQ(htw_advance_to(h, 5 * TICK), 5 * TICK);
	expect_none(h);
	EXPECT_EQ(htw_rearm_every(h, id, 2 * TICK, 0, 4), 0);
	ASSERT_EQ(htw_advance_to(h, 7 * TICK), 7 * TICK);
	expect_next(h, 4, 7 * TICK);
	ASSERT_EQ(htw_advance_to(h, 9 * TICK), 9 * TICK);
	expect_next(h, 4, 9 * TICK);
	EXPECT_EQ(htw_cancel(h, id), HTW_CANCELLED);
	EXPECT_EQ(htw_rearm_after(h, id, TICK, 0, 5), -ENOENT);
}

static void cancel_tells_what_it_has_ended(void)
{
	struct htw *h = virtual_handle(0);
	uint64_t pending = after(h, 9 * TICK, 1), expired = after(h, TICK, 2);
	__u64 kept, gone;

	EXPECT_EQ(htw_cancel(h, pending), HTW_CANCELLED);
	EXPECT_EQ(htw_cancel(h, pending), -ENOENT);
	ASSERT_EQ(htw_advance(h, TICK), TICK);
	EXPECT_EQ(htw_cancel(h, expired), HTW_WITHDRAWN);
	ASSERT_EQ(htw_after(h, TICK, HTW_TIMER_KEEP, 3, &kept), 0);
	ASSERT_EQ(htw_after(h, TICK, 0, 4, &gone), 0);
	ASSERT_EQ(htw_advance(h, TICK), 2 * TICK);
	expect_next(h, 3, 2 * TICK);
	expect_next(h, 4, 2 * TICK);
	EXPECT_EQ(htw_cancel(h, kept), HTW_DELIVERED);
	EXPECT_EQ(htw_cancel(h, gone), -EALREADY);
	EXPECT_EQ(htw_cancel(h, 0), -ENOENT);
}

static void cancel_of_what_is_in_the_ring_is_too_late(void)
{
	struct htw *h = virtual_handle(16);
	uint64_t id = after(h, TICK, 1);

	ASSERT_EQ(htw_advance(h, TICK), TICK);
	EXPECT_EQ(htw_cancel(h, id), -EALREADY);
	expect_next(h, 1, TICK);
}

static void many_are_cancelled_by_their_cookies(void)
{
	struct htw *h = virtual_handle(0);
	struct htw_query query;
	uint64_t i;

	for (i = 0; i < 64; i++)
		after(h, HOUR, i);
	EXPECT_EQ(htw_cancel_match(h, 0x10, 0x30), 16);
	EXPECT_EQ(htw_cancel_match(h, 0x10, 0x30), 0);
	ASSERT_EQ(htw_query(h, &query), 0);
	EXPECT_EQ(query.nr_file, 48);
	EXPECT_EQ(htw_cancel_all(h), 48);
	ASSERT_EQ(htw_query(h, &query), 0);
	EXPECT_EQ(query.nr_file, 0);
}

static void remaining_tells_state_and_time(void)
{
	struct htw *h = virtual_handle(0);
	struct htw_event event;
	__u64 id, ns = 0;

	ASSERT_EQ(htw_after(h, 5 * TICK, HTW_TIMER_KEEP, 1, &id), 0);
	ASSERT_EQ(htw_advance(h, 2 * TICK), 2 * TICK);
	EXPECT_EQ(htw_remaining(h, id, &ns), HTW_STATE_ARMED);
	EXPECT_EQ(ns, 3 * TICK);
	ASSERT_EQ(htw_advance(h, 3 * TICK), 5 * TICK);
	EXPECT_EQ(htw_remaining(h, id, &ns), HTW_STATE_EXPIRED);
	EXPECT_EQ(ns, 0);
	ASSERT_EQ(htw_next_event(h, &event, 0), 1);
	EXPECT_EQ(htw_remaining(h, id, NULL), HTW_STATE_DELIVERED);
	ASSERT_EQ(htw_cancel(h, id), HTW_DELIVERED);
	EXPECT_EQ(htw_remaining(h, id, &ns), -ENOENT);
}

static void deadline_that_cannot_be_kept_is_late(void)
{
	struct htw *h = virtual_handle(0);
	__u64 id = 0;

	ASSERT_EQ(htw_advance(h, 5 * TICK), 5 * TICK);
	EXPECT_EQ(htw_at(h, 100 * TICK, HTW_TIMER_DEADLINE, 1, NULL), 0);
	EXPECT_EQ(htw_at(h, TICK, HTW_TIMER_DEADLINE, 2, &id), HTW_LATE);
	EXPECT_NE(id, 0);
	EXPECT_EQ(htw_rearm_at(h, id, TICK, HTW_TIMER_DEADLINE, 2), HTW_LATE);
}

static void errnos_of_operations_come_back(void)
{
	struct htw_params params = virtual_params(0);
	struct htw *h, *real = real_handle();
	struct htw_op op;
	__u64 id = 77;
	int i;

	params.max_timers = 32;
	h = handle_with(params);
	for (i = 0; i < 32; i++)
		after(h, HOUR, 1);
	EXPECT_EQ(htw_after(h, HOUR, 0, 1, &id), -ENOSPC);
	EXPECT_EQ(id, 77);
	EXPECT_EQ(htw_after(h, MAX_TIME + 1, 0, 1, &id), -EINVAL);
	EXPECT_EQ(htw_after(h, 0, 1U << 15, 1, &id), -EINVAL);
	EXPECT_EQ(htw_every(h, 1, HTW_TIMER_DEADLINE | HTW_TIMER_WORD, 1, &id), -EINVAL);
	EXPECT_EQ(htw_advance(real, 1), -EOPNOTSUPP);
	htw_prep(&op, 0xffff, 0);
	EXPECT_EQ(htw_do(real, &op), -EOPNOTSUPP);
}

/* Time */

static void now_is_the_time_of_the_clock(void)
{
	static const __u32 clocks[] = {
		CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME, CLOCK_TAI
	};
	struct htw_params params = default_params();
	struct timespec ts;
	struct htw *h;
	__s64 now;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		params.clock = clocks[i];
		h = handle_with(params);
		ASSERT_EQ(clock_gettime((clockid_t)clocks[i], &ts), 0);
		now = htw_now(h);
		EXPECT_GE(now, ts.tv_sec * (__s64)SEC + ts.tv_nsec);
		ASSERT_EQ(clock_gettime((clockid_t)clocks[i], &ts), 0);
		EXPECT_LE(now, ts.tv_sec * (__s64)SEC + ts.tv_nsec);
		htw_close(h);
	}
}

static void virtual_time_moves_when_it_is_told(void)
{
	struct htw_params params = virtual_params(0);
	struct htw *h;

	params.virtual_start = 1000 * TICK;
	h = handle_with(params);
	EXPECT_EQ(htw_now(h), 1000 * TICK);
	EXPECT_EQ(htw_advance(h, 5), 1000 * TICK + 5);
	EXPECT_EQ(htw_now(h), 1000 * TICK + 5);
	EXPECT_EQ(htw_advance_to(h, 2000 * TICK), 2000 * TICK);
	EXPECT_EQ(htw_advance_to(h, 1), 2000 * TICK);
	EXPECT_EQ(htw_advance(h, MAX_TIME + 1), -EINVAL);
	EXPECT_EQ(htw_now(h), 2000 * TICK);
}

static void advance_next_stops_at_each_event(void)
{
	struct htw *h = virtual_handle(0);

	after(h, 5 * TICK, 1);
	after(h, 500 * TICK, 2);
	EXPECT_EQ(htw_advance_next(h, 1000 * TICK), 5 * TICK);
	expect_next(h, 1, 5 * TICK);
	EXPECT_EQ(htw_advance_next(h, 100 * TICK), 100 * TICK);
	expect_none(h);
	EXPECT_EQ(htw_advance_next(h, 1000 * TICK), 500 * TICK);
	expect_next(h, 2, 500 * TICK);
	EXPECT_EQ(htw_advance_next(h, 1000 * TICK), 1000 * TICK);
}

/* Events */

static void events_come_in_order(struct htw *h)
{
	struct htw_event events[8];
	uint64_t i;
	int got;

	for (i = 0; i < 40; i++)
		after(h, (40 - i) * TICK, i);
	ASSERT_EQ(htw_advance(h, 40 * TICK), 40 * TICK);
	for (i = 40; i > 0;) {
		got = htw_next_events(h, events, ARRAY_SIZE(events), 0);
		ASSERT_EQ(got, 8);
		for (got = 0; got < 8; got++)
			EXPECT_EQ(events[got].cookie, --i);
	}
	EXPECT_EQ(htw_next_events(h, events, ARRAY_SIZE(events), 0), 0);
	EXPECT_EQ(htw_next_events(h, events, 0, 0), -EINVAL);
	htw_close(h);
}

static void events_come_in_order_in_both_modes(void)
{
	in_both_modes(events_come_in_order);
}

static void wait_ends_when_the_time_is_over(struct htw *h)
{
	struct htw_event event;
	uint64_t before = now_ns();

	EXPECT_EQ(htw_next_event(h, &event, 3 * MSEC), 0);
	EXPECT_GE(now_ns(), before + 3 * MSEC);
	EXPECT_EQ(htw_next_event(h, &event, MAX_TIME + 1), -EINVAL);
	after(h, 0, 5);
	ASSERT_EQ(htw_advance(h, TICK), TICK);
	EXPECT_EQ(htw_next_event(h, &event, HTW_FOREVER), 1);
	EXPECT_EQ(event.cookie, 5);
	htw_close(h);
}

static void wait_ends_when_the_time_is_over_in_both_modes(void)
{
	in_both_modes(wait_ends_when_the_time_is_over);
}

static void *advance_later(void *arg)
{
	sleep_ns(2 * MSEC);
	ASSERT_EQ(htw_advance(arg, TICK), TICK);
	return NULL;
}

static void wait_ends_when_an_event_comes(struct htw *h)
{
	struct htw_event event;
	pthread_t thread;

	after(h, TICK, 6);
	ASSERT_EQ(pthread_create(&thread, NULL, advance_later, h), 0);
	EXPECT_EQ(htw_next_event(h, &event, HTW_FOREVER), 1);
	EXPECT_EQ(event.cookie, 6);
	pthread_join(thread, NULL);
	htw_close(h);
}

static void wait_ends_when_an_event_comes_in_both_modes(void)
{
	in_both_modes(wait_ends_when_an_event_comes);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void wait_is_interrupted_by_a_signal(struct htw *h)
{
	/* Again and again: the first one may come before the wait. */
	struct itimerval each = { { 0, 5000 }, { 0, 5000 } }, none = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = on_signal };
	struct htw_event event;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
	EXPECT_EQ(htw_next_event(h, &event, HTW_FOREVER), -EINTR);
	setitimer(ITIMER_REAL, &none, NULL);
	htw_close(h);
}

static void wait_is_interrupted_by_a_signal_in_both_modes(void)
{
	in_both_modes(wait_is_interrupted_by_a_signal);
}

static void eventfd_is_signalled(void)
{
	struct htw *h = virtual_handle(16);
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	uint64_t count = 0;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(htw_set_eventfd(h, fd), 0);
	EXPECT_ERRNO(read(fd, &count, sizeof(count)), EAGAIN);
	after(h, TICK, 1);
	ASSERT_EQ(htw_advance(h, TICK), TICK);
	EXPECT_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	ASSERT_EQ(htw_set_eventfd(h, -1), 0);
	after(h, TICK, 2);
	ASSERT_EQ(htw_advance(h, TICK), 2 * TICK);
	EXPECT_ERRNO(read(fd, &count, sizeof(count)), EAGAIN);
	EXPECT_EQ(htw_set_eventfd(h, lowest_free_fd()), -EBADF);
	EXPECT_EQ(htw_set_eventfd(h, htw_get_fd(h)), -EINVAL);
}

/* Many threads may arm and take without a ring. */

#define THREADS		4
#define PER_THREAD	500

struct together {
	struct htw	*h;
	unsigned int	nr;
	unsigned char	seen[THREADS * PER_THREAD];
	unsigned int	taken;
};

static void *arm_and_take(void *arg)
{
	struct together *all = arg;
	uint64_t first = __atomic_fetch_add(&all->nr, 1, __ATOMIC_RELAXED) * PER_THREAD, i;
	struct htw_event event;

	for (i = 0; i < PER_THREAD; i++)
		ASSERT_EQ(htw_after(all->h, i * USEC, 0, first + i, NULL), 0);
	while (__atomic_load_n(&all->taken, __ATOMIC_RELAXED) < THREADS * PER_THREAD) {
		if (htw_next_event(all->h, &event, MSEC) != 1)
			continue;
		__atomic_add_fetch(&all->seen[event.cookie], 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&all->taken, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void threads_share_a_handle(void)
{
	static struct together all;
	pthread_t threads[THREADS];
	size_t i;

	all.h = real_handle();
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, arm_and_take, &all), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < sizeof(all.seen); i++)
		EXPECT_EQ(all.seen[i], 1);
}

/* The ring */

static void ring_is_read_without_a_call(void)
{
	struct htw *h = virtual_handle(16);
	const struct htw_map *map = htw_get_map(h);
	const struct htw_event *event;
	__u32 nr, ready;

	EXPECT_EQ(map->mask, 15);
	EXPECT_TRUE(!htw_ring_peek(map));
	for (nr = 0; nr < 5; nr++)
		after(h, TICK, nr);
	ASSERT_EQ(htw_advance(h, TICK), TICK);
	EXPECT_IOCTLS(0, {
		EXPECT_EQ(htw_ring_ready(map), 5);
		EXPECT_EQ(htw_ring_peek(map)->cookie, 0);
		htw_ring_for_each(map, nr, ready, event)
			EXPECT_EQ(event->cookie, nr);
		EXPECT_EQ(nr, 5);
		EXPECT_EQ(htw_ring_advance(map, 3), 0);
		EXPECT_EQ(htw_ring_peek(map)->cookie, 3);
		expect_next(h, 3, TICK);
		EXPECT_EQ(htw_ring_advance(map, 1), 0);
		EXPECT_TRUE(!htw_ring_peek(map));
	});
}

static void arm_many(struct htw *h, uint64_t nr)
{
	uint64_t i;

	for (i = 0; i < nr; i++)
		after(h, TICK + i % 3 * TICK, i % 3 * nr + i);
}

/* More events than there is room for: all come, and in order. */
static void full_ring_loses_nothing(void)
{
	struct htw *h = virtual_handle(4);
	uint64_t i, last = 0;
	struct htw_event event;

	arm_many(h, 99);
	ASSERT_EQ(htw_advance(h, 3 * TICK), 3 * TICK);
	EXPECT_TRUE(htw_ring_stalled(htw_get_map(h)));
	for (i = 0; i < 99; i++) {
		ASSERT_EQ(htw_next_event(h, &event, 0), 1);
		EXPECT_TRUE(!i || event.cookie > last);
		last = event.cookie;
	}
	expect_none(h);
	EXPECT_TRUE(!htw_ring_stalled(htw_get_map(h)));
}

static void full_ring_goes_on_when_it_is_advanced(void)
{
	struct htw *h = virtual_handle(4);
	const struct htw_map *map = htw_get_map(h);
	uint64_t i, last = 0;

	arm_many(h, 99);
	ASSERT_EQ(htw_advance(h, 3 * TICK), 3 * TICK);
	for (i = 0; i < 99; i++) {
		ASSERT_TRUE(htw_ring_peek(map));
		EXPECT_TRUE(!i || htw_ring_peek(map)->cookie > last);
		last = htw_ring_peek(map)->cookie;
		EXPECT_EQ(htw_ring_advance(map, 1), 0);
	}
	EXPECT_TRUE(!htw_ring_peek(map));
}

#define BURST	5

/* Bursts of events, the next one when the last one has been taken. */
struct stream {
	struct htw	*h;
	uint64_t	taken;
	int		stop;
	int		err;
};

static int send_burst(struct stream *stream, uint64_t first)
{
	uint64_t i;
	int err = 0;

	for (i = first; i < first + BURST && !err; i++) {
		err = htw_after(stream->h, 0, 0, i, NULL);
		if (!err && htw_advance(stream->h, TICK) < 0)
			err = -1;
	}
	return err;
}

static void *produce(void *arg)
{
	struct stream *stream = arg;
	uint64_t sent;

	for (sent = 0; !__atomic_load_n(&stream->stop, __ATOMIC_RELAXED);) {
		if (__atomic_load_n(&stream->taken, __ATOMIC_RELAXED) < sent)
			continue;
		stream->err = send_burst(stream, sent);
		if (stream->err)
			break;
		sent += BURST;
	}
	return NULL;
}

/* Return: whether an event came, within a time that is long for a loop that spins. */
static bool consume_one(struct stream *stream)
{
	const struct htw_map *map = htw_get_map(stream->h);
	uint64_t end = now_ns() + 10 * SEC;

	while (!htw_ring_peek(map))
		if (now_ns() > end)
			return false;
	ASSERT_EQ(htw_ring_peek(map)->cookie, stream->taken);
	ASSERT_EQ(htw_ring_advance(map, 1), 0);
	__atomic_store_n(&stream->taken, stream->taken + 1, __ATOMIC_RELAXED);
	return true;
}

/*
 * One thread has events put into a ring that is too small, the other takes them and never
 * sleeps. It gets to the last one of each burst only if each time one of the two, the
 * consumer or the kernel, has seen what the other has stored.
 */
static void consumer_and_kernel_never_both_wait(void)
{
	struct stream stream = { .h = virtual_handle(2) };
	const struct htw_map *map = htw_get_map(stream.h);
	uint64_t end = now_ns() + 3 * SEC;
	pthread_t thread;
	bool came = true;

	ASSERT_EQ(pthread_create(&thread, NULL, produce, &stream), 0);
	while (came && (stream.taken < BURST || now_ns() < end))
		came = consume_one(&stream);
	if (!came)
		ktap_note("event %llu: head %u, tail %u, flags %#x",
			  (unsigned long long)stream.taken, map->ctl->head, map->ring->tail,
			  map->ring->flags);
	EXPECT_TRUE(came);
	__atomic_store_n(&stream.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(stream.err, 0);
}

/* Lists of operations */

static void list_takes_as_many_as_fit(void)
{
	struct htw_oplist list;
	struct htw_op ops[2];

	htw_oplist_init(&list, ops, ARRAY_SIZE(ops));
	EXPECT_EQ(htw_oplist_add(&list), &ops[0]);
	EXPECT_EQ(htw_oplist_add(&list), &ops[1]);
	EXPECT_TRUE(!htw_oplist_add(&list));
	htw_oplist_reset(&list);
	EXPECT_EQ(htw_oplist_add(&list), &ops[0]);
}

static void list_of_every_operation_is_one_call(void)
{
	struct htw *h = virtual_handle(0);
	uint64_t id = after(h, 50 * TICK, 1), kept = after(h, 60 * TICK, 2);
	struct htw_oplist list;
	struct htw_op op[12];

	htw_oplist_init(&list, op, ARRAY_SIZE(op));
	htw_prep_after(htw_oplist_add(&list), TICK, 0, 10);
	htw_prep_at(htw_oplist_add(&list), 2 * TICK, 0, 11);
	htw_prep_every(htw_oplist_add(&list), 3 * TICK, 0, 12);
	htw_prep_rearm_after(htw_oplist_add(&list), id, 70 * TICK, 0, 13);
	htw_prep_rearm_at(htw_oplist_add(&list), id, 80 * TICK, 0, 14);
	htw_prep_rearm_every(htw_oplist_add(&list), id, 90 * TICK, 0, 15);
	htw_prep_remaining(htw_oplist_add(&list), id);
	htw_prep_cancel(htw_oplist_add(&list), id);
	htw_prep_cancel(htw_oplist_add(&list), id);
	htw_prep_cancel_match(htw_oplist_add(&list), 2, ~0ULL);
	htw_prep_remaining(htw_oplist_add(&list), kept);
	htw_prep_advance(htw_oplist_add(&list), 100 * TICK, HTW_TIMER_ABS | HTW_ADVANCE_NEXT);
	EXPECT_IOCTLS(1, EXPECT_EQ(htw_submit(h, &list), 12));
	EXPECT_EQ(list.done, 12);
	EXPECT_NE(op[0].id, 0);
	EXPECT_NE(op[1].id, op[0].id);
	EXPECT_EQ(op[2].res, 0);
	EXPECT_EQ(op[5].arming, 4);
	EXPECT_EQ(op[6].cookie, 15);
	EXPECT_EQ(op[6].value, 90 * TICK);
	EXPECT_EQ(op[7].res, HTW_CANCELLED);
	EXPECT_EQ(op[8].res, -ENOENT);
	EXPECT_EQ(op[9].res, 1);
	EXPECT_EQ(op[10].res, -ENOENT);
	EXPECT_EQ(op[11].value, TICK);
	EXPECT_EQ(htw_submit(h, &list), 0);
	expect_next(h, 10, TICK);
}

static void submit_and_wait_is_one_call(struct htw *h)
{
	struct htw_event events[4];
	struct htw_oplist list;
	struct htw_op ops[4];
	uint64_t i;

	htw_oplist_init(&list, ops, ARRAY_SIZE(ops));
	for (i = 0; i < 3; i++)
		htw_prep_after(htw_oplist_add(&list), (3 - i) * TICK, 0, i);
	htw_prep_advance(htw_oplist_add(&list), 5 * TICK, 0);
	EXPECT_IOCTLS(1, EXPECT_EQ(htw_submit_and_wait(h, &list, events, ARRAY_SIZE(events), 3,
						       HTW_FOREVER), 3));
	EXPECT_EQ(list.done, 4);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(events[i].cookie, 2 - i);
	EXPECT_EQ(htw_submit_and_wait(h, &list, events, 4, 1, 2 * MSEC), 0);
	EXPECT_EQ(htw_submit_and_wait(h, &list, events, 2, 3, MSEC), -EINVAL);
	htw_close(h);
}

static void submit_and_wait_is_one_call_in_both_modes(void)
{
	in_both_modes(submit_and_wait_is_one_call);
}

/* The list goes on into a page that can't be read; then it can. */
static void submit_goes_on_where_it_stopped(void)
{
	struct htw *h = virtual_handle(0);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct htw_oplist list;

	ASSERT_NE(at, MAP_FAILED);
	htw_oplist_init(&list, (struct htw_op *)(void *)(at + page) - 2, 4);
	for (i = 0; i < 4; i++)
		htw_prep_after(htw_oplist_add(&list), (i + 1) * TICK, 0, i);
	ASSERT_EQ(mprotect(at + page, page, PROT_NONE), 0);
	EXPECT_EQ(htw_submit(h, &list), 2);
	EXPECT_EQ(list.done, 2);
	EXPECT_EQ(htw_submit(h, &list), -EFAULT);
	ASSERT_EQ(mprotect(at + page, page, PROT_READ | PROT_WRITE), 0);
	EXPECT_EQ(htw_submit(h, &list), 2);
	ASSERT_EQ(htw_advance(h, 4 * TICK), 4 * TICK);
	for (i = 0; i < 4; i++)
		expect_next(h, i, (i + 1) * TICK);
	expect_none(h);
}

static void list_that_is_too_long_is_refused(void)
{
	struct htw *h = virtual_handle(0);
	struct htw_query query;
	struct htw_oplist list;

	ASSERT_EQ(htw_query(h, &query), 0);
	htw_oplist_init(&list, calloc(query.max_batch + 1, sizeof(struct htw_op)),
			query.max_batch + 1);
	ASSERT_TRUE(list.ops);
	while (list.nr < list.room)
		htw_prep_cancel(htw_oplist_add(&list), 1);
	EXPECT_EQ(htw_submit(h, &list), -EINVAL);
	EXPECT_EQ(list.done, 0);
	list.nr--;
	EXPECT_EQ(htw_submit(h, &list), query.max_batch);
}

/* Deadline words */

static void push_is_a_store_that_puts_off(void)
{
	struct htw *h = handle_with_all();
	__u64 id, other;

	ASSERT_EQ(htw_after(h, 10 * TICK, HTW_TIMER_WORD, 1, &id), 0);
	ASSERT_EQ(htw_after(h, 10 * TICK, HTW_TIMER_WORD, 2, &other), 0);
	EXPECT_IOCTLS(0, {
		EXPECT_EQ(htw_push(h, id, 20 * TICK), 0);
		EXPECT_EQ(htw_push(h, id, 30 * TICK), 0);
	});
	ASSERT_EQ(htw_advance(h, 29 * TICK), 29 * TICK);
	expect_next(h, 2, 10 * TICK);
	expect_none(h);
	ASSERT_EQ(htw_advance(h, TICK), 30 * TICK);
	expect_next(h, 1, 30 * TICK);
}

static void push_that_cannot_work_is_told(void)
{
	struct htw *h = handle_with_all(), *without = virtual_handle(0);
	uint64_t id = after(h, TICK, 1);

	EXPECT_EQ(htw_push(without, after(without, TICK, 1), TICK), -EOPNOTSUPP);
	EXPECT_EQ(htw_push(h, id, MAX_TIME + 1), -EINVAL);
	EXPECT_EQ(htw_push(h, id, MAX_TIME), 0);
	EXPECT_EQ(htw_push(h, htw_get_map(h)->nr_words, TICK), -ENOENT);
	EXPECT_EQ(htw_push(h, UINT32_MAX, TICK), -ENOENT);
}

static void push_that_came_too_late_arms_again(void)
{
	struct htw *h = handle_with_all();
	struct htw_event event;
	__u64 id;

	ASSERT_EQ(htw_after(h, 10 * TICK, HTW_TIMER_WORD | HTW_TIMER_KEEP, 1, &id), 0);
	ASSERT_EQ(htw_advance(h, 10 * TICK), 10 * TICK);
	ASSERT_EQ(htw_next_event(h, &event, 0), 1);
	EXPECT_EQ(htw_pushed(h, &event), 0);
	EXPECT_EQ(htw_rearm_pushed(h, &event, 0, 0), 0);

	EXPECT_EQ(htw_push(h, id, 15 * TICK), 0);
	EXPECT_EQ(htw_pushed(h, &event), 15 * TICK);
	EXPECT_EQ(htw_rearm_pushed(h, &event, 0, 0), 1);
	EXPECT_EQ(htw_push(h, id, 18 * TICK), 0);
	ASSERT_EQ(htw_advance(h, 10 * TICK), 20 * TICK);
	expect_next(h, 1, 18 * TICK);

	/* To what is no later than the deadline that held. */
	EXPECT_EQ(htw_push(h, id, 10 * TICK), 0);
	EXPECT_EQ(htw_pushed(h, &event), 0);
	EXPECT_EQ(htw_cancel(h, id), HTW_DELIVERED);
	EXPECT_EQ(htw_push(h, id, 40 * TICK), 0);
	EXPECT_EQ(htw_rearm_pushed(h, &event, 0, 0), -ENOENT);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(descriptor_is_closed_on_exec_and_polls),
	KTAP_TEST(params_may_be_left_out),
	KTAP_TEST(params_that_init_did_not_make_are_refused),
	KTAP_TEST(failed_open_tells_why_and_leaves_nothing),
	KTAP_TEST(close_takes_the_mappings_away),
	KTAP_TEST(close_in_a_child_unmaps_nothing_of_it),
	KTAP_TEST(what_the_kernel_can_do_is_told),
	KTAP_TEST(statistics_count),
	KTAP_TEST(after_and_at_and_every_arm),
	KTAP_TEST(timer_on_the_real_clock_is_never_early),
	KTAP_TEST(rearm_changes_times_and_cookie_of_the_same_id),
	KTAP_TEST(cancel_tells_what_it_has_ended),
	KTAP_TEST(cancel_of_what_is_in_the_ring_is_too_late),
	KTAP_TEST(many_are_cancelled_by_their_cookies),
	KTAP_TEST(remaining_tells_state_and_time),
	KTAP_TEST(deadline_that_cannot_be_kept_is_late),
	KTAP_TEST(errnos_of_operations_come_back),
	KTAP_TEST(now_is_the_time_of_the_clock),
	KTAP_TEST(virtual_time_moves_when_it_is_told),
	KTAP_TEST(advance_next_stops_at_each_event),
	KTAP_TEST(events_come_in_order_in_both_modes),
	KTAP_TEST(wait_ends_when_the_time_is_over_in_both_modes),
	KTAP_TEST(wait_ends_when_an_event_comes_in_both_modes),
	KTAP_TEST(wait_is_interrupted_by_a_signal_in_both_modes),
	KTAP_TEST(eventfd_is_signalled),
	KTAP_TEST(threads_share_a_handle),
	KTAP_TEST(ring_is_read_without_a_call),
	KTAP_TEST(full_ring_loses_nothing),
	KTAP_TEST(full_ring_goes_on_when_it_is_advanced),
	KTAP_TEST(consumer_and_kernel_never_both_wait),
	KTAP_TEST(list_takes_as_many_as_fit),
	KTAP_TEST(list_of_every_operation_is_one_call),
	KTAP_TEST(submit_and_wait_is_one_call_in_both_modes),
	KTAP_TEST(submit_goes_on_where_it_stopped),
	KTAP_TEST(list_that_is_too_long_is_refused),
	KTAP_TEST(push_is_a_store_that_puts_off),
	KTAP_TEST(push_that_cannot_work_is_told),
	KTAP_TEST(push_that_came_too_late_arms_again),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv, &KTAP_SUITE("lib", tests, need_device));
}
