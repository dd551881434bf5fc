// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of timers when somebody sets the clock. Every test sets it, and puts it
 * back by CLOCK_MONOTONIC when it has ended.
 *
 * Not for a machine that somebody is using: needs root.
 */
#include <sys/timex.h>

#include "context.h"
#include "ops.h"
#include "threads.h"

/* Long after whatever the wall clock of a guest says. */
#define BASE_SEC	2000000000LL

/* --- setting the clock --- */

static void set_clock(uint64_t time)
{
	struct timespec ts = {
		.tv_sec = (time_t)(time / SEC), .tv_nsec = (long)(time % SEC) };

	ASSERT_EQ(clock_settime(CLOCK_REALTIME, &ts), 0);
}

static void step(int64_t by)
{
	set_clock(clock_ns(CLOCK_REALTIME) + (uint64_t)by);
}

static uint64_t wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static int64_t wall_minus_monotonic(void)
{
	return (int64_t)(wall_ns() - now_ns());
}

/* In a child, so that the clock is put back whatever becomes of it. */
static void with_clock(void (*check)(void))
{
	int64_t offset = wall_minus_monotonic();
	pid_t pid;

	if (getuid())
		ktap_skip("only root can set the clock");
	pid = fork();
	if (!pid) {
		set_clock(BASE_SEC * SEC);
		check();
		_exit(0);
	}
	expect_child_ok(pid);
	set_clock(now_ns() + (uint64_t)offset);
}

