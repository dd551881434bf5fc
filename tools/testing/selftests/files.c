// SPDX-License-Identifier: GPL-2.0
/*
 * The open file: descriptors that are shared, inherited, passed on and closed,
 * programs that are killed in the middle of something, and what a context is not.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "mapped.h"
#include "ops.h"
#include "waiting.h"

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
		execl("/proc/self/exe", "files", NULL);
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

	wait_until_it_sleeps();
	arm_in(fd, 50 * MSEC, 7);
	close(fd);
	ASSERT_EQ(pthread_join(thread, &event), 0);
	EXPECT_EQ(((struct htw_event *)event)->cookie, 7);
	EXPECT_ERRNO(fcntl(fd, F_GETFD), EBADF);
}

static void *collect_one(void *arg)
{
	struct htw_event *event = malloc(sizeof(*event));

	ASSERT_TRUE(event);
	EXPECT_EQ(collect(*(int *)arg, event, 1, 1, HTW_FOREVER), 1);
	return event;
}

static void close_during_batch_lets_it_finish(void)
{
	int fd = open_context(0), fd_of_waiter = fd;
	pthread_t thread = start(collect_one, &fd_of_waiter);
	struct htw_event *event;

	wait_until_it_sleeps();
	arm_in(fd, 50 * MSEC, 7);
	close(fd);
	event = join(thread);
	EXPECT_EQ(event->cookie, 7);
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

/* Killed while it waits for more events than there are: it has had none of them. */
static void kill_in_the_wait_of_a_batch_loses_nothing(void)
{
	int fd = open_context(0), i;
	struct htw_event events[2];
	pid_t pid;

	arm_in(fd, 0, 8);
	wait_readable(fd);
	for (i = 0; i < 5; i++) {
		pid = fork();
		if (!pid) {
			collect(fd, events, 2, 2, HTW_FOREVER);
			_exit(0);
		}
		sleep_ns(20 * MSEC);
		kill_child(pid);
		ASSERT_EQ(held(fd), 1);
	}
	read_event(fd, events);
	EXPECT_EQ(events[0].cookie, 8);
}

/* Arms and cancels in large batches until it is killed. */
static void batch_forever(int fd)
{
	enum { NR = 1000 };
	struct htw_op *arms = new_ops(NR), *cancels = new_ops(NR);
	int i;

	for (;;) {
		for (i = 0; i < NR; i++)
			arms[i] = (struct htw_op){
				.opcode = HTW_OP_ARM, .expires = HOUR };
		do_ops(fd, arms, NR);
		for (i = 0; i < NR; i++)
			cancels[i] = (struct htw_op){
				.opcode = HTW_OP_CANCEL, .id = arms[i].id };
		do_ops(fd, cancels, NR);
	}
}

