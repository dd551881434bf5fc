// SPDX-License-Identifier: GPL-2.0
/*
 * How events reach programs: read(2), poll(2) and kin, descriptors that are
 * shared, passed and closed, and all of it from several threads at once. What
 * counts is that each event is read exactly once, and that nothing hangs.
 */
#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "context.h"

#define EVENT_SIZE	((ssize_t)sizeof(struct htw_event))

/* A cookie that tells a reader to stop. */
#define LAST		UINT64_MAX

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	ASSERT_EQ(pthread_create(&thread, NULL, fn, arg), 0);
	return thread;
}

/* The child must end well, and by itself. */
static void expect_child_ok(pid_t pid)
{
	int status = -1;

	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

static void expect_no_event(int fd)
{
	EXPECT_EQ(poll_context(fd, 0), 0);
}

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

static void *read_one(void *arg)
{
	struct htw_event *event = malloc(sizeof(*event));

	ASSERT_TRUE(event);
	read_event(*(int *)arg, event);
	return event;
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

static int new_epoll(int fd, uint32_t flags)
{
	struct epoll_event want = { .events = EPOLLIN | flags };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_GE(ep, 0);
	ASSERT_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want), 0);
	return ep;
}

static int wait_epoll(int ep, int timeout_ms)
{
	struct epoll_event got;
	int n = epoll_wait(ep, &got, 1, timeout_ms);

	if (n > 0)
		EXPECT_EQ(got.events, EPOLLIN);
	return n;
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

/* --- cancel against expiry --- */

enum { RACERS = 64 };

/* What has become of each timer of a round: @told by cancel, @read by read. */
struct race {
	int		fd;
	bool		reader_waits;	/* until all were cancelled */
	bool		reader_first;	/* cancel when something was read */
	bool		any_read;
	bool		backwards;	/* the last one is cancelled first */
	int		cpu;		/* on which they are cancelled */
	int		told[RACERS];
	unsigned char	read[RACERS];
	pthread_barrier_t begin;
};

static struct {
	unsigned int	cancelled, withdrawn, read;
} outcomes;

static void *race_reader(void *arg)
{
	struct race *race = arg;
	struct htw_event events[5];
	ssize_t i, len;
	bool last = false;

	pthread_barrier_wait(&race->begin);
	while (!last) {
		len = read(race->fd, events, sizeof(events));
		ASSERT_GT(len, 0);
		for (i = 0; i < len / EVENT_SIZE; i++) {
			if (events[i].cookie == LAST) {
				last = true;
				continue;
			}
			ASSERT_LT(events[i].cookie, RACERS);
			race->read[events[i].cookie]++;
			__atomic_store_n(&race->any_read, true, __ATOMIC_RELEASE);
		}
	}
	return NULL;
}

static bool all_outcomes(void)
{
	return outcomes.cancelled && outcomes.withdrawn && outcomes.read;
}

static void count_outcome(const struct race *race, int i)
{
	switch (race->told[i]) {
	case HTW_CANCELLED:
		outcomes.cancelled++;
		EXPECT_EQ(race->read[i], 0);
		break;
	case HTW_WITHDRAWN:
		outcomes.withdrawn++;
		EXPECT_EQ(race->read[i], 0);
		break;
	default:
		outcomes.read++;
		EXPECT_EQ(race->told[i], -EALREADY);
		EXPECT_EQ(race->read[i], 1);
	}
}

static void race_cancel(struct race *race, const uint64_t *ids)
{
	int i, nr;

	for (i = 0; i < RACERS; i++) {
		nr = race->backwards ? RACERS - 1 - i : i;
		race->told[nr] = cancel(race->fd, ids[nr]);
	}
}

/* Expiries around the time at which the cancelling gets there. */
static void race_round(struct race *race, uint64_t spread)
{
	uint64_t base, ids[RACERS], stop;
	pthread_t reader;
	int i;

	memset(race->read, 0, sizeof(race->read));
	race->any_read = false;
	pin_to_cpu(0);
	base = now_ns() + 2 * MSEC;
	for (i = 0; i < RACERS; i++)
		ids[i] = arm_at(race->fd, base + (uint64_t)i * spread / RACERS,
				(uint64_t)i);
	pin_to_cpu(race->cpu);
	reader = start(race_reader, race);
	if (!race->reader_waits)
		pthread_barrier_wait(&race->begin);
	stop = base + spread / 2;
	while (now_ns() < stop)
		;
	/* On a slow machine the reader may never come first by itself. */
	while (race->reader_first && !race->reader_waits &&
	       !__atomic_load_n(&race->any_read, __ATOMIC_ACQUIRE))
		usleep(100);
	race_cancel(race, ids);
	arm_in(race->fd, 0, LAST);
	if (race->reader_waits)
		pthread_barrier_wait(&race->begin);
	ASSERT_EQ(pthread_join(reader, NULL), 0);
	for (i = 0; i < RACERS; i++)
		count_outcome(race, i);
	EXPECT_EQ(held(race->fd), 0);
}

/*
 * At least 200 rounds, and more until each outcome was seen: where one never is,
 * nothing raced. An expiry and a cancel on the same CPU can't overlap: so mostly
 * on two, and from the other end, where they are bound to meet.
 */
static void cancel_against_expiry_has_one_outcome(void)
{
	static const uint64_t spreads[] = {
		0, 300 * USEC, 0, 2 * MSEC, 100 * USEC };
	struct race race = { .fd = open_context(0) };
	uint64_t end = now_ns() + 15 * SEC;
	unsigned int round;

	ASSERT_EQ(pthread_barrier_init(&race.begin, NULL, 2), 0);
	for (round = 0; round < 200 || (now_ns() < end && !all_outcomes());
	     round++) {
		race.reader_waits = round & 1;
		race.backwards = round & 2;
		race.reader_first = round % 3 == 0;
		race.cpu = round % 7 != 0;
		race_round(&race, spreads[round % 5]);
	}
	ktap_note("%u rounds: %u cancelled, %u withdrawn, %u read", round,
		  outcomes.cancelled, outcomes.withdrawn, outcomes.read);
	EXPECT_GT(outcomes.cancelled, 0);
	EXPECT_GT(outcomes.withdrawn, 0);
	EXPECT_GT(outcomes.read, 0);
}

/* Re-armed while it expires: an arming is read or replaced, never both. */
static void rearm_against_expiry_has_one_outcome(void)
{
	int fd = open_context(O_NONBLOCK), round, err;
	int replaced = 0, was_read = 0;
	struct htw_event event;
	uint64_t id = 0, cookie;

	for (round = 0; round < 1500; round++) {
		cookie = (uint64_t)round;
		err = id ? rearm_in(fd, id, (uint64_t)(round % 5) * 50 * USEC,
				    cookie) : -ENOENT;
		if (err) {
			id = arm_in(fd, (uint64_t)(round % 5) * 50 * USEC,
				    cookie);
			continue;
		}
		replaced++;
		if (round % 3)
			sleep_ns((uint64_t)(round % 7) * 30 * USEC);
		if (read(fd, &event, sizeof(event)) < 0)
			continue;
		/* What was replaced must not be seen any more. */
		EXPECT_EQ(event.cookie, cookie);
		EXPECT_EQ(event.id, id);
		EXPECT_EQ(rearm_in(fd, id, 0, 0), -EALREADY);
		was_read++;
		id = 0;
	}
	ktap_note("%d replaced, %d read", replaced, was_read);
	EXPECT_EQ(held(fd), !!id);
}

/*
 * Re-armed for an hour hence while they expire: whoever came first, the old arming
 * has no event any more, and the new one has none yet.
 */
static void rearm_of_expiring_timers_leaves_no_event(void)
{
	int fd = open_context(O_NONBLOCK), round, i;
	uint64_t base, ids[RACERS];
	struct htw_event event;

	for (i = 0; i < RACERS; i++)
		ids[i] = arm_in(fd, 3600 * SEC, 0);
	for (round = 0; round < 100; round++) {
		pin_to_cpu(0);
		base = now_ns() + 2 * MSEC;
		for (i = 0; i < RACERS; i++)
			ASSERT_EQ(do_op(fd, &(struct htw_op){
				.opcode = HTW_OP_REARM, .id = ids[i],
				.flags = HTW_TIMER_ABS, .expires = base }), 0);
		pin_to_cpu(1);
		while (now_ns() < base + (uint64_t)(round % 10) * 20 * USEC)
			;
		for (i = RACERS; i-- > 0; )
			ASSERT_EQ(rearm_in(fd, ids[i], 3600 * SEC, 0), 0);
		EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
	}
	EXPECT_EQ(held(fd), RACERS);
}

static volatile bool stop_protecting;

static void *protect_and_not(void *page)
{
	while (!stop_protecting) {
		mprotect(page, 4096, PROT_READ);
		mprotect(page, 4096, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

/* The id is written to a page that another thread makes read-only meanwhile. */
static void arm_whose_id_is_not_told_is_undone(void)
{
	int fd = open_context(0), i, armed = 0, faults = 0;
	struct htw_op *op, *seen_by_kernel;
	pthread_t thread;

	op = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(op != MAP_FAILED);
	/* The same page once more. */
	seen_by_kernel = mremap(op, 0, 4096, MREMAP_MAYMOVE);
	ASSERT_TRUE(seen_by_kernel != MAP_FAILED);
	thread = start(protect_and_not, seen_by_kernel);
	for (i = 0; i < 20000; i++) {
		*op = (struct htw_op){
			.opcode = HTW_OP_ARM, .expires = 3600 * SEC };
		if (!ioctl(fd, HTW_IOC_OP, seen_by_kernel)) {
			armed++;
		} else {
			EXPECT_EQ(errno, EFAULT);
			faults++;
		}
	}
	stop_protecting = true;
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ktap_note("%d armed, %d faults", armed, faults);
	EXPECT_EQ(held(fd), armed);
}

static volatile bool stop_cancelling;

static void *cancel_everything(void *arg)
{
	struct sharing *sharing = arg;
	uint64_t index, generation;

	/* Whatever ids there may be. */
	while (!stop_cancelling)
		for (index = 0; index < 64; index++)
			for (generation = 1; generation < 20; generation++)
				cancel(sharing->fd, generation << 32 | index);
	return NULL;
}

/* A thread that guesses ids harms nobody but its own file. */
static void guessing_ids_harms_no_other_file(void)
{
	enum { NR = 200 };
	int mine = open_context(0), i;
	struct sharing guesser = { .fd = open_context(0) };
	pthread_t thread = start(cancel_everything, &guesser);
	struct htw_event event;

	for (i = 0; i < NR; i++)
		arm_in(mine, (uint64_t)i % 20 * MSEC, (uint64_t)i);
	for (i = 0; i < NR; i++)
		read_event(mine, &event);
	stop_cancelling = true;
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	EXPECT_EQ(held(mine), 0);
}

/* --- sharing the open file --- */

static void dup_is_the_same_context(void)
{
	int fd = open_context(0), copy = dup(fd);
	struct htw_event event;
	uint64_t id = arm_in(fd, HOUR, 0);

	ASSERT_GE(copy, 0);
	EXPECT_EQ(held(copy), 1);
	EXPECT_EQ(rearm_in(copy, id, 0, 5), 0);
	read_event(copy, &event);
	EXPECT_EQ(event.cookie, 5);
	EXPECT_EQ(held(fd), 0);
}

static void closing_one_of_two_descriptors_ends_nothing(void)
{
	int fd = open_context(0), copy = dup(fd);
	struct htw_event event;

	arm_in(fd, 20 * MSEC, 5);
	close(fd);
	read_event(copy, &event);
	EXPECT_EQ(event.cookie, 5);
}

static void fork_shares_the_context(void)
{
	int fd = open_context(0);
	struct htw_event event;
	uint64_t id = arm_in(fd, HOUR, 0);
	pid_t pid = fork();

	if (!pid) {
		EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
		arm_in(fd, 0, 9);
		_exit(0);
	}
	expect_child_ok(pid);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 9);
	EXPECT_EQ(held(fd), 0);
}

static void child_reads_what_the_parent_armed(void)
{
	int fd = open_context(0);
	struct htw_event event;
	pid_t pid;

	arm_in(fd, 10 * MSEC, 9);
	pid = fork();
	if (!pid) {
		read_event(fd, &event);
		EXPECT_EQ(event.cookie, 9);
		_exit(0);
	}
	expect_child_ok(pid);
	EXPECT_EQ(held(fd), 0);
	expect_no_event(fd);
}

static void exit_of_a_child_ends_nothing(void)
{
	int fd = open_context(0);
	struct htw_event event;
	pid_t pid = fork();

	if (!pid) {
		arm_in(fd, 20 * MSEC, 4);
		_exit(0);
	}
	expect_child_ok(pid);
	EXPECT_EQ(held(fd), 1);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 4);
}

static void send_fd(int sock, int fd)
{
	union {
		struct cmsghdr	header;
		char		space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	ASSERT_EQ(sendmsg(sock, &msg, 0), 1);
}

static int receive_fd(int sock)
{
	union {
		struct cmsghdr	header;
		char		space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd = -1;

	ASSERT_EQ(recvmsg(sock, &msg, 0), 1);
	ASSERT_TRUE(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* The child opens it and is gone when the parent uses it. */
static void descriptor_passed_over_a_socket_works(void)
{
	struct htw_event event;
	int socks[2], fd;
	pid_t pid;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, socks), 0);
	pid = fork();
	if (!pid) {
		fd = open_context(0);
		arm_in(fd, 30 * MSEC, 3);
		arm_in(fd, HOUR, 0);
		send_fd(socks[1], fd);
		_exit(0);
	}
	expect_child_ok(pid);
	fd = receive_fd(socks[0]);
	EXPECT_EQ(held(fd), 2);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 3);
	EXPECT_EQ(held(fd), 1);
}

/* A descriptor in flight that nobody receives is closed, timers and all. */
static void descriptor_lost_in_a_socket_is_closed(void)
{
	int socks[2], fd = open_context(0);

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, socks), 0);
	arm_in(fd, MSEC, 0);
	arm_in(fd, HOUR, 0);
	send_fd(socks[1], fd);
	close(fd);
	sleep_ns(5 * MSEC);
	close(socks[0]);
	close(socks[1]);
	EXPECT_EQ(held(open_context(0)), 0);
}

/* This program itself, told by its environment to look at a descriptor. */
#define LOOK_AT		"HTW_TEST_LOOK_AT"

static int look_at_descriptor(const char *number)
{
	struct htw_query q = { 0 };

	if (ioctl(atoi(number), HTW_IOC_QUERY, &q))
		return errno == EBADF ? 100 : 101;
	return (int)q.nr_file;
}

/* Return: the timers held, or 100 if the descriptor is closed. */
static int look_after_exec(int fd)
{
	char number[16];
	int status = -1;
	pid_t pid;

	snprintf(number, sizeof(number), "%d", fd);
	ASSERT_EQ(setenv(LOOK_AT, number, 1), 0);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "events", NULL);
		_exit(102);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_TRUE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void exec_closes_o_cloexec(void)
{
	int fd = open_context(0);

	arm_in(fd, HOUR, 0);
	EXPECT_EQ(look_after_exec(fd), 100);
	EXPECT_EQ(held(fd), 1);
}

static void exec_keeps_the_context(void)
{
	int fd = open_context(0);

	ASSERT_EQ(fcntl(fd, F_SETFD, 0), 0);
	arm_in(fd, HOUR, 0);
	arm_in(fd, HOUR, 0);
	EXPECT_EQ(look_after_exec(fd), 2);
}

/* --- closing --- */

static void close_while_armed(void)
{
	int round, i, fd;

	for (round = 0; round < 100; round++) {
		fd = open_context(0);
		for (i = 0; i < 20; i++)
			arm_in(fd, (uint64_t)i * 30 * USEC, 0);
		arm_in(fd, HOUR, 0);
		arm(fd, (struct htw_op){ .interval = MSEC });
		sleep_ns((uint64_t)round % 10 * 60 * USEC);
		close(fd);
	}
	EXPECT_EQ(held(open_context(0)), 0);
}

static void close_with_unread_events(void)
{
	int round, fd;

	for (round = 0; round < 20; round++) {
		fd = open_context(0);
		arm_in(fd, 0, 0);
		arm_in(fd, 0, 0);
		wait_readable(fd);
		close(fd);
	}
	EXPECT_EQ(held(open_context(0)), 0);
}

/* The read has a hold on the file: it ends as if nothing had happened. */
static void close_during_read_lets_it_finish(void)
{
	int fd = open_context(0), fd_of_reader = fd;
	pthread_t thread = start(read_one, &fd_of_reader);
	void *event;

	arm_in(fd, 150 * MSEC, 7);
	sleep_ns(50 * MSEC);
	close(fd);
	ASSERT_EQ(pthread_join(thread, &event), 0);
	EXPECT_EQ(((struct htw_event *)event)->cookie, 7);
	EXPECT_ERRNO(fcntl(fd, F_GETFD), EBADF);
}

/* Also under epoll, which holds no reference. */
static void close_removes_it_from_epoll(void)
{
	int fd = open_context(0), ep = new_epoll(fd, 0);

	arm_in(fd, 10 * MSEC, 0);
	close(fd);
	EXPECT_EQ(wait_epoll(ep, 50), 0);
}

static void kill_of_a_reader_loses_nothing(void)
{
	int fd = open_context(0), status, i;
	struct htw_event event;
	pid_t pid;

	for (i = 0; i < 5; i++) {
		arm_in(fd, HOUR, 0);
		pid = fork();
		if (!pid) {
			read_event(fd, &event);
			_exit(0);
		}
		sleep_ns(20 * MSEC);
		ASSERT_EQ(kill(pid, SIGKILL), 0);
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	EXPECT_EQ(held(fd), 5);
	arm_in(fd, 0, 8);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 8);
}

/* Goes on when it is full, if it is not killed before. */
static void arm_forever(void)
{
	int fd = open_context(0);
	struct htw_op op;
	uint64_t i;

	for (i = 0; ; i++) {
		op = (struct htw_op){
			.opcode = HTW_OP_ARM, .expires = i % 50 * 50 * USEC };
		do_op(fd, &op);
	}
}

/* Killed with timers of its own, at any moment of their lives. */
static void kill_ends_the_timers(void)
{
	int round;
	pid_t pid;

	for (round = 0; round < 20; round++) {
		pid = fork();
		if (!pid)
			arm_forever();
		sleep_ns((uint64_t)(round % 5) * 2 * MSEC);
		ASSERT_EQ(kill(pid, SIGKILL), 0);
		ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	}
	EXPECT_EQ(held(open_context(0)), 0);
}

static void many_contexts_at_once(void)
{
	enum { NR = 500 };
	struct rlimit limit;
	struct htw_event event;
	int fds[NR], i;

	ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (i = 0; i < NR; i++) {
		fds[i] = open_context(0);
		arm_in(fds[i], (uint64_t)(i % 20) * MSEC, (uint64_t)i);
		arm_in(fds[i], HOUR, 0);
	}
	for (i = 0; i < NR; i++) {
		read_event(fds[i], &event);
		EXPECT_EQ(event.cookie, i);
		EXPECT_EQ(held(fds[i]), 1);
		close(fds[i]);
	}
}

/* --- what a context is not --- */

static void lseek_espipe(void)
{
	struct htw_event event;
	int fd = open_context(0);

	EXPECT_ERRNO(lseek(fd, 0, SEEK_CUR), ESPIPE);
	EXPECT_ERRNO(lseek(fd, 0, SEEK_SET), ESPIPE);
	EXPECT_ERRNO(pread(fd, &event, sizeof(event), 0), ESPIPE);
}

static void write_einval(void)
{
	struct htw_event event = { 0 };
	int fd = open_context(0);

	EXPECT_ERRNO(write(fd, &event, sizeof(event)), EINVAL);
}

static void write_to_read_only_ebadf(void)
{
	struct htw_event event = { 0 };
	int fd = open(device_path(), O_RDONLY);

	ASSERT_GE(fd, 0);
	EXPECT_ERRNO(write(fd, &event, sizeof(event)), EBADF);
	arm_in(fd, 0, 0);
	read_event(fd, &event);
}

static void read_of_write_only_ebadf(void)
{
	struct htw_event event;
	int fd = open(device_path(), O_WRONLY);

	ASSERT_GE(fd, 0);
	arm_in(fd, 0, 0);
	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EBADF);
}

