// SPDX-License-Identifier: GPL-2.0
/*
 * How events reach programs: read(2), HTW_IOC_BATCH, poll(2) and kin, SIGIO and
 * eventfd. What counts is that each event is read exactly once, that whoever waits
 * is told, and that nothing hangs.
 */
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "ops.h"
#include "waiting.h"

/* Two pages of which the second one can't be written. */
static char *page_before_wall(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *page = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(page, MAP_FAILED);
	ASSERT_EQ(mprotect(page + size, size, PROT_READ), 0);
	return page + size;
}

/* Past the compiler, which knows that read(2) takes no such buffers. */
static void expect_read_efault(int fd, void *buf)
{
	EXPECT_ERRNO(syscall(SYS_read, fd, buf, sizeof(struct htw_event)),
		     EFAULT);
}

/* Arm @nr timers, cookies from 0, and wait until all could be read at once. */
static void arm_expired(int fd, int nr)
{
	uint64_t last = now_ns() + MSEC, ids[64];
	struct htw_op op;
	int i;

	ASSERT_LE(nr, 64);
	for (i = 0; i < nr; i++)
		ids[i] = arm_at(fd, last, (uint64_t)i);
	wait_readable(fd);
	for (i = 0; i < nr; i++) {
		do {
			ASSERT_EQ(remaining(fd, ids[i], &op), 0);
		} while (op.value);
	}
	/* Due is not yet delivered: that is a matter of the machine. */
	sleep_ns(30 * MSEC);
}

/* --- sizes --- */

static void read_smaller_than_one_event_einval(void)
{
	int fd = open_context(0), size;
	struct htw_event event;

	/* With nothing to read it must not wait either. */
	for (size = 0; size < EVENT_SIZE; size++)
		EXPECT_ERRNO(read(fd, &event, (size_t)size), EINVAL);
	arm_in(fd, 0, 3);
	wait_readable(fd);
	for (size = 0; size < EVENT_SIZE; size++)
		EXPECT_ERRNO(read(fd, &event, (size_t)size), EINVAL);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 3);
}

static void read_of_one_and_a_half_gives_one(void)
{
	int fd = open_context(O_NONBLOCK);
	struct htw_event events[2];

	arm_expired(fd, 2);
	memset(events, 0x5a, sizeof(events));
	EXPECT_EQ(read(fd, events, 3 * sizeof(events[0]) / 2), EVENT_SIZE);
	EXPECT_EQ(events[1].cookie, 0x5a5a5a5a5a5a5a5a);
	EXPECT_EQ(events[1].info, 0x5a5a5a5a);
	EXPECT_EQ(read(fd, events, sizeof(events)), EVENT_SIZE);
	EXPECT_ERRNO(read(fd, events, sizeof(events)), EAGAIN);
}

/* How long that takes is up to the machine: again, until it worked. */
static void read_gives_several_events(void)
{
	enum { NR = 40 };
	struct htw_event events[NR + 1];
	int fd = open_context(O_NONBLOCK), round, i;
	ssize_t len = 0, more;

	for (round = 0; round < 20; round++) {
		arm_expired(fd, NR);
		len = read(fd, events, sizeof(events));
		if (len == NR * EVENT_SIZE)
			break;
		for (; len < NR * EVENT_SIZE; len += more) {
			wait_readable(fd);
			more = read(fd, events, sizeof(events));
			ASSERT_GT(more, 0);
		}
		len = 0;
	}
	ASSERT_EQ(len, NR * EVENT_SIZE);
	for (i = 0; i < NR; i++)
		EXPECT_LT(events[i].cookie, NR);
	EXPECT_EQ(held(fd), 0);
}

/* Does not wait until the buffer is full. */
static void read_gives_what_there_is(void)
{
	struct htw_event events[100];
	int fd = open_context(0);

	arm_in(fd, HOUR, 0);
	arm_in(fd, 0, 1);
	EXPECT_EQ(read(fd, events, sizeof(events)), EVENT_SIZE);
	EXPECT_EQ(events[0].cookie, 1);
}

static void readv_fills_one_buffer_after_the_other(void)
{
	struct htw_event a, b;
	struct iovec iov[] = {
		{ &a, sizeof(a) },
		{ &b, sizeof(b) },
	};
	int fd = open_context(O_NONBLOCK);

	arm_expired(fd, 2);
	EXPECT_EQ(readv(fd, iov, 2), 2 * EVENT_SIZE);
	EXPECT_EQ(a.cookie + b.cookie, 1);
	EXPECT_NE(a.id, b.id);
}

/* --- waiting --- */

static void read_waits_for_the_expiry(void)
{
	int fd = open_context(0);
	uint64_t before = now_ns();
	struct htw_event event;

	arm_in(fd, 50 * MSEC, 0);
	EXPECT_GE(read_event(fd, &event), before + 50 * MSEC);
}

/* Armed after the read had begun, and earlier than what was there then. */
static void read_is_woken_by_a_timer_armed_later(void)
{
	int fd = open_context(0);
	pthread_t thread = start(read_one, &fd);
	void *event;

	sleep_ns(30 * MSEC);
	arm_in(fd, HOUR, 1);
	sleep_ns(10 * MSEC);
	arm_in(fd, MSEC, 2);
	ASSERT_EQ(pthread_join(thread, &event), 0);
	EXPECT_EQ(((struct htw_event *)event)->cookie, 2);
}

static void nonblock_without_event_eagain(void)
{
	int fd = open_context(O_NONBLOCK);
	struct htw_event event;

	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
	arm_in(fd, HOUR, 0);
	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
	arm_in(fd, 0, 0);
	wait_readable(fd);
	EXPECT_EQ(read(fd, &event, sizeof(event)), EVENT_SIZE);
	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
}

