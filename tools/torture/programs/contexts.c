// SPDX-License-Identifier: GPL-2.0
/*
 * contexts SECONDS SEED: programs with some contexts each, that arm, re-arm and cancel
 * in batches, read events or take them out of a ring, store into words, open and close.
 * Some are killed in the middle of that. Those that are not keep a ledger: each arming
 * has to end in one way, and no event may come early.
 *
 * Fails if one of them does, or none could begin.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/htw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "random.h"

#define SEC		1000000000ULL
#define MSEC		1000000ULL

enum { CHILDREN = 4, CONTEXTS = 3, TIMERS = 64, BATCH = 48, ENTRIES = 16 };

/* How long an event may take that is on its way. */
#define PATIENCE	(60 * SEC)

/**
 * struct timer - as the program knows it
 * @id: of the timer; 0: there is none
 * @expires: the earliest time of its event
 * @arming: how often it was armed
 */
struct timer {
	uint64_t	id;
	uint64_t	expires;
	uint32_t	arming;
};

/**
 * struct context - an open file, as the program knows it
 * @fd: the file
 * @clock: its clock
 * @setup: what it was set up to be
 * @ring: its ring, or NULL
 * @ctl: and the way back
 * @words: its deadline words, or NULL
 * @timers: its timers, by cookie
 * @armed: how many of them there are
 */
struct context {
	int		fd;
	clockid_t	clock;
	struct htw_setup setup;
	char		*ring;
	struct htw_ctl	*ctl;
	uint64_t	*words;
	struct timer	timers[TIMERS];
	unsigned int	armed;
};

static uint64_t state;