/* The tests below are functions that are run like that. */
#define STEP_TEST(_name)						\
	static void check_##_name(void);				\
	static void _name(void) { with_clock(check_##_name); }		\
	static void check_##_name(void)

static int open_wall(int flags)
{
	return open_clock(flags, CLOCK_REALTIME);
}

static int open_steps(int flags)
{
	return open_setup(flags, (struct htw_setup){
		.clock = CLOCK_REALTIME, .flags = HTW_SETUP_CLOCK_STEPS });
}

/* The work that follows a step is done soon, by a kernel thread. */
static void wait_for_steps(int fd, uint64_t nr)
{
	while (stats(fd).clock_steps < nr)
		sleep_ns(MSEC);
}

static void read_wall_event(int fd, struct htw_event *event)
{
	read_event_on(fd, CLOCK_REALTIME, event);
}

static void read_step(int fd, uint32_t expirations)
{
	struct htw_event event;

	ASSERT_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	EXPECT_EQ(HTW_EVENT_TYPE(event.info), HTW_EVENT_CLOCK_STEP);
	EXPECT_EQ(event.id, 0);
	EXPECT_EQ(event.cookie, 0);
	EXPECT_EQ(event.expirations, expirations);
	EXPECT_LE(event.expires, wall_ns());
	EXPECT_GE(event.expires, wall_ns() - HOUR / 2);
}

/* --- timers of a time, and of a delay --- */

STEP_TEST(absolute_follows_a_step_forward)
{
	int fd = open_wall(0);
	uint64_t time = wall_ns() + HOUR;
	struct htw_event event;

	arm_at(fd, time, 5);
	EXPECT_SILENCE(fd);
	step(HOUR);
	read_wall_event(fd, &event);
	EXPECT_EQ(event.expires, time);
	EXPECT_EQ(event.cookie, 5);
	EXPECT_EQ(event.expirations, 1);
}

STEP_TEST(absolute_follows_a_step_back)
{
	int fd = open_wall(0);
	uint64_t time = wall_ns() + 60 * MSEC;
	struct htw_event event;
	struct htw_op op;
	uint64_t id = arm_at(fd, time, 5);

	step(-(int64_t)HOUR);
	EXPECT_EQ(poll_context(fd, 150), 0);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.expires, time);
	EXPECT_GT(op.value, HOUR / 2);
	EXPECT_LE(op.value, HOUR + 60 * MSEC);
	set_clock(time);
	read_wall_event(fd, &event);
	EXPECT_EQ(event.expires, time);
}

STEP_TEST(relative_does_not_follow_a_step_forward)
{
	int fd = open_wall(0);
	struct htw_event event;
	struct htw_op op;
	uint64_t id = arm_in(fd, HOUR, 0);

	step(2 * HOUR);
	wait_for_steps(fd, 1);
	EXPECT_SILENCE(fd);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_LE(op.value, HOUR);
	EXPECT_GT(op.value, HOUR / 2);
	/* The time told is that of the clock as it is now. */
	EXPECT_GE(op.expires, wall_ns() + op.value - SEC);
	EXPECT_LE(op.expires, wall_ns() + op.value);
	arm_in(fd, MSEC, 7);
	read_wall_event(fd, &event);
	EXPECT_EQ(event.cookie, 7);
}

STEP_TEST(relative_does_not_follow_a_step_back)
{
	int fd = open_wall(0);
	uint64_t start = now_ns();
	struct htw_event event;

	arm_in(fd, 40 * MSEC, 7);
	step(-(int64_t)HOUR);
	ASSERT_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	EXPECT_GE(now_ns(), start + 40 * MSEC);
	EXPECT_EQ(event.cookie, 7);
	/* On the clock as it is now, where it is not in the future. */
	EXPECT_LE(event.expires, wall_ns());
	EXPECT_GE(event.expires, wall_ns() - HOUR / 2);
}

STEP_TEST(tai_follows_too)
{
	int fd = open_clock(0, CLOCK_TAI);
	uint64_t time = clock_ns(CLOCK_TAI) + HOUR;
	struct htw_event event;

	arm_at(fd, time, 0);
	step(HOUR);
	read_event_on(fd, CLOCK_TAI, &event);
	EXPECT_EQ(event.expires, time);
}

/* The wall clock stays as it is when somebody tells the kernel of leap seconds. */
STEP_TEST(tai_follows_its_offset)
{
	struct timex tx = { .modes = ADJ_TAI };
	int tai = open_clock(0, CLOCK_TAI), wall = open_wall(0);
	struct htw_event event;
	uint64_t time;
	long before;

	ASSERT_GE(adjtimex(&tx), 0);
	before = (clock_ns(CLOCK_TAI) - wall_ns() + SEC / 2) / SEC;
	time = clock_ns(CLOCK_TAI) + 1000 * SEC;
	arm_at(tai, time, 0);
	arm_at(wall, wall_ns() + 1000 * SEC, 0);
	tx = (struct timex){ .modes = ADJ_TAI, .constant = before + 1000 };
	ASSERT_GE(adjtimex(&tx), 0);
	read_event_on(tai, CLOCK_TAI, &event);
	EXPECT_EQ(event.expires, time);
	EXPECT_SILENCE(wall);
	tx = (struct timex){ .modes = ADJ_TAI, .constant = before };
	ASSERT_GE(adjtimex(&tx), 0);
}

/* By exactly so much, as nobody can who sets it to a time. */
static void step_exactly(long seconds)
{
	struct timex tx = { .modes = ADJ_SETOFFSET };

	tx.time.tv_sec = seconds;
	ASSERT_GE(adjtimex(&tx), 0);
}

static void set_scheduling(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	ASSERT_EQ(sched_setscheduler(0, policy, &param), 0);
}

/*
 * Who is told that the clock was set finds it as it was, because the thread that would
 * have told of the first step has to wait for this one: a timer was armed in between.
 */
STEP_TEST(set_and_set_back_is_noticed)
{
	struct htw_event event;
	int fd = open_wall(0);
	uint64_t time;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	ASSERT_EQ(sched_setaffinity(0, sizeof(cpu), &cpu), 0);
	time = wall_ns() + 300 * MSEC;
	set_scheduling(SCHED_FIFO, 90);
	step_exactly(-3600);
	arm_at(fd, time, 7);
	step_exactly(3600);
	set_scheduling(SCHED_OTHER, 0);
	ASSERT_EQ(poll_context(fd, 5000), POLLIN);
	read_wall_event(fd, &event);
	EXPECT_EQ(event.expires, time);
}

STEP_TEST(other_clocks_do_not_follow)
{
	static const uint32_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	struct htw_event event;
	uint64_t time;
	int fds[2], i;

	for (i = 0; i < 2; i++) {
		fds[i] = open_clock(0, clocks[i]);
		arm_at(fds[i], clock_ns((clockid_t)clocks[i]) + HOUR, 0);
	}
	step(2 * HOUR);
	step(-(int64_t)HOUR);
	for (i = 0; i < 2; i++) {
		EXPECT_SILENCE(fds[i]);
		time = clock_ns((clockid_t)clocks[i]) + MSEC;
		arm_at(fds[i], time, 7);
		read_event_on(fds[i], (clockid_t)clocks[i], &event);
		EXPECT_EQ(event.expires, time);
		EXPECT_EQ(stats(fds[i]).clock_steps, 0);
		EXPECT_EQ(stats(fds[i]).refiled, 0);
	}
}

/*
 * Stepped back when it is just about to expire: what had not expired by then does not
 * before its time has come again.
 */
STEP_TEST(stepped_back_while_due_is_never_early)
{
	int fd = open_wall(0), round, had_expired = 0;
	struct htw_event event;
	uint64_t time, when;

	for (round = 0; round < 100; round++) {
		time = wall_ns() + 3 * MSEC;
		when = time - MSEC + (uint64_t)round * 20 * USEC;
		arm_at(fd, time, (uint64_t)round);
		while (wall_ns() < when)
			;
		step(-8 * (int64_t)MSEC);
		if (stats(fd).expired == (uint64_t)round) {
			read_wall_event(fd, &event);
		} else {
			ASSERT_EQ(read(fd, &event, sizeof(event)),
				  sizeof(event));
			had_expired++;
		}
		EXPECT_EQ(event.expires, time);
		EXPECT_EQ(event.cookie, round);
	}
	ktap_note("%d of %d had expired", had_expired, round);
}

/*
 * Arms many for a moment and a bit later, those that are armed again last to be due
 * first, and steps back just before. Each @slower doubles the time for that. Return:
 * false if it came too late.
 */
static bool step_before_many(int fd, struct htw_op *ops, uint32_t nr,
			     unsigned int slower)
{
	uint64_t due = wall_ns() + (100 * MSEC << slower);
	uint64_t due_monotonic = due - (uint64_t)wall_minus_monotonic();
	uint32_t i;

	for (i = 0; i < nr; i++)
		ops[i] = (struct htw_op){
			.opcode = HTW_OP_ARM, .flags = HTW_TIMER_ABS,
			.expires = due + (nr - i) * 250ULL };
	do_ops_well(fd, ops, nr);
	while (now_ns() + (200 * USEC << slower) < due_monotonic)
		;
	step(-(int64_t)HOUR);
	return now_ns() < due_monotonic;
}

/* Of many some expire by CLOCK_MONOTONIC before they have been armed again. */
STEP_TEST(stepped_back_before_many_are_due_none_is_early)
{
	uint32_t nr = (uint32_t)scaled(20000);
	struct htw_op *ops = new_ops(nr);
	struct htw_op match = { .opcode = HTW_OP_CANCEL_MATCH };
	bool in_time = false;
	unsigned int tries;
	int fd;

	for (tries = 0; tries < 24 && !in_time; tries++) {
		fd = open_wall(0);
		in_time = step_before_many(fd, ops, nr, tries / 3);
		if (in_time)
			EXPECT_EQ(poll_context(fd, 100), 0);
		ASSERT_EQ(do_op(fd, &match), 0);
		EXPECT_EQ(match.res, nr);
		close(fd);
	}
	EXPECT_TRUE(in_time);
}

/* Far from due when it is stepped back: then it is exactly the new time. */
STEP_TEST(stepped_back_before_it_is_due_waits_for_the_wall)
{
	int fd = open_wall(0), round;
	struct htw_event event;
	uint64_t time;

	for (round = 0; round < 20; round++) {
		time = wall_ns() + 200 * MSEC;
		arm_at(fd, time, 0);
		step(-(int64_t)(20 + (uint64_t)round) * (int64_t)MSEC);
		step(190 * (int64_t)MSEC);
		read_wall_event(fd, &event);
		EXPECT_EQ(event.expires, time);
	}
}

STEP_TEST(many_timers_all_follow)
{
	enum { NR = 2000 };
	int fd = open_wall(0), i;
	unsigned char seen[NR] = { 0 };
	uint64_t base = wall_ns() + HOUR;
	struct htw_event event;

	for (i = 0; i < NR; i++)
		arm_at(fd, base + (uint64_t)i * 10 * USEC, (uint64_t)i);
	step(HOUR);
	for (i = 0; i < NR; i++) {
		read_wall_event(fd, &event);
		ASSERT_LT(event.cookie, NR);
		EXPECT_EQ(seen[event.cookie]++, 0);
		EXPECT_EQ(event.expires, base + event.cookie * 10 * USEC);
	}
	EXPECT_EQ(held(fd), 0);
	EXPECT_GE(stats(fd).refiled, NR / 2);
}

STEP_TEST(rearm_changes_whether_it_follows)
{
	int fd = open_wall(0);
	uint64_t follower = arm_in(fd, HOUR, 1), other, time;
	struct htw_event event;

	time = wall_ns() + HOUR;
	other = arm_at(fd, time, 2);
	ASSERT_EQ(rearm_in(fd, other, HOUR, 2), 0);
	ASSERT_EQ(do_op(fd, &(struct htw_op){
		.opcode = HTW_OP_REARM, .id = follower, .cookie = 1,
		.flags = HTW_TIMER_ABS, .expires = time }), 0);
	step(2 * HOUR);
	read_wall_event(fd, &event);
	EXPECT_EQ(event.id, follower);
	EXPECT_SILENCE(fd);
	EXPECT_EQ(cancel(fd, other), HTW_CANCELLED);
}

STEP_TEST(unread_event_stays)
{
	int fd = open_wall(0);
	uint64_t time = wall_ns();
	struct htw_event event;

	arm_at(fd, time, 5);
	wait_readable(fd);
	step(-(int64_t)HOUR);
	wait_for_steps(fd, 1);
	EXPECT_EQ(poll_context(fd, 0), POLLIN);
	ASSERT_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	EXPECT_EQ(event.expires, time);
	EXPECT_EQ(event.cookie, 5);
	EXPECT_EQ(held(fd), 0);
}

/* --- periods --- */

STEP_TEST(periods_jumped_over_are_counted)
{
	int fd = open_wall(0);
	uint64_t first = wall_ns() + HOUR, id;
	struct htw_event event;
	struct htw_op op;

	id = arm_every(fd, first, HOUR, 0);
	step(10 * (int64_t)HOUR + (int64_t)HOUR / 2);
	read_wall_event(fd, &event);
	EXPECT_EQ(event.expirations, 10);
	EXPECT_EQ(event.expires, first + 9 * HOUR);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.expires, first + 10 * HOUR);
	EXPECT_SILENCE(fd);
}

