// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of a program, each as a function: it puts the arguments where they are to
 * be, makes the system call, and gives what comes back to the oracle.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../selftests/context.h"
#include "actor.h"

/* --- descriptors --- */

/* The number of a descriptor, and of its context above it; -1 for none. */
static int64_t slots[MAX_SLOTS];

/* No number is used twice: what another thread has closed is nothing else by now. */
static int next_fd;

/**
 * slots_open() - there are no descriptors yet
 */
void slots_open(void)
{
	memset(slots, 0xff, sizeof(slots));
	next_fd = 64;
}

/**
 * slot_handle() - the descriptor in a slot
 * @slot: number of the slot
 *
 * Return: it, with what is known of its context; -1 and NULL if there is none.
 */
struct handle slot_handle(uint64_t slot)
{
	int64_t value = -1;

	if (slot < MAX_SLOTS)
		value = __atomic_load_n(&slots[slot], __ATOMIC_SEQ_CST);
	return (struct handle){
		.fd = (int)value,
		.context = value < 0 ? NULL : &run->contexts[value >> 32] };
}

static long close_slot(uint64_t slot)
{
	int64_t old;

	if (slot >= MAX_SLOTS)
		return -EBADF;
	old = __atomic_exchange_n(&slots[slot], -1, __ATOMIC_SEQ_CST);
	return close((int)old) ? -errno : 0;
}

/* Takes over @fd. */
static long fill_slot(uint64_t slot, int fd, uint64_t context)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC,
			 __atomic_fetch_add(&next_fd, 1, __ATOMIC_SEQ_CST));
	int64_t old;

	close(fd);
	if (high < 0)
		return -EBADF;
	old = __atomic_exchange_n(&slots[slot % MAX_SLOTS],
				  (int64_t)(context << 32 | (uint32_t)high),
				  __ATOMIC_SEQ_CST);
	if (old >= 0)
		close((int)old);
	return 0;
}

static uint64_t number_of(const struct context *context)
{
	return (uint64_t)(context - run->contexts);
}

/* --- faults on order --- */

/* The frame of a signal is a copy as well, and must not be the one that fails. */
static void block_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(how, &set, NULL);
}

/*
 * Not for a call that may wait, which only a signal would end; and where the kernel has
 * no fault injection there is no such file. Returns what to give to cancel_fault().
 */
static int order_fault(const struct actor *actor, bool waits)
{
	int fd;

	if (!actor->fail || waits)
		return -1;
	fd = open("/proc/thread-self/fail-nth", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	block_signals(SIG_BLOCK);
	if (dprintf(fd, "%u", actor->fail % 64) < 0)
		oracle_fail("fail-nth can't be written");
	return fd;
}

/* Nothing that comes later may fail; if it is this itself, that was the one. */
static void cancel_fault(int fd)
{
	int err = errno;

	if (fd < 0)
		return;
	while (write(fd, "0", 1) < 0)
		;
	close(fd);
	block_signals(SIG_UNBLOCK);
	errno = err;
}

static long request_that(const struct actor *actor, int fd, unsigned long nr, void *argument,
			 bool waits)
{
	int order = order_fault(actor, waits);
	int ret = ioctl(fd, nr, argument);

	cancel_fault(order);
	return ret < 0 ? -errno : ret;
}

static long request(const struct actor *actor, int fd, unsigned long nr, void *argument)
{
	return request_that(actor, fd, nr, argument, false);
}

/* --- files --- */

long call_open(struct actor *actor, const struct open_args *args)
{
	int flags = (int)args->flags & (O_ACCMODE | O_NONBLOCK);
	int order = order_fault(actor, false);
	int fd = open(device_path(), flags | O_CLOEXEC);
	uint64_t context;

	cancel_fault(order);
	if (fd < 0)
		return -errno;
	context = __atomic_fetch_add(&run->nr_contexts, 1, __ATOMIC_SEQ_CST);
	if (context >= MAX_CONTEXTS) {
		close(fd);
		return 0;
	}
	return fill_slot(args->slot, fd, context);
}

long call_dup(struct actor *actor, const struct dup_args *args)
{
	struct handle handle = slot_handle(args->fd);
	int fd = dup(handle.fd);

	(void)actor;
	if (fd < 0)
		return -errno;
	return fill_slot(args->slot, fd, number_of(handle.context));
}

/* Room for one descriptor on its way. */
union control {
	struct cmsghdr	header;
	char		room[CMSG_SPACE(sizeof(int))];
};

static bool send_fd(int to, int fd)
{
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union control control = { .room = "" };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(to, &msg, MSG_DONTWAIT) == 1;
}

static int receive_fd(int from)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(from, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) == 1 &&
	    msg.msg_controllen)
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* By SCM_RIGHTS to itself; with the slot 3 it stays on the way and is never received. */
long call_pass(struct actor *actor, const struct pass_args *args)
{
	struct handle handle = slot_handle(args->fd);
	int pair[2], fd = -1;

	(void)actor;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return 0;
	if (handle.context && send_fd(pair[0], handle.fd) && args->slot != MAX_SLOTS - 1)
		fd = receive_fd(pair[1]);
	close(pair[0]);
	close(pair[1]);
	return fd < 0 ? 0 : fill_slot(args->slot, fd, number_of(handle.context));
}