/* Killed in the middle of one: all that it has armed is there, and nothing else. */
static void kill_in_a_batch_leaves_whole_timers(void)
{
	struct htw_op all = { .opcode = HTW_OP_CANCEL_MATCH };
	struct htw_context_stats s;
	int fd = open_context(0), i;
	pid_t pid;

	for (i = 0; i < 10; i++) {
		pid = fork();
		if (!pid)
			batch_forever(fd);
		sleep_ns((uint64_t)i * 7 * MSEC);
		kill_child(pid);
	}
	s = stats(fd);
	EXPECT_EQ(held(fd), s.armed - s.cancelled);
	EXPECT_EQ(do_op(fd, &all), 0);
	EXPECT_EQ(all.res, s.armed - s.cancelled);
	EXPECT_EQ(held(fd), 0);
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

/* --- the module --- */

static void expect_module_in_use(void)
{
	EXPECT_ERRNO(syscall(SYS_delete_module, "htw", O_NONBLOCK), EAGAIN);
}

/* A descriptor or a mapping: either holds it. */
static void module_stays_while_a_file_is_open(void)
{
	struct mapped m;
	int fd;

	if (geteuid())
		ktap_skip("only root can try to unload a module");
	fd = open_context(0);
	expect_module_in_use();
	open_ring(&m, 8);
	close(fd);
	expect_module_in_use();
	arm_in(m.fd, 10 * MSEC, 5);
	close(m.fd);
	expect_module_in_use();
	while (!ring_tail(&m))
		sleep_ns(MSEC);
	EXPECT_EQ(ring_event(&m, 0)->cookie, 5);
}

/* --- what is chosen once --- */

static void setup_after_the_first_timer_ebusy(void)
{
	struct htw_setup setup = { .clock = CLOCK_BOOTTIME }, again = setup;
	int fd = open_context(0);
	uint64_t id = arm_in(fd, HOUR, 0);

	EXPECT_EQ(do_setup(fd, &setup), -EBUSY);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	EXPECT_EQ(do_setup(fd, &again), -EBUSY);
}

/* For all who have the file: the child's choice is the parent's. */
static void setup_is_of_the_file_and_once(void)
{
	struct htw_setup setup = { .clock = CLOCK_MONOTONIC, .max_timers = 3 };
	struct htw_setup again = setup;
	int fd = open_context(0);
	pid_t pid = fork();

	if (!pid) {
		EXPECT_EQ(do_setup(fd, &setup), 0);
		_exit(0);
	}
	expect_child_ok(pid);
	EXPECT_EQ(query(fd).max_file, 3);
	EXPECT_EQ(do_setup(fd, &again), -EBUSY);
}

static void *arm_one(void *fd)
{
	struct htw_op op = { .opcode = HTW_OP_ARM, .expires = HOUR };

	ASSERT_EQ(do_op(*(int *)fd, &op), 0);
	return NULL;
}

/* Either the timer is of the new kind of context, or there is no new kind. */
static void setup_against_arm_has_one_winner(void)
{
	struct htw_setup setup;
	int fd, round, ret, won = 0;
	pthread_t thread;

	for (round = 0; round < 300; round++) {
		setup = (struct htw_setup){ .clock = CLOCK_MONOTONIC,
					    .ring_entries = 4 };
		fd = open_context(O_NONBLOCK);
		thread = start(arm_one, &fd);
		sleep_ns((uint64_t)(round % 5) * 20 * USEC);
		ret = do_setup(fd, &setup);
		if (ret)
			EXPECT_EQ(ret, -EBUSY);
		join(thread);
		won += !ret;
		EXPECT_EQ(held(fd), 1);
		/* Only a context with a ring refuses to be read. */
		EXPECT_ERRNO(read(fd, &(struct htw_event){ 0 }, EVENT_SIZE),
			     ret ? EAGAIN : EBUSY);
		close(fd);
	}
	ktap_note("setup came first %d times of %d", won, round);
}

static const struct ktap_test tests[] = {
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
	KTAP_TEST(close_during_batch_lets_it_finish),
	KTAP_TEST(close_removes_it_from_epoll),
	KTAP_TEST(kill_of_a_reader_loses_nothing),
	KTAP_TEST(kill_ends_the_timers),
	KTAP_TEST(kill_in_the_wait_of_a_batch_loses_nothing),
	KTAP_TEST(kill_in_a_batch_leaves_whole_timers),
	KTAP_TEST(many_contexts_at_once),
	KTAP_TEST(lseek_espipe),
	KTAP_TEST(write_einval),
	KTAP_TEST(write_to_read_only_ebadf),
	KTAP_TEST(read_of_write_only_ebadf),
	KTAP_TEST(module_stays_while_a_file_is_open),
	KTAP_TEST(setup_after_the_first_timer_ebusy),
	KTAP_TEST(setup_is_of_the_file_and_once),
	KTAP_TEST(setup_against_arm_has_one_winner),
};

int main(int argc, char **argv)
{
	const char *number = getenv(LOOK_AT);

	if (number)
		return look_at_descriptor(number);
	return ktap_main(argc, argv,
			 &KTAP_SUITE("files", tests, need_device));
}
