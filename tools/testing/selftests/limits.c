// SPDX-License-Identifier: GPL-2.0
/*
 * What one user can take from the others: nothing. Limits of files, of users and of
 * all, each with its errno; memory that is charged; the machine that goes on; and
 * not one byte of the kernel's memory, nor a timer of somebody else's.
 */
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "mapped.h"
#include "ops.h"
#include "parameter.h"

/* Room is made for so many timers at a time. */
enum { ROOM = 32 };

/* Return: 0 or the negative errno. */
static int try_arm(int fd)
{
	struct htw_op op = { .opcode = HTW_OP_ARM, .expires = HOUR };

	return do_op(fd, &op);
}

static void arm_far(int fd, uint32_t nr)
{
	while (nr--)
		ASSERT_EQ(try_arm(fd), 0);
}

static void cancel_all(int fd)
{
	struct htw_op op = { .opcode = HTW_OP_CANCEL_MATCH };

	ASSERT_EQ(do_op(fd, &op), 0);
}

/* --- per file --- */

static void file_limit_enospc(void)
{
	uint64_t id;
	int fd;

	open_the_device();
	set_parameter("max_timers", 100);
	become(NOBODY);
	fd = open_context(0);
	EXPECT_EQ(query(fd).max_file, 100);
	arm_far(fd, 99);
	id = arm_in(fd, HOUR, 0);
	EXPECT_EQ(try_arm(fd), -ENOSPC);
	EXPECT_EQ(try_arm(fd), -ENOSPC);
	EXPECT_EQ(held(fd), 100);
	/* One goes, one may come; another file has its own limit. */
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	EXPECT_EQ(try_arm(fd), 0);
	EXPECT_EQ(try_arm(fd), -ENOSPC);
	arm_far(open_context(0), 100);
}

static void file_limit_is_in_its_range(void)
{
	uint64_t before = get_parameter("max_timers");

	EXPECT_EQ(write_parameter("max_timers", "0"), -EINVAL);
	EXPECT_EQ(write_parameter("max_timers", "16777217"), -EINVAL);
	EXPECT_EQ(get_parameter("max_timers"), before);
	set_parameter("max_timers", 1 << 24);
	EXPECT_EQ(query(open_context(0)).max_file, 1 << 24);
	set_parameter("max_timers", 1);
	EXPECT_EQ(query(open_context(0)).max_file, 1);
	restore_parameters();
}

static void file_limit_counts_what_is_unread(void)
{
	struct htw_event event;
	int fd;

	open_the_device();
	set_parameter("max_timers", 2);
	become(NOBODY);
	fd = open_context(0);
	arm_in(fd, 0, 0);
	arm_in(fd, HOUR, 0);
	wait_readable(fd);
	EXPECT_EQ(try_arm(fd), -ENOSPC);
	read_event(fd, &event);
	EXPECT_EQ(try_arm(fd), 0);
}

static void file_limit_holds_for_new_files(void)
{
	int old, new;

	open_the_device();
	set_parameter("max_timers", 10);
	old = open_context(0);
	set_parameter("max_timers", 20);
	new = open_context(0);
	arm_far(old, 10);
	EXPECT_EQ(try_arm(old), -ENOSPC);
	arm_far(new, 20);
	EXPECT_EQ(try_arm(new), -ENOSPC);
}

static void setup_can_lower_the_file_limit_only(void)
{
	struct htw_setup setup = { .clock = CLOCK_MONOTONIC, .max_timers = 11 };
	int fd;

	open_the_device();
	set_parameter("max_timers", 10);
	become(NOBODY);
	fd = open_context(0);
	EXPECT_EQ(do_setup(fd, &setup), -EINVAL);
	setup = (struct htw_setup){ .clock = CLOCK_MONOTONIC, .max_timers = 5 };
	EXPECT_EQ(do_setup(fd, &setup), 0);
	arm_far(fd, 5);
	EXPECT_EQ(try_arm(fd), -ENOSPC);
}

