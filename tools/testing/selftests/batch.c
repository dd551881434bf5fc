// SPDX-License-Identifier: GPL-2.0
/*
 * HTW_IOC_BATCH: that each of many operations does what it would do alone, how far a
 * batch gets that can't go on, and what the wait at its end waits for.
 */
#include <sys/time.h>

#include "refused.h"
#include "threads.h"

#define NR_OPS		100

static struct htw_batch batch_of(struct htw_op *ops, uint32_t nr)
{
	return (struct htw_batch){ .ops = (uintptr_t)ops, .nr_ops = nr };
}

/* Wait for @min events, of which @nr fit at @events. */
static struct htw_batch wait_of(struct htw_event *events, uint32_t nr,
				uint32_t min, uint64_t timeout)
{
	return (struct htw_batch){
		.events = (uintptr_t)events, .nr_events = nr,
		.min_events = min, .timeout = timeout };
}

/* Cookies are the index. */
static void fill_with_arms(struct htw_op *ops, uint32_t nr, uint64_t delay)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		ops[i] = (struct htw_op){
			.opcode = HTW_OP_ARM, .expires = delay, .cookie = i };
}

/* --- operations --- */

static void empty_batch_tells_the_time(void)
{
	int fd = open_context(0);
	struct htw_batch batch = batch_of(NULL, 0);
	uint64_t before = now_ns();

	batch.done = batch.got = UINT32_MAX;
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, 0);
	EXPECT_EQ(batch.got, 0);
	EXPECT_GE(batch.now, before);
	EXPECT_LE(batch.now, now_ns());
}

static void now_is_of_the_clock_of_the_context(void)
{
	static const clockid_t clocks[] = {
		CLOCK_BOOTTIME, CLOCK_REALTIME, CLOCK_TAI };
	size_t i;

	for (i = 0; i < 3; i++) {
		int fd = open_clock(0, (uint32_t)clocks[i]);
		uint64_t before = clock_ns(clocks[i]);
		struct htw_batch batch = batch_of(NULL, 0);

		EXPECT_EQ(do_batch(fd, &batch), 0);
		EXPECT_GE(batch.now, before);
		EXPECT_LE(batch.now, clock_ns(clocks[i]));
	}
}

/* The clock is read once for those that are done in one go, of which there are some. */
static void delays_of_a_batch_begin_together(void)
{
	int fd = open_context(0);
	struct htw_op ops[8], op, first;
	struct htw_batch batch = batch_of(ops, 8);
	int i;

	/* There is a free slot for each. */
	arm_in(fd, FAR, 0);
	fill_with_arms(ops, 8, FAR);
	ASSERT_EQ(do_batch(fd, &batch), 0);
	ASSERT_EQ(batch.done, 8);
	ASSERT_EQ(remaining(fd, ops[0].id, &first), 0);
	for (i = 1; i < 8; i++) {
		ASSERT_EQ(remaining(fd, ops[i].id, &op), 0);
		EXPECT_EQ(op.expires, first.expires);
	}
}

/* Each opcode, and results that build on those before. */
static void each_operation_does_what_it_does_alone(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, FAR, 1), other = arm_in(fd, FAR, 2);
	struct htw_op ops[] = {
		{ .opcode = HTW_OP_ARM, .expires = FAR, .cookie = 3 },
		{ .opcode = HTW_OP_REARM, .expires = 2 * FAR, .id = id,
		  .cookie = 4 },
		{ .opcode = HTW_OP_REMAINING, .id = id },
		{ .opcode = HTW_OP_CANCEL, .id = other },
		{ .opcode = HTW_OP_CANCEL_MATCH, .cookie = 3,
		  .value = UINT64_MAX, .arming = 7 },
	};
	struct htw_batch batch = batch_of(ops, 5);

	ASSERT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, 5);
	EXPECT_NE(ops[0].id, 0);
	EXPECT_EQ(ops[0].res, 0);
	EXPECT_EQ(ops[0].arming, 1);
	EXPECT_EQ(ops[1].res, 0);
	EXPECT_EQ(ops[1].arming, 2);
	EXPECT_EQ(ops[2].res, HTW_STATE_ARMED);
	EXPECT_EQ(ops[2].cookie, 4);
	EXPECT_GT(ops[2].value, FAR);
	EXPECT_EQ(ops[3].res, HTW_CANCELLED);
	EXPECT_EQ(ops[4].res, 1);
	EXPECT_EQ(ops[4].arming, 0);
	EXPECT_EQ(held(fd), 1);
}

