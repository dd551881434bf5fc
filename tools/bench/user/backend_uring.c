// SPDX-License-Identifier: GPL-2.0
/*
 * Timeouts of io_uring, by system calls: submitted in batches; expiries, and what was
 * cancelled, come in the ring of completions.
 *
 * Where the kernel knows it (6.1 and later) completions are left to the calls of the
 * program, which is cheaper for it than being interrupted for each of them.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend.h"

#define MAX_COMPLETIONS	65536
#define DEFERRED	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

/* In user_data: an answer to a request that is not itself a timer. */
#define ANSWER		(1ULL << 63)

/**
 * struct uring - what it keeps
 * @fd: the descriptor
 * @ring: where both rings are mapped, and
 * @ring_len: how long that is
 * @sqes: requests, and
 * @sqes_len: how long that is
 * @cqes: completions
 * @sq_tail: of the ring of requests
 * @sq_mask: its size less 1
 * @cq_head: of the ring of completions
 * @cq_tail: the same
 * @cq_mask: its size less 1
 * @times: of each request in a batch
 */
struct uring {
	int				fd;
	char				*ring;
	size_t				ring_len;
	struct io_uring_sqe		*sqes;
	size_t				sqes_len;
	struct io_uring_cqe		*cqes;
	uint32_t			*sq_tail;
	uint32_t			sq_mask;
	uint32_t			*cq_head;
	uint32_t			*cq_tail;
	uint32_t			cq_mask;
	struct __kernel_timespec	*times;
};

static uint32_t power_of_two(uint32_t least)
{
	uint32_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

static int create(struct timers *t, struct uring *own, struct io_uring_params *params)
{
	uint32_t want = t->nr < MAX_COMPLETIONS ? power_of_two(t->nr) : MAX_COMPLETIONS;
	uint32_t entries = power_of_two(t->batch);
	uint32_t deferred = DEFERRED;

	for (;;) {
		*params = (struct io_uring_params){
			.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | deferred,
			.cq_entries = want < 2 * entries ? 2 * entries : want,
		};
		own->fd = (int)syscall(SYS_io_uring_setup, entries, params);
		if (own->fd >= 0)
			break;
		if (errno != EINVAL || !deferred)
			return backend_fail(t, errno,
					    "io_uring_setup; see the sysctl kernel.io_uring_disabled");
		deferred = 0;
	}
	if (params->sq_entries >= t->batch && (params->features & IORING_FEAT_SINGLE_MMAP) &&
	    (params->features & IORING_FEAT_CQE_SKIP))
		return 0;
	return backend_fail(t, EOPNOTSUPP, "io_uring takes batches of %u, and no more",
			    params->sq_entries);
}

static void *map(struct uring *own, size_t len, off_t offset)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			own->fd, offset);

	return at == MAP_FAILED ? NULL : at;
}

static int map_rings(struct timers *t, struct uring *own, const struct io_uring_params *params)
{
	size_t sq_len = params->sq_off.array + params->sq_entries * sizeof(uint32_t);
	size_t cq_len = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
	uint32_t *array, i;

	own->ring_len = sq_len > cq_len ? sq_len : cq_len;
	own->sqes_len = params->sq_entries * sizeof(struct io_uring_sqe);
	own->ring = map(own, own->ring_len, IORING_OFF_SQ_RING);
	own->sqes = map(own, own->sqes_len, IORING_OFF_SQES);
	if (!own->ring || !own->sqes)
		return backend_fail(t, errno, "mmap of an io_uring; see RLIMIT_MEMLOCK");

	own->sq_tail = (uint32_t *)(own->ring + params->sq_off.tail);
	own->sq_mask = params->sq_entries - 1;
	own->cq_head = (uint32_t *)(own->ring + params->cq_off.head);
	own->cq_tail = (uint32_t *)(own->ring + params->cq_off.tail);
	own->cq_mask = params->cq_entries - 1;
	own->cqes = (struct io_uring_cqe *)(own->ring + params->cq_off.cqes);
	array = (uint32_t *)(own->ring + params->sq_off.array);
	for (i = 0; i < params->sq_entries; i++)
		array[i] = i;
	return 0;
}

static int setup(struct timers *t)
{
	struct io_uring_params params;
	struct uring *own;
	int err;

	own = backend_alloc(t, 1, sizeof(*own));
	t->own = own;
	if (!own)
		return -ENOMEM;
	own->fd = -1;
	own->times = backend_alloc(t, t->batch, sizeof(*own->times));
	if (!own->times)
		return -ENOMEM;
	err = create(t, own, &params);
	return err ? err : map_rings(t, own, &params);
}

static void teardown(struct timers *t)
{
	struct uring *own = t->own;

	if (own->sqes)
		munmap(own->sqes, own->sqes_len);
	if (own->ring)
		munmap(own->ring, own->ring_len);
	if (own->fd >= 0)
		close(own->fd);
	free(own->times);
	free(own);
}

/* The request number @i of a batch. */
static struct io_uring_sqe *request(struct uring *own, unsigned int i, uint8_t opcode)
{
	struct io_uring_sqe *sqe = &own->sqes[(*own->sq_tail + i) & own->sq_mask];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = opcode;
	sqe->fd = -1;
	return sqe;
}

static uint64_t time_of(struct uring *own, unsigned int i, uint64_t when)
{
	own->times[i].tv_sec = (long long)(when / 1000000000);
	own->times[i].tv_nsec = (long long)(when % 1000000000);
	return (uintptr_t)&own->times[i];
}