static void batch_at_the_limit_arms_what_it_may(void)
{
	struct htw_op *ops = new_ops(30);
	int fd, i;

	open_the_device();
	set_parameter("max_timers", 20);
	become(NOBODY);
	fd = open_context(0);
	for (i = 0; i < 30; i++)
		ops[i] = (struct htw_op){ .opcode = HTW_OP_ARM, .expires = HOUR };
	do_ops(fd, ops, 30);
	for (i = 0; i < 30; i++)
		EXPECT_EQ(ops[i].res, i < 20 ? 0 : -ENOSPC);
	EXPECT_EQ(held(fd), 20);
}

/* --- per user --- */

static void user_limit_edquot(void)
{
	int first, second;

	open_the_device();
	set_parameter("max_user_timers", 3 * ROOM);
	become(NOBODY);
	first = open_context(0);
	second = open_context(0);
	EXPECT_EQ(query(first).max_user, 3 * ROOM);
	arm_far(first, 2 * ROOM);
	arm_far(second, ROOM);
	EXPECT_EQ(try_arm(first), -EDQUOT);
	EXPECT_EQ(try_arm(second), -EDQUOT);
	EXPECT_EQ(held(first), 2 * ROOM);
	EXPECT_EQ(held(second), ROOM);
	/* What a file had comes back when it is closed. */
	close(first);
	arm_far(second, 2 * ROOM);
	EXPECT_EQ(try_arm(second), -EDQUOT);
}

static void user_limit_counts_room_not_timers(void)
{
	int fd, other;

	open_the_device();
	become(NOBODY);
	fd = open_context(0);
	other = open_context(0);
	EXPECT_EQ(query(fd).nr_user, 0);
	arm_far(fd, 1);
	EXPECT_EQ(query(other).nr_user, ROOM);
	arm_far(fd, ROOM - 1);
	EXPECT_EQ(query(other).nr_user, ROOM);
	arm_far(fd, 1);
	EXPECT_EQ(query(other).nr_user, 2 * ROOM);
	cancel_all(fd);
	EXPECT_EQ(query(other).nr_user, 2 * ROOM);
	close(fd);
	EXPECT_EQ(query(other).nr_user, 0);
}

static void user_limit_is_not_for_other_users(void)
{
	int fd;
	pid_t pid;

	open_the_device();
	set_parameter("max_user_timers", ROOM);
	fd = open_context_of(NOBODY);
	arm_far(fd, ROOM);
	EXPECT_EQ(try_arm(fd), -EDQUOT);
	pid = fork();
	if (!pid) {
		become(SOMEBODY);
		fd = open_context(0);
		EXPECT_EQ(query(fd).nr_user, 0);
		arm_far(fd, ROOM);
		EXPECT_EQ(try_arm(fd), -EDQUOT);
		_exit(0);
	}
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
}

/* Whoever arms: it is the opener who pays, and the opener's right that counts. */
static void user_limit_is_of_the_opener(void)
{
	int its, mine;

	open_the_device();
	set_parameter("max_user_timers", ROOM);
	its = open_context_of(NOBODY);
	mine = open_context(0);
	arm_far(its, ROOM);
	EXPECT_EQ(try_arm(its), -EDQUOT);
	become(NOBODY);
	arm_far(mine, 10 * ROOM);
	EXPECT_EQ(query(its).nr_user, ROOM);
}

static void user_limit_holds_at_once(void)
{
	int fd;

	open_the_device();
	set_parameter("max_user_timers", 2 * ROOM);
	fd = open_context_of(NOBODY);
	arm_far(fd, ROOM);
	set_parameter("max_user_timers", ROOM);
	EXPECT_EQ(try_arm(fd), -EDQUOT);
	/* What is there already stays. */
	EXPECT_EQ(held(fd), ROOM);
	EXPECT_EQ(query(fd).max_user, ROOM);
	set_parameter("max_user_timers", 3 * ROOM);
	arm_far(fd, 2 * ROOM);
	EXPECT_EQ(try_arm(fd), -EDQUOT);
}

/* --- all together --- */