static void failed_operation_stops_no_other(void)
{
	int fd = open_setup(0, (struct htw_setup){
		.clock = CLOCK_MONOTONIC, .max_timers = 2 });
	struct htw_op ops[] = {
		{ .opcode = 0 },
		{ .opcode = HTW_OP_ARM, .expires = UINT64_MAX },
		{ .opcode = HTW_OP_ARM, .expires = FAR },
		{ .opcode = HTW_OP_CANCEL, .id = 1 },
		{ .opcode = HTW_OP_ADVANCE },
		{ .opcode = HTW_OP_ARM, .expires = FAR },
		{ .opcode = HTW_OP_ARM, .expires = FAR },
		{ .opcode = HTW_OP_REMAINING, .flags = 1 },
		{ .opcode = HTW_OP_CANCEL_MATCH },
	};
	static const int results[] = {
		-EOPNOTSUPP, -EINVAL, 0, -ENOENT, -EOPNOTSUPP, 0, -ENOSPC,
		-EINVAL, 2 };
	struct htw_batch batch = batch_of(ops, 9);
	int i;

	ASSERT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, 9);
	for (i = 0; i < 9; i++)
		EXPECT_EQ(ops[i].res, results[i]);
	EXPECT_EQ(held(fd), 0);
}

static void failed_operation_has_only_res_written(void)
{
	static const struct {
		struct htw_op	op;
		int		err;
	} cases[] = {
		{ { .opcode = HTW_OP_ARM, .expires = UINT64_MAX }, -EINVAL },
		{ { .opcode = HTW_OP_ARM, .expires = FAR }, -ENOSPC },
		{ { .opcode = HTW_OP_REARM, .expires = FAR, .id = 1 }, -ENOENT },
		{ { .opcode = HTW_OP_CANCEL, .id = 1 }, -ENOENT },
		{ { .opcode = HTW_OP_REMAINING, .id = 1 }, -ENOENT },
		{ { .opcode = HTW_OP_ADVANCE }, -EOPNOTSUPP },
		{ { .opcode = 99 }, -EOPNOTSUPP },
	};
	int fd = open_setup(0, (struct htw_setup){
		.clock = CLOCK_MONOTONIC, .max_timers = 1 });
	struct htw_op op, copy;
	struct htw_batch batch = batch_of(&op, 1);
	size_t i;

	arm_in(fd, FAR, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		op = cases[i].op;
		op.value = 1;
		op.arming = 3;
		copy = op;
		copy.res = cases[i].err;
		ASSERT_EQ(do_batch(fd, &batch), 0);
		EXPECT_EQ(batch.done, 1);
		EXPECT_EQ(op.res, cases[i].err);
		EXPECT_EQ(memcmp(&op, &copy, sizeof(op)), 0);
	}
}

/* As large as may be, which no buffer of the kernel holds at once. */
static void largest_batch_works(void)
{
	int fd = open_context(0);
	uint32_t nr = query(fd).max_batch, i;
	struct htw_op *ops = calloc(nr, sizeof(*ops));
	struct htw_batch batch = batch_of(ops, nr);

	ASSERT_TRUE(ops);
	fill_with_arms(ops, nr, FAR);
	ASSERT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, nr);
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(ops[i].res, 0);
		EXPECT_NE(ops[i].id, 0);
		EXPECT_EQ(ops[i].cookie, i);
	}
	EXPECT_EQ(held(fd), nr);
}

/* --- a batch that can't go on --- */

