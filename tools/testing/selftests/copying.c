// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to a timer while its event is on the way to the program. The
 * reader's buffer is watched by userfaultfd(2): it stops in the middle of the
 * copy, for as long as the test likes. Whoever meets the timer then is told
 * what it would be told just after the read, whether the copy works out or not.
 */
#include <linux/userfaultfd.h>
#include <sys/syscall.h>

#include "pages.h"
#include "waiting.h"

/**
 * struct copy - a read(2) that can be stopped
 * @fd: what is read
 * @uffd: tells when it stops
 * @page: the buffer
 * @room: how many events it asks for
 * @len: what read(2) has returned, or the negative errno
 * @thread: is in read(2)
 */
struct copy {
	int		fd;
	int		uffd;
	char		*page;
	size_t		room;
	ssize_t		len;
	pthread_t	thread;
};

static void watch_page(struct copy *copy)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	copy->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (copy->uffd < 0 && (errno == EPERM || errno == ENOSYS))
		ktap_skip("userfaultfd needs root, and a kernel that has it");
	ASSERT_GE(copy->uffd, 0);
	ASSERT_EQ(ioctl(copy->uffd, UFFDIO_API, &api), 0);
	copy->page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(copy->page, MAP_FAILED);
	reg.range.start = (uintptr_t)copy->page;
	reg.range.len = page_size();
	ASSERT_EQ(ioctl(copy->uffd, UFFDIO_REGISTER, &reg), 0);
}

static void *read_into_page(void *arg)
{
	struct copy *copy = arg;

	copy->len = read(copy->fd, copy->page, copy->room * EVENT_SIZE);
	if (copy->len < 0)
		copy->len = -errno;
	return NULL;
}

static void wait_for_fault(struct copy *copy)
{
	struct uffd_msg msg;

	ASSERT_EQ(read(copy->uffd, &msg, sizeof(msg)), sizeof(msg));
	ASSERT_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
}

/* Begin @fn in a thread; when this returns it has stopped at the page. */
static void start_until_stopped(struct copy *copy, int fd, size_t room,
				void *(*fn)(void *))
{
	*copy = (struct copy){ .fd = fd, .room = room };
	watch_page(copy);
	copy->thread = start(fn, copy);
	wait_for_fault(copy);
}

/* Begin to read; when this returns it has stopped in the copy. */
static void start_copy(struct copy *copy, int fd, size_t room)
{
	wait_readable(fd);
	start_until_stopped(copy, fd, room, read_into_page);
}

/* Let it finish. Return: what read(2) returned. */
static ssize_t finish_copy(struct copy *copy)
{
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)copy->page, page_size() } };

	ASSERT_EQ(ioctl(copy->uffd, UFFDIO_ZEROPAGE, &zero), 0);
	ASSERT_EQ(pthread_join(copy->thread, NULL), 0);
	close(copy->uffd);
	return copy->len;
}

/* Take the buffer away in the middle of it. */
static ssize_t break_copy(struct copy *copy)
{
	ASSERT_EQ(munmap(copy->page, page_size()), 0);
	close(copy->uffd);
	ASSERT_EQ(pthread_join(copy->thread, NULL), 0);
	return copy->len;
}

static const struct htw_event *copied(const struct copy *copy)
{
	return (const struct htw_event *)copy->page;
}

/* A timer that expires now, and then only in an hour. */
static uint64_t arm_periodic(int fd)
{
	return arm(fd, (struct htw_op){
		.flags = HTW_TIMER_ABS, .expires = now_ns(),
		.interval = HOUR, .cookie = 5 });
}

/* --- the copy works out --- */

static void copy_ends_as_if_nothing_had_happened(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 5);
	struct copy copy;

	start_copy(&copy, fd, 1);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->id, id);
	EXPECT_EQ(copied(&copy)->cookie, 5);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(cancel(fd, id), -EALREADY);
}

static void cancel_during_copy_ealready(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 5);
	struct copy copy;

	start_copy(&copy, fd, 1);
	EXPECT_EQ(cancel(fd, id), -EALREADY);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->id, id);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