static void nonblock_can_be_set_later(void)
{
	int fd = open_context(0);
	struct htw_event event;

	ASSERT_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
	ASSERT_EQ(fcntl(fd, F_SETFL, 0), 0);
	arm_in(fd, 10 * MSEC, 0);
	read_event(fd, &event);
}

/* --- signals --- */

static volatile sig_atomic_t nr_signals;

static void count_signal(int sig)
{
	(void)sig;
	nr_signals++;
}

/* Again and again, so that one of them comes while read(2) waits. */
static void send_alarms(int flags)
{
	struct sigaction action = {
		.sa_handler = count_signal, .sa_flags = flags };
	struct itimerval timer = {
		.it_value = { .tv_usec = 20000 },
		.it_interval = { .tv_usec = 20000 },
	};

	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
	ASSERT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void stop_alarms(void)
{
	struct itimerval timer = { .it_value = { 0 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void signal_eintr(void)
{
	int fd = open_context(0);
	struct htw_event event;

	arm_in(fd, HOUR, 0);
	send_alarms(0);
	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EINTR);
	EXPECT_GT(nr_signals, 0);
	EXPECT_EQ(held(fd), 1);
}

static void signal_with_sa_restart_waits_on(void)
{
	int fd = open_context(0);
	struct htw_event event;

	arm_in(fd, 200 * MSEC, 6);
	send_alarms(SA_RESTART);
	read_event(fd, &event);
	stop_alarms();
	EXPECT_EQ(event.cookie, 6);
	EXPECT_GT(nr_signals, 0);
}

static void signal_loses_no_event(void)
{
	enum { NR = 100 };
	int fd = open_context(0), done = 0, i;
	unsigned char seen[NR] = { 0 };
	struct htw_event event;

	send_alarms(0);
	for (i = 0; i < NR; i++)
		arm_in(fd, (uint64_t)i * 3 * MSEC, (uint64_t)i);
	while (done < NR) {
		if (read(fd, &event, sizeof(event)) < 0) {
			ASSERT_EQ(errno, EINTR);
			continue;
		}
		ASSERT_LT(event.cookie, NR);
		EXPECT_EQ(seen[event.cookie]++, 0);
		done++;
	}
	stop_alarms();
	EXPECT_EQ(held(fd), 0);
}

/* --- bad buffers --- */

static void read_into_bad_buffer_efault(void)
{
	int fd = open_context(0), i;
	char *wall = page_before_wall();
	struct htw_event event;
	void *bad[] = { NULL, wall, wall - 1, wall - EVENT_SIZE + 1,
			(void *)-1L, (void *)(~0UL << 12) };

	arm_in(fd, 0, 8);
	wait_readable(fd);
	for (i = 0; i < 6; i++) {
		expect_read_efault(fd, bad[i]);
		EXPECT_EQ(held(fd), 1);
		EXPECT_EQ(poll_context(fd, 0), POLLIN);
	}
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 8);
	EXPECT_EQ(event.expirations, 1);
	EXPECT_EQ(held(fd), 0);
}

/* After a fault it can still be withdrawn, and is as before. */
static void event_that_faulted_can_be_cancelled(void)
{
	int fd = open_context(O_NONBLOCK);
	uint64_t id = arm_in(fd, 0, 0);
	struct htw_event event;

	wait_readable(fd);
	expect_read_efault(fd, NULL);
	EXPECT_EQ(cancel(fd, id), HTW_WITHDRAWN);
	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
	EXPECT_EQ(held(fd), 0);
}

static void events_that_faulted_keep_their_order(void)
{
	void *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	int fd = open_context(0), i;
	struct htw_event event;

	pin_to_cpu(0);
	for (i = 0; i < 5; i++)
		arm_in(fd, (uint64_t)i * MSEC, (uint64_t)i);
	sleep_ns(100 * MSEC);
	/* Room for all of them, in a buffer that takes none. */
	EXPECT_ERRNO(read(fd, bad, 5 * EVENT_SIZE), EFAULT);
	for (i = 0; i < 5; i++) {
		read_event(fd, &event);
		EXPECT_EQ(event.cookie, i);
	}
}

static void event_that_faulted_keeps_its_expirations(void)
{
	uint64_t interval = 30 * MSEC, first = now_ns() - 7 * interval;
	int fd = open_context(0);
	struct htw_event event;

	arm(fd, (struct htw_op){
		.flags = HTW_TIMER_ABS, .expires = first,
		.interval = interval });
	wait_readable(fd);
	expect_read_efault(fd, NULL);
	read_event(fd, &event);
	EXPECT_GE(event.expirations, 8);
	EXPECT_EQ(event.expires, first + (event.expirations - 1) * interval);
}

/* Room for @fit events before the wall, for more than there are in all. */
static void read_to_the_wall(int fd, int fit, unsigned char *seen, int *done)
{
	char *wall = page_before_wall();
	struct htw_event *events;
	ssize_t len, i;

	/* Half an event more, so that the fault is inside of one. */
	events = (void *)(wall - fit * EVENT_SIZE - EVENT_SIZE / 2);
	len = read(fd, events, 100 * sizeof(*events));
	if (len < 0) {
		EXPECT_TRUE(errno == EFAULT || errno == EAGAIN);
		return;
	}
	EXPECT_EQ(len % EVENT_SIZE, 0);
	EXPECT_LE(len, fit * EVENT_SIZE);
	for (i = 0; i < len / EVENT_SIZE; i++)
		seen[events[i].cookie]++;
	*done += (int)(len / EVENT_SIZE);
}

/* What fits is read once; what does not is read by the next. */
static void read_up_to_a_wall_loses_nothing(void)
{
	enum { NR = 60 };
	int fd = open_context(O_NONBLOCK), fit, done = 0, i;
	unsigned char seen[NR] = { 0 };
	struct htw_event event;

	arm_expired(fd, NR);
	for (fit = 0; fit < 20; fit++)
		read_to_the_wall(fd, fit, seen, &done);
	while (done < NR) {
		wait_readable(fd);
		read_event(fd, &event);
		seen[event.cookie]++;
		done++;
	}
	for (i = 0; i < NR; i++)
		EXPECT_EQ(seen[i], 1);
	expect_no_event(fd);
	EXPECT_EQ(held(fd), 0);
}

/* --- poll, select, epoll --- */

static void poll_tells_of_events_only(void)
{
	int fd = open_context(0);
	struct htw_event event;

	expect_no_event(fd);
	arm_in(fd, HOUR, 0);
	EXPECT_EQ(poll_context(fd, 20), 0);
	arm_in(fd, 0, 0);
	EXPECT_EQ(poll_context(fd, -1), POLLIN);
	EXPECT_EQ(poll_context(fd, 0), POLLIN);
	read_event(fd, &event);
	expect_no_event(fd);
}

static void poll_is_woken_by_expiry(void)
{
	int fd = open_context(0);
	uint64_t before = now_ns();
	struct htw_event event;

	arm_in(fd, 50 * MSEC, 0);
	EXPECT_EQ(poll_context(fd, -1), POLLIN);
	EXPECT_GE(now_ns(), before + 50 * MSEC);
	EXPECT_EQ(poll_context(fd, 0), POLLIN);
	read_event(fd, &event);
}

static void poll_forgets_what_is_withdrawn(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 0);

	wait_readable(fd);
	EXPECT_EQ(cancel(fd, id), HTW_WITHDRAWN);
	expect_no_event(fd);
}

static void poll_tells_which_file_it_is(void)
{
	int a = open_context(0), b = open_context(0);
	struct pollfd pfds[] = {
		{ .fd = a, .events = POLLIN },
		{ .fd = b, .events = POLLIN },
	};

	arm_in(a, HOUR, 0);
	arm_in(b, MSEC, 0);
	EXPECT_EQ(poll(pfds, 2, -1), 1);
	EXPECT_EQ(pfds[0].revents, 0);
	EXPECT_EQ(pfds[1].revents, POLLIN);
}

static void select_tells_of_events(void)
{
	struct timeval tv = { .tv_usec = 20000 };
	int fd = open_context(0);
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	EXPECT_EQ(select(fd + 1, &set, NULL, NULL, &tv), 0);
	arm_in(fd, MSEC, 0);
	FD_SET(fd, &set);
	EXPECT_EQ(select(fd + 1, &set, NULL, NULL, NULL), 1);
	EXPECT_TRUE(FD_ISSET(fd, &set));
}

static void epoll_level_tells_until_read(void)
{
	int fd = open_context(0), ep = new_epoll(fd, 0);
	struct htw_event event;

	EXPECT_EQ(wait_epoll(ep, 0), 0);
	arm_in(fd, MSEC, 0);
	EXPECT_EQ(wait_epoll(ep, -1), 1);
	EXPECT_EQ(wait_epoll(ep, 0), 1);
	read_event(fd, &event);
	EXPECT_EQ(wait_epoll(ep, 20), 0);
}

static void epoll_edge_tells_of_each_new_event(void)
{
	int fd = open_context(0), ep = new_epoll(fd, EPOLLET), i;
	struct htw_event event;

	for (i = 0; i < 5; i++) {
		arm_in(fd, MSEC, 0);
		EXPECT_EQ(wait_epoll(ep, -1), 1);
		EXPECT_EQ(wait_epoll(ep, 20), 0);
		read_event(fd, &event);
	}
	EXPECT_EQ(wait_epoll(ep, 20), 0);
}

/* An edge for what was there before the descriptor was added. */
static void epoll_edge_tells_what_was_there(void)
{
	int fd = open_context(0), ep;

	arm_in(fd, 0, 0);
	wait_readable(fd);
	ep = new_epoll(fd, EPOLLET);
	EXPECT_EQ(wait_epoll(ep, 0), 1);
	EXPECT_EQ(wait_epoll(ep, 0), 0);
}

static void epoll_of_many_files(void)
{
	enum { NR = 100 };
	int ep = epoll_create1(EPOLL_CLOEXEC), fds[NR], i, done = 0;
	struct epoll_event event;
	struct htw_event expired;

	ASSERT_GE(ep, 0);
	for (i = 0; i < NR; i++) {
		fds[i] = open_context(O_NONBLOCK);
		event = (struct epoll_event){
			.events = EPOLLIN, .data = { .u32 = (uint32_t)i } };
		ASSERT_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &event), 0);
		arm_in(fds[i], (uint64_t)i % 10 * MSEC, (uint64_t)i);
	}
	for (; done < NR; done++) {
		ASSERT_EQ(epoll_wait(ep, &event, 1, -1), 1);
		read_event(fds[event.data.u32], &expired);
		EXPECT_EQ(expired.cookie, event.data.u32);
	}
	EXPECT_EQ(wait_epoll(ep, 0), 0);
}