/* What has been told is not told again. */
STEP_TEST(periods_stepped_back_over_do_not_come_again)
{
	int fd = open_wall(0);
	uint64_t first = wall_ns(), id = arm_every(fd, first, HOUR, 0);
	struct htw_event event;
	struct htw_op op;

	read_wall_event(fd, &event);
	EXPECT_EQ(event.expires, first);
	step(-5 * (int64_t)HOUR);
	EXPECT_SILENCE(fd);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.expires, first + HOUR);
	EXPECT_GT(op.value, 5 * HOUR);
	step(6 * (int64_t)HOUR);
	read_wall_event(fd, &event);
	EXPECT_EQ(event.expires, first + HOUR);
	EXPECT_EQ(event.expirations, 1);
}

STEP_TEST(periods_of_a_delay_do_not_follow)
{
	int fd = open_wall(0);
	struct htw_event event;
	struct htw_op op;
	uint64_t id = arm(fd, (struct htw_op){
		.expires = HOUR, .interval = HOUR });

	step(10 * (int64_t)HOUR);
	wait_for_steps(fd, 1);
	EXPECT_SILENCE(fd);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_LE(op.value, HOUR);
	EXPECT_GT(op.value, HOUR / 2);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	arm(fd, (struct htw_op){ .interval = HOUR });
	read_wall_event(fd, &event);
	EXPECT_EQ(event.expirations, 1);
}

