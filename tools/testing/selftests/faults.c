// SPDX-License-Identifier: GPL-2.0
/*
 * No memory: each allocation and each copy of each call of the device fails in turn. The
 * call fails with the errno that it is documented to have, or does without; has changed
 * nothing; and works when it is made again. That nothing leaks is seen by kmemleak.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "faults.h"
#include "mapped.h"
#include "refused.h"

/* Of the try that is going on. */
static int fd;
static struct mapped m;
static struct htw_query query_before;
static struct htw_context_stats stats_before;

static int result(long ret)
{
	return ret < 0 ? -errno : 0;
}

static void note_how_it_is(void)
{
	query_before = query(fd);
	stats_before = stats(fd);
}

static void begin(void)
{
	fd = open_context(O_NONBLOCK);
	note_how_it_is();
}

static void is_unchanged(void)
{
	struct htw_query q = query(fd);
	struct htw_context_stats s = stats(fd);

	EXPECT_EQ(memcmp(&q, &query_before, sizeof(q)), 0);
	EXPECT_EQ(memcmp(&s, &stats_before, sizeof(s)), 0);
}

static void end(void)
{
	ASSERT_EQ(close(fd), 0);
}

/* Timers of the context can be armed and expire. */
static void works(void)
{
	struct htw_event event;

	arm_in(fd, 0, 7);
	wait_readable(fd);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 7);
}

/* --- files --- */

static int call_open(void)
{
	fd = open(device_path(), O_RDWR | O_CLOEXEC);
	return result(fd);
}

/* Somebody of whom there is no account yet: memory for it, for the file, and so on. */
static void open_fails_in_each_way(void)
{
	struct trial t = { .call = call_open, .done = works, .end = end };

	open_the_device();
	open_nth();
	become(SOMEBODY);
	try_each_fault(t, 4, 1);
}

static int call_close(void)
{
	int ret = result(close(fd));

	fd = open_context(0);
	return ret;
}

static void begin_with_timers(void)
{
	int i;

	begin();
	for (i = 0; i < 100; i++)
		arm_in(fd, FAR, 0);
}

static void nothing(void)
{
}

static int call_close_alone(void)
{
	return result(close(fd));
}

static void close_needs_no_memory(void)
{
	struct trial t = { .begin = begin_with_timers, .call = call_close_alone,
			   .done = nothing, .end = nothing };

	open_nth();
	try_each_fault(t, 0, 0);
	/* Nor is anything left of them. */
	fd = open_context(0);
	EXPECT_EQ(query(fd).nr_user, 0);
	EXPECT_EQ(call_close(), 0);
}

static int call_show(void)
{
	char path[64], text[4096];
	int info, ret;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -errno;
	ret = result(read(info, text, sizeof(text)));
	close(info);
	return ret;
}

static void fdinfo_fails_in_each_way(void)
{
	struct trial t = { .begin = begin_with_timers, .call = call_show,
			   .done = works, .end = end };

	open_nth();
	try_each_fault(t, 2, 1);
}

/* --- setting up --- */

static struct htw_setup wanted;

static int call_setup(void)
{
	struct htw_setup setup = wanted;

	return do_setup(fd, &setup);
}

/* It is what was wanted, and it is that for good. */
static void is_set_up(void)
{
	struct htw_setup setup = wanted;

	EXPECT_EQ(do_setup(fd, &setup), -EBUSY);
	EXPECT_EQ(query(fd).max_file, wanted.max_timers);
	if (wanted.clock == HTW_CLOCK_VIRTUAL)
		EXPECT_EQ(advance(fd, 0, 0), wanted.virtual_start);
	arm_in(fd, FAR, 0);
	EXPECT_EQ(held(fd), 1);
}

static void setup_fails(struct htw_setup setup, int enomem)
{
	struct trial t = { .begin = begin, .call = call_setup,
			   .unchanged = is_unchanged, .done = is_set_up, .end = end,
			   .late = -EBUSY };

	wanted = setup;
	wanted.max_timers = 4096;
	try_each_fault(t, enomem, 3);
}

static void setup_of_each_clock_fails_in_each_way(void)
{
	static const uint32_t clocks[] = {
		CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME, CLOCK_TAI };
	size_t i;

	open_nth();
	for (i = 0; i < 4; i++)
		setup_fails((struct htw_setup){ .clock = clocks[i] }, 0);
}

static void setup_of_a_ring_fails_in_each_way(void)
{
	open_nth();
	setup_fails((struct htw_setup){
		.clock = CLOCK_MONOTONIC, .ring_entries = 1024 }, 4);
}

static void setup_of_words_fails_in_each_way(void)
{
	open_nth();
	setup_fails((struct htw_setup){
		.clock = CLOCK_BOOTTIME, .flags = HTW_SETUP_WORDS }, 2);
}

