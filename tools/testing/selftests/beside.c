// SPDX-License-Identifier: GPL-2.0
/*
 * What programs expect of timerfd and of POSIX timers, as their own tests check it: each
 * check is written once, and holds for htw and for timerfd on each clock that both
 * have. Where they differ the expected value is in the table of backends, with the
 * reason: that is what somebody who ports a program has to know.
 */
#include <poll.h>
#include <sys/time.h>
#include <sys/timerfd.h>

#include "context.h"
#include "threads.h"

/**
 * struct subject - one timer that is tested
 * @backend: what it is made of
 * @fd: its descriptor
 * @clock: its clock
 * @id: htw: the timer in the context; 0 if there is none
 */
struct subject {
	const struct backend	*backend;
	int			fd;
	clockid_t		clock;
	uint64_t		id;
};

/**
 * struct backend - a kind of timer
 * @name: of it
 * @event_size: what read(2) takes at least: timerfd reads a number, htw an event that
 *	also says which timer it was
 * @zero_disarms: an expiry of 0 means "no timer" to timerfd_settime(2). To htw it is
 *	a delay or a time as any other, and HTW_OP_CANCEL is there for the rest
 * @gettime_counts: timerfd_gettime(2) of a periodic timer that has expired counts
 *	what has passed and tells the next expiry; HTW_OP_REMAINING changes nothing, and
 *	tells 0 until the event is read
 * @any_interval: timerfd takes an interval of 1 ns; htw has a minimum
 * @ignores_seek: lseek(2) of a timerfd does nothing, and says that it has worked
 * @open: Return: a descriptor
 * @arm: arms or re-arms; Return: 0 or the negative errno
 * @disarm: there is no timer after that
 * @remaining: Return: ns until the next expiry, 0 if there is none
 * @read: Return: 0 and how often it has expired, or the negative errno
 */
struct backend {
	const char	*name;
	size_t		event_size;
	bool		zero_disarms;
	bool		gettime_counts;
	bool		any_interval;
	bool		ignores_seek;

	int		(*open)(clockid_t clock, bool nonblock);
	int		(*arm)(struct subject *s, bool absolute,
			       uint64_t expires, uint64_t interval);
	void		(*disarm)(struct subject *s);
	uint64_t	(*remaining)(struct subject *s, uint64_t *interval);
	int		(*read)(struct subject *s, uint64_t *expirations);
};

/* --- htw --- */

static int htw_open(clockid_t clock, bool nonblock)
{
	return open_clock(nonblock ? O_NONBLOCK : 0, (uint32_t)clock);
}

/* Kept, so that it can be armed again when its event has been read. */
static int htw_arm(struct subject *s, bool absolute, uint64_t expires,
		   uint64_t interval)
{
	struct htw_op op = {
		.opcode = s->id ? HTW_OP_REARM : HTW_OP_ARM,
		.flags = HTW_TIMER_KEEP | (absolute ? HTW_TIMER_ABS : 0),
		.expires = expires, .interval = interval, .id = s->id };
	int err = do_op(s->fd, &op);

	s->id = op.id;
	return err;
}

static void htw_disarm(struct subject *s)
{
	if (s->id)
		ASSERT_GE(cancel(s->fd, s->id), 0);
	s->id = 0;
}

static uint64_t htw_remaining(struct subject *s, uint64_t *interval)
{
	struct htw_op op;

	*interval = 0;
	if (!s->id)
		return 0;
	ASSERT_EQ(remaining(s->fd, s->id, &op), 0);
	*interval = op.interval;
	return op.value;
}

static int htw_read(struct subject *s, uint64_t *expirations)
{
	struct htw_event event;

	if (read(s->fd, &event, sizeof(event)) != sizeof(event))
		return -errno;
	EXPECT_EQ(event.id, s->id);
	*expirations = event.expirations;
	return 0;
}

/* --- timerfd --- */

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / SEC), .tv_nsec = (long)(ns % SEC) };
}