static void match_during_copy_takes_the_others(void)
{
	struct htw_op all = { .opcode = HTW_OP_CANCEL_MATCH };
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 5);
	struct copy copy;

	start_copy(&copy, fd, 1);
	arm_in(fd, HOUR, 6);
	EXPECT_EQ(do_op(fd, &all), 0);
	EXPECT_EQ(all.res, 1);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->id, id);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(stats(fd).delivered, 1);
}

static void rearm_during_copy_ealready(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 5);
	struct copy copy;

	start_copy(&copy, fd, 1);
	EXPECT_EQ(rearm_in(fd, id, 0, 6), -EALREADY);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->cookie, 5);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

static void periodic_cancelled_during_copy_is_gone(void)
{
	int fd = open_context(0);
	uint64_t id = arm_periodic(fd);
	struct copy copy;

	start_copy(&copy, fd, 1);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->id, id);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(cancel(fd, id), -ENOENT);
	EXPECT_SILENCE(fd);
}

static void periodic_rearmed_during_copy_has_both_events(void)
{
	int fd = open_context(0);
	uint64_t id = arm_periodic(fd);
	struct htw_event event;
	struct copy copy;

	start_copy(&copy, fd, 1);
	ASSERT_EQ(rearm_in(fd, id, 20 * MSEC, 6), 0);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->cookie, 5);
	EXPECT_EQ(HTW_EVENT_ARMING(copied(&copy)->info), 1);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 6);
	EXPECT_EQ(HTW_EVENT_ARMING(event.info), 2);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

/* The new arming expires before the copy of the old one has ended. */
static void periodic_rearmed_and_expired_during_copy(void)
{
	int fd = open_context(0);
	uint64_t id = arm_periodic(fd);
	struct htw_event event;
	struct copy copy;

	start_copy(&copy, fd, 1);
	ASSERT_EQ(rearm_in(fd, id, 0, 6), 0);
	wait_readable(fd);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->cookie, 5);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 6);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

/* Its place is given away, and even that one expires, before the copy ends. */
static void place_used_again_during_copy(void)
{
	int fd = open_context(0), i;
	uint64_t id = arm_periodic(fd), sum = 0;
	struct htw_event event;
	struct copy copy;

	start_copy(&copy, fd, 1);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	for (i = 0; i < 100; i++)
		arm_in(fd, i % 2 ? 0 : 10 * MSEC, 1);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->id, id);
	for (i = 0; i < 100; i++) {
		read_event(fd, &event);
		sum += event.cookie;
	}
	EXPECT_EQ(sum, 100);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

/* @second has its event only; @first can't bring anything back. */
static void expect_second_only(int fd, struct copy *first,
			       struct copy *second)
{
	EXPECT_EQ(break_copy(first), -EFAULT);
	EXPECT_EQ(poll_context(fd, 0), 0);
	EXPECT_EQ(finish_copy(second), EVENT_SIZE);
	EXPECT_EQ(copied(second)->cookie, 6);
	EXPECT_SILENCE(fd);
}

/* Two armings of one timer are on their way, each to a reader of its own. */
static void two_copies_of_one_timer(void)
{
	int fd = open_context(0);
	uint64_t id = arm_periodic(fd);
	struct copy first, second;

	start_copy(&first, fd, 1);
	ASSERT_EQ(rearm_in(fd, id, 0, 6), 0);
	start_copy(&second, fd, 1);
	expect_second_only(fd, &first, &second);
	EXPECT_EQ(held(fd), 0);
}

/*
 * As above, but of two timers that have the same place, one after the other, if
 * the low half of an id tells the place; both with arming number 2.
 */
static void two_copies_of_one_place(void)
{
	int fd = open_context(0), i;
	uint64_t id = arm_periodic(fd), other = ~id;
	struct copy first, second;
	struct htw_op op = {
		.opcode = HTW_OP_REARM, .id = id, .interval = HOUR };

	ASSERT_EQ(do_op(fd, &op), 0);
	start_copy(&first, fd, 1);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	for (i = 0; i < 200 && (uint32_t)other != (uint32_t)id; i++)
		other = arm_in(fd, HOUR, 0);
	ASSERT_EQ(rearm_in(fd, other, 0, 6), 0);
	start_copy(&second, fd, 1);
	expect_second_only(fd, &first, &second);
	EXPECT_EQ(held(fd), i - 1);
}