/* Each of the three parts has those before it taken away again. */
static void setup_of_all_fails_in_each_way(void)
{
	open_nth();
	setup_fails((struct htw_setup){
		.clock = HTW_CLOCK_VIRTUAL, .virtual_start = HOUR,
		.ring_entries = 64, .flags = HTW_SETUP_WORDS }, 7);
}

/* A wheel of its own has two ways to get its memory: none of them works. */
static void setup_without_memory_is_refused(void)
{
	wanted = (struct htw_setup){ .clock = HTW_CLOCK_VIRTUAL, .max_timers = 4096 };
	fail_all(false);
	begin();
	fail_all(true);
	EXPECT_EQ(call_setup(), -ENOMEM);
	fail_all(false);
	is_unchanged();
	EXPECT_EQ(call_setup(), 0);
	is_set_up();
}

/* --- timers --- */

static int call_arm(void)
{
	struct htw_op op = valid_arm();

	return do_op(fd, &op);
}

static void one_more_is_armed(void)
{
	EXPECT_EQ(held(fd), query_before.nr_file + 1);
	EXPECT_GE(stats(fd).armed, stats_before.armed + 1);
	works();
}

static void arm_fails(void (*begin_with)(void), int enomem)
{
	struct trial t = { .begin = begin_with, .call = call_arm,
			   .unchanged = is_unchanged, .done = one_more_is_armed,
			   .end = end };

	open_nth();
	try_each_fault(t, enomem, 2);
}

/* The list of chunks, and a chunk. */
static void first_arm_fails_in_each_way(void)
{
	arm_fails(begin, 2);
}

static void begin_with(int nr)
{
	begin();
	while (nr--)
		arm_in(fd, FAR, 0);
	note_how_it_is();
}

static void begin_with_full_chunk(void)
{
	begin_with(32);
}

static void arm_in_a_new_chunk_fails_in_each_way(void)
{
	arm_fails(begin_with_full_chunk, 1);
}

/* 16 chunks are as many as the list has place for at first. */
static void begin_with_full_list(void)
{
	begin_with(16 * 32);
}

static void arm_with_a_longer_list_fails_in_each_way(void)
{
	arm_fails(begin_with_full_list, 2);
}

static void begin_virtual(void)
{
	fd = open_virtual(1024);
	note_how_it_is();
}

static void one_more_is_armed_on_virtual_time(void)
{
	EXPECT_EQ(held(fd), query_before.nr_file + 1);
	advance(fd, 0, 2 * FAR);
	EXPECT_EQ(poll_context(fd, 0), POLLIN);
}

static void arm_on_virtual_time_fails_in_each_way(void)
{
	struct trial t = { .begin = begin_virtual, .call = call_arm,
			   .unchanged = is_unchanged,
			   .done = one_more_is_armed_on_virtual_time, .end = end };

	open_nth();
	try_each_fault(t, 2, 2);
}

static uint64_t timer;

static void begin_with_timer(void)
{
	begin();
	timer = arm_far(fd);
	note_how_it_is();
}

static int call_rearm(void)
{
	struct htw_op op = valid_rearm(timer);

	return do_op(fd, &op);
}

static void is_rearmed(void)
{
	struct htw_op op;

	EXPECT_EQ(remaining(fd, timer, &op), 0);
	EXPECT_EQ(op.cookie, 0);
	EXPECT_GT(op.value, FAR);
	EXPECT_EQ(held(fd), 1);
}

static int call_cancel(void)
{
	struct htw_op op = valid_cancel(timer);

	return do_op(fd, &op);
}

static void is_cancelled(void)
{
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(stats(fd).cancelled, 1);
	works();
}

static int call_remaining(void)
{
	struct htw_op op = valid_remaining(timer);

	return do_op(fd, &op);
}

static void is_armed_as_before(void)
{
	struct htw_op op;

	is_unchanged();
	EXPECT_EQ(remaining(fd, timer, &op), 0);
	EXPECT_EQ(op.cookie, 0x1234);
}

/* They allocate nothing. */
static void other_operations_fail_in_each_way(void)
{
	struct trial t = { .begin = begin_with_timer, .unchanged = is_unchanged,
			   .end = end };

	open_nth();
	t.call = call_rearm;
	t.done = is_rearmed;
	try_each_fault(t, 0, 2);
	t.call = call_remaining;
	t.done = is_armed_as_before;
	try_each_fault(t, 0, 2);
	t.call = call_cancel;
	t.done = is_cancelled;
	t.late = -ENOENT;
	try_each_fault(t, 0, 2);
}

static struct htw_op ops[40];
static struct htw_batch batch;