/* --- several readers and writers --- */

struct sharing {
	int		fd;
	uint64_t	nr;
	unsigned char	*seen;		/* by cookie */
	unsigned int	done;
};

/* One event at a time, so that it takes no LAST that is for another reader. */
static void *read_until_last(void *arg)
{
	struct sharing *sharing = arg;
	struct htw_event event;

	for (;;) {
		read_event(sharing->fd, &event);
		if (event.cookie == LAST)
			return NULL;
		ASSERT_LT(event.cookie, sharing->nr);
		__atomic_add_fetch(&sharing->seen[event.cookie], 1,
				   __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&sharing->done, 1, __ATOMIC_SEQ_CST);
	}
}

static void new_sharing(struct sharing *sharing, int fd, uint64_t nr)
{
	*sharing = (struct sharing){ .fd = fd, .nr = nr,
				     .seen = calloc(nr, 1) };
	ASSERT_TRUE(sharing->seen);
}

static void expect_each_seen_once(const struct sharing *sharing)
{
	uint64_t i;

	for (i = 0; i < sharing->nr; i++)
		EXPECT_EQ(sharing->seen[i], 1);
	expect_no_event(sharing->fd);
	EXPECT_EQ(held(sharing->fd), 0);
}

static void readers_share_without_loss(void)
{
	enum { NR = 1000, READERS = 3 };
	pthread_t readers[READERS];
	struct sharing sharing;
	int fd = open_context(0), i;

	new_sharing(&sharing, fd, NR);
	for (i = 0; i < READERS; i++)
		readers[i] = start(read_until_last, &sharing);
	for (i = 0; i < NR; i++)
		arm_in(fd, (uint64_t)i % 50 * 200 * USEC, (uint64_t)i);
	while (__atomic_load_n(&sharing.done, __ATOMIC_SEQ_CST) < NR)
		sleep_ns(MSEC);
	for (i = 0; i < READERS; i++)
		arm_in(fd, 0, LAST);
	for (i = 0; i < READERS; i++)
		ASSERT_EQ(pthread_join(readers[i], NULL), 0);
	expect_each_seen_once(&sharing);
}