/* The first page of three can be written, and ends behind op number @nr. */
static struct htw_op *ops_before_page_end(uint32_t nr, int prot)
{
	char *pages = mmap(NULL, 6 * page_size(), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = pages + 3 * page_size();
	struct htw_op *ops = (struct htw_op *)end - nr;

	ASSERT_NE(pages, MAP_FAILED);
	fill_with_arms(ops, NR_OPS, FAR);
	ASSERT_EQ(mprotect(end, 3 * page_size(), prot), 0);
	return ops;
}

static const uint32_t places[] = { 1, 2, 31, 32, 33, 63, 64, 65, NR_OPS - 1 };

#define NR_PLACES	(sizeof(places) / sizeof(places[0]))

/* It stops before the operation that is not there, or whose result has no place. */
static void expect_stop(uint32_t at, int prot)
{
	int fd = open_context(0);
	struct htw_op *ops = ops_before_page_end(at, prot);
	struct htw_batch batch = batch_of(ops, NR_OPS);
	uint32_t i;

	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, at);
	for (i = 0; i < at; i++) {
		EXPECT_EQ(ops[i].res, 0);
		EXPECT_EQ(cancel(fd, ops[i].id), HTW_CANCELLED);
	}
	/* No other was armed. */
	EXPECT_EQ(held(fd), 0);
	close(fd);
}

static void operation_that_is_not_readable_stops_it(void)
{
	size_t i;

	for (i = 0; i < NR_PLACES; i++)
		expect_stop(places[i], PROT_NONE);
}

static void arm_whose_result_is_not_writable_is_undone(void)
{
	size_t i;

	for (i = 0; i < NR_PLACES; i++)
		expect_stop(places[i], PROT_READ);
}

static void first_operation_that_faults_efault(void)
{
	static const int prots[] = { PROT_NONE, PROT_READ };
	int fd = open_context(0), i;

	for (i = 0; i < 2; i++) {
		struct htw_op *ops = ops_before_page_end(0, prots[i]);
		struct htw_batch batch = batch_of(ops, NR_OPS), copy = batch;

		EXPECT_EQ(do_batch(fd, &batch), -EFAULT);
		EXPECT_EQ(memcmp(&batch, &copy, sizeof(batch)), 0);
		EXPECT_EQ(held(fd), 0);
	}
}

/* The second lies in both pages, and its result in the one that is not writable. */
static void result_across_pages_is_all_or_nothing(void)
{
	int fd = open_context(0);
	char *pages = mmap(NULL, 2 * page_size(), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct htw_op *ops = (struct htw_op *)(pages + page_size() - 96);
	struct htw_batch batch = batch_of(ops, 2);

	ASSERT_NE(pages, MAP_FAILED);
	fill_with_arms(ops, 2, FAR);
	ASSERT_EQ(mprotect(pages + page_size(), page_size(), PROT_READ), 0);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, 1);
	EXPECT_EQ(held(fd), 1);
}

/* Of all but HTW_OP_ARM the effect stands, and is not counted. */
static void cancel_whose_result_is_not_writable_stands(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);
	struct htw_op *ops = ops_before_page_end(1, PROT_READ | PROT_WRITE);
	struct htw_batch batch = batch_of(ops, NR_OPS);

	ops[1] = valid_cancel(id);
	ASSERT_EQ(mprotect(ops + 1, page_size(), PROT_READ), 0);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, 1);
	EXPECT_EQ(cancel(fd, id), -ENOENT);
	EXPECT_EQ(held(fd), 1);
}

/* Nor is any of those behind it done, although they could be read. */
static void nothing_behind_a_fault_is_done(void)
{
	int fd = open_context(0);
	uint64_t first = arm_in(fd, FAR, 0), second = arm_in(fd, FAR, 0);
	struct htw_op *ops = ops_before_page_end(1, PROT_READ | PROT_WRITE);
	struct htw_batch batch = batch_of(ops, 3);
	struct htw_op op;

	ops[0] = valid_remaining(first);
	ops[1] = valid_cancel(first);
	ops[2] = valid_cancel(second);
	ASSERT_EQ(mprotect(ops + 1, page_size(), PROT_READ), 0);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, 1);
	EXPECT_EQ(cancel(fd, first), -ENOENT);
	EXPECT_EQ(remaining(fd, second, &op), 0);
	EXPECT_EQ(held(fd), 1);
}