static void other_reader_gets_another_event(void)
{
	int fd = open_context(O_NONBLOCK);
	struct htw_event event;
	struct copy copy;

	arm_in(fd, 0, 5);
	start_copy(&copy, fd, 1);
	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
	EXPECT_EQ(poll_context(fd, 0), 0);
	arm_in(fd, 0, 6);
	wait_readable(fd);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 6);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->cookie, 5);
	EXPECT_EQ(held(fd), 0);
}

/* Nobody holds a lock meanwhile: all else goes on. */
static void copy_stops_nobody_else(void)
{
	int fd = open_context(0), i;
	struct htw_event event;
	struct copy copy;
	struct htw_op op;
	uint64_t id;

	arm_in(fd, 0, 5);
	start_copy(&copy, fd, 1);
	EXPECT_EQ(held(fd), 1);
	for (i = 0; i < 100; i++) {
		id = arm_in(fd, HOUR, 0);
		EXPECT_EQ(remaining(fd, id, &op), 0);
		EXPECT_EQ(rearm_in(fd, id, HOUR, 0), 0);
		EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
		arm_in(fd, 0, 6);
		read_event(fd, &event);
		EXPECT_EQ(event.cookie, 6);
	}
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(held(fd), 0);
}

/* --- the copy does not work out --- */

static void broken_copy_loses_nothing(void)
{
	int fd = open_context(0);
	struct htw_event event;
	struct copy copy;

	arm_in(fd, 0, 5);
	start_copy(&copy, fd, 1);
	EXPECT_EQ(break_copy(&copy), -EFAULT);
	EXPECT_EQ(held(fd), 1);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 5);
	EXPECT_EQ(held(fd), 0);
}

/* A reader that waits for it must be woken when it comes back. */
static void broken_copy_wakes_who_waits(void)
{
	int fd = open_context(0);
	struct copy copy, other;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	pid_t pid;

	arm_in(fd, 0, 5);
	start_copy(&copy, fd, 1);
	pid = fork();
	if (!pid) {
		/* Or the parent's close would not let go of the reader. */
		close(copy.uffd);
		EXPECT_EQ(poll(&pfd, 1, -1), 1);
		_exit(0);
	}
	sleep_ns(50 * MSEC);
	EXPECT_EQ(break_copy(&copy), -EFAULT);
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	start_copy(&other, fd, 1);
	EXPECT_EQ(finish_copy(&other), EVENT_SIZE);
	EXPECT_EQ(copied(&other)->cookie, 5);
}

/* The next missed period is an event as soon as the one before it has been read. */
static void next_of_a_burst_wakes_who_waits(void)
{
	int fd = open_context(0);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct copy copy;
	pid_t pid;

	arm(fd, (struct htw_op){
		.flags = HTW_TIMER_ABS | HTW_TIMER_BURST, .expires = 1,
		.interval = 100 * MSEC, .cookie = 5 });
	start_copy(&copy, fd, 1);
	pid = fork();
	if (!pid) {
		EXPECT_EQ(poll(&pfd, 1, -1), 1);
		_exit(0);
	}
	sleep_ns(50 * MSEC);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->expires, 1);
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	EXPECT_EQ(cancel(fd, copied(&copy)->id), HTW_WITHDRAWN);
}

static void periodic_cancelled_then_broken_is_gone(void)
{
	int fd = open_context(0);
	uint64_t id = arm_periodic(fd);
	struct copy copy;

	start_copy(&copy, fd, 1);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	EXPECT_EQ(break_copy(&copy), -EFAULT);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

static void periodic_rearmed_then_broken_has_the_new_event(void)
{
	int fd = open_context(0);
	uint64_t id = arm_periodic(fd);
	struct htw_event event;
	struct copy copy;

	start_copy(&copy, fd, 1);
	ASSERT_EQ(rearm_in(fd, id, 0, 6), 0);
	EXPECT_EQ(break_copy(&copy), -EFAULT);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 6);
	EXPECT_EQ(HTW_EVENT_ARMING(event.info), 2);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

/* Killed where it can't say what it got: the event is for the next one. */
static void kill_of_a_reader_in_the_copy_loses_nothing(void)
{
	int fd = open_context(0), ready[2];
	struct htw_event event;
	struct copy copy;
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(pipe(ready), 0);
	arm_in(fd, 0, 5);
	pid = fork();
	if (!pid) {
		start_copy(&copy, fd, 1);
		ASSERT_EQ(write(ready[1], &byte, 1), 1);
		pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1) {
		EXPECT_EQ(poll_context(fd, 0), 0);
		ASSERT_EQ(kill(pid, SIGKILL), 0);
		wait_readable(fd);
		read_event(fd, &event);
		EXPECT_EQ(event.cookie, 5);
		EXPECT_EQ(held(fd), 0);
	}
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
}

/* The last descriptor goes while the reader is in the middle of it. */
static void close_during_copy(void)
{
	int fd = open_context(0);
	struct copy copy;

	arm_in(fd, 0, 5);
	arm_in(fd, HOUR, 0);
	start_copy(&copy, fd, 1);
	close(fd);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->cookie, 5);
}

