// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that mean harm, and calls at random. What fails is repeated with the seed
 * that it has printed, in HTW_TEST_SEED.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "mapped.h"
#include "ops.h"
#include "parameter.h"
#include "waiting.h"

static uint64_t seed_of_test(void)
{
	const char *text = getenv("HTW_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : now_ns() | 1;

	ktap_note("HTW_TEST_SEED=%llu", (unsigned long long)seed);
	return seed;
}

/* --- calls at random, and what should have become of them --- */

enum { MODELLED = 200 };

/* A timer as it should be. */
struct model_timer {
	uint64_t	id;
	uint64_t	expires;
	uint64_t	cookie;
	uint64_t	order;		/* of arming */
	uint32_t	arming;
	enum { NONE, ARMED, EXPIRED, DELIVERED } state;
};

/**
 * struct model - a context on virtual time as it should be
 * @fd: the context
 * @state: of the random numbers
 * @now: its time
 * @tick_ns: its tick
 * @orders: how many armings there were
 * @expected: what STATS should say
 * @timers: all that it has or had
 */
struct model {
	int				fd;
	uint64_t			state;
	uint64_t			now;
	uint64_t			tick_ns;
	uint64_t			orders;
	struct htw_context_stats	expected;
	struct model_timer		timers[MODELLED];
};

static uint64_t tick_of(const struct model *model, const struct model_timer *timer)
{
	return (timer->expires + model->tick_ns - 1) / model->tick_ns;
}

static struct model_timer *pick(struct model *model)
{
	return &model->timers[random_of(&model->state, MODELLED)];
}

/* Near and far ones, many of them at the same tick. */
static uint64_t pick_expiry(struct model *model)
{
	uint64_t span = 1ULL << random_of(&model->state, 24);

	return model->now + 1 + random_of(&model->state, (uint32_t)span) *
				model->tick_ns / 4;
}

static void note_armed(struct model *model, struct model_timer *timer,
		       const struct htw_op *op)
{
	timer->id = op->id;
	timer->expires = op->expires;
	timer->cookie = op->cookie;
	timer->order = model->orders++;
	timer->arming++;
	timer->state = ARMED;
	EXPECT_EQ(op->arming, timer->arming);
}

static void try_to_arm(struct model *model)
{
	struct model_timer *timer = pick(model);
	struct htw_op op = {
		.opcode = HTW_OP_ARM, .flags = HTW_TIMER_ABS,
		.expires = pick_expiry(model), .cookie = model->state };

	if (timer->state == ARMED || timer->state == EXPIRED)
		return;
	ASSERT_EQ(do_op(model->fd, &op), 0);
	timer->arming = 0;
	note_armed(model, timer, &op);
	model->expected.armed++;
}

/* What an operation on this timer says, if it can't be done. */
static int expected_refusal(const struct model_timer *timer, int err)
{
	if (timer->state == DELIVERED)
		/* Its place may be somebody else's by now. */
		return err == -ENOENT ? -ENOENT : -EALREADY;
	return timer->state == NONE ? -ENOENT : 0;
}

static void try_to_rearm(struct model *model)
{
	struct model_timer *timer = pick(model);
	struct htw_op op = {
		.opcode = HTW_OP_REARM, .flags = HTW_TIMER_ABS, .id = timer->id,
		.expires = pick_expiry(model), .cookie = model->state };
	int err = do_op(model->fd, &op);

	EXPECT_EQ(err, expected_refusal(timer, err));
	if (err)
		return;
	model->expected.rearmed++;
	model->expected.withdrawn += timer->state == EXPIRED;
	note_armed(model, timer, &op);
}

static void try_to_cancel(struct model *model)
{
	struct model_timer *timer = pick(model);
	struct htw_op op = { .opcode = HTW_OP_CANCEL, .id = timer->id };
	int err = do_op(model->fd, &op);

	EXPECT_EQ(err, expected_refusal(timer, err));
	if (err)
		return;
	EXPECT_EQ(op.value, timer->expires);
	EXPECT_EQ(op.arming, timer->arming);
	EXPECT_EQ(op.res, timer->state == ARMED ? HTW_CANCELLED : HTW_WITHDRAWN);
	model->expected.cancelled += timer->state == ARMED;
	model->expected.withdrawn += timer->state == EXPIRED;
	timer->state = NONE;
}

static void try_remaining(struct model *model)
{
	struct model_timer *timer = pick(model);
	struct htw_op op;
	int err = remaining(model->fd, timer->id, &op);

	EXPECT_EQ(err, expected_refusal(timer, err));
	if (err)
		return;
	EXPECT_EQ(op.expires, timer->expires);
	EXPECT_EQ(op.cookie, timer->cookie);
	EXPECT_EQ(op.arming, timer->arming);
	EXPECT_EQ(op.res, timer->state == ARMED ? HTW_STATE_ARMED :
						  HTW_STATE_EXPIRED);
	EXPECT_EQ(op.value, timer->expires > model->now ?
			    timer->expires - model->now : 0);
}

static void try_to_advance(struct model *model)
{
	uint64_t span = 1ULL << random_of(&model->state, 22);
	struct model_timer *timer;

	model->now += random_of(&model->state, (uint32_t)span) *
		      model->tick_ns / 3;
	EXPECT_EQ(advance(model->fd, HTW_TIMER_ABS, model->now), model->now);
	for (timer = model->timers; timer < model->timers + MODELLED; timer++) {
		if (timer->state != ARMED ||
		    tick_of(model, timer) * model->tick_ns > model->now)
			continue;
		timer->state = EXPIRED;
		model->expected.expired++;
	}
}

/* By tick, and those of one tick in the order in which they were armed. */
static struct model_timer *next_event(struct model *model)
{
	struct model_timer *timer, *first = NULL;

	for (timer = model->timers; timer < model->timers + MODELLED; timer++) {
		if (timer->state != EXPIRED)
			continue;
		if (!first || tick_of(model, timer) < tick_of(model, first) ||
		    (tick_of(model, timer) == tick_of(model, first) &&
		     timer->order < first->order))
			first = timer;
	}
	return first;
}

static void try_to_read(struct model *model)
{
	struct htw_event events[20];
	uint32_t room = random_of(&model->state, 20) + 1, nr, i;
	struct model_timer *timer;

	nr = (uint32_t)read_events(model->fd, events, room);
	for (i = 0; i < nr; i++) {
		timer = next_event(model);
		ASSERT_TRUE(timer);
		EXPECT_EQ(events[i].id, timer->id);
		EXPECT_EQ(events[i].cookie, timer->cookie);
		EXPECT_EQ(events[i].expires, timer->expires);
		EXPECT_EQ(events[i].expirations, 1);
		EXPECT_EQ(HTW_EVENT_ARMING(events[i].info), timer->arming & 0xff);
		timer->state = DELIVERED;
	}
	model->expected.delivered += nr;
	EXPECT_TRUE(nr == room || !next_event(model));
}

static void expect_same_books(const struct model *model)
{
	struct htw_context_stats is = stats(model->fd);
	uint64_t held_now = 0, i;

	for (i = 0; i < MODELLED; i++)
		held_now += model->timers[i].state == ARMED ||
			    model->timers[i].state == EXPIRED;
	EXPECT_EQ(held(model->fd), held_now);
	EXPECT_EQ(is.armed, model->expected.armed);
	EXPECT_EQ(is.rearmed, model->expected.rearmed);
	EXPECT_EQ(is.cancelled, model->expected.cancelled);
	EXPECT_EQ(is.withdrawn, model->expected.withdrawn);
	EXPECT_EQ(is.expired, model->expected.expired);
	EXPECT_EQ(is.delivered, model->expected.delivered);
}

/* Virtual time is exact, and so is what each call must answer. */
static void calls_at_random_do_what_a_model_does(void)
{
	static void (* const tries[])(struct model *model) = {
		try_to_arm, try_to_arm, try_to_arm, try_to_rearm, try_to_cancel,
		try_remaining, try_to_advance, try_to_read };
	struct model *model = calloc(1, sizeof(*model));
	uint64_t i, nr = scaled(60000);

	ASSERT_TRUE(model);
	model->state = seed_of_test();
	model->fd = open_virtual(1ULL << random_of(&model->state, 20));
	model->tick_ns = query(model->fd).tick_ns;
	for (i = 0; i < nr && !ktap_state->failures; i++) {
		tries[random_of(&model->state, 8)](model);
		if (i % 100 == 0)
			expect_same_books(model);
	}
	expect_same_books(model);
}

/* --- programs that mean harm --- */

/**
 * struct hostile - a program that does anything it can think of
 * @state: of the random numbers
 * @m: a context, with what is mapped of it
 * @efd: an eventfd
 */
struct hostile {
	uint64_t	state;
	struct mapped	m;
	int		efd;
};

/* A number that something may trip over. */
static uint64_t nasty(struct hostile *hostile)
{
	uint64_t now = now_ns(), any;

	any = (uint64_t)random_of(&hostile->state, UINT32_MAX) << 32 |
	      random_of(&hostile->state, UINT32_MAX);
	switch (random_of(&hostile->state, 10)) {
	case 0: return 0;
	case 1: return 1;
	case 2: return UINT64_MAX;
	case 3: return MAX_TIME;
	case 4: return MAX_TIME + 1;
	case 5: return any;
	case 6: return now + any % SEC;
	case 7: return any % 64;
	case 8: return (any % 8 + 1) << 32 | any / 8 % 64;
	default: return any % MSEC;
	}
}

static void fill(struct hostile *hostile, void *into, size_t len)
{
	uint64_t *words = into;
	size_t i;

	for (i = 0; i < len / sizeof(*words); i++)
		words[i] = random_of(&hostile->state, 2) ? 0 : nasty(hostile);
}

static struct htw_op nasty_op(struct hostile *hostile)
{
	struct htw_op op;

	fill(hostile, &op, sizeof(op));
	if (random_of(&hostile->state, 8)) {
		op = (struct htw_op){
			.opcode = (__u16)random_of(&hostile->state, 7),
			.expires = nasty(hostile), .cookie = nasty(hostile) };
		if (op.opcode != HTW_OP_ARM)
			op.id = nasty(hostile);
		if (random_of(&hostile->state, 3))
			op.flags = 1U << random_of(&hostile->state, 9);
		if (!random_of(&hostile->state, 4))
			op.interval = nasty(hostile);
		if (!random_of(&hostile->state, 4))
			op.slack = nasty(hostile);
		if (op.opcode == HTW_OP_CANCEL_MATCH)
			op.value = nasty(hostile);
	}
	return op;
}

static void call_op(struct hostile *hostile)
{
	struct htw_op op = nasty_op(hostile);

	do_op(hostile->m.fd, &op);
}

/* At times with addresses that are none. It may not wait for long. */
static void call_batch(struct hostile *hostile)
{
	struct htw_op ops[50];
	struct htw_event events[50];
	struct htw_batch batch = {
		.ops = (uintptr_t)ops, .nr_ops = random_of(&hostile->state, 51) };
	int i;

	for (i = 0; i < 50; i++)
		ops[i] = nasty_op(hostile);
	if (!hostile->m.ring) {
		batch.events = (uintptr_t)events;
		batch.nr_events = random_of(&hostile->state, 51);
	}
	if (!random_of(&hostile->state, 4)) {
		batch.min_events = random_of(&hostile->state, 3);
		batch.timeout = random_of(&hostile->state, MSEC);
	}
	if (!random_of(&hostile->state, 8))
		batch.ops = nasty(hostile);
	if (!random_of(&hostile->state, 8))
		batch.events = nasty(hostile);
	do_batch(hostile->m.fd, &batch);
}

static void call_anything(struct hostile *hostile)
{
	uint64_t argument[32];
	unsigned long request = _IOC(random_of(&hostile->state, 4), HTW_IOC_MAGIC,
				     random_of(&hostile->state, 8),
				     random_of(&hostile->state, 260));

	fill(hostile, argument, sizeof(argument));
	/* A wait that nobody ends is no harm to others, and no test. */
	if (request == HTW_IOC_BATCH)
		return;
	ioctl(hostile->m.fd, request, random_of(&hostile->state, 8) ?
	      (void *)argument : (void *)(uintptr_t)nasty(hostile));
}

static void call_eventfd(struct hostile *hostile)
{
	__s32 fd = random_of(&hostile->state, 3) ? hostile->efd :
		   (__s32)random_of(&hostile->state, 20) - 2;

	ioctl(hostile->m.fd, HTW_IOC_EVENTFD, &fd);
}

static void read_something(struct hostile *hostile)
{
	struct htw_event events[20];

	fcntl(hostile->m.fd, F_SETFL, O_NONBLOCK);
	if (read(hostile->m.fd, events, random_of(&hostile->state,
						  sizeof(events))) < 0)
		EXPECT_TRUE(errno == EAGAIN || errno == EINVAL ||
			    errno == EBUSY);
	poll_context(hostile->m.fd, 0);
}

static void scribble(struct hostile *hostile)
{
	uint64_t *ctl = (uint64_t *)hostile->m.ctl, i;

	if (ctl)
		ctl[random_of(&hostile->state, 512)] = nasty(hostile);
	for (i = 0; hostile->m.words && i < 20; i++)
		hostile->m.words[random_of(&hostile->state, 512)] =
			nasty(hostile);
}

static void map_anything(struct hostile *hostile)
{
	uint64_t len = (1 + random_of(&hostile->state, 4)) * 4096;
	void *map = mmap(NULL, len, (int)random_of(&hostile->state, 4),
			 1 + (int)random_of(&hostile->state, 2), hostile->m.fd,
			 (off_t)(nasty(hostile) & ~4095ULL));

	if (map != MAP_FAILED && random_of(&hostile->state, 2))
		munmap(map, len);
}

static void close_and_open(struct hostile *hostile)
{
	struct mapped *m = &hostile->m;
	struct htw_setup setup = {
		.clock = CLOCK_MONOTONIC, .max_timers = 512 };

	close(m->fd);
	if (m->ring)
		munmap((void *)m->ring, m->setup.ring_len);
	if (m->ctl)
		munmap(m->ctl, m->setup.ctl_len);
	if (m->words)
		munmap(m->words, m->setup.words_len);
	if (random_of(&hostile->state, 2))
		setup.ring_entries = 1U << random_of(&hostile->state, 8);
	if (random_of(&hostile->state, 2))
		setup.flags = HTW_SETUP_WORDS;
	open_mapped(m, setup);
}

/* A child that has the same file, and ends in the middle of something. */
static void fork_and_die(struct hostile *hostile)
{
	pid_t pid = fork();
	int i;

	if (pid < 0)
		return;
	if (!pid) {
		hostile->m.ctl = NULL;
		hostile->m.words = NULL;
		for (i = 0; i < 20; i++)
			call_batch(hostile);
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

static void do_harm(uint64_t seed, int cpu)
{
	static const struct {
		void		(*fn)(struct hostile *hostile);
		unsigned int	often;
	} harms[] = {
		{ call_op, 60 }, { call_batch, 30 }, { call_anything, 20 },
		{ call_eventfd, 5 }, { read_something, 30 }, { scribble, 30 },
		{ map_anything, 5 }, { close_and_open, 3 }, { fork_and_die, 1 },
	};
	struct hostile hostile = { .state = seed };
	uint32_t i, which;

	pin_to_cpu(cpu);
	become(NOBODY);
	hostile.efd = eventfd(0, EFD_NONBLOCK);
	open_ring(&hostile.m, 16);
	for (;;) {
		which = random_of(&hostile.state, 184);
		for (i = 0; which >= harms[i].often; i++)
			which -= harms[i].often;
		harms[i].fn(&hostile);
	}
}

/* Timers of 1 ms beside them: each comes once, and none early. */
static uint64_t live_beside(uint64_t ns)
{
	uint64_t end = now_ns() + ns, nr = 0;
	int fd = open_context(0);
	struct htw_event event;

	for (; now_ns() < end; nr++) {
		arm_in(fd, MSEC, nr);
		read_event(fd, &event);
		EXPECT_EQ(event.cookie, nr);
		EXPECT_EQ(event.expirations, 1);
	}
	EXPECT_EQ(stats(fd).delivered, nr);
	EXPECT_EQ(held(fd), 0);
	return nr;
}

/* They are killed then; nothing of them is left. */
static void two_hostile_programs_harm_nobody_else(void)
{
	uint64_t seed = seed_of_test(), nr;
	pid_t pids[2];
	int i;

	open_the_device();
	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			do_harm(seed + (uint64_t)i * 1000, i);
	}
	nr = live_beside(scaled(5000) * MSEC);
	ktap_note("%llu timers beside them", (unsigned long long)nr);
	for (i = 0; i < 2; i++) {
		/* Neither has failed nor crashed. */
		EXPECT_EQ(waitpid(pids[i], NULL, WNOHANG), 0);
		kill_child(pids[i]);
	}
	become(NOBODY);
	/* Their children may take a moment more. */
	for (i = open_context(0); query(i).nr_user; )
		sleep_ns(MSEC);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(calls_at_random_do_what_a_model_does),
	KTAP_TEST(two_hostile_programs_harm_nobody_else),
};

int main(int argc, char **argv)
{
	return main_with_parameters(argc, argv,
				    &KTAP_SUITE("hostile", tests, need_root));
}