static void undone_arm_that_is_due_gives_no_event(void)
{
	int fd = open_context(0), i;

	for (i = 0; i < 20; i++) {
		struct htw_op *ops = ops_before_page_end(1, PROT_READ |
							 PROT_WRITE);
		struct htw_batch batch = batch_of(ops, 2);

		ops[0] = valid_cancel(1);
		ops[1] = (struct htw_op){ .opcode = HTW_OP_ARM };
		ASSERT_EQ(mprotect(ops + 1, page_size(), PROT_READ), 0);
		EXPECT_EQ(do_batch(fd, &batch), 0);
		EXPECT_EQ(batch.done, 1);
	}
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

static void batch_that_stops_does_not_wait(void)
{
	int fd = open_context(0);
	struct htw_event event;
	struct htw_batch batch = wait_of(&event, 1, 1, HTW_FOREVER);

	batch.ops = (uintptr_t)ops_before_page_end(2, PROT_NONE);
	batch.nr_ops = 3;
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, 2);
	EXPECT_EQ(batch.got, 0);
}

/* The batch itself: known before anything is done. */
static void bad_pointer_to_batch_efault(void)
{
	struct htw_op op = valid_arm(), copy = op;
	struct htw_batch batch = batch_of(&op, 1);
	int fd = open_context(0);
	void *bad[] = {
		NULL, unmapped(), (void *)-1L,
		protected_copy(&batch, sizeof(batch), PROT_NONE),
		protected_copy(&batch, sizeof(batch), PROT_READ),
		cut_copy(&batch, sizeof(batch)) };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_ERRNO(ioctl(fd, HTW_IOC_BATCH, bad[i]), EFAULT);
		EXPECT_EQ(held(fd), 0);
		EXPECT_EQ(memcmp(&op, &copy, sizeof(op)), 0);
	}
	EXPECT_EQ(do_batch(fd, edge_copy(&batch, sizeof(batch))), 0);
	EXPECT_EQ(held(fd), 1);
}

/* --- events --- */

static void batch_reads_what_read_would(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 5);
	struct htw_event events[2];
	struct htw_batch batch = wait_of(events, 2, 1, HTW_FOREVER);

	memset(events, 0x5a, sizeof(events));
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.got, 1);
	EXPECT_EQ(events[0].id, id);
	EXPECT_EQ(events[0].cookie, 5);
	EXPECT_EQ(events[0].expirations, 1);
	EXPECT_LE(events[0].expires, batch.now);
	EXPECT_EQ(HTW_EVENT_ARMING(events[0].info), 1);
	/* Beyond what it got nothing is written. */
	EXPECT_EQ(events[1].id, 0x5a5a5a5a5a5a5a5a);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(cancel(fd, id), -EALREADY);
}

/* More than a stack buffer holds, in a batch that does not wait. */
static void events_come_in_order_as_many_as_fit(void)
{
	enum { NR = 50, ROOM = 20 };
	int fd = open_virtual(1), i, done = 0;
	struct htw_event events[ROOM];

	for (i = 0; i < NR; i++)
		arm_in(fd, (uint64_t)i + 1, (uint64_t)i);
	advance(fd, 0, NR);
	while (done < NR) {
		struct htw_batch batch = wait_of(events, ROOM, 0, 0);

		ASSERT_EQ(do_batch(fd, &batch), 0);
		ASSERT_EQ(batch.got, NR - done < ROOM ? NR - done : ROOM);
		for (i = 0; i < (int)batch.got; i++)
			EXPECT_EQ(events[i].cookie, done + i);
		done += (int)batch.got;
	}
	EXPECT_EQ(held(fd), 0);
}