/* --- HTW_SETUP_CLOCK_STEPS --- */

STEP_TEST(step_is_an_event)
{
	int fd = open_steps(0);

	EXPECT_EQ(poll_context(fd, 0), 0);
	step(HOUR);
	wait_readable(fd);
	read_step(fd, 1);
	EXPECT_EQ(poll_context(fd, 0), 0);
	step(-(int64_t)HOUR);
	wait_readable(fd);
	read_step(fd, 1);
	EXPECT_EQ(stats(fd).clock_steps, 2);
	EXPECT_EQ(held(fd), 0);
}

STEP_TEST(unread_steps_are_one_event)
{
	int fd = open_steps(O_NONBLOCK);
	struct htw_event event;
	uint64_t i;

	for (i = 1; i <= 3; i++) {
		step(HOUR);
		wait_for_steps(fd, i);
	}
	read_step(fd, 3);
	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
}

/* The clock is where it was when the timers were armed, and yet was set twice. */
STEP_TEST(there_and_back_are_two_steps)
{
	int fd = open_steps(0);
	uint64_t time = wall_ns() + HOUR + 200 * MSEC;
	uint64_t far = arm_at(fd, wall_ns() + 10 * HOUR, 1);
	struct htw_event event;
	int i;

	for (i = 0; i < 2; i++) {
		step_exactly(3600);
		wait_for_steps(fd, 2 * (uint64_t)i + 1);
		read_step(fd, 1);
		step_exactly(-3600);
		wait_for_steps(fd, 2 * (uint64_t)i + 2);
		read_step(fd, 1);
	}
	EXPECT_EQ(stats(fd).refiled, 4);
	EXPECT_EQ(cancel(fd, far), HTW_CANCELLED);

	/* And the timers have followed both. */
	arm_at(fd, time, 2);
	step_exactly(3600);
	wait_for_steps(fd, 5);
	read_step(fd, 1);
	step_exactly(-3600);
	wait_for_steps(fd, 6);
	read_step(fd, 1);
	EXPECT_EQ(poll_context(fd, 400), 0);
	step_exactly(3600);
	wait_for_steps(fd, 7);
	read_step(fd, 1);
	read_wall_event(fd, &event);
	EXPECT_EQ(event.expires, time);
}