static uint64_t to_ns(struct timespec ts)
{
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

static int tfd_open(clockid_t clock, bool nonblock)
{
	return timerfd_create(clock, TFD_CLOEXEC | (nonblock ? TFD_NONBLOCK : 0));
}

static int tfd_arm(struct subject *s, bool absolute, uint64_t expires,
		   uint64_t interval)
{
	struct itimerspec its = {
		.it_value = to_timespec(expires),
		.it_interval = to_timespec(interval) };

	return timerfd_settime(s->fd, absolute ? TFD_TIMER_ABSTIME : 0, &its,
			       NULL) ? -errno : 0;
}

static void tfd_disarm(struct subject *s)
{
	ASSERT_EQ(tfd_arm(s, false, 0, 0), 0);
}

static uint64_t tfd_remaining(struct subject *s, uint64_t *interval)
{
	struct itimerspec its;

	ASSERT_EQ(timerfd_gettime(s->fd, &its), 0);
	*interval = to_ns(its.it_interval);
	return to_ns(its.it_value);
}

static int tfd_read(struct subject *s, uint64_t *expirations)
{
	if (read(s->fd, expirations, sizeof(*expirations)) !=
	    sizeof(*expirations))
		return -errno;
	return 0;
}

static const struct backend backends[] = {
	{
		.name = "htw",
		.event_size = sizeof(struct htw_event),
		.open = htw_open,
		.arm = htw_arm,
		.disarm = htw_disarm,
		.remaining = htw_remaining,
		.read = htw_read,
	}, {
		.name = "timerfd",
		.event_size = sizeof(uint64_t),
		.zero_disarms = true,
		.gettime_counts = true,
		.any_interval = true,
		.ignores_seek = true,
		.open = tfd_open,
		.arm = tfd_arm,
		.disarm = tfd_disarm,
		.remaining = tfd_remaining,
		.read = tfd_read,
	},
};

static const clockid_t clocks[] = {
	CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME };

#define NR_BACKENDS	(sizeof(backends) / sizeof(backends[0]))
#define NR_CLOCKS	(sizeof(clocks) / sizeof(clocks[0]))

/* Blocking in read(2), or not. */
static void on_each(void (*check)(struct subject *s), bool nonblock)
{
	int failures;
	size_t i, j;

	for (i = 0; i < NR_BACKENDS; i++)
		for (j = 0; j < NR_CLOCKS; j++) {
			struct subject s = {
				.backend = &backends[i], .clock = clocks[j],
				.fd = backends[i].open(clocks[j], nonblock) };

			failures = ktap_state->failures;
			ASSERT_GE(s.fd, 0);
			check(&s);
			if (ktap_state->failures != failures)
				ktap_note("that was %s on clock %d",
					  s.backend->name, (int)s.clock);
			close(s.fd);
		}
}

#define CHECK(_name, _nonblock)						\
	static void check_##_name(struct subject *s);			\
	static void _name(void) { on_each(check_##_name, _nonblock); }	\
	static void check_##_name(struct subject *s)

static void arm_it(struct subject *s, bool absolute, uint64_t expires,
		   uint64_t interval)
{
	ASSERT_EQ(s->backend->arm(s, absolute, expires, interval), 0);
}

static uint64_t read_it(struct subject *s)
{
	uint64_t expirations = 0;

	ASSERT_EQ(s->backend->read(s, &expirations), 0);
	return expirations;
}

static void expect_none(struct subject *s)
{
	uint64_t expirations;

	EXPECT_EQ(poll_context(s->fd, 0), 0);
	EXPECT_EQ(s->backend->read(s, &expirations), -EAGAIN);
}

static uint64_t left(struct subject *s)
{
	uint64_t interval;

	return s->backend->remaining(s, &interval);
}

static uint64_t clock_of(const struct subject *s)
{
	return clock_ns(s->clock);
}

/* --- expiry --- */

CHECK(relative_is_never_early, false)
{
	uint64_t delay, start;

	for (delay = 1; delay < 20 * MSEC; delay = delay * 7 + 1) {
		start = clock_of(s);
		arm_it(s, false, delay, 0);
		EXPECT_EQ(read_it(s), 1);
		EXPECT_GE(clock_of(s), start + delay);
	}
}

CHECK(absolute_is_never_early, false)
{
	uint64_t delay, time;

	for (delay = 1; delay < 20 * MSEC; delay = delay * 7 + 1) {
		time = clock_of(s) + delay;
		arm_it(s, true, time, 0);
		EXPECT_EQ(read_it(s), 1);
		EXPECT_GE(clock_of(s), time);
	}
}

CHECK(absolute_in_the_past_expires_at_once, false)
{
	uint64_t time;

	for (time = clock_of(s) - 1; time; time /= 1024) {
		arm_it(s, true, time, 0);
		EXPECT_EQ(read_it(s), 1);
	}
}

CHECK(expires_once, true)
{
	arm_it(s, false, MSEC, 0);
	wait_readable(s->fd);
	EXPECT_EQ(read_it(s), 1);
	sleep_ns(5 * MSEC);
	expect_none(s);
}

CHECK(zero, true)
{
	arm_it(s, false, HOUR, 0);
	arm_it(s, false, 0, 0);
	if (s->backend->zero_disarms) {
		EXPECT_EQ(poll_context(s->fd, 10), 0);
		EXPECT_EQ(left(s), 0);
	} else {
		wait_readable(s->fd);
		EXPECT_EQ(read_it(s), 1);
	}
}

CHECK(far_times_are_kept, true)
{
	static const uint64_t far[] = {
		HOUR, 366 * 24 * HOUR, 30 * 366 * 24 * HOUR };
	size_t i;

	for (i = 0; i < 3; i++) {
		arm_it(s, true, clock_of(s) + far[i], 0);
		EXPECT_LE(left(s), far[i]);
		EXPECT_GT(left(s), far[i] - HOUR / 2);
		expect_none(s);
	}
}

/* --- periods --- */

#define INTERVAL	(3 * MSEC)

/* However late each read is, in the end no period is missing or too many. */
CHECK(periods_are_counted, false)
{
	uint64_t first = clock_of(s) + INTERVAL, sum = 0, before = 0;
	int i;

	arm_it(s, true, first, INTERVAL);
	for (i = 0; i < 10; i++) {
		sleep_ns((uint64_t)i * MSEC);
		before = clock_of(s);
		sum += read_it(s);
	}
	EXPECT_LE(sum, (clock_of(s) - first) / INTERVAL + 1);
	/* What was due when the last read began may not be missing, but for the last. */
	EXPECT_GE(sum, (before - first) / INTERVAL);
}

CHECK(unread_periods_are_one_read, true)
{
	uint64_t first = clock_of(s);

	arm_it(s, true, first, INTERVAL);
	sleep_ns(10 * INTERVAL);
	wait_readable(s->fd);
	EXPECT_GE(read_it(s), 10);
	s->backend->disarm(s);
	expect_none(s);
}

CHECK(periods_before_the_arming_are_counted, false)
{
	uint64_t interval = 50 * MSEC;

	arm_it(s, true, clock_of(s) - 20 * interval, interval);
	EXPECT_GE(read_it(s), 21);
}

CHECK(first_expiry_is_apart_from_the_period, false)
{
	uint64_t start = clock_of(s);

	arm_it(s, false, 10 * MSEC, HOUR);
	EXPECT_EQ(read_it(s), 1);
	EXPECT_GE(clock_of(s), start + 10 * MSEC);
	EXPECT_GT(left(s), HOUR / 2);
}

CHECK(interval_of_1_ns, true)
{
	uint64_t interval;

	EXPECT_EQ(s->backend->arm(s, false, HOUR, 1),
		  s->backend->any_interval ? 0 : -EINVAL);
	if (!s->backend->any_interval)
		return;
	EXPECT_GT(s->backend->remaining(s, &interval), 0);
	EXPECT_EQ(interval, 1);
}

/* --- re-arming and disarming --- */

CHECK(rearm_drops_what_is_unread, true)
{
	arm_it(s, false, 1, 0);
	wait_readable(s->fd);
	arm_it(s, false, HOUR, 0);
	expect_none(s);
	EXPECT_GT(left(s), HOUR / 2);
}

CHECK(rearm_drops_unread_periods, true)
{
	arm_it(s, true, clock_of(s) - 10 * INTERVAL, INTERVAL);
	wait_readable(s->fd);
	arm_it(s, false, 1, 0);
	wait_readable(s->fd);
	EXPECT_EQ(read_it(s), 1);
	expect_none(s);
}

CHECK(rearm_after_expiry_works, false)
{
	int i;

	for (i = 0; i < 20; i++) {
		arm_it(s, false, 1 + (uint64_t)i * 100 * USEC, 0);
		EXPECT_EQ(read_it(s), 1);
	}
}

CHECK(disarmed_gives_no_event, true)
{
	int i;

	for (i = 0; i < 10; i++) {
		arm_it(s, false, 1 + (uint64_t)i * 500 * USEC, INTERVAL);
		sleep_ns(2 * MSEC);
		s->backend->disarm(s);
		expect_none(s);
		EXPECT_EQ(left(s), 0);
	}
	EXPECT_EQ(poll_context(s->fd, 20), 0);
}

CHECK(disarming_what_is_not_armed_works, true)
{
	s->backend->disarm(s);
	expect_none(s);
	EXPECT_EQ(left(s), 0);
	arm_it(s, false, 1, 0);
	wait_readable(s->fd);
}

/* --- the time left --- */

CHECK(remaining_is_what_is_left, true)
{
	uint64_t before = clock_of(s), time = before + HOUR, value, interval;

	arm_it(s, true, time, INTERVAL);
	before = clock_of(s);
	value = s->backend->remaining(s, &interval);
	EXPECT_LE(value, time - before);
	EXPECT_GE(value, time - clock_of(s));
	EXPECT_EQ(interval, INTERVAL);
	arm_it(s, false, HOUR, 0);
	value = s->backend->remaining(s, &interval);
	EXPECT_LE(value, HOUR);
	EXPECT_GT(value, HOUR / 2);
	EXPECT_EQ(interval, 0);
}

CHECK(remaining_of_the_expired_is_0, true)
{
	EXPECT_EQ(left(s), 0);
	arm_it(s, false, 1, 0);
	wait_readable(s->fd);
	EXPECT_EQ(left(s), 0);
	EXPECT_EQ(read_it(s), 1);
	EXPECT_EQ(left(s), 0);
}

/* It still is 1 expiry, whoever has asked meanwhile. */
CHECK(remaining_of_an_unread_period, true)
{
	arm_it(s, true, clock_of(s), HOUR);
	wait_readable(s->fd);
	if (s->backend->gettime_counts)
		EXPECT_GT(left(s), HOUR / 2);
	else
		EXPECT_EQ(left(s), 0);
	EXPECT_EQ(read_it(s), 1);
	EXPECT_GT(left(s), HOUR / 2);
}

/* --- reading and polling --- */

CHECK(nonblocking_read_eagain, true)
{
	expect_none(s);
	arm_it(s, false, HOUR, 0);
	expect_none(s);
}

CHECK(nonblocking_can_be_set_later, false)
{
	arm_it(s, false, HOUR, 0);
	ASSERT_EQ(fcntl(s->fd, F_SETFL, O_NONBLOCK), 0);
	expect_none(s);
}

CHECK(short_read_einval, true)
{
	char bytes[64];

	arm_it(s, false, 1, 0);
	wait_readable(s->fd);
	EXPECT_ERRNO(read(s->fd, bytes, s->backend->event_size - 1), EINVAL);
	EXPECT_ERRNO(read(s->fd, bytes, 0), EINVAL);
	EXPECT_EQ(read_it(s), 1);
}

CHECK(longer_read_gets_one, true)
{
	char bytes[256];

	arm_it(s, false, 1, 0);
	wait_readable(s->fd);
	EXPECT_EQ(read(s->fd, bytes, sizeof(bytes)), s->backend->event_size);
	expect_none(s);
}

CHECK(no_seeking_and_no_writing, true)
{
	char bytes[64] = { 0 };

	if (s->backend->ignores_seek)
		EXPECT_EQ(lseek(s->fd, 0, SEEK_SET), 0);
	else
		EXPECT_ERRNO(lseek(s->fd, 0, SEEK_SET), ESPIPE);
	EXPECT_ERRNO(pread(s->fd, bytes, sizeof(bytes), 0), ESPIPE);
	EXPECT_ERRNO(write(s->fd, bytes, sizeof(bytes)), EINVAL);
}

CHECK(poll_tells_until_it_is_read, true)
{
	int i;

	EXPECT_EQ(poll_context(s->fd, 0), 0);
	arm_it(s, false, 1, 0);
	wait_readable(s->fd);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(poll_context(s->fd, 0), POLLIN);
	EXPECT_EQ(read_it(s), 1);
	EXPECT_EQ(poll_context(s->fd, 0), 0);
}

static volatile sig_atomic_t signals;

static void count_signal(int signal)
{
	(void)signal;
	signals++;
}

static void send_alarms(int flags)
{
	struct sigaction action = {
		.sa_handler = count_signal, .sa_flags = flags };
	struct itimerval often = { { 0, 5000 }, { 0, 5000 } };

	signals = 0;
	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
	ASSERT_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void stop_alarms(void)
{
	struct itimerval never = { 0 };

	ASSERT_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
}

CHECK(signal_eintr, false)
{
	uint64_t expirations;

	send_alarms(0);
	EXPECT_EQ(s->backend->read(s, &expirations), -EINTR);
	EXPECT_GT(signals, 0);
	stop_alarms();
}

CHECK(signal_with_sa_restart_waits_on, false)
{
	uint64_t start = clock_of(s);

	send_alarms(SA_RESTART);
	arm_it(s, false, 40 * MSEC, 0);
	EXPECT_EQ(read_it(s), 1);
	EXPECT_GE(clock_of(s), start + 40 * MSEC);
	EXPECT_GT(signals, 0);
	stop_alarms();
}

CHECK(child_and_duplicate_share_it, false)
{
	struct subject copy = *s;
	pid_t pid;

	copy.fd = dup(s->fd);
	ASSERT_GE(copy.fd, 0);
	arm_it(s, false, 5 * MSEC, 0);
	copy.id = s->id;
	pid = fork();
	if (!pid) {
		EXPECT_EQ(read_it(&copy), 1);
		arm_it(&copy, false, 5 * MSEC, 0);
		_exit(0);
	}
	expect_child_ok(pid);
	EXPECT_EQ(read_it(s), 1);
	close(copy.fd);
}

/* --- races --- */

/**
 * struct race - threads that have the same timer
 * @s: the timer
 * @rounds: how often each of them arms it
 * @stop: the one that reads shall end
 * @sum: of what was read
 */
struct race {
	struct subject	*s;
	int		rounds;
	bool		stop;
	uint64_t	sum;
};

static void *rearm_it(void *arg)
{
	struct race *race = arg;
	struct subject own = *race->s;
	uint64_t state = 88172645463325252ULL;
	int i;

	for (i = 0; i < race->rounds; i++)
		arm_it(&own, false, 1 + random_of(&state, 200 * USEC), 0);
	return NULL;
}

/* However they meet, one timer is left, and it expires once. */
CHECK(threads_rearm_one_timer, true)
{
	struct race race = { .s = s, .rounds = 1500 };
	pthread_t threads[2];
	int i;

	arm_it(s, false, HOUR, 0);
	for (i = 0; i < 2; i++)
		threads[i] = start(rearm_it, &race);
	for (i = 0; i < 2; i++)
		join(threads[i]);
	arm_it(s, false, MSEC, 0);
	wait_readable(s->fd);
	EXPECT_EQ(read_it(s), 1);
	sleep_ns(2 * MSEC);
	expect_none(s);
}

static void *poll_and_read(void *arg)
{
	struct race *race = arg;
	struct pollfd pfd = { .fd = race->s->fd, .events = POLLIN };
	uint64_t expirations;

	while (!load_shared(&race->stop)) {
		ASSERT_GE(poll(&pfd, 1, 5), 0);
		if (!pfd.revents)
			continue;
		/* It may have been armed anew since: then there is nothing. */
		if (!race->s->backend->read(race->s, &expirations))
			race->sum += expirations;
	}
	return NULL;
}

/* Who polls is told of no more than there was, and misses nothing that stays. */
CHECK(poll_against_rearming, true)
{
	struct race race = { .s = s };
	struct subject own;
	pthread_t thread;
	int i;

	arm_it(s, false, HOUR, 0);
	own = *s;
	thread = start(poll_and_read, &race);
	for (i = 0; i < 400; i++) {
		arm_it(&own, false, 1 + (uint64_t)i % 4 * 50 * USEC, 0);
		if (i % 3)
			sleep_ns((uint64_t)(i % 5) * 60 * USEC);
		arm_it(&own, false, HOUR, 0);
	}
	store_shared(&race.stop, true);
	join(thread);
	EXPECT_LE(race.sum, 400);
	expect_none(s);
	arm_it(s, false, 1, 0);
	wait_readable(s->fd);
	EXPECT_EQ(read_it(s), 1);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(relative_is_never_early),
	KTAP_TEST(absolute_is_never_early),
	KTAP_TEST(absolute_in_the_past_expires_at_once),
	KTAP_TEST(expires_once),
	KTAP_TEST(zero),
	KTAP_TEST(far_times_are_kept),
	KTAP_TEST(periods_are_counted),
	KTAP_TEST(unread_periods_are_one_read),
	KTAP_TEST(periods_before_the_arming_are_counted),
	KTAP_TEST(first_expiry_is_apart_from_the_period),
	KTAP_TEST(interval_of_1_ns),
	KTAP_TEST(rearm_drops_what_is_unread),
	KTAP_TEST(rearm_drops_unread_periods),
	KTAP_TEST(rearm_after_expiry_works),
	KTAP_TEST(disarmed_gives_no_event),
	KTAP_TEST(disarming_what_is_not_armed_works),
	KTAP_TEST(remaining_is_what_is_left),
	KTAP_TEST(remaining_of_the_expired_is_0),
	KTAP_TEST(remaining_of_an_unread_period),
	KTAP_TEST(nonblocking_read_eagain),
	KTAP_TEST(nonblocking_can_be_set_later),
	KTAP_TEST(short_read_einval),
	KTAP_TEST(longer_read_gets_one),
	KTAP_TEST(no_seeking_and_no_writing),
	KTAP_TEST(poll_tells_until_it_is_read),
	KTAP_TEST(signal_eintr),
	KTAP_TEST(signal_with_sa_restart_waits_on),
	KTAP_TEST(child_and_duplicate_share_it),
	KTAP_TEST(threads_rearm_one_timer),
	KTAP_TEST(poll_against_rearming),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("beside", tests, need_device));
}