static int call_batch(void)
{
	size_t i;

	for (i = 0; i < 40; i++)
		ops[i] = valid_arm();
	batch = (struct htw_batch){ .ops = (uintptr_t)ops, .nr_ops = 40 };
	return do_batch(fd, &batch);
}

/*
 * One of them may have had no memory: those behind it have. A batch that could not say
 * that it was done was done, and again.
 */
static void what_it_says_is_there(void)
{
	unsigned int armed = 0, failed = 0;
	size_t i;

	for (i = 0; i < batch.done; i++) {
		armed += ops[i].res == 0;
		failed += ops[i].res == -ENOMEM;
		if (!ops[i].res)
			EXPECT_EQ(cancel(fd, ops[i].id), HTW_CANCELLED);
	}
	EXPECT_LE(failed, 1);
	EXPECT_EQ(armed + failed, batch.done);
	EXPECT_GE(batch.done, 16);
	EXPECT_EQ(held(fd) % 40, 0);
	batch = (struct htw_batch){ 0 };
	EXPECT_EQ(do_batch(fd, &batch), 0);
}

static void batch_fails_in_each_way(void)
{
	struct trial t = { .begin = begin, .call = call_batch,
			   .done = what_it_says_is_there, .end = end };

	open_nth();
	try_each_fault(t, 0, 3);
}

/* --- events --- */

static void begin_with_event(void)
{
	begin();
	arm_in(fd, 0, 7);
	wait_readable(fd);
}

static struct htw_event event;

static int call_read(void)
{
	return result(read(fd, &event, sizeof(event)));
}

static void event_was_read(void)
{
	EXPECT_EQ(event.cookie, 7);
	event.cookie = 0;
	EXPECT_EQ(stats(fd).delivered, 1);
	EXPECT_EQ(held(fd), 0);
	works();
}

/* A copy that fails is tried once more, which is why it takes two faults to be seen. */
static void read_loses_no_event(void)
{
	struct trial t = { .begin = begin_with_event, .call = call_read,
			   .done = event_was_read, .end = end };

	open_nth();
	try_each_fault(t, 0, 0);
}

static int call_poll(void)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return result(poll(&pfd, 1, 0));
}

static int epoll_fd;

static void begin_epoll(void)
{
	begin_with_event();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_GE(epoll_fd, 0);
}

static int call_epoll(void)
{
	struct epoll_event want = { .events = EPOLLIN };

	return result(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &want));
}

static void is_watched(void)
{
	struct epoll_event got;

	EXPECT_EQ(epoll_wait(epoll_fd, &got, 1, 0), 1);
	ASSERT_EQ(close(epoll_fd), 0);
	EXPECT_EQ(call_read(), 0);
	works();
}

static void poll_fails_in_each_way(void)
{
	struct trial t = { .begin = begin_with_event, .call = call_poll,
			   .done = nothing, .end = end };

	open_nth();
	try_each_fault(t, 0, 1);
	t.begin = begin_epoll;
	t.call = call_epoll;
	t.done = is_watched;
	try_each_fault(t, 2, 1);
}

static int call_fasync(void)
{
	return result(fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC));
}

static void is_async(void)
{
	EXPECT_EQ(fcntl(fd, F_GETFL) & O_ASYNC, O_ASYNC);
	works();
}

static void fasync_fails_in_each_way(void)
{
	struct trial t = { .begin = begin, .call = call_fasync,
			   .unchanged = is_unchanged, .done = is_async, .end = end };

	open_nth();
	signal(SIGIO, SIG_IGN);
	try_each_fault(t, 1, 0);
}

static int event_fd;

static void begin_with_eventfd(void)
{
	begin();
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_GE(event_fd, 0);
}

static int call_eventfd(void)
{
	return result(ioctl(fd, HTW_IOC_EVENTFD, &event_fd));
}

static void is_signalled(void)
{
	uint64_t count;

	works();
	EXPECT_EQ(read(event_fd, &count, sizeof(count)), sizeof(count));
	ASSERT_EQ(close(event_fd), 0);
}

static void eventfd_fails_in_each_way(void)
{
	struct trial t = { .begin = begin_with_eventfd, .call = call_eventfd,
			   .unchanged = is_unchanged, .done = is_signalled, .end = end };

	open_nth();
	try_each_fault(t, 0, 1);
}

/* --- asking, and virtual time --- */

static int call_query(void)
{
	struct htw_query q = { 0 };

	return result(ioctl(fd, HTW_IOC_QUERY, &q));
}

static int call_stats(void)
{
	struct htw_context_stats s = { 0 };

	return result(ioctl(fd, HTW_IOC_STATS, &s));
}