long call_close(struct actor *actor, const struct close_args *args)
{
	(void)actor;
	return close_slot(args->fd);
}

long call_fcntl(struct actor *actor, const struct fcntl_args *args)
{
	int fd = slot_handle(args->fd).fd;
	int flags = (int)args->flags & O_NONBLOCK;

	(void)actor;
	if (args->flags & 1)
		flags |= O_ASYNC;
	fcntl(fd, F_SETOWN, getpid());
	return fcntl(fd, F_SETFL, flags) ? -errno : 0;
}

long call_fdinfo(struct actor *actor, const struct fdinfo_args *args)
{
	char text[4096];
	ssize_t len;
	int fd;

	(void)actor;
	snprintf(text, sizeof(text), "/proc/self/fdinfo/%d",
		 slot_handle(args->fd).fd);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	return len < 0 ? -errno : 0;
}

/* --- arguments --- */

/* Puts an argument where it is to be; not being able to is up to the kernel as well. */
static struct place put(const struct actor *actor, enum part part, uint64_t mem,
			const void *argument, size_t size)
{
	struct place place = memory_place(actor->nr, part, mem, size);

	memory_copy(place.alias ? place.alias : place.address, argument, size);
	return place;
}

/* What is there now. */
static bool get(const struct place *place, void *argument, size_t size)
{
	return memory_copy(argument, place->alias ? place->alias : place->address, size);
}

/* As memory that nobody else can write to it stays as it is when the call fails. */
static void expect_same(const struct place *place, const void *argument, size_t size,
			const char *what)
{
	if (place->alias && memcmp(place->alias, argument, size))
		oracle_fail("%s failed, and has changed its argument", what);
}

static uint64_t clock_now(const struct handle *handle)
{
	const struct context *context = handle->context;
	struct htw_batch batch = { 0 };

	if (!context)
		return 0;
	if (!context->setup.size)
		return clock_ns(CLOCK_MONOTONIC);
	if (context->setup.clock != HTW_CLOCK_VIRTUAL)
		return clock_ns((clockid_t)context->setup.clock);
	/* Another thread can have closed it. */
	return ioctl(handle->fd, HTW_IOC_BATCH, &batch) ? INT64_MAX : batch.now;
}

/* Of the n-th timer of the context, or the id itself. */
static uint64_t id_of(const struct context *context, uint64_t timer)
{
	if (timer >= MAX_TIMERS)
		return timer;
	return context ? context->timers[timer].id : 0;
}