static void total_limit_enfile(void)
{
	int its, mine;

	open_the_device();
	set_parameter("max_total_timers", 2 * ROOM);
	its = open_context_of(NOBODY);
	mine = open_context_of(SOMEBODY);
	EXPECT_EQ(query(its).max_total, 2 * ROOM);
	arm_far(its, ROOM);
	arm_far(mine, ROOM);
	EXPECT_EQ(try_arm(its), -ENFILE);
	EXPECT_EQ(try_arm(mine), -ENFILE);
	EXPECT_EQ(held(its), ROOM);
	close(its);
	arm_far(mine, ROOM);
	EXPECT_EQ(try_arm(mine), -ENFILE);
	set_parameter("max_total_timers", 3 * ROOM);
	EXPECT_EQ(try_arm(mine), 0);
}

/* No right lifts that one. */
static void total_limit_is_for_root_too(void)
{
	int fd;

	open_the_device();
	set_parameter("max_total_timers", ROOM);
	fd = open_context(0);
	arm_far(fd, ROOM);
	EXPECT_EQ(try_arm(fd), -ENFILE);
}

/* Room comes whole: a part of it that would fit under the limit is none. */
static void limits_count_what_would_be_too_much(void)
{
	int fd, mine;

	open_the_device();
	set_parameter("max_user_timers", 2 * ROOM - 1);
	fd = open_context_of(NOBODY);
	arm_far(fd, ROOM);
	EXPECT_EQ(try_arm(fd), -EDQUOT);
	set_parameter("max_user_timers", 2 * ROOM);
	arm_far(fd, ROOM);
	set_parameter("max_total_timers", 3 * ROOM - 1);
	mine = open_context_of(SOMEBODY);
	EXPECT_EQ(try_arm(mine), -ENFILE);
	set_parameter("max_total_timers", 3 * ROOM);
	EXPECT_EQ(try_arm(mine), 0);
}

/* Who has more already keeps it, and gets nothing else. */
static void limits_can_be_lowered_below_what_is_held(void)
{
	int fd, mine;

	open_the_device();
	fd = open_context_of(NOBODY);
	arm_far(fd, 3 * ROOM);
	set_parameter("max_user_timers", ROOM);
	EXPECT_EQ(try_arm(fd), -EDQUOT);
	set_parameter("max_user_timers", 0);
	EXPECT_EQ(try_arm(fd), -EDQUOT);
	restore_parameters();
	set_parameter("max_total_timers", ROOM);
	mine = open_context(0);
	EXPECT_EQ(try_arm(mine), -ENFILE);
	EXPECT_EQ(held(fd), 3 * ROOM);
	/* What it has it may use again. */
	cancel_all(fd);
	arm_far(fd, 3 * ROOM);
}

/* Two who race for the last room: it goes to one, and the sums stay right. */
static void limits_hold_when_many_arm_at_once(void)
{
	enum { PROCESSES = 4 };
	int fds[PROCESSES], i;
	uint64_t sum = 0;
	pid_t pids[PROCESSES];

	open_the_device();
	set_parameter("max_user_timers", 50 * ROOM);
	for (i = 0; i < PROCESSES; i++)
		fds[i] = open_context_of(NOBODY);
	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		while (!try_arm(fds[i]))
			;
		EXPECT_EQ(errno, EDQUOT);
		_exit(0);
	}
	for (i = 0; i < PROCESSES; i++)
		expect_child_ok(pids[i]);
	for (i = 0; i < PROCESSES; i++)
		sum += held(fds[i]);
	EXPECT_EQ(sum, 50 * ROOM);
	EXPECT_EQ(query(fds[0]).nr_user, 50 * ROOM);
}