static void asking_fails_in_each_way(void)
{
	struct trial t = { .begin = begin, .done = is_unchanged, .end = end };

	open_nth();
	t.call = call_query;
	try_each_fault(t, 0, 2);
	t.call = call_stats;
	try_each_fault(t, 0, 2);
}

static void begin_with_virtual_timers(void)
{
	int i;

	begin_virtual();
	for (i = 0; i < 50; i++)
		arm_at(fd, HOUR, (uint64_t)i);
}

static int call_advance(void)
{
	struct htw_op op = { .opcode = HTW_OP_ADVANCE, .flags = HTW_TIMER_ABS,
			     .expires = HOUR };

	return do_op(fd, &op);
}

static void all_have_expired(void)
{
	struct htw_event events[51];
	size_t i, nr = read_events(fd, events, 51);

	EXPECT_EQ(nr, 50);
	for (i = 0; i < nr; i++)
		EXPECT_EQ(events[i].cookie, i);
	EXPECT_EQ(advance(fd, 0, 0), HOUR);
}

static void advance_fails_in_each_way(void)
{
	struct trial t = { .begin = begin_with_virtual_timers, .call = call_advance,
			   .unchanged = is_unchanged, .done = all_have_expired,
			   .end = end };

	open_nth();
	try_each_fault(t, 0, 2);
}

/* --- mappings --- */

static void begin_mapped(void)
{
	m = (struct mapped){ .fd = open_context(0) };
	m.setup = (struct htw_setup){ .clock = CLOCK_MONOTONIC,
		.ring_entries = 1024, .max_timers = 4096, .flags = HTW_SETUP_WORDS };
	ASSERT_EQ(do_setup(m.fd, &m.setup), 0);
	fd = m.fd;
	note_how_it_is();
}

/* Where no page table is yet. */
#define ELSEWHERE	((void *)0x52000000)

static void *map_elsewhere(uint64_t off, uint64_t len, int prot)
{
	return mmap(ELSEWHERE, len, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
		    (off_t)off);
}

static int call_mmap(void)
{
	void *map = map_elsewhere(m.setup.words_off, m.setup.words_len,
				  PROT_READ | PROT_WRITE);

	if (map == MAP_FAILED)
		return -errno;
	m.words = map;
	return 0;
}

static void is_mapped(void)
{
	uint32_t i;

	for (i = 0; i < m.setup.max_timers; i++)
		m.words[i] = i;
	EXPECT_EQ(munmap(m.words, m.setup.words_len), 0);
	map_all(&m);
	for (i = 0; i < m.setup.max_timers; i++)
		EXPECT_EQ(m.words[i], i);
	EXPECT_EQ(m.ring->entries, 1024);
}

static void end_mapped(void)
{
	if (m.ring) {
		ASSERT_EQ(munmap((void *)m.ring, m.setup.ring_len), 0);
		ASSERT_EQ(munmap(m.ctl, m.setup.ctl_len), 0);
		ASSERT_EQ(munmap(m.words, m.setup.words_len), 0);
	}
	end();
}

static void mmap_fails_in_each_way(void)
{
	struct trial t = { .begin = begin_mapped, .call = call_mmap,
			   .unchanged = is_unchanged, .done = is_mapped,
			   .end = end_mapped };

	open_nth();
	try_each_fault(t, 3, 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(open_fails_in_each_way),
	KTAP_TEST(close_needs_no_memory),
	KTAP_TEST(fdinfo_fails_in_each_way),
	KTAP_TEST(setup_of_each_clock_fails_in_each_way),
	KTAP_TEST(setup_of_a_ring_fails_in_each_way),
	KTAP_TEST(setup_of_words_fails_in_each_way),
	KTAP_TEST(setup_of_all_fails_in_each_way),
	KTAP_TEST(setup_without_memory_is_refused),
	KTAP_TEST(first_arm_fails_in_each_way),
	KTAP_TEST(arm_in_a_new_chunk_fails_in_each_way),
	KTAP_TEST(arm_with_a_longer_list_fails_in_each_way),
	KTAP_TEST(arm_on_virtual_time_fails_in_each_way),
	KTAP_TEST(other_operations_fail_in_each_way),
	KTAP_TEST(batch_fails_in_each_way),
	KTAP_TEST(read_loses_no_event),
	KTAP_TEST(poll_fails_in_each_way),
	KTAP_TEST(fasync_fails_in_each_way),
	KTAP_TEST(eventfd_fails_in_each_way),
	KTAP_TEST(asking_fails_in_each_way),
	KTAP_TEST(advance_fails_in_each_way),
	KTAP_TEST(mmap_fails_in_each_way),
};

int main(int argc, char **argv)
{
	return main_with_parameters(argc, argv,
				    &KTAP_SUITE("faults", tests, need_faults));
}
