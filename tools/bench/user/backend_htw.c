// SPDX-License-Identifier: GPL-2.0
/*
 * htw: one context, whose events are read, or come with a batch, or in the ring. The
 * cookie of a timer is its number.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/htw.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"

#define MAX_EVENTS	1024

/**
 * struct context - what it keeps
 * @fd: the descriptor
 * @ids: of the timers
 * @ops: room for a batch
 * @events: room for events, if there is no ring
 * @setup: what HTW_IOC_SETUP has said
 * @ring: the ring, or NULL
 * @ctl: what it is told
 * @words: deadline words, or NULL
 */
struct context {
	int			fd;
	uint64_t		*ids;
	struct htw_op		*ops;
	struct htw_event	events[MAX_EVENTS];
	struct htw_setup	setup;
	struct htw_ring		*ring;
	struct htw_ctl		*ctl;
	uint64_t		*words;
};

static const char *device_path(void)
{
	const char *path = getenv("HTW_DEVICE");

	return path && *path ? path : "/dev/htw";
}

static int open_device(struct timers *t, struct context *own)
{
	struct htw_query query = { 0 };

	own->fd = open(device_path(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (own->fd < 0)
		return backend_fail(t, errno, "%s; is the module loaded?", device_path());
	if (ioctl(own->fd, HTW_IOC_QUERY, &query))
		return backend_fail(t, errno, "%s: HTW_IOC_QUERY", device_path());
	if (query.max_file < t->nr)
		return backend_fail(t, ENOSPC,
				    "%u timers, but a file may have %llu: see the parameter max_timers",
				    t->nr, (unsigned long long)query.max_file);
	if (query.max_batch && query.max_batch < t->batch)
		return backend_fail(t, EINVAL, "batches of %u, but they may have %u operations",
				    t->batch, query.max_batch);
	return 0;
}

static int open_context(struct timers *t)
{
	struct context *own = backend_alloc(t, 1, sizeof(*own));

	t->own = own;
	if (!own)
		return -ENOMEM;
	own->fd = -1;
	own->ids = backend_alloc(t, t->nr, sizeof(*own->ids));
	own->ops = backend_alloc(t, t->batch, sizeof(*own->ops));
	if (!own->ids || !own->ops)
		return -ENOMEM;
	return open_device(t, own);
}

static void *map(struct timers *t, struct context *own, int prot, uint64_t offset, uint64_t len)
{
	void *at = mmap(NULL, len, prot, MAP_SHARED | MAP_POPULATE, own->fd, (off_t)offset);

	if (at != MAP_FAILED)
		return at;
	backend_fail(t, errno, "mmap of %s at %llu", device_path(), (unsigned long long)offset);
	return NULL;
}

/* What the context shares with its program. */
static int map_all(struct timers *t, struct context *own)
{
	const struct htw_setup *setup = &own->setup;

	if (setup->ring_entries) {
		own->ring = map(t, own, PROT_READ, setup->ring_off, setup->ring_len);
		if (!own->ring)
			return -ENOMEM;
		own->ctl = map(t, own, PROT_READ | PROT_WRITE, setup->ctl_off, setup->ctl_len);
		if (!own->ctl)
			return -ENOMEM;
	}
	if (t->words) {
		own->words = map(t, own, PROT_READ | PROT_WRITE, setup->words_off,
				 setup->words_len);
		if (!own->words)
			return -ENOMEM;
	}
	return 0;
}

static int set_up(struct timers *t, uint32_t ring_entries)
{
	int err = open_context(t);
	struct context *own = t->own;

	if (err || (!ring_entries && !t->words))
		return err;
	own->setup = (struct htw_setup){
		.flags = t->words ? HTW_SETUP_WORDS : 0,
		.clock = CLOCK_MONOTONIC,
		.ring_entries = ring_entries,
		.max_timers = t->nr,
	};
	if (ioctl(own->fd, HTW_IOC_SETUP, &own->setup))
		return backend_fail(t, errno, "%s: HTW_IOC_SETUP", device_path());
	return map_all(t, own);
}

static int setup(struct timers *t)
{
	return set_up(t, 0);
}

/* As large as it may be, up to an entry for each timer. */
static int setup_ring(struct timers *t)
{
	struct htw_query query = { 0 };
	uint32_t entries = 1;
	int fd = open(device_path(), O_RDWR | O_CLOEXEC);
	int err = fd < 0 || ioctl(fd, HTW_IOC_QUERY, &query) ? errno : 0;

	if (fd >= 0)
		close(fd);
	if (err)
		return backend_fail(t, err, "%s; is the module loaded?", device_path());
	if (!query.max_ring)
		return backend_fail(t, EOPNOTSUPP, "this module has no rings");
	while (entries < t->nr && entries * 2 <= query.max_ring)
		entries *= 2;
	return set_up(t, entries);
}

static void teardown(struct timers *t)
{
	struct context *own = t->own;

	if (own->words)
		munmap(own->words, own->setup.words_len);
	if (own->ctl)
		munmap(own->ctl, own->setup.ctl_len);
	if (own->ring)
		munmap(own->ring, own->setup.ring_len);
	if (own->fd >= 0)
		close(own->fd);
	free(own->ops);
	free(own->ids);
	free(own);
}

static struct htw_op op_arm(const struct timers *t, uint32_t timer, uint64_t when)
{
	return (struct htw_op){
		.opcode = HTW_OP_ARM,
		.flags = HTW_TIMER_ABS | (t->words ? HTW_TIMER_WORD : 0),
		.expires = when,
		.cookie = timer,
	};
}

static struct htw_op op_rearm(const struct timers *t, const struct context *own,
			      uint32_t timer, uint64_t when)
{
	struct htw_op op = op_arm(t, timer, when);

	op.opcode = HTW_OP_REARM;
	op.id = own->ids[timer];
	return op;
}

static struct htw_op op_cancel(const struct context *own, uint32_t timer)
{
	return (struct htw_op){ .opcode = HTW_OP_CANCEL, .id = own->ids[timer] };
}

static int do_op(struct timers *t, const struct context *own, struct htw_op *op,
		 const char *what)
{
	if (ioctl(own->fd, HTW_IOC_OP, op))
		return backend_fail(t, errno, "HTW_IOC_OP: %s", what);
	return 0;
}

static int arm(struct timers *t, uint32_t timer, uint64_t when)
{
	struct context *own = t->own;
	struct htw_op op = op_arm(t, timer, when);
	int err = do_op(t, own, &op, "arm");

	own->ids[timer] = op.id;
	return err;
}

static int rearm(struct timers *t, uint32_t timer, uint64_t when)
{
	struct context *own = t->own;
	struct htw_op op = op_rearm(t, own, timer, when);

	return do_op(t, own, &op, "re-arm");
}

static int cancel(struct timers *t, uint32_t timer)
{
	struct context *own = t->own;
	struct htw_op op = op_cancel(own, timer);
	int err = do_op(t, own, &op, "cancel");

	if (!err && op.res != HTW_CANCELLED)
		err = backend_fail(t, EPROTO, "HTW_OP_CANCEL answered %d", op.res);
	return err;
}

/* A signal, or work that the kernel has for this task, can end a batch early. */
static int submit(struct timers *t, struct context *own, unsigned int nr, const char *what)
{
	struct htw_batch batch = { 0 };
	unsigned int done;

	for (done = 0; done < nr; done += batch.done) {
		batch.ops = (uintptr_t)(own->ops + done);
		batch.nr_ops = nr - done;
		batch.done = 0;
		if (ioctl(own->fd, HTW_IOC_BATCH, &batch) && errno != EINTR)
			return backend_fail(t, errno, "HTW_IOC_BATCH of %u: %s", nr, what);
	}
	return 0;
}

/* All operations in @own->ops, each of which must answer @res. */
static int do_batch(struct timers *t, struct context *own, unsigned int nr, int res,
		    const char *what)
{
	int err = submit(t, own, nr, what);
	unsigned int i;

	for (i = 0; i < nr && !err; i++)
		if (own->ops[i].res != res)
			err = backend_fail(t, own->ops[i].res < 0 ? -own->ops[i].res : EPROTO,
					   "%s number %u of a batch answered %d", what, i,
					   own->ops[i].res);
	return err;
}

static int arm_batch(struct timers *t, const uint32_t *timers, const uint64_t *when,
		     unsigned int nr)
{
	struct context *own = t->own;
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++)
		own->ops[i] = op_arm(t, timers[i], when[i]);
	err = do_batch(t, own, nr, 0, "arm");
	for (i = 0; i < nr && !err; i++)
		own->ids[timers[i]] = own->ops[i].id;
	return err;
}

static int rearm_batch(struct timers *t, const uint32_t *timers, const uint64_t *when,
		       unsigned int nr)
{
	struct context *own = t->own;
	unsigned int i;

	for (i = 0; i < nr; i++)
		own->ops[i] = op_rearm(t, own, timers[i], when[i]);
	return do_batch(t, own, nr, 0, "re-arm");
}

static int cancel_batch(struct timers *t, const uint32_t *timers, unsigned int nr)
{
	struct context *own = t->own;
	unsigned int i;

	for (i = 0; i < nr; i++)
		own->ops[i] = op_cancel(own, timers[i]);
	return do_batch(t, own, nr, HTW_CANCELLED, "cancel");
}

static int push(struct timers *t, uint32_t timer, uint64_t when)
{
	struct context *own = t->own;

	__atomic_store_n(&own->words[HTW_WORD_INDEX(own->ids[timer])], when, __ATOMIC_RELAXED);
	return 0;
}

static int take_events(const struct context *own, uint32_t *expired, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		expired[i] = (uint32_t)own->events[i].cookie;
	return (int)nr;
}

/* A batch of no operations, which waits, and fetches what waits outside of a ring. */
static int get_events(struct timers *t, const struct context *own, unsigned int room,
		      bool wait)
{
	struct htw_batch batch = {
		.events = room ? (uintptr_t)own->events : 0,
		.nr_events = room,
		.min_events = wait,
		.timeout = wait ? BACKEND_PATIENCE_NS : 0,
	};

	while (ioctl(own->fd, HTW_IOC_BATCH, &batch))
		if (errno != EINTR)
			return backend_fail(t, errno, "HTW_IOC_BATCH for events");
	if (wait && !batch.got)
		return backend_fail(t, ETIME, "HTW_IOC_BATCH: no timer has expired");
	return (int)batch.got;
}

static int collect_batch(struct timers *t, uint32_t *expired, unsigned int max, bool wait)
{
	const struct context *own = t->own;
	int ret = get_events(t, own, max < MAX_EVENTS ? max : MAX_EVENTS, wait);

	return ret < 0 ? ret : take_events(own, expired, (unsigned int)ret);
}

static int wait_readable(struct timers *t, const struct context *own)
{
	struct pollfd pfd = { .fd = own->fd, .events = POLLIN };
	int ret = poll(&pfd, 1, (int)(BACKEND_PATIENCE_NS / 1000000));

	if (ret > 0 || (ret < 0 && errno == EINTR))
		return 0;
	return backend_fail(t, ret ? errno : ETIME, "poll: no timer has expired");
}

static int collect_read(struct timers *t, uint32_t *expired, unsigned int max, bool wait)
{
	struct context *own = t->own;
	size_t room = (max < MAX_EVENTS ? max : MAX_EVENTS) * sizeof(struct htw_event);
	ssize_t len;
	int err;

	for (;;) {
		len = read(own->fd, own->events, room);
		if (len > 0)
			return take_events(own, expired,
					   (unsigned int)len / sizeof(struct htw_event));
		if (errno != EAGAIN && errno != EINTR)
			return backend_fail(t, errno, "read of %s", device_path());
		if (!wait)
			return 0;
		err = wait_readable(t, own);
		if (err)
			return err;
	}
}

static int take_ring(const struct context *own, uint32_t *expired, unsigned int max)
{
	const struct htw_ring *ring = own->ring;
	const char *events = (const char *)ring + own->setup.event_off;
	uint32_t mask = own->setup.ring_entries - 1;
	uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	uint32_t head = own->ctl->head;
	const struct htw_event *event;
	unsigned int got = 0;

	while (head != tail && got < max) {
		event = (const void *)(events + (size_t)(head++ & mask) * own->setup.event_size);
		expired[got++] = (uint32_t)event->cookie;
	}
	__atomic_store_n(&own->ctl->head, head, __ATOMIC_RELEASE);
	return (int)got;
}

static bool is_stalled(const struct context *own)
{
	/* Whoever stalls the ring looks at the head once more: see struct htw_ring. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&own->ring->flags, __ATOMIC_RELAXED) & HTW_RING_STALLED;
}

static int collect_ring(struct timers *t, uint32_t *expired, unsigned int max, bool wait)
{
	struct context *own = t->own;
	int ret = take_ring(own, expired, max);
	bool stalled = is_stalled(own);
	int err = 0;

	if (stalled || (!ret && wait))
		err = get_events(t, own, 0, !ret && wait);
	if (err < 0)
		return err;
	return ret ? ret : take_ring(own, expired, max);
}

/**
 * backend_htw_fd() - the descriptor of a context
 * @t: timers of one of the backends of htw
 *
 * Return: the descriptor, which stays that of @t.
 */
int backend_htw_fd(const struct timers *t)
{
	const struct context *own = t->own;

	return own->fd;
}

const struct backend backend_htw = {
	.name = "htw",
	.what = "ioctl(2) of /dev/htw",
	.setup = setup,
	.teardown = teardown,
	.arm = arm,
	.rearm = rearm,
	.cancel = cancel,
	.arm_batch = arm_batch,
	.rearm_batch = rearm_batch,
	.cancel_batch = cancel_batch,
	.push = push,
	.collect = collect_batch,
};

const struct backend backend_htw_read = {
	.name = "htw_read",
	.what = "the same, and read(2) for events",
	.setup = setup,
	.teardown = teardown,
	.arm = arm,
	.rearm = rearm,
	.cancel = cancel,
	.arm_batch = arm_batch,
	.rearm_batch = rearm_batch,
	.cancel_batch = cancel_batch,
	.push = push,
	.collect = collect_read,
};

const struct backend backend_htw_ring = {
	.name = "htw_ring",
	.what = "the same, and a ring for events",
	.setup = setup_ring,
	.teardown = teardown,
	.arm = arm,
	.rearm = rearm,
	.cancel = cancel,
	.arm_batch = arm_batch,
	.rearm_batch = rearm_batch,
	.cancel_batch = cancel_batch,
	.push = push,
	.collect = collect_ring,
};