struct arming {
	int		fd;
	uint64_t	first, nr;
};

static void *arm_some(void *arg)
{
	struct arming *arming = arg;
	uint64_t i;

	for (i = 0; i < arming->nr; i++)
		arm_in(arming->fd, i % 7 * 300 * USEC, arming->first + i);
	return NULL;
}

static void threads_arm_at_once_without_loss(void)
{
	enum { NR = 400, ARMERS = 4 };
	int fd = open_context(0), i;
	struct arming arming[ARMERS];
	pthread_t armers[ARMERS], reader;
	struct sharing sharing;

	new_sharing(&sharing, fd, NR * ARMERS);
	reader = start(read_until_last, &sharing);
	for (i = 0; i < ARMERS; i++) {
		arming[i] = (struct arming){ fd, (uint64_t)i * NR, NR };
		armers[i] = start(arm_some, &arming[i]);
	}
	for (i = 0; i < ARMERS; i++)
		ASSERT_EQ(pthread_join(armers[i], NULL), 0);
	while (__atomic_load_n(&sharing.done, __ATOMIC_SEQ_CST) < NR * ARMERS)
		sleep_ns(MSEC);
	arm_in(fd, 0, LAST);
	ASSERT_EQ(pthread_join(reader, NULL), 0);
	expect_each_seen_once(&sharing);
}

/* --- events of a batch --- */

/* Arm @nr timers for the same moment, soon, cookies from 0. Return: that moment. */
static uint64_t arm_together(int fd, uint32_t nr)
{
	struct htw_op *ops = new_ops(nr);
	uint64_t time = now_ns() + 20 * MSEC;
	uint32_t i;

	for (i = 0; i < nr; i++)
		ops[i] = (struct htw_op){
			.opcode = HTW_OP_ARM, .flags = HTW_TIMER_ABS,
			.expires = time, .cookie = i };
	do_ops_well(fd, ops, nr);
	free(ops);
	return time;
}

static void batch_gives_all_events(void)
{
	enum { NR = 100 };
	struct htw_event events[NR + 1];
	unsigned char seen[NR] = { 0 };
	int fd = open_context(0);
	uint64_t time = arm_together(fd, NR);
	uint32_t i;

	ASSERT_EQ(collect(fd, events, NR + 1, NR, HTW_FOREVER), NR);
	EXPECT_GE(now_ns(), time);
	for (i = 0; i < NR; i++) {
		ASSERT_LT(events[i].cookie, NR);
		EXPECT_EQ(seen[events[i].cookie]++, 0);
		EXPECT_EQ(events[i].expires, time);
	}
	EXPECT_EQ(held(fd), 0);
	expect_no_event(fd);
}

/* More are there than are asked for: the rest stays for the next call. */
static void batch_leaves_what_does_not_fit(void)
{
	struct htw_event events[10] = { 0 };
	int fd = open_context(0), i;

	arm_expired(fd, 10);
	EXPECT_EQ(collect(fd, events, 4, 0, 0), 4);
	EXPECT_EQ(held(fd), 6);
	EXPECT_EQ(events[4].id, 0);
	EXPECT_EQ(collect(fd, events + 4, 6, 6, HTW_FOREVER), 6);
	for (i = 1; i < 10; i++)
		EXPECT_NE(events[i].id, events[i - 1].id);
	EXPECT_EQ(held(fd), 0);
}

static void batch_waits_until_there_are_enough(void)
{
	uint64_t before = now_ns();
	int fd = open_context(0), i;
	struct htw_event events[3];

	for (i = 0; i < 3; i++)
		arm_in(fd, (uint64_t)i * 30 * MSEC, (uint64_t)i);
	EXPECT_EQ(collect(fd, events, 3, 3, HTW_FOREVER), 3);
	EXPECT_GE(now_ns(), before + 60 * MSEC);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(events[i].cookie, i);
}

static void batch_without_minimum_does_not_wait(void)
{
	int fd = open_context(0);
	struct htw_event event;

	arm_in(fd, HOUR, 0);
	EXPECT_EQ(collect(fd, &event, 1, 0, 0), 0);
	EXPECT_EQ(held(fd), 1);
}