static void mmap_enodev(void)
{
	int fd = open_context(0);
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	EXPECT_EQ(map == MAP_FAILED ? errno : 0, ENODEV);
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
	KTAP_TEST(cancel_against_expiry_has_one_outcome),
	KTAP_TEST(rearm_against_expiry_has_one_outcome),
	KTAP_TEST(rearm_of_expiring_timers_leaves_no_event),
	KTAP_TEST(arm_whose_id_is_not_told_is_undone),
	KTAP_TEST(guessing_ids_harms_no_other_file),
	KTAP_TEST(dup_is_the_same_context),
	KTAP_TEST(closing_one_of_two_descriptors_ends_nothing),
	KTAP_TEST(fork_shares_the_context),
	KTAP_TEST(child_reads_what_the_parent_armed),
	KTAP_TEST(exit_of_a_child_ends_nothing),
	KTAP_TEST(descriptor_passed_over_a_socket_works),
	KTAP_TEST(descriptor_lost_in_a_socket_is_closed),
	KTAP_TEST(exec_closes_o_cloexec),
	KTAP_TEST(exec_keeps_the_context),
	KTAP_TEST(close_while_armed),
	KTAP_TEST(close_with_unread_events),
	KTAP_TEST(close_during_read_lets_it_finish),
	KTAP_TEST(close_removes_it_from_epoll),
	KTAP_TEST(kill_of_a_reader_loses_nothing),
	KTAP_TEST(kill_ends_the_timers),
	KTAP_TEST(many_contexts_at_once),
	KTAP_TEST(lseek_espipe),
	KTAP_TEST(write_einval),
	KTAP_TEST(write_to_read_only_ebadf),
	KTAP_TEST(read_of_write_only_ebadf),
	KTAP_TEST(mmap_enodev),
};

int main(int argc, char **argv)
{
	const char *number = getenv(LOOK_AT);

	if (number)
		return look_at_descriptor(number);
	return ktap_main(argc, argv,
			 &KTAP_SUITE("events", tests, need_device));
}