/* --- the same in a batch --- */

static void *collect_into_page(void *arg)
{
	struct copy *copy = arg;
	struct htw_batch batch = {
		.events = (uintptr_t)copy->page,
		.nr_events = (uint32_t)copy->room,
		.min_events = 1, .timeout = HTW_FOREVER,
	};

	copy->len = do_batch(copy->fd, &batch);
	if (!copy->len)
		copy->len = batch.got * EVENT_SIZE;
	return NULL;
}

static void start_batch_copy(struct copy *copy, int fd, size_t room)
{
	start_until_stopped(copy, fd, room, collect_into_page);
}

static void cancel_during_batch_copy_ealready(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 5);
	struct copy copy;

	start_batch_copy(&copy, fd, 1);
	EXPECT_EQ(cancel(fd, id), -EALREADY);
	EXPECT_EQ(rearm_in(fd, id, 0, 6), -EALREADY);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->id, id);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

static struct htw_event room[2];
static struct htw_batch batch_with_room;

/* Its operations are on the page, and all zeroes. */
static void *batch_from_page(void *arg)
{
	struct copy *copy = arg;

	batch_with_room = (struct htw_batch){
		.ops = (uintptr_t)copy->page, .nr_ops = 1,
		.events = (uintptr_t)room, .nr_events = 2 };
	copy->len = do_batch(copy->fd, &batch_with_room);
	return NULL;
}

/* What comes goes to the ring then, and is not said to be where it is not. */
static void ring_set_up_during_a_batch_has_the_events(void)
{
	struct htw_setup setup = {
		.clock = CLOCK_MONOTONIC, .ring_entries = 8 };
	int fd = open_context(0);
	struct copy copy;

	memset(room, 0xa5, sizeof(room));
	start_until_stopped(&copy, fd, 0, batch_from_page);
	ASSERT_EQ(do_setup(fd, &setup), 0);
	arm_in(fd, 0, 1);
	wait_readable(fd);
	EXPECT_EQ(finish_copy(&copy), 0);
	EXPECT_EQ(batch_with_room.done, 1);
	EXPECT_EQ(batch_with_room.got, 0);
	EXPECT_EQ(room[0].id, 0xa5a5a5a5a5a5a5a5ULL);
	EXPECT_EQ(stats(fd).delivered, 1);
}

static void broken_batch_copy_loses_nothing(void)
{
	int fd = open_context(0);
	struct htw_event event;
	struct copy copy;

	arm_in(fd, 0, 5);
	start_batch_copy(&copy, fd, 1);
	EXPECT_EQ(break_copy(&copy), -EFAULT);
	EXPECT_EQ(held(fd), 1);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 5);
	EXPECT_EQ(held(fd), 0);
}

/* In order, and in front of what has come meanwhile. */
static void broken_batch_copy_keeps_the_order(void)
{
	struct htw_event event;
	int fd = open_context(0), i;
	struct copy copy;

	pin_to_cpu(0);
	for (i = 0; i < 4; i++)
		arm_in(fd, (uint64_t)i * 5 * MSEC, (uint64_t)i);
	while (stats(fd).expired < 4)
		sleep_ns(MSEC);
	start_batch_copy(&copy, fd, 4);
	arm_in(fd, 0, 4);
	while (stats(fd).expired < 5)
		sleep_ns(MSEC);
	EXPECT_EQ(break_copy(&copy), -EFAULT);
	for (i = 0; i < 5; i++) {
		read_event(fd, &event);
		EXPECT_EQ(event.cookie, i);
	}
}