static struct htw_op op_of(const struct handle *handle, const struct op_args *args)
{
	struct htw_op op = {
		.opcode = (uint16_t)args->opcode,
		.flags = (uint16_t)args->flags,
		.count = (uint32_t)args->count,
		.expires = args->expires,
		.interval = args->interval,
		.slack = args->slack,
		.cookie = args->cookie,
		.value = args->value,
	};

	if (args->at == 1)
		op.expires += clock_now(handle);
	/* Arming takes no id, but it has to be told so at times. */
	if (args->opcode == HTW_OP_REARM || args->opcode == HTW_OP_CANCEL ||
	    args->opcode == HTW_OP_REMAINING || args->timer >= MAX_TIMERS)
		op.id = id_of(handle->context, args->timer);
	if (handle->context && (op.flags & HTW_TIMER_DEADLINE))
		handle->context->early = true;
	return op;
}

/* --- operations --- */

static void add_untold(struct context *context, uint64_t nr)
{
	if (context)
		__atomic_add_fetch(&context->untold, nr, __ATOMIC_SEQ_CST);
}

/* The next event of a ring, if there is one, has this number. */
static bool find_tail(int fd, uint32_t *tail)
{
	struct htw_context_stats stats = { 0 };

	if (ioctl(fd, HTW_IOC_STATS, &stats))
		return false;
	*tail = (uint32_t)stats.delivered;
	return true;
}

static void check_op(const struct handle *handle, const struct htw_op *before,
		     const struct htw_op *after, int err)
{
	uint32_t tail;

	oracle_op(handle->context, before, after, err);
	if (!err && after->opcode == HTW_OP_CANCEL && find_tail(handle->fd, &tail))
		oracle_cancelled(handle->context, after->id, tail);
}

long call_op(struct actor *actor, const struct op_args *args)
{
	struct handle handle = slot_handle(args->fd);
	struct htw_op before = op_of(&handle, args), after;
	struct place place = put(actor, PART_ARGUMENT, args->mem, &before, sizeof(before));
	long err = request(actor, handle.fd, HTW_IOC_OP, place.address);

	if (err == -EFAULT || err == -EBADF) {
		add_untold(handle.context, 1);
		expect_same(&place, &before, sizeof(before), "operation");
		return err;
	}
	if (place.alias && get(&place, &after, sizeof(after)))
		check_op(&handle, &before, &after, (int)err);
	else
		add_untold(handle.context, 1);
	return err;
}

enum { MOST_EVENTS = 64 };

/* So that it is seen what was written. */
static struct place put_events(const struct actor *actor, uint64_t mem, uint64_t size)
{
	char pattern[MOST_EVENTS * sizeof(struct htw_event)];

	if (size > sizeof(pattern))
		size = sizeof(pattern);
	memset(pattern, 0xa5, sizeof(pattern));
	return put(actor, PART_EVENTS, mem, pattern, size);
}

static void check_events(const struct handle *handle, const struct place *place,
			 uint64_t got, uint64_t room)
{
	uint64_t seen = room < MOST_EVENTS ? room : MOST_EVENTS;
	struct htw_event events[MOST_EVENTS];

	if (got > room)
		oracle_fail("%llu events where there is room for %llu",
			    (unsigned long long)got, (unsigned long long)room);
	if (!place->alias || !get(place, events, seen * sizeof(events[0])))
		return;
	/* Of one that did not fit before a hole the first part can be there. */
	if (place->whole && got < seen && *(unsigned char *)&events[got] != 0xa5)
		oracle_fail("what is behind the events was written");
	oracle_events(handle->context, events, got < seen ? got : seen,
		      clock_now(handle));
}