/* What the operations of a batch bring about is among its events. */
static void operations_come_before_events(void)
{
	int fd = open_virtual(1);
	struct htw_op ops[] = {
		{ .opcode = HTW_OP_ARM, .expires = 5, .cookie = 1 },
		{ .opcode = HTW_OP_ARM, .expires = 6, .cookie = 2 },
		{ .opcode = HTW_OP_ADVANCE, .expires = 5 },
	};
	struct htw_event events[2];
	struct htw_batch batch = wait_of(events, 2, 0, 0);

	batch.ops = (uintptr_t)ops;
	batch.nr_ops = 3;
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, 3);
	EXPECT_EQ(batch.now, 5);
	ASSERT_EQ(batch.got, 1);
	EXPECT_EQ(events[0].cookie, 1);
}

static void room_that_is_not_writable_loses_nothing(void)
{
	int fd = open_context(0);
	struct htw_batch batch = wait_of(unmapped(), 4, 1, HTW_FOREVER);
	struct htw_op op = valid_arm();
	struct htw_event event;

	arm_in(fd, 0, 5);
	EXPECT_EQ(do_batch(fd, &batch), -EFAULT);
	/* With an operation done it has not failed. */
	batch.ops = (uintptr_t)&op;
	batch.nr_ops = 1;
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, 1);
	EXPECT_EQ(batch.got, 0);
	EXPECT_EQ(held(fd), 2);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 5);
}

/* Up to the wall they are read, and the one that does not fit is not lost. */
static void room_that_ends_in_a_wall_gets_what_fits(void)
{
	enum { NR = 40, FIT = 20 };
	int fd = open_virtual(1), i;
	char *end = page_before_hole() + page_size();
	struct htw_event *events = (struct htw_event *)end - FIT, rest[NR];
	struct htw_batch batch = wait_of(events, NR, 0, 0);
	size_t nr;

	for (i = 0; i < NR; i++)
		arm_in(fd, (uint64_t)i + 1, (uint64_t)i);
	advance(fd, 0, NR);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_LE(batch.got, FIT);
	EXPECT_GT(batch.got, 0);
	nr = read_events(fd, rest, NR);
	EXPECT_EQ(batch.got + nr, NR);
	for (i = 0; i < (int)batch.got; i++)
		EXPECT_EQ(events[i].cookie, i);
	for (i = 0; i < (int)nr; i++)
		EXPECT_EQ(rest[i].cookie, (int)batch.got + i);
}

/* --- the wait --- */

static void wait_ends_when_its_time_is_over(void)
{
	int fd = open_context(0);
	struct htw_event events[2];
	struct htw_batch batch = wait_of(events, 2, 2, 50 * MSEC);
	uint64_t start = now_ns();

	arm_in(fd, 0, 5);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_GE(now_ns(), start + 50 * MSEC);
	EXPECT_EQ(batch.got, 1);
	EXPECT_EQ(events[0].cookie, 5);
	EXPECT_GE(batch.now, start + 50 * MSEC);
}

static void wait_of_no_time_does_not_wait(void)
{
	int fd = open_context(0);
	struct htw_event event;
	struct htw_batch batch = wait_of(&event, 1, 1, 0);

	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.got, 0);
}

/* Not one early, and not on when it has them; both of them are got. */
static void wait_ends_when_there_are_enough(void)
{
	int fd = open_context(0);
	uint64_t last = now_ns() + 60 * MSEC;
	struct htw_event events[8];
	struct htw_batch batch = wait_of(events, 8, 3, HTW_FOREVER);

	arm_at(fd, last - 40 * MSEC, 1);
	arm_at(fd, last - 20 * MSEC, 2);
	arm_at(fd, last, 3);
	arm_in(fd, FAR, 4);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_GE(now_ns(), last);
	EXPECT_EQ(batch.got, 3);
	EXPECT_EQ(held(fd), 1);
}

