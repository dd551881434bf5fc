// SPDX-License-Identifier: GPL-2.0
/*
 * Timers that are pending on all CPUs when the machine is suspended. It goes as far
 * as it can without power being cut (pm_test): tasks frozen, devices and all CPUs but
 * one down, CLOCK_MONOTONIC standing still; and comes back by itself.
 *
 * Not for a machine that somebody is using: needs root, and a kernel with PM_DEBUG.
 */
#include "context.h"

#define NR_TIMERS	200
#define INTERVAL	(7 * MSEC)

/* How long the clock stands still; that of the real time clock has seconds. */
#define ASLEEP_SEC	"2"

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void suspend(void)
{
	write_file("/sys/module/suspend/parameters/pm_test_delay", ASLEEP_SEC);
	write_file("/sys/power/pm_test", "core");
	write_file("/sys/power/state", "mem");
	write_file("/sys/power/pm_test", "none");
}

/* How long the machine has been suspended since it was booted. */
static uint64_t suspended_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec - now_ns();
}

/* On all CPUs, from now to some seconds after the resume. */
static void arm_everywhere(int fd)
{
	uint64_t i;

	for (i = 0; i < NR_TIMERS; i++) {
		pin_to_cpu((int)i);
		arm_in(fd, i * 20 * MSEC, i);
	}
}

static void expect_each_once(int fd)
{
	unsigned char seen[NR_TIMERS] = { 0 };
	struct htw_event event;
	int i;

	for (i = 0; i < NR_TIMERS; i++) {
		read_event(fd, &event);
		ASSERT_LT(event.cookie, NR_TIMERS);
		EXPECT_EQ(seen[event.cookie]++, 0);
		EXPECT_EQ(event.expirations, 1);
	}
	EXPECT_SILENCE(fd);
}

static void timers_wait_through_suspend(void)
{
	int fd = open_context(0), periodic = open_context(0);
	uint64_t before = suspended_ns(), start = now_ns(), far_away, now;
	struct htw_event event;
	struct htw_op op;

	arm(periodic, (struct htw_op){ .expires = INTERVAL,
				       .interval = INTERVAL });
	far_away = arm_in(periodic, HOUR, 0);
	arm_everywhere(fd);
	suspend();
	/* Or it was no test. */
	EXPECT_GE(suspended_ns() - before, SEC);

	/* Nothing of what it would have done meanwhile is made up for. */
	now = read_event(periodic, &event);
	EXPECT_GE(event.expirations, 1);
	EXPECT_LE(event.expirations, (now - start) / INTERVAL);
	/* The hour is one that the clock has seen, too. */
	EXPECT_EQ(remaining(periodic, far_away, &op), 0);
	EXPECT_GE(op.value + (now_ns() - start), HOUR);
	expect_each_once(fd);
}

/*
 * A clock that went on meanwhile. What was due by it is told; what was not is armed for
 * the time that is left.
 */
static void expect_follows(int fd, clockid_t clock, uint64_t due, uint64_t far_id)
{
	struct htw_event event;
	struct htw_op op;

	read_event_on(fd, clock, &event);
	EXPECT_EQ(event.expires, due);
	while (stats(fd).refiled < 1)
		sleep_ns(MSEC);
	ASSERT_EQ(remaining(fd, far_id, &op), 0);
	EXPECT_LE(op.value, HOUR - SEC);
	EXPECT_LE(clock_ns(clock) + op.value, op.expires + SEC);
}

static void timers_of_clocks_that_went_on_follow(void)
{
	static const clockid_t clocks[] = {
		CLOCK_BOOTTIME, CLOCK_REALTIME, CLOCK_TAI };
	uint64_t before = suspended_ns(), due[3], far_ids[3];
	int fds[3], i;

	for (i = 0; i < 3; i++) {
		fds[i] = open_clock(0, (uint32_t)clocks[i]);
		due[i] = clock_ns(clocks[i]) + SEC;
		arm_at(fds[i], due[i], 0);
		far_ids[i] = arm_at(fds[i], clock_ns(clocks[i]) + HOUR, 0);
	}
	suspend();
	EXPECT_GE(suspended_ns() - before, SEC);
	for (i = 0; i < 3; i++)
		expect_follows(fds[i], clocks[i], due[i], far_ids[i]);
}

/* An hour of CLOCK_BOOTTIME is one in which the machine may have been suspended. */
static void delay_on_boottime_goes_on(void)
{
	int fd = open_clock(0, CLOCK_BOOTTIME);
	uint64_t before = suspended_ns(), start = clock_ns(CLOCK_BOOTTIME);
	uint64_t id = arm_in(fd, HOUR, 0);
	struct htw_op op;

	suspend();
	EXPECT_GE(suspended_ns() - before, SEC);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_LE(op.value, HOUR - SEC);
	EXPECT_GE(op.value + clock_ns(CLOCK_BOOTTIME) - start, HOUR);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(timers_wait_through_suspend),
	KTAP_TEST(timers_of_clocks_that_went_on_follow),
	KTAP_TEST(delay_on_boottime_goes_on),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv, &KTAP_SUITE("suspend", tests, need_device));
}