/* What does not follow the clock has no work by it. */
STEP_TEST(delays_are_not_filed_again)
{
	int fd = open_wall(0);
	uint64_t id = arm_in(fd, HOUR, 1);

	/* They are neighbours, and so filed in one go. */
	arm_at(fd, wall_ns() + 3 * HOUR, 2);
	step(HOUR);
	while (!stats(fd).refiled)
		sleep_ns(MSEC);
	EXPECT_EQ(stats(fd).refiled, 1);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
}

STEP_TEST(step_is_told_once)
{
	int fd = open_steps(O_NONBLOCK);
	struct htw_event events[4];

	arm_at(fd, wall_ns() + HOUR, 5);
	step(2 * HOUR);
	while (stats(fd).expired < 1)
		sleep_ns(MSEC);
	ASSERT_EQ(read_events(fd, events, 4), 2);
	EXPECT_EQ(HTW_EVENT_TYPE(events[0].info), HTW_EVENT_CLOCK_STEP);
	EXPECT_EQ(HTW_EVENT_TYPE(events[1].info), HTW_EVENT_EXPIRED);
	EXPECT_EQ(events[1].cookie, 5);
	EXPECT_EQ(poll_context(fd, 0), 0);
}

STEP_TEST(step_is_no_event_for_others)
{
	int fd = open_wall(0);

	step(HOUR);
	wait_for_steps(fd, 1);
	EXPECT_SILENCE(fd);
	EXPECT_EQ(stats(fd).clock_steps, 1);
}

static void *step_later(void *unused)
{
	(void)unused;
	sleep_ns(40 * MSEC);
	step(HOUR);
	return NULL;
}

STEP_TEST(step_ends_a_blocking_read)
{
	int fd = open_steps(0);
	pthread_t thread;

	thread = start(step_later, NULL);
	read_step(fd, 1);
	join(thread);
}

STEP_TEST(step_ends_the_wait_of_a_batch)
{
	int fd = open_steps(0);
	struct htw_event event;
	struct htw_batch batch = {
		.events = (uintptr_t)&event, .nr_events = 1, .min_events = 1,
		.timeout = HTW_FOREVER };
	pthread_t thread;

	thread = start(step_later, NULL);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.got, 1);
	EXPECT_EQ(HTW_EVENT_TYPE(event.info), HTW_EVENT_CLOCK_STEP);
	join(thread);
}