/* The longest time that is none: it must not wrap into the past. */
static void longest_wait_waits(void)
{
	int fd = open_context(0);
	struct htw_event event;
	struct htw_batch batch = wait_of(&event, 1, 1, MAX_TIME);

	arm_in(fd, 20 * MSEC, 5);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.got, 1);
}

/* O_NONBLOCK is of read(2); how long a batch waits is in it. */
static void wait_of_a_nonblocking_file_waits(void)
{
	int fd = open_context(O_NONBLOCK);
	struct htw_event event;
	struct htw_batch batch = wait_of(&event, 1, 1, HTW_FOREVER);

	arm_in(fd, 20 * MSEC, 5);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.got, 1);
}

static void *arm_two_later(void *arg)
{
	int fd = *(int *)arg;

	sleep_ns(20 * MSEC);
	arm_in(fd, 0, 1);
	sleep_ns(20 * MSEC);
	arm_in(fd, 0, 2);
	return NULL;
}

static void wait_forever_is_woken_by_what_another_thread_arms(void)
{
	int fd = open_context(0);
	struct htw_event events[2];
	struct htw_batch batch = wait_of(events, 2, 2, HTW_FOREVER);
	pthread_t thread;

	thread = start(arm_two_later, &fd);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.got, 2);
	join(thread);
	EXPECT_EQ(held(fd), 0);
}

/* --- signals --- */

static void ignore_signal(int signal)
{
	(void)signal;
}

/* SIGALRM from now on, again and again: one may come before the call that waits. */
static void send_alarms(void)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } };

	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
	ASSERT_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void signal_before_anything_is_done_eintr(void)
{
	int fd = open_context(0);
	struct htw_event event;
	struct htw_batch batch = wait_of(&event, 1, 1, HTW_FOREVER);

	send_alarms();
	EXPECT_EQ(do_batch(fd, &batch), -EINTR);
	batch.timeout = MAX_TIME;
	EXPECT_EQ(do_batch(fd, &batch), -EINTR);
}

static void signal_after_an_operation_is_success(void)
{
	int fd = open_context(0);
	struct htw_op op = valid_arm();
	struct htw_event event;
	struct htw_batch batch = wait_of(&event, 1, 1, HTW_FOREVER);

	batch.ops = (uintptr_t)&op;
	batch.nr_ops = 1;
	send_alarms();
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.done, 1);
	EXPECT_EQ(batch.got, 0);
	EXPECT_EQ(op.res, 0);
	EXPECT_EQ(held(fd), 1);
}

/* What was read is told, or still there: it is not lost. */
static void signal_while_too_few_are_there_loses_nothing(void)
{
	int fd = open_context(O_NONBLOCK), err;
	struct htw_event events[2];
	struct htw_batch batch = wait_of(events, 2, 2, HTW_FOREVER);

	arm_in(fd, 0, 5);
	wait_readable(fd);
	send_alarms();
	err = do_batch(fd, &batch);
	if (err) {
		EXPECT_EQ(err, -EINTR);
		EXPECT_EQ(read_events(fd, events, 2), 1);
	} else {
		EXPECT_EQ(batch.got, 1);
	}
	EXPECT_EQ(events[0].cookie, 5);
	EXPECT_EQ(held(fd), 0);
}

/* Wherever in a long batch a signal stops it: it goes on where it was. */
static void signals_in_long_batches_lose_nothing(void)
{
	struct itimerval often = { { 0, 700 }, { 0, 700 } };
	int fd = open_context(0), stopped = 0, err;
	uint32_t nr = (uint32_t)scaled(query(fd).max_batch), done = 0, i;
	struct htw_op *ops = calloc(nr, sizeof(*ops));
	struct htw_batch batch;

	ASSERT_TRUE(ops);
	fill_with_arms(ops, nr, FAR);
	send_alarms();
	ASSERT_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	while (done < nr) {
		batch = batch_of(ops + done, nr - done);
		err = do_batch(fd, &batch);
		ASSERT_TRUE(!err || err == -EINTR);
		done += err ? 0 : batch.done;
		stopped += err || done < nr;
	}
	memset(&often, 0, sizeof(often));
	ASSERT_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	ktap_note("stopped %d times", stopped);
	EXPECT_GT(stopped, 0);
	EXPECT_EQ(held(fd), nr);
	for (i = 0; i < nr; i++)
		EXPECT_EQ(cancel(fd, ops[i].id), HTW_CANCELLED);
}