/* Too few at the end: that is no failure, and the ones there are come along. */
static void batch_wait_ends_at_its_timeout(void)
{
	int fd = open_context(0);
	struct htw_event events[2];
	uint64_t before;

	arm_in(fd, 0, 7);
	arm_in(fd, HOUR, 0);
	wait_readable(fd);
	before = now_ns();
	EXPECT_EQ(collect(fd, events, 2, 2, 100 * MSEC), 1);
	EXPECT_GE(now_ns(), before + 100 * MSEC);
	EXPECT_EQ(events[0].cookie, 7);
	EXPECT_EQ(held(fd), 1);
}

static void batch_arms_and_waits_in_one_call(void)
{
	struct htw_op op = { .opcode = HTW_OP_ARM, .expires = 20 * MSEC,
			     .cookie = 3 };
	int fd = open_context(0);
	struct htw_event event;
	struct htw_batch batch = {
		.ops = (uintptr_t)&op, .nr_ops = 1,
		.events = (uintptr_t)&event, .nr_events = 1,
		.min_events = 1, .timeout = HTW_FOREVER,
	};

	ASSERT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, 1);
	EXPECT_EQ(batch.got, 1);
	EXPECT_EQ(event.id, op.id);
	EXPECT_EQ(event.cookie, 3);
	EXPECT_GE(batch.now, event.expires);
}

static void batch_wait_interrupted_eintr(void)
{
	int fd = open_context(0);
	struct htw_event event;
	struct htw_batch batch = {
		.events = (uintptr_t)&event, .nr_events = 1,
		.min_events = 1, .timeout = HTW_FOREVER,
	};

	arm_in(fd, HOUR, 0);
	send_alarms(0);
	EXPECT_EQ(do_batch(fd, &batch), -EINTR);
	stop_alarms();
	EXPECT_EQ(held(fd), 1);
}

/* What the operations did must be told, signal or not. */
static void batch_interrupted_after_operations_succeeds(void)
{
	struct htw_op op = { .opcode = HTW_OP_ARM, .expires = HOUR };
	int fd = open_context(0), err;
	struct htw_event event;
	struct htw_batch batch = {
		.ops = (uintptr_t)&op, .nr_ops = 1,
		.events = (uintptr_t)&event, .nr_events = 1,
		.min_events = 1, .timeout = HTW_FOREVER,
	};

	send_alarms(0);
	/* One may come too soon: then nothing was done. */
	do {
		err = do_batch(fd, &batch);
	} while (err == -EINTR);
	stop_alarms();
	EXPECT_EQ(err, 0);
	EXPECT_EQ(batch.done, 1);
	EXPECT_EQ(batch.got, 0);
	EXPECT_EQ(cancel(fd, op.id), HTW_CANCELLED);
}

/* What fits before the wall is read once; what does not is read by the next. */
static void batch_up_to_a_wall_loses_nothing(void)
{
	enum { NR = 60 };
	int fd = open_context(0), fit;
	unsigned char seen[NR] = { 0 };
	char *wall = page_before_wall();
	struct htw_event events[NR], *at;
	uint32_t done = 0, got, i;

	arm_expired(fd, NR);
	for (fit = 1; done < NR; fit = fit % 20 + 1) {
		at = (void *)(wall - fit * EVENT_SIZE);
		memset(at, 0, (size_t)(fit * EVENT_SIZE));
		got = collect(fd, at, NR, 1, HTW_FOREVER);
		ASSERT_GT(got, 0);
		ASSERT_LE(got, fit);
		for (i = 0; i < got; i++)
			seen[at[i].cookie]++;
		done += got;
	}
	for (i = 0; i < NR; i++)
		EXPECT_EQ(seen[i], 1);
	EXPECT_EQ(collect(fd, events, NR, 0, 0), 0);
	EXPECT_EQ(held(fd), 0);
}

static void batch_into_bad_buffer_efault(void)
{
	struct htw_batch batch = {
		.events = (uintptr_t)page_before_wall(), .nr_events = 1 };
	int fd = open_context(0);
	struct htw_event event;

	arm_in(fd, 0, 8);
	wait_readable(fd);
	EXPECT_EQ(do_batch(fd, &batch), -EFAULT);
	EXPECT_EQ(held(fd), 1);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 8);
}

/* --- withdrawn --- */

static void unread_event_is_withdrawn_by_cancel(void)
{
	int fd = open_context(0);
	uint64_t first = arm_in(fd, 0, 1);
	struct htw_event event;

	wait_readable(fd);
	arm_in(fd, 0, 2);
	EXPECT_EQ(cancel(fd, first), HTW_WITHDRAWN);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 2);
	expect_no_event(fd);
	EXPECT_EQ(stats(fd).withdrawn, 1);
	EXPECT_EQ(stats(fd).delivered, 1);
	EXPECT_EQ(stats(fd).expired, 2);
}

static void unread_event_is_withdrawn_by_rearm(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 1);
	struct htw_event event;

	wait_readable(fd);
	ASSERT_EQ(rearm_in(fd, id, HOUR, 2), 0);
	EXPECT_SILENCE(fd);
	ASSERT_EQ(rearm_in(fd, id, 0, 3), 0);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 3);
	EXPECT_EQ(HTW_EVENT_ARMING(event.info), 3);
	EXPECT_EQ(stats(fd).withdrawn, 1);
	EXPECT_EQ(stats(fd).rearmed, 2);
	EXPECT_EQ(stats(fd).delivered, 1);
}