/* The calls "op" that follow belong to it. */
static uint32_t collect_ops(const struct actor *actor, const struct handle *handle,
			    const struct batch_args *args, struct htw_op *ops)
{
	const struct program *program = actor->program;
	uint32_t n = 0, i = actor->at + 1;

	for (; i < program->nr && n < args->nr && program->calls[i].kind == CALL_op; i++)
		ops[n++] = op_of(handle, &program->calls[i].op);
	return n;
}

/* With a ring there is no room for events, but at times. */
static struct htw_batch batch_of(const struct handle *handle,
				 const struct batch_args *args, uint32_t nr,
				 const struct place *ops, const struct place *events)
{
	bool none = !args->events || (args->events < 32 && handle->context &&
				      handle->context->setup.ring_entries);

	return (struct htw_batch){
		.ops = (uintptr_t)ops->address,
		.nr_ops = nr + (uint32_t)args->more,
		.events = none ? 0 : (uintptr_t)events->address,
		.nr_events = none ? 0 : (uint32_t)args->events,
		.min_events = (uint32_t)args->min,
		.timeout = args->timeout,
		.flags = (uint32_t)args->flags,
		.resv = args->resv,
	};
}

static void check_batch(const struct htw_batch *before, const struct htw_batch *after)
{
	struct htw_batch expected = *before;

	expected.done = after->done;
	expected.got = after->got;
	expected.now = after->now;
	if (after->done > before->nr_ops || after->now > INT64_MAX ||
	    memcmp(&expected, after, sizeof(expected)))
		oracle_fail("a batch answers what makes no sense");
}

static void check_batch_ops(const struct handle *handle, const struct place *place,
			    const struct htw_op *before, uint32_t nr, uint32_t done)
{
	struct htw_op after[MAX_CALLS];
	uint32_t i;

	if (!place->alias || !get(place, after, nr * sizeof(after[0])))
		done = 0;
	for (i = 0; i < nr && i < done; i++)
		check_op(handle, &before[i], &after[i], after[i].res < 0 ? after[i].res : 0);
	add_untold(handle->context, nr - i);
}

long call_batch(struct actor *actor, const struct batch_args *args)
{
	struct handle handle = slot_handle(args->fd);
	struct htw_op ops[MAX_CALLS];
	uint32_t nr = collect_ops(actor, &handle, args, ops);
	struct place ops_place = put(actor, PART_OPS, args->ops_mem, ops,
				     nr * sizeof(ops[0]));
	struct place events = put_events(actor, args->events_mem,
					 args->events * sizeof(struct htw_event));
	struct htw_batch before = batch_of(&handle, args, nr, &ops_place, &events), after;
	struct place place = put(actor, PART_ARGUMENT, args->mem, &before, sizeof(before));
	long err = request_that(actor, handle.fd, HTW_IOC_BATCH, place.address, args->min);

	/* What is there beyond those that were made up may be anything. */
	if (args->more && handle.context) {
		add_untold(handle.context, UINT32_MAX);
		handle.context->early = true;
	}
	if (err || !place.alias || !get(&place, &after, sizeof(after))) {
		add_untold(handle.context, nr);
		if (err)
			expect_same(&place, &before, sizeof(before), "batch");
		return err;
	}
	check_batch(&before, &after);
	check_batch_ops(&handle, &ops_place, ops, nr, after.done);
	if (before.nr_events)
		check_events(&handle, &events, after.got, before.nr_events);
	return 0;
}

static void make_fill(const struct handle *handle, const struct fill_args *args,
		      struct htw_op *ops, uint32_t nr)
{
	struct op_args op = { .opcode = HTW_OP_ARM, .flags = args->flags,
		.expires = args->expires, .at = args->at, .interval = args->interval };
	struct htw_op first = op_of(handle, &op);
	uint32_t i;

	for (i = 0; i < nr; i++) {
		ops[i] = first;
		ops[i].expires += i * args->step;
		ops[i].cookie = i;
	}
}