/* The other times that a wait has are on CLOCK_MONOTONIC. */
STEP_TEST(step_does_not_change_how_long_a_batch_waits)
{
	int fd = open_wall(0);
	struct htw_event event;
	uint64_t begin = now_ns();
	struct htw_batch batch = {
		.events = (uintptr_t)&event, .nr_events = 1, .min_events = 1,
		.timeout = 150 * MSEC };
	pthread_t thread;

	thread = start(step_later, NULL);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_GE(now_ns(), begin + 150 * MSEC);
	EXPECT_EQ(batch.got, 0);
	join(thread);
}

STEP_TEST(copy_that_faults_loses_no_step)
{
	int fd = open_steps(0);
	struct htw_event event;
	void *nowhere = mmap(NULL, sizeof(event), PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	step(HOUR);
	wait_readable(fd);
	EXPECT_ERRNO(read(fd, nowhere, sizeof(event)), EFAULT);
	EXPECT_EQ(poll_context(fd, 0), POLLIN);
	read_step(fd, 1);
}

/* --- at once --- */

static bool stop_stepping;

static void *step_around(void *unused)
{
	int64_t by;
	int i;

	(void)unused;
	for (i = 0; !load_shared(&stop_stepping); i++) {
		by = (int64_t)(i % 7 + 1) * 300 * (int64_t)USEC;
		step(i % 2 ? by : -by);
		sleep_ns(200 * USEC);
	}
	return NULL;
}

/* Armed, re-armed, cancelled and read while the clock jumps: each ends once. */
STEP_TEST(steps_beside_everything_lose_nothing)
{
	enum { NR = 50, ROUNDS = 30 };
	int fd = open_wall(O_NONBLOCK), round, i, res;
	int read_of = 0, ended = 0;
	struct htw_event events[NR];
	uint64_t ids[NR];
	pthread_t thread;

	thread = start(step_around, NULL);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < NR; i++)
			ids[i] = arm_at(fd, wall_ns() + (uint64_t)i * 50 * USEC,
					0);
		read_of += (int)read_events(fd, events, NR);
		for (i = 0; i < NR; i++) {
			res = cancel(fd, ids[i]);
			ended += res == HTW_CANCELLED || res == HTW_WITHDRAWN;
		}
		EXPECT_EQ(held(fd), 0);
	}
	store_shared(&stop_stepping, true);
	join(thread);
	EXPECT_EQ(read_of + ended, NR * ROUNDS);
	ktap_note("%d read, %d cancelled, %llu refiled", read_of, ended,
		  (unsigned long long)stats(fd).refiled);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(absolute_follows_a_step_forward),
	KTAP_TEST(absolute_follows_a_step_back),
	KTAP_TEST(relative_does_not_follow_a_step_forward),
	KTAP_TEST(relative_does_not_follow_a_step_back),
	KTAP_TEST(tai_follows_too),
	KTAP_TEST(tai_follows_its_offset),
	KTAP_TEST(set_and_set_back_is_noticed),
	KTAP_TEST(other_clocks_do_not_follow),
	KTAP_TEST(stepped_back_while_due_is_never_early),
	KTAP_TEST(stepped_back_before_many_are_due_none_is_early),
	KTAP_TEST(stepped_back_before_it_is_due_waits_for_the_wall),
	KTAP_TEST(many_timers_all_follow),
	KTAP_TEST(rearm_changes_whether_it_follows),
	KTAP_TEST(unread_event_stays),
	KTAP_TEST(periods_jumped_over_are_counted),
	KTAP_TEST(periods_stepped_back_over_do_not_come_again),
	KTAP_TEST(periods_of_a_delay_do_not_follow),
	KTAP_TEST(step_is_an_event),
	KTAP_TEST(unread_steps_are_one_event),
	KTAP_TEST(there_and_back_are_two_steps),
	KTAP_TEST(delays_are_not_filed_again),
	KTAP_TEST(step_is_told_once),
	KTAP_TEST(step_is_no_event_for_others),
	KTAP_TEST(step_ends_a_blocking_read),
	KTAP_TEST(step_ends_the_wait_of_a_batch),
	KTAP_TEST(step_does_not_change_how_long_a_batch_waits),
	KTAP_TEST(copy_that_faults_loses_no_step),
	KTAP_TEST(steps_beside_everything_lose_nothing),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("steps", tests, need_device));
}