static void read_event_is_not_withdrawn(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 1);
	struct htw_event event;

	read_event(fd, &event);
	EXPECT_EQ(cancel(fd, id), -EALREADY);
	EXPECT_EQ(rearm_in(fd, id, 0, 2), -EALREADY);
	EXPECT_EQ(stats(fd).withdrawn, 0);
}

/* --- one wake-up for many --- */

/* Those who wait are not woken for each timer of a tick: a pass wakes them once. */
static void wakeups_are_far_fewer_than_events(void)
{
	enum { NR = 2000 };
	struct htw_event *events = calloc(NR, sizeof(*events));
	int fd = open_context(0);
	struct htw_context_stats after;

	ASSERT_TRUE(events);
	pin_to_cpu(0);
	arm_together(fd, NR);
	EXPECT_EQ(collect(fd, events, NR, NR, HTW_FOREVER), NR);
	after = stats(fd);
	ktap_note("%d events, %llu wake-ups", NR,
		  (unsigned long long)after.wakeups);
	EXPECT_EQ(after.expired, NR);
	EXPECT_EQ(after.delivered, NR);
	EXPECT_GE(after.wakeups, 1);
	EXPECT_LE(after.wakeups, NR / 10);
}

/* Each new batch is an edge, also while the one before is unread. */
static void epoll_edge_tells_of_each_new_batch(void)
{
	enum { NR = 50 };
	int fd = open_context(0), ep = new_epoll(fd, EPOLLET), round;
	struct htw_event events[NR * 3];

	pin_to_cpu(0);
	for (round = 1; round <= 3; round++) {
		arm_together(fd, NR);
		EXPECT_EQ(wait_epoll(ep, -1), 1);
		while (stats(fd).expired < (uint64_t)round * NR)
			sleep_ns(MSEC);
		/* A batch may have come in pieces, each with its edge. */
		while (wait_epoll(ep, 20))
			;
	}
	EXPECT_EQ(collect(fd, events, NR * 3, NR * 3, HTW_FOREVER), NR * 3);
	EXPECT_EQ(wait_epoll(ep, 20), 0);
}

static void epoll_level_tells_until_all_are_read(void)
{
	int fd = open_context(0), ep = new_epoll(fd, 0), i;
	struct htw_event event;

	arm_expired(fd, 5);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(wait_epoll(ep, 0), 1);
		read_event(fd, &event);
	}
	EXPECT_EQ(wait_epoll(ep, 0), 0);
}

/* --- SIGIO --- */

static volatile sig_atomic_t sigio_fd, sigio_band, sigio_code;

static void note_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	sigio_fd = info->si_fd;
	sigio_band = (int)info->si_band;
	sigio_code = info->si_code;
	nr_signals++;
}