long call_fill(struct actor *actor, const struct fill_args *args)
{
	struct handle handle = slot_handle(args->fd);
	uint32_t nr = (uint32_t)(args->nr % 1500), i;
	struct htw_op *ops = calloc(2 * nr + 1, sizeof(*ops)), *before = ops + nr;
	struct htw_batch batch = { .ops = (uintptr_t)ops, .nr_ops = nr };
	long err;

	if (!ops)
		return 0;
	make_fill(&handle, args, ops, nr);
	memcpy(before, ops, nr * sizeof(*ops));
	err = request(actor, handle.fd, HTW_IOC_BATCH, &batch);
	for (i = 0; !err && i < batch.done; i++)
		oracle_op(handle.context, &before[i], &ops[i],
			  ops[i].res < 0 ? ops[i].res : 0);
	add_untold(handle.context, nr - i);
	free(ops);
	return err;
}

/* --- other requests --- */

enum { MOST_BYTES = 4096 };

/* A structure of any size: what is beyond the one that is known is 0, or not. */
static long any_size(const struct actor *actor, int fd, unsigned long nr, uint64_t size,
		     uint64_t mem, void *known, size_t known_size)
{
	char argument[MOST_BYTES] = "", before[MOST_BYTES];
	struct place place;
	long err;

	size %= MOST_BYTES + 1;
	memcpy(argument, known, known_size);
	memcpy(before, argument, sizeof(before));
	place = put(actor, PART_ARGUMENT, mem, argument, size);
	err = request(actor, fd, _IOC(_IOC_READ | _IOC_WRITE, HTW_IOC_MAGIC, _IOC_NR(nr),
				      size), place.address);
	/* Half of an answer can be there: nothing but the answer has changed. */
	if (err && err != -EFAULT)
		expect_same(&place, before, size, "request");
	if (err || !place.alias || !get(&place, argument, size))
		return err ? err : 1;
	if (size > known_size && memcmp(argument + known_size, before + known_size,
					size - known_size))
		oracle_fail("what the kernel does not know was written");
	memcpy(known, argument, known_size);
	/* Only a whole one is looked at. */
	return size < known_size;
}

/* Of what a shorter structure has not the kernel has taken 0. */
static void note_setup(struct context *context, struct htw_setup *setup, uint64_t size)
{
	if (size < sizeof(*setup))
		memset((char *)setup + size, 0, sizeof(*setup) - size);
	setup->size = sizeof(*setup);
	setup->event_off = sizeof(struct htw_ring);
	context->setup = *setup;
}

long call_setup(struct actor *actor, const struct setup_args *args)
{
	struct handle handle = slot_handle(args->fd);
	struct htw_setup setup = {
		.flags = (uint32_t)args->flags, .clock = (uint32_t)args->clock,
		.ring_entries = (uint32_t)args->ring,
		.max_timers = (uint32_t)args->timers,
		.virtual_start = args->start, .tick_ns = args->tick };
	long ret;

	/* Others don't know yet of what clock an event is. */
	if (handle.context && run->concurrent)
		handle.context->early = true;
	setup.resv[3] = args->resv;
	ret = any_size(actor, handle.fd, HTW_IOC_SETUP, args->size, args->mem,
		       &setup, sizeof(setup));
	if (!handle.context)
		return ret;
	if (ret == -EFAULT) {
		/* It may have been done. */
		handle.context->early = true;
		handle.context->setup.flags |= HTW_SETUP_CLOCK_STEPS;
	}
	if (ret < 0)
		return ret;
	if (!ret)
		oracle_setup(&setup);
	note_setup(handle.context, &setup, args->size % (MOST_BYTES + 1));
	return 0;
}

long call_query(struct actor *actor, const struct query_args *args)
{
	struct htw_query query = { .flags = (uint32_t)args->flags, .resv = args->resv };
	long ret = any_size(actor, slot_handle(args->fd).fd, HTW_IOC_QUERY, args->size, args->mem,
			    &query, sizeof(query));

	if (!ret)
		oracle_query(&query);
	return ret;
}

