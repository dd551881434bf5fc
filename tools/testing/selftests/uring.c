// SPDX-License-Identifier: GPL-2.0
/*
 * Work that the kernel has for a task is no signal, although it ends waits like one: here
 * io_uring's, which has a poll to tell of. What is under way goes on, and is done whole.
 */
#include <linux/io_uring.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "ops.h"
#include "threads.h"

/* Room for all that a test has io_uring tell: it is told at the end of a call, once. */
#define MOST_TOLD	4096

/* Calls that have to have been pushed. */
#define ENOUGH		20

/**
 * struct pushed - this thread, which another one has the kernel push
 * @ring: of io_uring
 * @told: how often it was pushed
 * @fd: an eventfd, which @ring polls
 * @stop: the other one is to end
 */
static struct pushed {
	int		ring;
	const uint32_t	*told;
	int		fd;
	int		stop;
} pushed;

static void *map_ring(size_t size, off_t offset)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 pushed.ring, offset);

	ASSERT_NE(map, MAP_FAILED);
	return map;
}

/* The one thing that is asked of it: to tell whenever the eventfd is written. */
static void submit_poll(const struct io_uring_params *params)
{
	char *sq = map_ring(params->sq_off.array + sizeof(uint32_t), IORING_OFF_SQ_RING);
	struct io_uring_sqe *sqe = map_ring(sizeof(*sqe), IORING_OFF_SQES);

	*sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_POLL_ADD,
		.fd = pushed.fd,
		.poll_events = POLLIN,
		.len = IORING_POLL_ADD_MULTI,
	};
	*(uint32_t *)(sq + params->sq_off.array) = 0;
	store_shared((uint32_t *)(sq + params->sq_off.tail), 1);
	ASSERT_EQ(syscall(SYS_io_uring_enter, pushed.ring, 1, 0, 0, NULL, 0), 1);
}

static void open_ring(void)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE, .cq_entries = MOST_TOLD };
	char *cq;

	pushed.ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (pushed.ring < 0)
		ktap_skip("this kernel has no io_uring");
	pushed.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_GE(pushed.fd, 0);
	cq = map_ring(params.cq_off.cqes, IORING_OFF_CQ_RING);
	pushed.told = (uint32_t *)(cq + params.cq_off.tail);
	submit_poll(&params);
}

static void *push(void *unused)
{
	uint64_t one = 1;

	(void)unused;
	while (!load_shared(&pushed.stop)) {
		ASSERT_EQ(write(pushed.fd, &one, sizeof(one)), sizeof(one));
		sleep_ns(100 * 1000);
	}
	return NULL;
}

static pthread_t begin_to_push(void)
{
	open_ring();
	return start(push, NULL);
}

static void end_of_push(pthread_t thread)
{
	store_shared(&pushed.stop, 1);
	join(thread);
	ktap_note("pushed %u times", load_shared(pushed.told));
}

/* The batch is long enough for a push in the middle of it. */
static void pushed_batch_is_done_whole(void)
{
	int fd = open_context(0);
	uint32_t nr = 10000, i, told = 0;
	struct htw_op *ops = new_ops(nr);
	struct htw_batch batch;
	pthread_t thread;
	int err;

	for (i = 0; i < nr; i++)
		ops[i] = (struct htw_op){ .opcode = HTW_OP_CANCEL, .id = 1 };
	thread = begin_to_push();
	while (told < ENOUGH) {
		batch = (struct htw_batch){ .ops = (uintptr_t)ops, .nr_ops = nr };
		err = do_batch(fd, &batch);
		ASSERT_EQ(err, 0);
		ASSERT_EQ(batch.done, nr);
		told = load_shared(pushed.told);
	}
	end_of_push(thread);
}

static void pushed_advance_gets_there(void)
{
	int fd = open_virtual(1);
	uint64_t to = 0;
	pthread_t thread;

	thread = begin_to_push();
	while (load_shared(pushed.told) < ENOUGH) {
		uint64_t i;

		for (i = 0; i < 1000; i++)
			arm_at(fd, to + 1 + i, i);
		to += 1000;
		ASSERT_EQ(advance(fd, HTW_TIMER_ABS, to), to);
		while (poll_context(fd, 0)) {
			struct htw_event events[64];

			read_events(fd, events, 64);
		}
	}
	end_of_push(thread);
}

/* It is begun again, and ends by its time. */
static void pushed_wait_waits_on(void)
{
	struct htw_event event;
	struct htw_batch batch = {
		.events = (uintptr_t)&event, .nr_events = 1, .min_events = 1,
		.timeout = 100 * MSEC,
	};
	int fd = open_context(0);
	uint64_t one = 1;
	pid_t pid;

	open_ring();
	pid = fork();
	if (!pid) {
		sleep_ns(30 * MSEC);
		_exit(write(pushed.fd, &one, sizeof(one)) != sizeof(one));
	}
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.got, 0);
	expect_child_ok(pid);
	EXPECT_GE(load_shared(pushed.told), 1);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(pushed_batch_is_done_whole),
	KTAP_TEST(pushed_advance_gets_there),
	KTAP_TEST(pushed_wait_waits_on),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv, &KTAP_SUITE("uring", tests, need_device));
}