/* Signals are blocked but in await_signal(), so that none comes unnoticed. */
static void expect_signal(int sig)
{
	struct sigaction action = {
		.sa_sigaction = note_signal, .sa_flags = SA_SIGINFO };
	sigset_t set;

	nr_signals = 0;
	sigemptyset(&set);
	sigaddset(&set, sig);
	ASSERT_EQ(sigaction(sig, &action, NULL), 0);
	ASSERT_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

static void await_signal(void)
{
	sigset_t none;

	sigemptyset(&none);
	while (!nr_signals)
		sigsuspend(&none);
}

static bool signal_is_pending(int sig)
{
	sigset_t set;

	ASSERT_EQ(sigpending(&set), 0);
	return sigismember(&set, sig);
}

static void set_async(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	ASSERT_GE(flags, 0);
	flags = on ? flags | O_ASYNC : flags & ~O_ASYNC;
	ASSERT_EQ(fcntl(fd, F_SETFL, flags), 0);
}

static void sigio_comes_with_an_event(void)
{
	int fd = open_context(0);
	struct htw_event event;

	expect_signal(SIGIO);
	ASSERT_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
	set_async(fd, true);
	arm_in(fd, HOUR, 0);
	sleep_ns(20 * MSEC);
	EXPECT_EQ(signal_is_pending(SIGIO), 0);
	arm_in(fd, MSEC, 1);
	await_signal();
	EXPECT_EQ(poll_context(fd, 0), POLLIN);
	read_event(fd, &event);
}

static void sigio_can_be_asked_for_by_ioctl(void)
{
	int fd = open_context(0), on = 1, off = 0;

	expect_signal(SIGIO);
	ASSERT_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
	ASSERT_EQ(ioctl(fd, FIOASYNC, &on), 0);
	EXPECT_TRUE(fcntl(fd, F_GETFL) & O_ASYNC);
	arm_in(fd, MSEC, 1);
	await_signal();
	ASSERT_EQ(ioctl(fd, FIOASYNC, &off), 0);
	EXPECT_EQ(fcntl(fd, F_GETFL) & O_ASYNC, 0);
	arm_in(fd, 0, 1);
	while (stats(fd).expired < 2)
		sleep_ns(MSEC);
	sleep_ns(20 * MSEC);
	EXPECT_EQ(signal_is_pending(SIGIO), 0);
}

static void sigio_ends_when_it_is_turned_off(void)
{
	int fd = open_context(0);

	expect_signal(SIGIO);
	ASSERT_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
	set_async(fd, true);
	arm_in(fd, MSEC, 1);
	await_signal();
	set_async(fd, false);
	arm_in(fd, 0, 1);
	while (stats(fd).expired < 2)
		sleep_ns(MSEC);
	sleep_ns(20 * MSEC);
	EXPECT_EQ(signal_is_pending(SIGIO), 0);
}

/* A real-time signal says of which descriptor it tells, and what. */
static void sigio_of_f_setsig_tells_the_descriptor(void)
{
	int fd = open_context(0), sig = SIGRTMIN + 2;

	expect_signal(sig);
	ASSERT_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
	ASSERT_EQ(fcntl(fd, F_SETSIG, sig), 0);
	set_async(fd, true);
	arm_in(fd, MSEC, 1);
	await_signal();
	EXPECT_EQ(sigio_fd, fd);
	EXPECT_EQ(sigio_code, POLL_IN);
	EXPECT_TRUE(sigio_band & POLLIN);
}

/* Whoever F_SETOWN names, and nobody else. */
static void sigio_goes_to_its_owner(void)
{
	int fd = open_context(0);
	pid_t pid;

	expect_signal(SIGIO);
	pid = fork();
	if (!pid) {
		await_signal();
		_exit(0);
	}
	ASSERT_EQ(fcntl(fd, F_SETOWN, pid), 0);
	EXPECT_EQ(fcntl(fd, F_GETOWN), pid);
	set_async(fd, true);
	arm_in(fd, MSEC, 1);
	expect_child_ok(pid);
	EXPECT_EQ(signal_is_pending(SIGIO), 0);
}

static void sigio_tells_of_each_new_event(void)
{
	int fd = open_context(0), i;
	struct htw_event event;

	expect_signal(SIGIO);
	ASSERT_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
	set_async(fd, true);
	for (i = 0; i < 10; i++) {
		nr_signals = 0;
		arm_in(fd, MSEC, (uint64_t)i);
		await_signal();
		/* Every other one is left unread. */
		if (i % 2)
			read_event(fd, &event);
	}
	EXPECT_EQ(held(fd), 5);
}

static void sigio_ends_with_the_file(void)
{
	int round, fd;

	expect_signal(SIGIO);
	for (round = 0; round < 100; round++) {
		fd = open_context(0);
		ASSERT_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
		set_async(fd, true);
		arm_in(fd, (uint64_t)(round % 10) * 50 * USEC, 0);
		sleep_ns((uint64_t)(round % 7) * 60 * USEC);
		close(fd);
	}
}

/* --- eventfd --- */

static int set_eventfd(int fd, __s32 efd)
{
	return ioctl(fd, HTW_IOC_EVENTFD, &efd) ? -errno : 0;
}

static int new_eventfd(void)
{
	int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ASSERT_GE(efd, 0);
	return efd;
}

/* Return: the counter, which is 0 then. */
static uint64_t take_count(int efd)
{
	uint64_t count = 0;

	if (read(efd, &count, sizeof(count)) < 0)
		ASSERT_EQ(errno, EAGAIN);
	return count;
}

static void eventfd_tells_of_new_events(void)
{
	int fd = open_context(0), efd = new_eventfd(), i;
	struct htw_event event;

	ASSERT_EQ(set_eventfd(fd, efd), 0);
	arm_in(fd, HOUR, 0);
	EXPECT_EQ(poll_context(efd, 20), 0);
	for (i = 0; i < 5; i++) {
		arm_in(fd, MSEC, 0);
		wait_readable(efd);
		EXPECT_EQ(poll_context(fd, 0), POLLIN);
		EXPECT_EQ(take_count(efd), 1);
		read_event(fd, &event);
		expect_no_event(efd);
	}
}

/* One for all that come at once; never more than there are events. */
static void eventfd_counts_batches_not_events(void)
{
	enum { NR = 1000 };
	int fd = open_context(0), efd = new_eventfd();
	uint64_t count;

	pin_to_cpu(0);
	ASSERT_EQ(set_eventfd(fd, efd), 0);
	arm_together(fd, NR);
	while (stats(fd).expired < NR)
		sleep_ns(MSEC);
	/* The pass of the last one tells when it ends. */
	wait_readable(efd);
	sleep_ns(20 * MSEC);
	count = take_count(efd);
	ktap_note("%d events, counted %llu", NR, (unsigned long long)count);
	EXPECT_GE(count, 1);
	/* Also a pass of which the time is up at once has some. */
	EXPECT_LE(count, NR / 4);
}

static void eventfd_can_be_replaced(void)
{
	int fd = open_context(0), old = new_eventfd(), new = new_eventfd();

	ASSERT_EQ(set_eventfd(fd, old), 0);
	ASSERT_EQ(set_eventfd(fd, new), 0);
	arm_in(fd, MSEC, 0);
	wait_readable(new);
	EXPECT_EQ(take_count(new), 1);
	EXPECT_EQ(take_count(old), 0);
}

static void eventfd_can_be_removed(void)
{
	int fd = open_context(0), efd = new_eventfd();

	EXPECT_EQ(set_eventfd(fd, -1), 0);
	ASSERT_EQ(set_eventfd(fd, efd), 0);
	EXPECT_EQ(set_eventfd(fd, -1), 0);
	arm_in(fd, MSEC, 0);
	wait_readable(fd);
	sleep_ns(20 * MSEC);
	EXPECT_EQ(take_count(efd), 0);
}

static void eventfd_that_is_none_is_refused(void)
{
	int fd = open_context(0), efd = new_eventfd(), other = open_context(0);

	ASSERT_EQ(set_eventfd(fd, efd), 0);
	EXPECT_EQ(set_eventfd(fd, other), -EINVAL);
	EXPECT_EQ(set_eventfd(fd, fd), -EINVAL);
	close(other);
	EXPECT_EQ(set_eventfd(fd, other), -EBADF);
	EXPECT_EQ(set_eventfd(fd, -2), -EBADF);
	EXPECT_ERRNO(ioctl(fd, HTW_IOC_EVENTFD, NULL), EFAULT);
	/* What was there before is still there. */
	arm_in(fd, MSEC, 0);
	wait_readable(efd);
}

/* Its descriptor is closed, and then the context, in either order. */
static void eventfd_lives_as_long_as_needed(void)
{
	int fd = open_context(0), efd = new_eventfd(), round;
	struct htw_event event;

	ASSERT_EQ(set_eventfd(fd, efd), 0);
	close(efd);
	arm_in(fd, MSEC, 0);
	read_event(fd, &event);
	for (round = 0; round < 100; round++) {
		fd = open_context(0);
		efd = new_eventfd();
		ASSERT_EQ(set_eventfd(fd, efd), 0);
		arm_in(fd, (uint64_t)(round % 10) * 50 * USEC, 0);
		sleep_ns((uint64_t)(round % 7) * 60 * USEC);
		close(round % 2 ? fd : efd);
		close(round % 2 ? efd : fd);
	}
}

struct swapping {
	int	fd;
	int	efds[2];
	bool	stop;
};

static void *swap_eventfds(void *arg)
{
	struct swapping *swapping = arg;
	unsigned int i;

	for (i = 0; !load_shared(&swapping->stop); i++)
		ASSERT_EQ(set_eventfd(swapping->fd, i % 3 == 2 ? -1 :
				      swapping->efds[i % 3]), 0);
	return NULL;
}

/* Replaced all the time while timers expire: no event is lost by it. */
static void eventfd_replaced_while_timers_expire(void)
{
	enum { NR = 300 };
	struct swapping swapping = {
		.fd = open_context(0), .efds = { new_eventfd(), new_eventfd() } };
	pthread_t thread = start(swap_eventfds, &swapping);
	struct htw_event event;
	uint64_t i, count;

	for (i = 0; i < NR; i++) {
		arm_in(swapping.fd, i % 4 * 50 * USEC, i);
		read_event(swapping.fd, &event);
		EXPECT_EQ(event.cookie, i);
	}
	store_shared(&swapping.stop, true);
	join(thread);
	count = take_count(swapping.efds[0]) + take_count(swapping.efds[1]);
	EXPECT_LE(count, NR);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(read_smaller_than_one_event_einval),
	KTAP_TEST(read_of_one_and_a_half_gives_one),
	KTAP_TEST(read_gives_several_events),
	KTAP_TEST(read_gives_what_there_is),
	KTAP_TEST(readv_fills_one_buffer_after_the_other),
	KTAP_TEST(read_waits_for_the_expiry),
	KTAP_TEST(read_is_woken_by_a_timer_armed_later),
	KTAP_TEST(nonblock_without_event_eagain),
	KTAP_TEST(nonblock_can_be_set_later),
	KTAP_TEST(signal_eintr),
	KTAP_TEST(signal_with_sa_restart_waits_on),
	KTAP_TEST(signal_loses_no_event),
	KTAP_TEST(read_into_bad_buffer_efault),
	KTAP_TEST(event_that_faulted_can_be_cancelled),
	KTAP_TEST(events_that_faulted_keep_their_order),
	KTAP_TEST(event_that_faulted_keeps_its_expirations),
	KTAP_TEST(read_up_to_a_wall_loses_nothing),
	KTAP_TEST(poll_tells_of_events_only),
	KTAP_TEST(poll_is_woken_by_expiry),
	KTAP_TEST(poll_forgets_what_is_withdrawn),
	KTAP_TEST(poll_tells_which_file_it_is),
	KTAP_TEST(select_tells_of_events),
	KTAP_TEST(epoll_level_tells_until_read),
	KTAP_TEST(epoll_edge_tells_of_each_new_event),
	KTAP_TEST(epoll_edge_tells_what_was_there),
	KTAP_TEST(epoll_of_many_files),
	KTAP_TEST(readers_share_without_loss),
	KTAP_TEST(threads_arm_at_once_without_loss),
	KTAP_TEST(batch_gives_all_events),
	KTAP_TEST(batch_leaves_what_does_not_fit),
	KTAP_TEST(batch_waits_until_there_are_enough),
	KTAP_TEST(batch_without_minimum_does_not_wait),
	KTAP_TEST(batch_wait_ends_at_its_timeout),
	KTAP_TEST(batch_arms_and_waits_in_one_call),
	KTAP_TEST(batch_wait_interrupted_eintr),
	KTAP_TEST(batch_interrupted_after_operations_succeeds),
	KTAP_TEST(batch_up_to_a_wall_loses_nothing),
	KTAP_TEST(batch_into_bad_buffer_efault),
	KTAP_TEST(unread_event_is_withdrawn_by_cancel),
	KTAP_TEST(unread_event_is_withdrawn_by_rearm),
	KTAP_TEST(read_event_is_not_withdrawn),
	KTAP_TEST(wakeups_are_far_fewer_than_events),
	KTAP_TEST(epoll_edge_tells_of_each_new_batch),
	KTAP_TEST(epoll_level_tells_until_all_are_read),
	KTAP_TEST(sigio_comes_with_an_event),
	KTAP_TEST(sigio_can_be_asked_for_by_ioctl),
	KTAP_TEST(sigio_ends_when_it_is_turned_off),
	KTAP_TEST(sigio_of_f_setsig_tells_the_descriptor),
	KTAP_TEST(sigio_goes_to_its_owner),
	KTAP_TEST(sigio_tells_of_each_new_event),
	KTAP_TEST(sigio_ends_with_the_file),
	KTAP_TEST(eventfd_tells_of_new_events),
	KTAP_TEST(eventfd_counts_batches_not_events),
	KTAP_TEST(eventfd_can_be_replaced),
	KTAP_TEST(eventfd_can_be_removed),
	KTAP_TEST(eventfd_that_is_none_is_refused),
	KTAP_TEST(eventfd_lives_as_long_as_needed),
	KTAP_TEST(eventfd_replaced_while_timers_expire),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("events", tests, need_device));
}