/* --- threads --- */

enum { THREADS = 4, ROUNDS = 200, EACH = 16 };

/**
 * struct crowd - threads that batch on one context
 * @fd: the context
 * @got: how many events they have read
 */
struct crowd {
	int		fd;
	uint32_t	got;
};

static void *batch_and_read(void *arg)
{
	struct crowd *crowd = arg;
	struct htw_event events[EACH];
	struct htw_op ops[EACH];
	int round;

	for (round = 0; round < ROUNDS; round++) {
		struct htw_batch batch = wait_of(events, EACH, 1, HTW_FOREVER);

		fill_with_arms(ops, EACH, 0);
		batch.ops = (uintptr_t)ops;
		batch.nr_ops = EACH;
		ASSERT_EQ(do_batch(crowd->fd, &batch), 0);
		EXPECT_EQ(batch.done, EACH);
		add_shared(&crowd->got, batch.got);
	}
	return NULL;
}

static void threads_batch_at_once_without_loss(void)
{
	struct crowd crowd = { .fd = open_context(0) };
	pthread_t threads[THREADS];
	struct htw_event event;
	int i;

	for (i = 0; i < THREADS; i++)
		threads[i] = start(batch_and_read, &crowd);
	for (i = 0; i < THREADS; i++)
		join(threads[i]);
	for (; crowd.got < THREADS * ROUNDS * EACH; crowd.got++)
		read_event(crowd.fd, &event);
	EXPECT_EQ(held(crowd.fd), 0);
	EXPECT_SILENCE(crowd.fd);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(empty_batch_tells_the_time),
	KTAP_TEST(now_is_of_the_clock_of_the_context),
	KTAP_TEST(delays_of_a_batch_begin_together),
	KTAP_TEST(each_operation_does_what_it_does_alone),
	KTAP_TEST(failed_operation_stops_no_other),
	KTAP_TEST(failed_operation_has_only_res_written),
	KTAP_TEST(largest_batch_works),
	KTAP_TEST(operation_that_is_not_readable_stops_it),
	KTAP_TEST(arm_whose_result_is_not_writable_is_undone),
	KTAP_TEST(first_operation_that_faults_efault),
	KTAP_TEST(result_across_pages_is_all_or_nothing),
	KTAP_TEST(cancel_whose_result_is_not_writable_stands),
	KTAP_TEST(nothing_behind_a_fault_is_done),
	KTAP_TEST(undone_arm_that_is_due_gives_no_event),
	KTAP_TEST(batch_that_stops_does_not_wait),
	KTAP_TEST(bad_pointer_to_batch_efault),
	KTAP_TEST(batch_reads_what_read_would),
	KTAP_TEST(events_come_in_order_as_many_as_fit),
	KTAP_TEST(operations_come_before_events),
	KTAP_TEST(room_that_is_not_writable_loses_nothing),
	KTAP_TEST(room_that_ends_in_a_wall_gets_what_fits),
	KTAP_TEST(wait_ends_when_its_time_is_over),
	KTAP_TEST(wait_of_no_time_does_not_wait),
	KTAP_TEST(wait_ends_when_there_are_enough),
	KTAP_TEST(longest_wait_waits),
	KTAP_TEST(wait_of_a_nonblocking_file_waits),
	KTAP_TEST(wait_forever_is_woken_by_what_another_thread_arms),
	KTAP_TEST(signal_before_anything_is_done_eintr),
	KTAP_TEST(signal_after_an_operation_is_success),
	KTAP_TEST(signal_while_too_few_are_there_loses_nothing),
	KTAP_TEST(signals_in_long_batches_lose_nothing),
	KTAP_TEST(threads_batch_at_once_without_loss),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("batch", tests, need_device));
}
