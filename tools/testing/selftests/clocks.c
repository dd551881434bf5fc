// SPDX-License-Identifier: GPL-2.0
/*
 * The real clocks that a context can be on, and time namespaces. What happens when a
 * clock is set is in steps.c, and through a suspend in suspend.c.
 */
#include "context.h"
#include "threads.h"

static const clockid_t clocks[] = {
	CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME, CLOCK_TAI };

#define NR_CLOCKS	(sizeof(clocks) / sizeof(clocks[0]))

/* What is true of each of them. */
static void on_each_clock(void (*check)(int fd, clockid_t clock))
{
	int failures;
	size_t i;

	for (i = 0; i < NR_CLOCKS; i++) {
		int fd = open_clock(0, (uint32_t)clocks[i]);

		failures = ktap_state->failures;
		check(fd, clocks[i]);
		if (ktap_state->failures != failures)
			ktap_note("that was on clock %d", (int)clocks[i]);
		close(fd);
	}
}

static void check_relative(int fd, clockid_t clock)
{
	struct htw_event event;
	uint64_t delay, before, after;

	for (delay = 0; delay < 30 * MSEC; delay = 3 * delay + 7) {
		before = clock_ns(clock);
		arm_in(fd, delay, delay);
		after = clock_ns(clock);
		read_event_on(fd, clock, &event);
		EXPECT_EQ(event.cookie, delay);
		EXPECT_GE(event.expires, before + delay);
		EXPECT_LE(event.expires, after + delay);
	}
}

static void relative_is_never_early(void)
{
	on_each_clock(check_relative);
}

static void check_absolute(int fd, clockid_t clock)
{
	struct htw_event event;
	uint64_t delay, time;

	for (delay = 0; delay < 30 * MSEC; delay = 3 * delay + 7) {
		time = clock_ns(clock) + delay;
		arm_at(fd, time, delay);
		read_event_on(fd, clock, &event);
		EXPECT_EQ(event.cookie, delay);
		EXPECT_EQ(event.expires, time);
	}
}

static void absolute_is_never_early(void)
{
	on_each_clock(check_absolute);
}

static void check_past(int fd, clockid_t clock)
{
	struct htw_event event;
	uint64_t time;

	for (time = clock_ns(clock); time; time /= 64) {
		arm_at(fd, time, time);
		read_event_on(fd, clock, &event);
		EXPECT_EQ(event.expires, time);
		EXPECT_EQ(event.cookie, time);
	}
	arm_at(fd, 0, 7);
	read_event_on(fd, clock, &event);
	EXPECT_EQ(event.expires, 0);
}

static void past_fires_at_once(void)
{
	on_each_clock(check_past);
}

static void check_far(int fd, clockid_t clock)
{
	static const uint64_t far[] = { HOUR, 24 * HOUR, MAX_TIME / 2 };
	uint64_t now, id;
	struct htw_op op;
	size_t i;

	for (i = 0; i < 3; i++) {
		now = clock_ns(clock);
		id = arm_at(fd, now + far[i], i);
		ASSERT_EQ(remaining(fd, id, &op), 0);
		EXPECT_EQ(op.expires, now + far[i]);
		EXPECT_LE(op.value, far[i]);
		EXPECT_GT(op.value, far[i] - HOUR / 2);
		EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	}
	/* More than a time can be: it must not wrap into the past. */
	arm_in(fd, MAX_TIME, 0);
	arm_at(fd, MAX_TIME, 0);
	EXPECT_SILENCE(fd);
}

static void far_times_are_kept(void)
{
	on_each_clock(check_far);
}

static void check_periodic(int fd, clockid_t clock)
{
	uint64_t interval = short_interval(fd) + 1, total = 0;
	uint64_t first = clock_ns(clock) + 3 * MSEC;
	struct htw_event event;
	int i;

	arm_every(fd, first, interval, 9);
	for (i = 0; i < 10; i++) {
		read_event_on(fd, clock, &event);
		total += event.expirations;
		EXPECT_EQ(event.expires, first + (total - 1) * interval);
	}
}

static void periods_are_drift_free(void)
{
	on_each_clock(check_periodic);
}

static void check_setup(int fd, clockid_t clock)
{
	struct htw_setup setup = { .clock = (uint32_t)clock };
	int other = open_context(0);

	(void)fd;
	ASSERT_EQ(do_setup(other, &setup), 0);
	EXPECT_EQ(setup.clock, clock);
	EXPECT_EQ(setup.size, sizeof(setup));
	EXPECT_EQ(setup.max_timers, query(other).max_file);
	EXPECT_EQ(setup.tick_ns, query(other).tick_ns);
	EXPECT_EQ(setup.ring_len, 0);
	EXPECT_EQ(setup.ctl_len, 0);
	EXPECT_EQ(setup.words_len, 0);
	close(other);
}

static void setup_tells_what_it_has_made(void)
{
	on_each_clock(check_setup);
}

/* Without a set-up; an hour of one is not an hour of another. */
static void default_is_monotonic(void)
{
	int fd = open_context(0);
	struct htw_event event;
	uint64_t time = now_ns();

	arm_at(fd, time, 0);
	read_event(fd, &event);
	EXPECT_EQ(event.expires, time);
	if (clock_ns(CLOCK_REALTIME) < time + 2 * HOUR)
		ktap_skip("this machine does not know what day it is");
	arm_at(fd, clock_ns(CLOCK_REALTIME), 0);
	EXPECT_SILENCE(fd);
}

/* --- time namespaces --- */

/* Of the two clocks that a namespace has. */
static const clockid_t own_clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME };

static void write_offsets(int64_t monotonic, int64_t boottime)
{
	char text[100];
	int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC), len;

	ASSERT_GE(fd, 0);
	len = snprintf(text, sizeof(text), "monotonic %lld 0\nboottime %lld 0\n",
		       (long long)monotonic, (long long)boottime);
	ASSERT_EQ(write(fd, text, (size_t)len), len);
	close(fd);
}

/*
 * Run @check in a namespace whose clocks are ahead by that many seconds, and @fd opened
 * outside of it.
 */
static void in_namespace(int64_t monotonic, int64_t boottime, int fd,
			 void (*check)(int fd))
{
	pid_t pid;

	if (unshare(CLONE_NEWTIME))
		ktap_skip("a time namespace needs root, and a kernel that has them");
	write_offsets(monotonic, boottime);
	pid = fork();
	if (!pid) {
		check(fd);
		_exit(0);
	}
	expect_child_ok(pid);
}

/* So long that a timer for which it was forgotten would not fire in this test. */
#define AHEAD		1000000

static void check_namespace(int fd)
{
	size_t i;

	(void)fd;
	for (i = 0; i < 2; i++) {
		int mine = open_clock(0, (uint32_t)own_clocks[i]);

		EXPECT_GE(clock_ns(own_clocks[i]), AHEAD * SEC);
		check_relative(mine, own_clocks[i]);
		check_absolute(mine, own_clocks[i]);
		check_past(mine, own_clocks[i]);
		check_far(mine, own_clocks[i]);
		check_periodic(mine, own_clocks[i]);
		close(mine);
	}
}

static void namespace_ahead_is_honoured(void)
{
	in_namespace(AHEAD, 2 * AHEAD, -1, check_namespace);
}

static void check_default_context(int fd)
{
	fd = open_context(0);
	check_relative(fd, CLOCK_MONOTONIC);
	check_absolute(fd, CLOCK_MONOTONIC);
}

static void namespace_is_honoured_without_a_setup(void)
{
	in_namespace(AHEAD, 0, -1, check_default_context);
}

/* Back, but not to before 0. */
static void namespace_behind_is_honoured(void)
{
	while (now_ns() < 6 * SEC)
		sleep_ns(50 * MSEC);
	in_namespace(-5, -5, -1, check_default_context);
}

static void check_times_out(int fd)
{
	size_t i;

	(void)fd;
	for (i = 0; i < 2; i++) {
		int mine = open_clock(0, (uint32_t)own_clocks[i]);
		uint64_t before = clock_ns(own_clocks[i]);
		struct htw_batch batch = { 0 };
		struct htw_op op = {
			.opcode = HTW_OP_CANCEL, .id = arm_in(mine, HOUR, 0) };

		ASSERT_EQ(do_batch(mine, &batch), 0);
		EXPECT_GE(batch.now, before);
		EXPECT_LE(batch.now, clock_ns(own_clocks[i]));
		ASSERT_EQ(do_op(mine, &op), 0);
		EXPECT_GE(op.value, before + HOUR);
		EXPECT_LE(op.value, clock_ns(own_clocks[i]) + HOUR);
	}
}

static void all_times_are_those_of_the_namespace(void)
{
	in_namespace(AHEAD, 2 * AHEAD, -1, check_times_out);
}

static void check_wall_clock(int fd)
{
	(void)fd;
	check_absolute(open_clock(0, CLOCK_REALTIME), CLOCK_REALTIME);
	check_absolute(open_clock(0, CLOCK_TAI), CLOCK_TAI);
}

static void wall_clock_has_no_namespace(void)
{
	in_namespace(AHEAD, AHEAD, -1, check_wall_clock);
}

/* The namespace is that of the task that opened the file, whoever uses it. */
static void arm_with_time_of_outside(int fd)
{
	struct htw_event event;
	uint64_t inside = now_ns();

	arm_in(fd, MSEC, 0);
	ASSERT_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	EXPECT_LT(event.expires, inside - AHEAD * SEC / 2);
	arm_at(fd, event.expires + MSEC, 5);
	ASSERT_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	EXPECT_EQ(event.cookie, 5);
}

static void namespace_is_that_of_the_opener(void)
{
	in_namespace(AHEAD, AHEAD, open_context(0), arm_with_time_of_outside);
}

static void set_up_and_arm(int fd)
{
	struct htw_setup setup = { .clock = CLOCK_BOOTTIME };

	ASSERT_EQ(do_setup(fd, &setup), 0);
	arm_with_time_of_outside(fd);
}

static void namespace_of_who_sets_it_up_does_not_matter(void)
{
	in_namespace(AHEAD, AHEAD, open_context(0), set_up_and_arm);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(relative_is_never_early),
	KTAP_TEST(absolute_is_never_early),
	KTAP_TEST(past_fires_at_once),
	KTAP_TEST(far_times_are_kept),
	KTAP_TEST(periods_are_drift_free),
	KTAP_TEST(setup_tells_what_it_has_made),
	KTAP_TEST(default_is_monotonic),
	KTAP_TEST(namespace_ahead_is_honoured),
	KTAP_TEST(namespace_is_honoured_without_a_setup),
	KTAP_TEST(namespace_behind_is_honoured),
	KTAP_TEST(all_times_are_those_of_the_namespace),
	KTAP_TEST(wall_clock_has_no_namespace),
	KTAP_TEST(namespace_is_that_of_the_opener),
	KTAP_TEST(namespace_of_who_sets_it_up_does_not_matter),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("clocks", tests, need_device));
}