/* Newer kernels hand out some completions per call: say how many there have to be. */
static int submit(struct timers *t, struct uring *own, unsigned int nr, unsigned int answers)
{
	long ret;

	__atomic_store_n(own->sq_tail, *own->sq_tail + nr, __ATOMIC_RELEASE);
	ret = syscall(SYS_io_uring_enter, own->fd, nr, answers, IORING_ENTER_GETEVENTS, NULL, 0);
	if (ret < 0)
		return backend_fail(t, errno, "io_uring_enter");
	if (ret != (long)nr)
		return backend_fail(t, EPROTO, "io_uring took %ld requests of %u", ret, nr);
	return 0;
}

static int arm_batch(struct timers *t, const uint32_t *timers, const uint64_t *when,
		     unsigned int nr)
{
	struct uring *own = t->own;
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		sqe = request(own, i, IORING_OP_TIMEOUT);
		sqe->addr = time_of(own, i, when[i]);
		sqe->len = 1;
		sqe->timeout_flags = IORING_TIMEOUT_ABS;
		sqe->user_data = timers[i];
	}
	return submit(t, own, nr, 0);
}

static int rearm_batch(struct timers *t, const uint32_t *timers, const uint64_t *when,
		       unsigned int nr)
{
	struct uring *own = t->own;
	struct io_uring_sqe *sqe;
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		sqe = request(own, i, IORING_OP_TIMEOUT_REMOVE);
		sqe->addr = timers[i];
		sqe->addr2 = time_of(own, i, when[i]);
		sqe->timeout_flags = IORING_TIMEOUT_UPDATE | IORING_TIMEOUT_ABS;
		sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
		sqe->user_data = ANSWER | timers[i];
	}
	err = submit(t, own, nr, 0);
	if (!err && *own->cq_head != __atomic_load_n(own->cq_tail, __ATOMIC_ACQUIRE))
		err = backend_fail(t, EPROTO, "io_uring: a timeout was not there to be updated");
	return err;
}

/* What is cancelled completes. */
static int reap_cancelled(struct timers *t, struct uring *own, unsigned int nr)
{
	uint32_t head = *own->cq_head;
	uint32_t ready = __atomic_load_n(own->cq_tail, __ATOMIC_ACQUIRE) - head;
	const struct io_uring_cqe *cqe;

	if (ready != nr)
		return backend_fail(t, EPROTO, "io_uring answered %u of %u times", ready, nr);
	while (nr--) {
		cqe = &own->cqes[head++ & own->cq_mask];
		if (cqe->res != -ECANCELED)
			return backend_fail(t, EPROTO, "io_uring answered %d", cqe->res);
	}
	__atomic_store_n(own->cq_head, head, __ATOMIC_RELEASE);
	return 0;
}

static int cancel_batch(struct timers *t, const uint32_t *timers, unsigned int nr)
{
	struct uring *own = t->own;
	struct io_uring_sqe *sqe;
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		sqe = request(own, i, IORING_OP_TIMEOUT_REMOVE);
		sqe->addr = timers[i];
		sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
		sqe->user_data = ANSWER | timers[i];
	}
	err = submit(t, own, nr, nr);
	return err ? err : reap_cancelled(t, own, nr);
}

static int arm(struct timers *t, uint32_t timer, uint64_t when)
{
	return arm_batch(t, &timer, &when, 1);
}

static int rearm(struct timers *t, uint32_t timer, uint64_t when)
{
	return rearm_batch(t, &timer, &when, 1);
}

static int cancel(struct timers *t, uint32_t timer)
{
	return cancel_batch(t, &timer, 1);
}

static int take_completions(struct timers *t, struct uring *own, uint32_t *expired,
			    unsigned int max)
{
	uint32_t head = *own->cq_head;
	uint32_t tail = __atomic_load_n(own->cq_tail, __ATOMIC_ACQUIRE);
	const struct io_uring_cqe *cqe;
	unsigned int got = 0;

	while (head != tail && got < max) {
		cqe = &own->cqes[head++ & own->cq_mask];
		if (cqe->res != -ETIME)
			return backend_fail(t, EPROTO, "io_uring answered %d", cqe->res);
		expired[got++] = (uint32_t)cqe->user_data;
	}
	__atomic_store_n(own->cq_head, head, __ATOMIC_RELEASE);
	return (int)got;
}

static int get_completions(struct timers *t, struct uring *own, bool wait)
{
	struct __kernel_timespec patience = { .tv_sec = BACKEND_PATIENCE_NS / 1000000000 };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&patience };
	long ret;

	ret = syscall(SYS_io_uring_enter, own->fd, 0, wait ? 1 : 0,
		      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg));
	if (ret < 0 && errno != EINTR)
		return backend_fail(t, errno, "io_uring_enter: no timer has expired");
	return 0;
}

static int collect(struct timers *t, uint32_t *expired, unsigned int max, bool wait)
{
	struct uring *own = t->own;
	int ret = take_completions(t, own, expired, max);
	int err;

	while (!ret) {
		err = get_completions(t, own, wait);
		if (err)
			return err;
		ret = take_completions(t, own, expired, max);
		if (!wait)
			break;
	}
	return ret;
}

const struct backend backend_uring = {
	.name = "io_uring",
	.what = "timeouts of io_uring_enter(2)",
	.setup = setup,
	.teardown = teardown,
	.arm = arm,
	.rearm = rearm,
	.cancel = cancel,
	.arm_batch = arm_batch,
	.rearm_batch = rearm_batch,
	.cancel_batch = cancel_batch,
	.collect = collect,
};