static uint64_t now_on(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

static void fail(const char *what, uint64_t a, uint64_t b)
{
	printf("# %s: %llu %llu, errno %d\n", what, (unsigned long long)a,
	       (unsigned long long)b, errno);
	fflush(stdout);
	_exit(1);
}

static void *map(struct context *context, uint64_t off, uint64_t len, int prot)
{
	void *at = mmap(NULL, len, prot, MAP_SHARED, context->fd, (off_t)off);

	if (at == MAP_FAILED)
		fail("mmap", off, len);
	return at;
}

static void map_all(struct context *context)
{
	struct htw_setup *setup = &context->setup;

	if (setup->ring_len) {
		context->ring = map(context, setup->ring_off, setup->ring_len,
				    PROT_READ);
		context->ctl = map(context, setup->ctl_off, setup->ctl_len,
				   PROT_READ | PROT_WRITE);
	}
	if (setup->words_len)
		context->words = map(context, setup->words_off,
				     setup->words_len, PROT_READ | PROT_WRITE);
}

static void open_context(struct context *context)
{
	static const clockid_t clocks[] = {
		CLOCK_MONOTONIC, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
		CLOCK_REALTIME, CLOCK_TAI };

	memset(context, 0, sizeof(*context));
	context->fd = open("/dev/htw", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (context->fd < 0)
		fail("open", 0, 0);
	context->clock = clocks[draw(&state, 5)];
	context->setup = (struct htw_setup) {
		.clock = (uint32_t)context->clock,
		.ring_entries = draw(&state, 2) ? ENTRIES : 0,
	};
	if (context->clock == CLOCK_MONOTONIC && draw(&state, 2))
		context->setup.flags = HTW_SETUP_WORDS;
	if (ioctl(context->fd, HTW_IOC_SETUP, &context->setup))
		fail("HTW_IOC_SETUP", (uint64_t)context->clock,
		     context->setup.flags);
	map_all(context);
}

static void close_context(struct context *context)
{
	if (context->ring) {
		munmap(context->ring, context->setup.ring_len);
		munmap(context->ctl, context->setup.ctl_len);
	}
	if (context->words)
		munmap(context->words, context->setup.words_len);
	close(context->fd);
}

/* A relative one: what the clock is set to does not matter to it. */
static void draw_arming(struct context *context, struct htw_op *op)
{
	op->expires = (uint64_t)draw(&state, 20) * draw(&state, 10 * MSEC);
	if (draw(&state, 2))
		op->slack = draw(&state, 5 * MSEC);
	if (context->words && draw(&state, 2))
		op->flags = HTW_TIMER_WORD;
	else if (!draw(&state, 4))
		op->flags = HTW_TIMER_COARSE;
}

static void draw_op(struct context *context, struct htw_op *op)
{
	uint64_t cookie = draw(&state, TIMERS);
	struct timer *timer = &context->timers[cookie];

	*op = (struct htw_op) { .cookie = cookie, .id = timer->id };
	if (!timer->id) {
		op->opcode = HTW_OP_ARM;
		draw_arming(context, op);
	} else if (draw(&state, 3)) {
		op->opcode = HTW_OP_REARM;
		draw_arming(context, op);
	} else {
		op->opcode = HTW_OP_CANCEL;
		op->cookie = 0;
	}
}

/* Of two for the same timer the second may know too little. */
static unsigned int draw_ops(struct context *context, struct htw_op *ops)
{
	unsigned int nr = draw(&state, BATCH), i, j, kept = 0;
	bool used[TIMERS] = { };

	for (i = 0; i < nr; i++) {
		draw_op(context, &ops[kept]);
		for (j = 0; j < TIMERS; j++)
			if (context->timers[j].id == ops[kept].id &&
			    (ops[kept].id || ops[kept].cookie == j))
				break;
		if (!used[j])
			kept++;
		used[j] = true;
	}
	return kept;
}

static struct timer *timer_of(struct context *context, uint64_t id)
{
	unsigned int i;

	for (i = 0; i < TIMERS; i++)
		if (context->timers[i].id == id)
			return &context->timers[i];
	fail("an unknown timer", id, 0);
	return NULL;
}

static void note_armed(struct timer *timer, const struct htw_op *op,
		       uint64_t before)
{
	timer->id = op->id;
	timer->expires = before + op->expires;
	timer->arming = op->arming;
}

static void note_result(struct context *context, const struct htw_op *op,
			uint64_t before)
{
	/* Expired meanwhile: its event is there, or will be. */
	bool gone = op->res == -EALREADY || op->res == -ENOENT;

	switch (op->opcode) {
	case HTW_OP_ARM:
		if (op->res)
			fail("HTW_OP_ARM", (uint64_t)op->res, op->flags);
		note_armed(&context->timers[op->cookie], op, before);
		context->armed++;
		break;
	case HTW_OP_REARM:
		if (op->res && !gone)
			fail("HTW_OP_REARM", (uint64_t)op->res, op->flags);
		if (!gone)
			note_armed(timer_of(context, op->id), op, before);
		break;
	case HTW_OP_CANCEL:
		if (op->res != HTW_CANCELLED && op->res != HTW_WITHDRAWN && !gone)
			fail("HTW_OP_CANCEL", (uint64_t)op->res, op->flags);
		if (gone)
			break;
		timer_of(context, op->id)->id = 0;
		context->armed--;
		break;
	}
}

static void note_event(struct context *context, const struct htw_event *event)
{
	struct timer *timer;
	uint64_t now;

	if (event->cookie >= TIMERS)
		fail("an unknown cookie", event->cookie, event->id);
	timer = &context->timers[event->cookie];
	if (timer->id != event->id)
		fail("an event of another timer", event->id, timer->id);
	if (HTW_EVENT_ARMING(event->info) != (timer->arming & 0xff))
		fail("an event of another arming", event->info, timer->arming);
	now = now_on(context->clock);
	/* Clocks that are set are no measure. */
	if ((context->clock == CLOCK_MONOTONIC ||
	     context->clock == CLOCK_BOOTTIME) && now < timer->expires)
		fail("early", now, timer->expires);
	timer->id = 0;
	context->armed--;
}

static void take_from_ring(struct context *context)
{
	struct htw_ring *ring = (struct htw_ring *)context->ring;
	uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	uint32_t head = context->ctl->head;

	for (; head != tail; head++)
		note_event(context, (struct htw_event *)(context->ring +
			   context->setup.event_off +
			   (head & ring->mask) * context->setup.event_size));
	__atomic_store_n(&context->ctl->head, head, __ATOMIC_RELEASE);
}

/*
 * Does @nr operations and takes the events. Those that expired before an operation
 * was done, and were delivered by then, are events of the older arming: so first
 * the events, then the results; but a ring may have an event of what this very batch
 * has armed. So it is done in two steps, and the second one has no operations.
 */
static void do_batch(struct context *context, struct htw_op *ops,
		     unsigned int nr, uint64_t timeout)
{
	struct htw_event events[ENTRIES];
	struct htw_batch batch = {
		.ops = (uint64_t)(uintptr_t)ops,
		.nr_ops = nr,
	};
	uint64_t before = now_on(context->clock);
	unsigned int i;

	if (nr && (ioctl(context->fd, HTW_IOC_BATCH, &batch) || batch.done != nr))
		fail("HTW_IOC_BATCH", batch.done, nr);
	for (i = 0; i < nr; i++)
		note_result(context, &ops[i], before);
	batch = (struct htw_batch) {
		.min_events = timeout ? 1 : 0,
		.timeout = timeout,
	};
	if (!context->ring) {
		batch.events = (uint64_t)(uintptr_t)events;
		batch.nr_events = ENTRIES;
	}
	if (ioctl(context->fd, HTW_IOC_BATCH, &batch))
		fail("HTW_IOC_BATCH to wait", timeout, 0);
	if (context->ring)
		take_from_ring(context);
	else
		for (i = 0; i < batch.got; i++)
			note_event(context, &events[i]);
}

/* Put off by a little: that it took effect is for the event to tell. */
static void store_words(struct context *context)
{
	uint64_t later = now_on(context->clock) + draw(&state, 50 * MSEC);
	uint64_t id = context->timers[draw(&state, TIMERS)].id;

	if (id && HTW_WORD_INDEX(id) < context->setup.words_len / 8)
		__atomic_store_n(&context->words[HTW_WORD_INDEX(id)], later,
				 __ATOMIC_RELAXED);
}

static void act(struct context *context)
{
	struct htw_op ops[BATCH];
	unsigned int nr = draw_ops(context, ops), i;

	do_batch(context, ops, nr, draw(&state, 4) ? 0 : draw(&state, 5 * MSEC) + 1);
	for (i = 0; context->words && i < 8; i++)
		store_words(context);
}

/* What is armed has to come. */
static void wait_for_all(struct context *context)
{
	uint64_t until = now_on(CLOCK_MONOTONIC) + PATIENCE;

	while (context->armed) {
		do_batch(context, NULL, 0, 100 * MSEC);
		if (now_on(CLOCK_MONOTONIC) > until)
			fail("timers did not expire", context->armed,
			     (uint64_t)context->clock);
	}
}

/* A program, for a while. It may be killed at any time. */
static void live(uint64_t seed)
{
	struct context contexts[CONTEXTS];
	unsigned int i, steps;

	state = seed;
	steps = draw(&state, 400);
	for (i = 0; i < CONTEXTS; i++)
		open_context(&contexts[i]);
	while (steps--) {
		i = draw(&state, CONTEXTS);
		act(&contexts[i]);
		if (draw(&state, 64))
			continue;
		/* With timers pending, or not. */
		if (draw(&state, 2))
			wait_for_all(&contexts[i]);
		close_context(&contexts[i]);
		open_context(&contexts[i]);
	}
	for (i = 0; i < CONTEXTS; i++)
		wait_for_all(&contexts[i]);
	_exit(0);
}

static pid_t start(uint64_t seed)
{
	pid_t pid = fork();

	if (pid < 0)
		perror("fork");
	if (pid == 0)
		live(seed);
	return pid;
}

static struct {
	unsigned int	ended, killed, failed;
} programs;

static void end(pid_t pid)
{
	int status;

	if (pid <= 0 || waitpid(pid, &status, 0) != pid) {
		programs.failed++;
	} else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		programs.killed++;
	} else if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		programs.ended++;
	} else {
		printf("# a program ended with status %#x\n", (unsigned int)status);
		programs.failed++;
	}
}

/* Some at a time; half of them are killed when they have just begun. */
static void run_some(uint64_t *seeds)
{
	bool kills[CHILDREN];
	pid_t pids[CHILDREN];
	unsigned int i;

	for (i = 0; i < CHILDREN; i++) {
		kills[i] = draw(seeds, 2);
		pids[i] = start(((uint64_t)draw(seeds, UINT32_MAX) << 32) + i);
	}
	for (i = 0; i < CHILDREN; i++) {
		if (kills[i] && pids[i] > 0) {
			usleep(draw(seeds, 200000));
			kill(pids[i], SIGKILL);
		}
		end(pids[i]);
	}
}

int main(int argc, char **argv)
{
	uint64_t until, seeds;

	if (argc != 3) {
		fprintf(stderr, "usage: contexts SECONDS SEED\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	seeds = strtoull(argv[2], NULL, 0);
	until = now_on(CLOCK_MONOTONIC) + strtoull(argv[1], NULL, 0) * SEC;
	do
		run_some(&seeds);
	while (now_on(CLOCK_MONOTONIC) < until && !programs.failed);
	printf("# programs: %u ended, %u were killed, %u failed\n",
	       programs.ended, programs.killed, programs.failed);
	return programs.failed || !(programs.ended + programs.killed);
}