long call_stats(struct actor *actor, const struct stats_args *args)
{
	struct htw_context_stats stats = { .flags = (uint32_t)args->flags };
	long ret;

	stats.resv[1] = args->resv;
	ret = any_size(actor, slot_handle(args->fd).fd, HTW_IOC_STATS, args->size, args->mem,
		       &stats, sizeof(stats));
	if (!ret)
		oracle_stats(&stats);
	return ret;
}

/* Any request with any bytes, but none that could set up or arm anything unseen. */
long call_ioctl(struct actor *actor, const struct ioctl_args *args)
{
	unsigned long nr = _IOC(args->dir % 4, HTW_IOC_MAGIC, args->nr % 16,
				args->size % (1 << _IOC_SIZEBITS));
	struct place place = put(actor, PART_ARGUMENT, args->mem, "any bytes", 9);

	if (nr == HTW_IOC_OP || nr == HTW_IOC_BATCH || args->nr % 16 == 2)
		return 0;
	return request(actor, slot_handle(args->fd).fd, nr, place.address);
}

long call_eventfd(struct actor *actor, const struct eventfd_args *args)
{
	int made = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int fd = slot_handle(args->fd).fd;
	int32_t fds[] = { made, -1, fd, 99999 };
	struct place place = put(actor, PART_ARGUMENT, args->mem,
				 &fds[args->which % 4], sizeof(fds[0]));
	long ret = request(actor, fd, HTW_IOC_EVENTFD, place.address);

	/* The context keeps it. */
	close(made);
	return ret;
}

/* --- reading and waiting --- */

long call_read(struct actor *actor, const struct read_args *args)
{
	struct handle handle = slot_handle(args->fd);
	struct place place = put_events(actor, args->mem, args->size);
	int order = order_fault(actor, !(fcntl(handle.fd, F_GETFL) & O_NONBLOCK));
	ssize_t len = read(handle.fd, place.address, args->size);

	cancel_fault(order);
	if (len < 0)
		return -errno;
	if (len % (ssize_t)sizeof(struct htw_event) || !len)
		oracle_fail("read(2) returns %zd", len);
	check_events(&handle, &place, (uint64_t)len / sizeof(struct htw_event),
		     args->size / sizeof(struct htw_event));
	return len;
}

long call_write(struct actor *actor, const struct write_args *args)
{
	struct place place = put(actor, PART_ARGUMENT, 0, "any bytes", 9);

	return write(slot_handle(args->fd).fd, place.address, args->size % 4096) < 0 ?
	       -errno : 0;
}

long call_poll(struct actor *actor, const struct poll_args *args)
{
	struct pollfd pfd = { .fd = slot_handle(args->fd).fd, .events = POLLIN | POLLOUT };

	(void)actor;
	return poll(&pfd, 1, (int)(args->ms % 20)) < 0 ? -errno : 0;
}

long call_sleep(struct actor *actor, const struct sleep_args *args)
{
	struct timespec ts = { .tv_nsec = (long)(args->us % 10000) * 1000 };

	(void)actor;
	return nanosleep(&ts, NULL) ? -errno : 0;
}

/* Sets the clock, back or forth, which only root may. */
long call_step(struct actor *actor, const struct step_args *args)
{
	uint64_t now = clock_ns(CLOCK_REALTIME) + (args->ms % 100) * MSEC - 50 * MSEC;
	struct timespec ts = { .tv_sec = (time_t)(now / SEC), .tv_nsec = (long)(now % SEC) };
	uint32_t i;

	(void)actor;
	for (i = 0; i < MAX_CONTEXTS; i++)
		run->contexts[i].early = true;
	return clock_settime(CLOCK_REALTIME, &ts) ? -errno : 0;
}

/* --- what is mapped --- */