static void parameter_that_makes_no_sense_is_refused(void)
{
	static const char * const texts[] = {
		"-1", "many", "1 2", "99999999999999999999" };
	size_t i, k;

	open_the_device();
	for (i = 0; i < NR_PARAMETERS; i++) {
		for (k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
			EXPECT_LT(write_parameter(parameters[i].name, texts[k]),
				  0);
		EXPECT_EQ(get_parameter(parameters[i].name),
			  parameters[i].value);
	}
}

/* --- memory --- */

#define CGROUP	"/tmp/htw-cgroup"

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static uint64_t read_number(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	ASSERT_GE(fd, 0);
	ASSERT_GT(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	return strtoull(text, NULL, 10);
}

/* A group of its own for the test's children. */
static void make_cgroup(void)
{
	mkdir(CGROUP, 0755);
	if (mount("none", CGROUP, "cgroup2", 0, NULL) && errno != EBUSY)
		ktap_skip("the kernel has no cgroups");
	if (write_file(CGROUP "/cgroup.subtree_control", "+memory"))
		ktap_skip("the kernel has no memory cgroups");
	mkdir(CGROUP "/test", 0755);
}

static void remove_cgroup(void)
{
	ASSERT_EQ(rmdir(CGROUP "/test"), 0);
	ASSERT_EQ(umount(CGROUP), 0);
	ASSERT_EQ(rmdir(CGROUP), 0);
}

/* What timers take is the memory of whoever has them, and comes back. */
static void memory_of_timers_is_charged(void)
{
	enum { NR = 60000 };
	uint64_t before, after;
	int fd = -1, pipes[2];
	char byte = 0;
	pid_t pid;

	open_the_device();
	make_cgroup();
	ASSERT_EQ(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		ASSERT_EQ(write_file(CGROUP "/test/cgroup.procs", "0"), 0);
		become(NOBODY);
		fd = open_context(0);
		before = read_number(CGROUP "/test/memory.current");
		arm_far(fd, NR);
		after = read_number(CGROUP "/test/memory.current");
		ktap_note("%llu bytes for a timer",
			  (unsigned long long)(after - before) / NR);
		EXPECT_GE(after - before, 100ULL * NR);
		close(pipes[1]);
		_exit(0);
	}
	close(pipes[1]);
	EXPECT_EQ(read(pipes[0], &byte, 1), 0);
	expect_child_ok(pid);
	remove_cgroup();
}

/*
 * More than its group may have: it is told, or ended by the kernel as anybody is who
 * takes too much. Who is not in the group notices nothing.
 */
static void memory_limit_stops_nobody_else(void)
{
	enum { NR = 60000 };
	int status, ret = 0, fd, i;
	struct htw_event event;
	pid_t pid;

	open_the_device();
	make_cgroup();
	ASSERT_EQ(write_file(CGROUP "/test/memory.max", "4M"), 0);
	pid = fork();
	if (!pid) {
		ASSERT_EQ(write_file(CGROUP "/test/cgroup.procs", "0"), 0);
		become(NOBODY);
		fd = open_context(0);
		for (i = 0; i < NR && !ret; i++)
			ret = try_arm(fd);
		EXPECT_EQ(ret, -ENOMEM);
		EXPECT_EQ(held(fd), i - 1);
		_exit(0);
	}
	fd = open_context(0);
	for (i = 0; i < 50; i++) {
		arm_in(fd, MSEC, (uint64_t)i);
		read_event(fd, &event);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(!status || (WIFSIGNALED(status) &&
				WTERMSIG(status) == SIGKILL));
	ktap_note("the one over its limit was %s",
		  status ? "killed" : "told ENOMEM");
	remove_cgroup();
}

/* --- the machine goes on --- */

static void arm_at_once_forever(int cpu)
{
	enum { NR = 500 };
	struct htw_op *ops = new_ops(NR);
	struct htw_event events[NR];
	int fd, i;

	pin_to_cpu(cpu);
	become(NOBODY);
	fd = open_context(0);
	for (;;) {
		for (i = 0; i < NR; i++)
			ops[i] = (struct htw_op){
				.opcode = HTW_OP_ARM, .expires = 1,
				.flags = HTW_TIMER_ABS };
		do_ops(fd, ops, NR);
		collect(fd, events, NR, 0, 0);
	}
}

static void interval_at_the_floor_forever(int cpu)
{
	struct htw_query q;
	int fd, i;

	pin_to_cpu(cpu);
	become(NOBODY);
	fd = open_context(0);
	q = query(fd);
	for (i = 0; i < 1000; i++)
		arm(fd, (struct htw_op){ .expires = 1,
					 .interval = q.min_interval_ns });
	for (;;)
		collect(fd, &(struct htw_event){ 0 }, 1, 0, 0);
}

static void ask_forever(int cpu)
{
	pin_to_cpu(cpu);
	become(NOBODY);
	for (;;)
		getppid();
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Return: how long it takes to sleep for 1 ms, in the middle, beside two of these. */
static uint64_t nap_beside(void (*fn)(int cpu))
{
	enum { NAPS = 101 };
	uint64_t took[NAPS], begin;
	pid_t pids[2];
	int i;

	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			fn(i);
	}
	sleep_ns(100 * MSEC);
	for (i = 0; i < NAPS; i++) {
		begin = now_ns();
		sleep_ns(MSEC);
		took[i] = now_ns() - begin;
	}
	for (i = 0; i < 2; i++)
		kill_child(pids[i]);
	qsort(took, NAPS, sizeof(took[0]), compare);
	return took[NAPS / 2];
}

/* Compared with programs that are as busy, and have no timers. */
static void expect_good_naps(void (*fn)(int cpu))
{
	uint64_t usual, nap;
	int tries = 3;

	open_the_device();
	/* The host may be busy for a while, but not for as long as this takes. */
	do {
		usual = nap_beside(ask_forever);
		nap = nap_beside(fn);
		ktap_note("sleeping 1 ms takes %llu us, beside others %llu us",
			  (unsigned long long)(nap / USEC),
			  (unsigned long long)(usual / USEC));
	} while (nap > 5 * usual + 20 * MSEC && --tries);
	EXPECT_GT(tries, 0);
}

static void arming_for_the_past_starves_nobody(void)
{
	expect_good_naps(arm_at_once_forever);
}

static void shortest_intervals_starve_nobody(void)
{
	expect_good_naps(interval_at_the_floor_forever);
}

/*
 * Many that expire at once in one context with a ring: only pass_events of them are
 * the work of the softirq. The others are that of a task, which tells of 64 at a time.
 */
static void pass_events_bounds_the_work_of_a_pass(void)
{
	enum { NR = 4000 };
	struct htw_op *ops = new_ops(NR);
	struct mapped m;
	uint64_t time;
	int i;

	open_the_device();
	set_parameter("pass_events", 1);
	become(NOBODY);
	pin_to_cpu(0);
	open_ring(&m, 4096);
	time = now_ns() + 100 * MSEC;
	for (i = 0; i < NR; i++)
		ops[i] = (struct htw_op){ .opcode = HTW_OP_ARM, .expires = time,
					  .flags = HTW_TIMER_ABS,
					  .cookie = (uint64_t)i };
	do_ops_well(m.fd, ops, NR);
	while (ring_tail(&m) < NR)
		sleep_ns(MSEC);
	EXPECT_EQ(held(m.fd), 0);
	EXPECT_EQ(ring_stalled(&m), false);
	ktap_note("told %llu times", (unsigned long long)stats(m.fd).wakeups);
	EXPECT_GE(stats(m.fd).wakeups, NR / 64 / 2);
}

/* --- nothing of the kernel's memory --- */

/**
 * struct transcript - all that the kernel has told, one after the other
 * @len: how many bytes
 * @bytes: what they were
 */
struct transcript {
	size_t		len;
	unsigned char	bytes[1 << 20];
};

static void tell(struct transcript *t, const void *from, size_t len)
{
	ASSERT_LE(t->len + len, sizeof(t->bytes));
	memcpy(t->bytes + t->len, from, len);
	t->len += len;
}

/* What is written and was not asked for must not be what was there before. */
#define TELL_IOCTL(_t, _fd, _request, _what)				\
	do {								\
		ASSERT_EQ(ioctl(_fd, _request, &(_what)), 0);		\
		tell(_t, &(_what), sizeof(_what));			\
	} while (0)

static int tell_setup(struct transcript *t, int poison)
{
	struct htw_setup setup;
	int fd = open_context(0);

	memset(&setup, poison, sizeof(setup));
	setup.flags = HTW_SETUP_WORDS;
	setup.clock = HTW_CLOCK_VIRTUAL;
	setup.ring_entries = 0;
	setup.max_timers = 100;
	setup.resv0 = 0;
	setup.virtual_start = SEC;
	setup.tick_ns = 0;
	memset(setup.resv, 0, sizeof(setup.resv));
	TELL_IOCTL(t, fd, HTW_IOC_SETUP, setup);
	return fd;
}

static void tell_query(struct transcript *t, int fd, int poison)
{
	struct htw_query q;

	memset(&q, poison, sizeof(q));
	q.flags = 0;
	q.resv = 0;
	TELL_IOCTL(t, fd, HTW_IOC_QUERY, q);
}

static void tell_stats(struct transcript *t, int fd, int poison)
{
	struct htw_context_stats s;

	memset(&s, poison, sizeof(s));
	s.flags = 0;
	memset(s.resv, 0, sizeof(s.resv));
	TELL_IOCTL(t, fd, HTW_IOC_STATS, s);
}

/* Return: the id. */
static uint64_t tell_op(struct transcript *t, int fd, int poison, struct htw_op op)
{
	if (op.opcode != HTW_OP_CANCEL_MATCH)
		memset(&op.value, poison, sizeof(op.value));
	memset(&op.res, poison, sizeof(op.res));
	memset(&op.arming, poison, sizeof(op.arming));
	TELL_IOCTL(t, fd, HTW_IOC_OP, op);
	return op.id;
}

static void tell_events(struct transcript *t, int fd, int poison)
{
	struct htw_event events[10];
	struct htw_batch batch;

	memset(events, poison, sizeof(events));
	memset(&batch, poison, sizeof(batch));
	batch.nr_ops = 0;
	batch.ops = 0;
	batch.events = (uintptr_t)(events + 5);
	batch.nr_events = 5;
	batch.min_events = 0;
	batch.flags = 0;
	batch.timeout = 0;
	batch.resv = 0;
	ASSERT_EQ(read(fd, events, 5 * sizeof(events[0])),
		  5 * sizeof(events[0]));
	ASSERT_EQ(ioctl(fd, HTW_IOC_BATCH, &batch), 0);
	ASSERT_EQ(batch.got, 5);
	/* An address of this program's. */
	batch.events = 0;
	tell(t, &batch, sizeof(batch));
	tell(t, events, sizeof(events));
}

/* On virtual time, where each run is like the other. */
static void tell_all(struct transcript *t, int poison)
{
	int fd = tell_setup(t, poison), i;
	struct htw_op op = { .opcode = HTW_OP_ARM, .flags = HTW_TIMER_ABS };
	uint64_t id = 0;

	for (i = 0; i < 12; i++) {
		op.expires = 2 * SEC + (uint64_t)i * MSEC;
		op.cookie = (uint64_t)i;
		op.id = 0;
		id = tell_op(t, fd, poison, op);
	}
	op.opcode = HTW_OP_REARM;
	op.id = id;
	op.expires = 4 * SEC;
	tell_op(t, fd, poison, op);
	tell_op(t, fd, poison, (struct htw_op){
		.opcode = HTW_OP_REMAINING, .id = id });
	tell_op(t, fd, poison, (struct htw_op){
		.opcode = HTW_OP_ADVANCE, .expires = 2 * SEC });
	tell_op(t, fd, poison, (struct htw_op){
		.opcode = HTW_OP_CANCEL, .id = id });
	tell_query(t, fd, poison);
	tell_events(t, fd, poison);
	tell_op(t, fd, poison, (struct htw_op){ .opcode = HTW_OP_CANCEL_MATCH });
	tell_stats(t, fd, poison);
	close(fd);
}

/* Whatever was in the program's structures before: it is told the same bytes. */
static void every_byte_that_is_told_was_written(void)
{
	struct transcript *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	size_t i;

	ASSERT_TRUE(a && b);
	open_the_device();
	become(NOBODY);
	tell_all(a, 0xa5);
	tell_all(b, 0x5a);
	ASSERT_EQ(a->len, b->len);
	ASSERT_GT(a->len, 20 * sizeof(struct htw_op));
	for (i = 0; i < a->len; i++)
		EXPECT_EQ(a->bytes[i], b->bytes[i]);
}

static void expect_zero(const void *from, size_t len)
{
	const unsigned char *bytes = from;
	size_t i;

	for (i = 0; i < len; i++)
		EXPECT_EQ(bytes[i], 0);
}

static void expect_clean(const struct mapped *m)
{
	const struct htw_setup *setup = &m->setup;
	const char *ring = (const char *)m->ring;
	size_t after = setup->event_off +
		       (size_t)setup->ring_entries * setup->event_size;

	expect_zero(m->ring->resv, sizeof(m->ring->resv));
	expect_zero(ring + sizeof(struct htw_ring),
		    setup->event_off - sizeof(struct htw_ring));
	expect_zero(ring + after, setup->ring_len - after);
	expect_zero(m->ctl, setup->ctl_len);
	expect_zero(m->words, setup->words_len);
}

/* All of the pages, to their ends, before anything has happened and after. */
static void mapped_pages_are_zero_to_their_ends(void)
{
	struct htw_event event;
	struct mapped m;
	uint64_t i;

	open_the_device();
	become(NOBODY);
	for (i = 0; i < 50; i++) {
		open_mapped(&m, (struct htw_setup){
			.clock = CLOCK_MONOTONIC, .ring_entries = 4,
			.flags = HTW_SETUP_WORDS, .max_timers = 100 });
		expect_clean(&m);
		expect_zero((const char *)m.ring + m.setup.event_off,
			    4UL * m.setup.event_size);
		arm_in(m.fd, 0, UINT64_MAX);
		consume_exactly(&m, &event, 1);
		expect_zero((const char *)m.ring + m.setup.event_off +
			    m.setup.event_size, 3UL * m.setup.event_size);
		m.ctl->head = 0;
		expect_clean(&m);
		munmap((void *)m.ring, m.setup.ring_len);
		munmap(m.ctl, m.setup.ctl_len);
		munmap(m.words, m.setup.words_len);
		close(m.fd);
	}
}

/* --- nor a timer of somebody else's --- */

static void ids_of_another_file_are_unknown(void)
{
	enum { NR = 100 };
	uint64_t ids[NR], i;
	struct htw_op op;
	int its, mine;

	open_the_device();
	its = open_context_of(SOMEBODY);
	for (i = 0; i < NR; i++)
		ids[i] = arm_in(its, HOUR, i);
	become(NOBODY);
	mine = open_context(0);
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(cancel(mine, ids[i]), -ENOENT);
		EXPECT_EQ(rearm_in(mine, ids[i], 0, 0), -ENOENT);
		EXPECT_EQ(remaining(mine, ids[i], &op), -ENOENT);
	}
	cancel_all(mine);
	EXPECT_EQ(held(its), NR);
	EXPECT_EQ(query(mine).nr_user, 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(file_limit_enospc),
	KTAP_TEST(file_limit_is_in_its_range),
	KTAP_TEST(file_limit_counts_what_is_unread),
	KTAP_TEST(file_limit_holds_for_new_files),
	KTAP_TEST(setup_can_lower_the_file_limit_only),
	KTAP_TEST(batch_at_the_limit_arms_what_it_may),
	KTAP_TEST(user_limit_edquot),
	KTAP_TEST(user_limit_counts_room_not_timers),
	KTAP_TEST(user_limit_is_not_for_other_users),
	KTAP_TEST(user_limit_is_of_the_opener),
	KTAP_TEST(user_limit_holds_at_once),
	KTAP_TEST(total_limit_enfile),
	KTAP_TEST(total_limit_is_for_root_too),
	KTAP_TEST(limits_count_what_would_be_too_much),
	KTAP_TEST(limits_can_be_lowered_below_what_is_held),
	KTAP_TEST(limits_hold_when_many_arm_at_once),
	KTAP_TEST(parameter_that_makes_no_sense_is_refused),
	KTAP_TEST(memory_of_timers_is_charged),
	KTAP_TEST(memory_limit_stops_nobody_else),
	KTAP_TEST(arming_for_the_past_starves_nobody),
	KTAP_TEST(shortest_intervals_starve_nobody),
	KTAP_TEST(pass_events_bounds_the_work_of_a_pass),
	KTAP_TEST(every_byte_that_is_told_was_written),
	KTAP_TEST(mapped_pages_are_zero_to_their_ends),
	KTAP_TEST(ids_of_another_file_are_unknown),
};

int main(int argc, char **argv)
{
	return main_with_parameters(argc, argv,
				    &KTAP_SUITE("limits", tests, need_root));
}