static void kill_of_a_batch_in_the_copy_loses_nothing(void)
{
	int fd = open_context(0), ready[2];
	struct htw_event event;
	struct copy copy;
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(pipe(ready), 0);
	arm_in(fd, 0, 5);
	pid = fork();
	if (!pid) {
		start_batch_copy(&copy, fd, 1);
		ASSERT_EQ(write(ready[1], &byte, 1), 1);
		pause();
	}
	close(ready[1]);
	ASSERT_EQ(read(ready[0], &byte, 1), 1);
	EXPECT_EQ(poll_context(fd, 0), 0);
	kill_child(pid);
	wait_readable(fd);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 5);
	EXPECT_EQ(held(fd), 0);
}

static void close_during_batch_copy(void)
{
	int fd = open_context(0);
	struct copy copy;

	arm_in(fd, 0, 5);
	arm_in(fd, HOUR, 0);
	start_batch_copy(&copy, fd, 1);
	close(fd);
	EXPECT_EQ(finish_copy(&copy), EVENT_SIZE);
	EXPECT_EQ(copied(&copy)->cookie, 5);
}

/* --- operations that can't be read --- */

/* @room operations, of which some are in the page that is watched. */
static void *do_from_page(void *arg)
{
	struct copy *copy = arg;
	struct htw_batch batch = {
		.ops = (uintptr_t)copy->page, .nr_ops = (uint32_t)copy->room };

	copy->len = do_batch(copy->fd, &batch);
	if (!copy->len)
		copy->len = batch.done;
	return NULL;
}

static void start_operations(struct copy *copy, int fd, size_t room)
{
	start_until_stopped(copy, fd, room, do_from_page);
}

/* Nobody holds a lock while they are read; all zeroes is no operation. */
static void operations_that_come_late_stop_nobody(void)
{
	int fd = open_context(0);
	struct htw_event event;
	struct copy copy;

	start_operations(&copy, fd, 3);
	arm_in(fd, 0, 5);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 5);
	EXPECT_EQ(finish_copy(&copy), 3);
	EXPECT_EQ(((struct htw_op *)copy.page)[2].res, -EOPNOTSUPP);
	EXPECT_EQ(held(fd), 0);
}

static void operations_that_never_come_efault(void)
{
	int fd = open_context(0);
	struct copy copy;

	start_operations(&copy, fd, 3);
	EXPECT_EQ(break_copy(&copy), -EFAULT);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(stats(fd).armed, 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(copy_ends_as_if_nothing_had_happened),
	KTAP_TEST(cancel_during_copy_ealready),
	KTAP_TEST(match_during_copy_takes_the_others),
	KTAP_TEST(rearm_during_copy_ealready),
	KTAP_TEST(periodic_cancelled_during_copy_is_gone),
	KTAP_TEST(periodic_rearmed_during_copy_has_both_events),
	KTAP_TEST(periodic_rearmed_and_expired_during_copy),
	KTAP_TEST(place_used_again_during_copy),
	KTAP_TEST(two_copies_of_one_timer),
	KTAP_TEST(two_copies_of_one_place),
	KTAP_TEST(other_reader_gets_another_event),
	KTAP_TEST(copy_stops_nobody_else),
	KTAP_TEST(broken_copy_loses_nothing),
	KTAP_TEST(broken_copy_wakes_who_waits),
	KTAP_TEST(next_of_a_burst_wakes_who_waits),
	KTAP_TEST(periodic_cancelled_then_broken_is_gone),
	KTAP_TEST(periodic_rearmed_then_broken_has_the_new_event),
	KTAP_TEST(kill_of_a_reader_in_the_copy_loses_nothing),
	KTAP_TEST(close_during_copy),
	KTAP_TEST(cancel_during_batch_copy_ealready),
	KTAP_TEST(ring_set_up_during_a_batch_has_the_events),
	KTAP_TEST(broken_batch_copy_loses_nothing),
	KTAP_TEST(broken_batch_copy_keeps_the_order),
	KTAP_TEST(kill_of_a_batch_in_the_copy_loses_nothing),
	KTAP_TEST(close_during_batch_copy),
	KTAP_TEST(operations_that_come_late_stop_nobody),
	KTAP_TEST(operations_that_never_come_efault),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("copying", tests, need_device));
}