static uint64_t offset_of(const struct htw_setup *setup, uint64_t area)
{
	const uint64_t offsets[] = { setup->ring_off, setup->ctl_off, setup->words_off };

	return offsets[area % NR_AREAS];
}

static uint64_t length_of(const struct htw_setup *setup, uint64_t area)
{
	const uint64_t lengths[] = { setup->ring_len, setup->ctl_len, setup->words_len };

	return lengths[area % NR_AREAS];
}

long call_map(struct actor *actor, const struct map_args *args)
{
	struct handle handle = slot_handle(args->fd);
	struct htw_setup setup = { .ctl_off = 4096 };
	int order;
	void *map;

	if (handle.context && handle.context->setup.size)
		setup = handle.context->setup;
	order = order_fault(actor, false);
	map = mmap(memory_of_area(args->fd, args->area),
		   (length_of(&setup, args->area) + args->more) % AREA_MAX,
		   (int)args->prot & (PROT_READ | PROT_WRITE | PROT_EXEC),
		   MAP_FIXED | (args->private ? MAP_PRIVATE : MAP_SHARED),
		   handle.fd, (off_t)offset_of(&setup, args->area));
	cancel_fault(order);
	return map == MAP_FAILED ? -errno : 0;
}

long call_unmap(struct actor *actor, const struct unmap_args *args)
{
	char *area = memory_of_area(args->fd, args->area);

	(void)actor;
	return munmap(area + (args->from % 64) * 4096,
		      args->pages ? args->pages % 64 * 4096 : AREA_MAX) ? -errno : 0;
}

long call_remap(struct actor *actor, const struct remap_args *args)
{
	char *to = memory_of_area(args->fd + 1, args->to);
	void *map = mremap(memory_of_area(args->fd, args->area), 4096,
			   (args->pages % 64 + 1) * 4096,
			   MREMAP_MAYMOVE | MREMAP_FIXED, to);

	(void)actor;
	return map == MAP_FAILED ? -errno : 0;
}

long call_protect(struct actor *actor, const struct protect_args *args)
{
	(void)actor;
	return mprotect(memory_of_area(args->fd, args->area), 4096,
			(int)args->prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) ?
	       -errno : 0;
}

long call_store(struct actor *actor, const struct store_args *args)
{
	char *area = memory_of_area(args->fd, args->area);

	(void)actor;
	return memory_store(area + args->offset % 8192 / 8 * 8, args->value, false) ?
	       0 : -EFAULT;
}

/* All that is in the ring is consumed, or as many events, or the head is any number. */
long call_head(struct actor *actor, const struct head_args *args)
{
	struct htw_ctl *ctl = memory_of_area(args->fd, AREA_CTL);
	struct htw_ring *ring = memory_of_area(args->fd, AREA_RING);
	struct htw_batch kick = { 0 };
	uint32_t tail, head, flags;

	(void)actor;
	if (!memory_copy(&tail, &ring->tail, sizeof(tail)) ||
	    !memory_copy(&head, &ctl->head, sizeof(head)))
		return -EFAULT;
	if (args->raw)
		head = (uint32_t)args->value;
	else
		head = args->value ? head + (uint32_t)args->value : tail;
	if (!memory_store(&ctl->head, head, true) ||
	    !memory_copy(&flags, &ring->flags, sizeof(flags)))
		return -EFAULT;
	if (flags & HTW_RING_STALLED)
		ioctl(slot_handle(args->fd).fd, HTW_IOC_BATCH, &kick);
	return 0;
}

long call_word(struct actor *actor, const struct word_args *args)
{
	uint64_t *words = memory_of_area(args->fd, AREA_WORDS);
	struct handle handle = slot_handle(args->fd);
	uint64_t id = id_of(handle.context, args->timer), value = args->value;

	(void)actor;
	if (args->at == 1)
		value += clock_now(&handle);
	return memory_store(&words[HTW_WORD_INDEX(id) % (1 << 20)], value, false) ?
	       0 : -EFAULT;
}
