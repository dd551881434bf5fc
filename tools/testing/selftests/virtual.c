// SPDX-License-Identifier: GPL-2.0
/*
 * HTW_CLOCK_VIRTUAL: time that only passes when it is told to, and in which all that
 * happens is exact and can be repeated.
 */
#include <inttypes.h>
#include <sys/time.h>

#include "mapped.h"

#define NR(_array)	(sizeof(_array) / sizeof((_array)[0]))

static uint64_t random_state = 88172645463325252ULL;

static uint32_t random_below(uint32_t limit)
{
	return random_of(&random_state, limit);
}

static uint64_t virtual_now(int fd)
{
	return advance(fd, 0, 0);
}

static void expect_none(int fd)
{
	struct htw_event event;

	EXPECT_EQ(poll_context(fd, 0), 0);
	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
}

/* One event, with this cookie. */
static void expect_cookie(int fd, uint64_t cookie)
{
	struct htw_event event;

	ASSERT_EQ(read_events(fd, &event, 1), 1);
	EXPECT_EQ(event.cookie, cookie);
	EXPECT_EQ(event.expirations, 1);
	EXPECT_EQ(HTW_EVENT_LATENESS(event.info), 0);
}

/* --- time --- */

static void time_stands_still(void)
{
	int fd = open_virtual(0);

	arm_in(fd, 1, 0);
	arm_at(fd, 0, 0);
	sleep_ns(20 * MSEC);
	EXPECT_EQ(virtual_now(fd), 0);
	expect_none(fd);
}

static void time_begins_where_it_is_told(void)
{
	static const uint64_t starts[] = { 0, 1, 999, SEC, 1ULL << 60, MAX_TIME };
	struct htw_batch batch = { 0 };
	size_t i;

	for (i = 0; i < NR(starts); i++) {
		int fd = open_setup(O_NONBLOCK, (struct htw_setup){
			.clock = HTW_CLOCK_VIRTUAL,
			.virtual_start = starts[i] });

		EXPECT_EQ(virtual_now(fd), starts[i]);
		ASSERT_EQ(do_batch(fd, &batch), 0);
		EXPECT_EQ(batch.now, starts[i]);
	}
}

static void time_passes_by_as_much_as_it_is_told(void)
{
	int fd = open_virtual(0), i;
	uint64_t now = 0, by;

	for (i = 0; i < 1000; i++) {
		by = 1ULL << random_below(40);
		now += by;
		EXPECT_EQ(advance(fd, 0, by), now);
		EXPECT_EQ(advance(fd, 0, 0), now);
	}
	EXPECT_EQ(advance(fd, HTW_TIMER_ABS, now + 77), now + 77);
}

static void time_does_not_go_back(void)
{
	int fd = open_virtual(1);

	advance(fd, 0, 1000);
	EXPECT_EQ(advance(fd, HTW_TIMER_ABS, 999), 1000);
	EXPECT_EQ(advance(fd, HTW_TIMER_ABS, 0), 1000);
	EXPECT_EQ(advance(fd, HTW_TIMER_ABS | HTW_ADVANCE_NEXT, 0), 1000);
	EXPECT_EQ(advance(fd, HTW_TIMER_ABS, 1000), 1000);
	arm_in(fd, 1, 5);
	EXPECT_EQ(advance(fd, HTW_TIMER_ABS, 0), 1000);
	expect_none(fd);
	EXPECT_EQ(advance(fd, 0, 1), 1001);
	expect_cookie(fd, 5);
}

static void time_ends(void)
{
	int fd = open_virtual(1);
	uint64_t id;

	arm_at(fd, MAX_TIME - 1, 1);
	arm_at(fd, MAX_TIME, 2);
	arm_in(fd, MAX_TIME, 3);
	EXPECT_EQ(advance(fd, HTW_TIMER_ABS, MAX_TIME - 1), MAX_TIME - 1);
	expect_cookie(fd, 1);
	expect_none(fd);
	EXPECT_EQ(advance(fd, 0, MAX_TIME), MAX_TIME);
	expect_cookie(fd, 2);
	expect_cookie(fd, 3);
	EXPECT_EQ(advance(fd, 0, MAX_TIME), MAX_TIME);
	/* There is no tick left for it; it can still be cancelled. */
	id = arm_in(fd, MAX_TIME, 0);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	EXPECT_EQ(held(fd), 0);
}

static void contexts_have_times_of_their_own(void)
{
	int a = open_virtual(1), b = open_virtual(1);

	arm_in(a, 10, 1);
	arm_in(b, 10, 2);
	EXPECT_EQ(advance(a, 0, 10), 10);
	EXPECT_EQ(virtual_now(b), 0);
	expect_cookie(a, 1);
	expect_none(b);
	advance(b, 0, 10);
	expect_cookie(b, 2);
}

/* --- expiry --- */

/* Not a ns early, and at the first tick that is not early. */
static void each_tick_is_exact(void)
{
	static const uint64_t ticks[] = { 1, 2, 64, 1 << 17, 1ULL << 40 };
	uint64_t tick, expires, due;
	size_t i;
	int n;

	for (i = 0; i < NR(ticks); i++) {
		int fd = open_virtual(ticks[i]);

		tick = ticks[i];
		EXPECT_EQ(query(fd).tick_ns, tick);
		for (n = 0; n < 200; n++) {
			expires = virtual_now(fd) + 1 +
				  (tick >> 1) * random_below(20);
			due = (expires + tick - 1) / tick * tick;
			arm_at(fd, expires, (uint64_t)n);
			advance(fd, HTW_TIMER_ABS, due - 1);
			expect_none(fd);
			advance(fd, HTW_TIMER_ABS, due);
			expect_cookie(fd, (uint64_t)n);
		}
		close(fd);
	}
}

/* What is due now is due at the next tick: time has to pass for anything to happen. */
static void past_is_due_at_the_next_tick(void)
{
	int fd = open_virtual(16);

	advance(fd, 0, 100);
	arm_at(fd, 0, 1);
	arm_at(fd, 100, 2);
	arm_in(fd, 0, 3);
	EXPECT_EQ(advance(fd, HTW_TIMER_ABS, 111), 111);
	expect_none(fd);
	EXPECT_EQ(advance(fd, HTW_TIMER_ABS, 112), 112);
	expect_cookie(fd, 1);
	expect_cookie(fd, 2);
	expect_cookie(fd, 3);
}

static void a_year_passes_in_one_call(void)
{
	int fd = open_virtual(0);
	uint64_t year = 365 * 24 * HOUR;

	arm_at(fd, year / 2, 1);
	arm_at(fd, year, 2);
	arm_at(fd, year + SEC, 3);
	EXPECT_EQ(advance(fd, 0, year + SEC / 2), year + SEC / 2);
	expect_cookie(fd, 1);
	expect_cookie(fd, 2);
	expect_none(fd);
}

static void due_timers_can_be_cancelled_and_rearmed(void)
{
	int fd = open_virtual(1);
	uint64_t a = arm_in(fd, 5, 1), b = arm_in(fd, 5, 2);

	arm_in(fd, 5, 3);
	advance(fd, 0, 5);
	EXPECT_EQ(cancel(fd, a), HTW_WITHDRAWN);
	ASSERT_EQ(rearm_in(fd, b, 5, 4), 0);
	expect_cookie(fd, 3);
	expect_none(fd);
	advance(fd, 0, 5);
	expect_cookie(fd, 4);
	EXPECT_EQ(cancel(fd, b), -EALREADY);
}

/* --- HTW_ADVANCE_NEXT --- */

static void next_stops_at_each_event(void)
{
	static const uint64_t times[] = { 3, 10, 11, 1000, 123456789 };
	int fd = open_virtual(1);
	size_t i;

	for (i = NR(times); i-- > 0; )
		arm_at(fd, times[i], times[i]);
	for (i = 0; i < NR(times); i++) {
		EXPECT_EQ(advance(fd, HTW_ADVANCE_NEXT, MAX_TIME), times[i]);
		expect_cookie(fd, times[i]);
		expect_none(fd);
	}
}

static void next_goes_no_further_than_told(void)
{
	int fd = open_virtual(1);

	arm_at(fd, 100, 5);
	EXPECT_EQ(advance(fd, HTW_ADVANCE_NEXT, 40), 40);
	EXPECT_EQ(advance(fd, HTW_ADVANCE_NEXT | HTW_TIMER_ABS, 99), 99);
	expect_none(fd);
	EXPECT_EQ(advance(fd, HTW_ADVANCE_NEXT | HTW_TIMER_ABS, 101), 100);
	expect_cookie(fd, 5);
	EXPECT_EQ(advance(fd, HTW_ADVANCE_NEXT, 50), 150);
}

/* All of its tick, however many, and none of the next. */
static void next_takes_a_whole_tick(void)
{
	int nr, i;

	for (nr = 1; nr < 300; nr += nr < 140 ? 1 : 37) {
		int fd = open_virtual(1);

		for (i = 0; i < nr; i++)
			arm_at(fd, 10, (uint64_t)i);
		arm_at(fd, 11, 1000);
		EXPECT_EQ(advance(fd, HTW_ADVANCE_NEXT, SEC), 10);
		for (i = 0; i < nr; i++)
			expect_cookie(fd, (uint64_t)i);
		expect_none(fd);
		EXPECT_EQ(advance(fd, HTW_ADVANCE_NEXT, SEC), 11);
		expect_cookie(fd, 1000);
		close(fd);
	}
}

/* Where timers only move, or one was cancelled, there is no event. */
static void next_does_not_stop_where_nothing_happens(void)
{
	int fd = open_virtual(1), i;

	for (i = 0; i < 200; i++)
		EXPECT_EQ(cancel(fd, arm_in(fd, (uint64_t)i * 7 + 1, 0)),
			  HTW_CANCELLED);
	arm_at(fd, 1ULL << 33, 5);
	EXPECT_EQ(advance(fd, HTW_ADVANCE_NEXT, MAX_TIME), 1ULL << 33);
	expect_cookie(fd, 5);
}

/* --- words --- */

static void pushed_by_its_word_expires_then(void)
{
	struct htw_event event;
	struct mapped m;
	uint64_t id;

	open_mapped(&m, (struct htw_setup){
		.clock = HTW_CLOCK_VIRTUAL, .tick_ns = 1,
		.flags = HTW_SETUP_WORDS, .max_timers = 32 });
	id = arm(m.fd, (struct htw_op){
		.flags = HTW_TIMER_WORD, .expires = 10, .cookie = 5 });
	store_word(&m, id, 25);
	EXPECT_EQ(advance(m.fd, HTW_ADVANCE_NEXT, 20), 20);
	EXPECT_EQ(poll_context(m.fd, 0), 0);
	EXPECT_EQ(stats(m.fd).pushed, 1);
	EXPECT_EQ(advance(m.fd, HTW_ADVANCE_NEXT, 20), 25);
	ASSERT_EQ(read_events(m.fd, &event, 1), 1);
	EXPECT_EQ(event.expires, 25);
}

/* --- it is only virtual --- */

#define DEBUGFS		"/sys/kernel/debug/htw/stats"

/* The sum of what all real bases have counted, but what is a maximum of each. */
static uint64_t real_work(void)
{
	char line[512], *at, *end;
	FILE *file = fopen(DEBUGFS, "re");
	uint64_t sum = 0, value;
	int column;

	if (!file)
		ktap_skip("it takes root, and debugfs, to read " DEBUGFS);
	ASSERT_TRUE(fgets(line, sizeof(line), file));
	while (fgets(line, sizeof(line), file)) {
		for (column = 0, at = line; column < 11; column++, at = end) {
			value = strtoull(at, &end, 10);
			ASSERT_TRUE(end != at);
			sum += column ? value : 0;
		}
	}
	fclose(file);
	return sum;
}

static void no_real_timer_is_used(void)
{
	uint64_t before = real_work(), other;
	int fd = open_virtual(1), i;

	for (i = 0; i < 1000; i++)
		cancel(fd, arm_in(fd, HOUR, 0));
	for (i = 0; i < 1000; i++)
		arm_in(fd, random_below(1000), 0);
	for (i = 0; i < 100; i++)
		advance(fd, 0, 10);
	EXPECT_EQ(stats(fd).expired, 1000);
	EXPECT_EQ(real_work(), before);
	/* And it would have been seen. */
	other = arm_in(open_context(0), HOUR, 0);
	EXPECT_NE(other, 0);
	EXPECT_GT(real_work(), before);
}

/* --- others who wait --- */

static void *advance_later(void *arg)
{
	sleep_ns(30 * MSEC);
	advance(*(int *)arg, 0, 10);
	return NULL;
}

static void advance_wakes_who_waits(void)
{
	int fd = open_setup(0, (struct htw_setup){
		.clock = HTW_CLOCK_VIRTUAL, .tick_ns = 1 });
	struct htw_event event;
	struct htw_batch batch = {
		.events = (uintptr_t)&event, .nr_events = 1, .min_events = 1,
		.timeout = HTW_FOREVER };
	pthread_t thread;

	arm_in(fd, 10, 1);
	arm_in(fd, 20, 2);
	arm_in(fd, 30, 3);
	thread = start(advance_later, &fd);
	ASSERT_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	EXPECT_EQ(event.cookie, 1);
	join(thread);
	thread = start(advance_later, &fd);
	wait_readable(fd);
	ASSERT_EQ(read_events(fd, &event, 1), 1);
	EXPECT_EQ(event.cookie, 2);
	join(thread);
	thread = start(advance_later, &fd);
	EXPECT_EQ(do_batch(fd, &batch), 0);
	EXPECT_EQ(batch.got, 1);
	EXPECT_EQ(event.cookie, 3);
	join(thread);
}

static void ignore_signal(int signal)
{
	(void)signal;
}

/* Return: how many of @nr timers of one tick have expired when who brings it is dead. */
static uint64_t expired_when_killed(uint64_t nr)
{
	int fd = open_virtual(1);
	uint64_t i;
	pid_t pid;

	for (i = 0; i < nr; i++)
		arm_at(fd, 1, i);
	pid = fork();
	if (!pid) {
		advance(fd, 0, 1);
		_exit(0);
	}
	while (!stats(fd).expired)
		;
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	i = stats(fd).expired;
	close(fd);
	return i;
}

/* Others are asked to wait for the end of the tick; it may have very many timers. */
static void kill_stops_an_advance_in_its_tick(void)
{
	uint64_t nr = scaled(60000), expired = nr;
	int tries = 20;

	/* The kill may come too late once. */
	while (expired == nr && tries--)
		expired = expired_when_killed(nr);
	EXPECT_LT(expired, nr);
}

/* Stopped on the way it has succeeded, and can go on from there. */
static void signal_stops_an_advance(void)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	uint64_t nr = scaled(60000), now, i;
	int fd = open_virtual(1), stopped = 0;
	struct htw_event *events = calloc(nr, sizeof(*events));

	ASSERT_TRUE(events);
	for (i = 0; i < nr; i++)
		arm_at(fd, i + 1, i);
	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
	ASSERT_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (now = 0; now < nr; stopped += now < nr) {
		uint64_t before = now;

		now = advance(fd, HTW_TIMER_ABS, nr);
		EXPECT_GE(now, before);
		/* What has come is told, and nothing else. */
		EXPECT_EQ(stats(fd).expired, now);
	}
	memset(&often, 0, sizeof(often));
	ASSERT_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	ktap_note("stopped %d times", stopped);
	EXPECT_GT(stopped, 0);
	ASSERT_EQ(read_events(fd, events, nr), nr);
	for (i = 0; i < nr; i++)
		EXPECT_EQ(events[i].cookie, i);
}

/* --- order, beside a model --- */

#define MODEL_TIMERS	200
#define MODEL_TICK	16

/**
 * struct model - what a timer is to do
 * @id: 0 if there is none
 * @due: the tick at which it will expire, in ns
 * @number: of its arming, which no other has
 */
struct model {
	uint64_t	id;
	uint64_t	due;
	uint64_t	number;
};

static struct model model[MODEL_TIMERS];
static uint64_t nr_armings;

static uint64_t due_after(uint64_t now, uint64_t expires)
{
	uint64_t next = now / MODEL_TICK * MODEL_TICK + MODEL_TICK;
	uint64_t up = (expires + MODEL_TICK - 1) / MODEL_TICK * MODEL_TICK;

	return up > next ? up : next;
}

/* Near, mostly, so that many meet. */
static uint64_t model_delay(void)
{
	return random_below(10) ? random_below(20 * MODEL_TICK) :
				  random_below(1 << 22);
}

static void model_arm(int fd, uint64_t now, struct model *m)
{
	uint64_t delay = model_delay();

	m->due = due_after(now, now + delay);
	m->number = ++nr_armings;
	if (m->id)
		ASSERT_EQ(rearm_in(fd, m->id, delay, m->number), 0);
	else
		m->id = arm_in(fd, delay, m->number);
}

static void model_cancel(int fd, struct model *m)
{
	EXPECT_EQ(cancel(fd, m->id), m->id ? HTW_CANCELLED : -ENOENT);
	m->id = 0;
}

/* The one that is to expire first, up to @now, or NULL. */
static struct model *model_first(uint64_t now)
{
	struct model *first = NULL, *m;

	for (m = model; m < model + MODEL_TIMERS; m++) {
		if (!m->id || m->due > now)
			continue;
		if (!first || m->due < first->due ||
		    (m->due == first->due && m->number < first->number))
			first = m;
	}
	return first;
}

static void model_read(int fd, uint64_t now)
{
	struct model *m;

	while ((m = model_first(now))) {
		expect_cookie(fd, m->number);
		m->id = 0;
		if (ktap_enough())
			return;
	}
	expect_none(fd);
}

static void order_is_tick_then_arming(void)
{
	uint64_t now = 0, steps = scaled(20000), i;
	int fd = open_virtual(MODEL_TICK);

	for (i = 0; i < steps && !ktap_enough(); i++) {
		struct model *m = &model[random_below(MODEL_TIMERS)];

		if (random_below(20)) {
			if (random_below(5))
				model_arm(fd, now, m);
			else
				model_cancel(fd, m);
			continue;
		}
		now = advance(fd, 0, model_delay());
		model_read(fd, now);
	}
}

/* --- the same twice --- */

/* All that a program is told, as it was told. */
struct history {
	unsigned char	*bytes;
	size_t		len;
	size_t		room;
};

static void remember(struct history *h, const void *bytes, size_t len)
{
	ASSERT_LE(h->len + len, h->room);
	memcpy(h->bytes + h->len, bytes, len);
	h->len += len;
}

static uint16_t random_flags(const struct htw_op *op)
{
	static const uint16_t once[] = {
		0, 0, HTW_TIMER_KEEP, HTW_TIMER_DEADLINE, HTW_TIMER_COARSE,
		HTW_TIMER_KEEP | HTW_TIMER_COARSE };
	static const uint16_t periodic[] = {
		0, HTW_TIMER_SKIP, HTW_TIMER_BURST,
		HTW_TIMER_BURST | HTW_TIMER_KEEP };

	return op->interval ? periodic[random_below(NR(periodic))] :
			      once[random_below(NR(once))];
}

/* Any operation, most of them of timers that there are. */
static struct htw_op random_op(const uint64_t *ids, size_t nr)
{
	static const uint16_t opcodes[] = {
		HTW_OP_ARM, HTW_OP_ARM, HTW_OP_ARM, HTW_OP_REARM, HTW_OP_REARM,
		HTW_OP_CANCEL, HTW_OP_REMAINING, HTW_OP_CANCEL_MATCH,
		HTW_OP_ADVANCE };
	struct htw_op op = { .opcode = opcodes[random_below(NR(opcodes))] };

	if (op.opcode == HTW_OP_ADVANCE) {
		op.flags = random_below(2) ? HTW_ADVANCE_NEXT : 0;
		op.expires = random_below(10000);
		return op;
	}
	if (op.opcode == HTW_OP_CANCEL_MATCH) {
		op.value = 0x3f;
		op.cookie = random_below(0x40);
		return op;
	}
	if (op.opcode != HTW_OP_ARM)
		op.id = ids[random_below((uint32_t)nr)];
	if (op.opcode == HTW_OP_CANCEL || op.opcode == HTW_OP_REMAINING)
		return op;
	op.expires = random_below(20000);
	op.slack = random_below(2) * random_below(1000);
	op.interval = random_below(4) ? 0 : 64 + random_below(2000);
	op.count = op.interval ? random_below(5) : 0;
	op.flags = random_flags(&op);
	op.cookie = random_below(1000);
	return op;
}

static void run_program(uint64_t seed, struct history *h)
{
	enum { IDS = 128, EVENTS = 40, STEPS = 5000 };
	struct htw_event events[EVENTS];
	int fd = open_virtual(64), i, err;
	uint64_t ids[IDS] = { 0 };
	struct htw_context_stats s;
	struct htw_op op;
	size_t nr;

	random_state = seed;
	for (i = 0; i < STEPS; i++) {
		op = random_op(ids, IDS);
		err = do_op(fd, &op);
		remember(h, &err, sizeof(err));
		remember(h, &op, sizeof(op));
		if (op.opcode == HTW_OP_ARM)
			ids[i % IDS] = op.id;
		if (random_below(4))
			continue;
		nr = read_events(fd, events, 1 + random_below(EVENTS));
		remember(h, &nr, sizeof(nr));
		remember(h, events, nr * sizeof(events[0]));
	}
	s = stats(fd);
	remember(h, &s, sizeof(s));
	close(fd);
}

/* Any program gives the same, to the last bit of the last event. HTW_SEED repeats one. */
static void same_program_gives_the_same(void)
{
	const char *wanted = getenv("HTW_SEED");
	uint64_t seed = wanted ? strtoull(wanted, NULL, 0) : now_ns() | 1;
	struct history runs[2];
	struct htw_context_stats *s;
	int i;

	ktap_note("HTW_SEED=%llu", (unsigned long long)seed);
	for (i = 0; i < 2; i++) {
		runs[i] = (struct history){ .room = 16 << 20 };
		runs[i].bytes = malloc(runs[i].room);
		ASSERT_TRUE(runs[i].bytes);
		run_program(seed, &runs[i]);
		sleep_ns(10 * MSEC);
	}
	ASSERT_EQ(runs[0].len, runs[1].len);
	EXPECT_EQ(memcmp(runs[0].bytes, runs[1].bytes, runs[0].len), 0);
	/* Something has happened. */
	s = (void *)(runs[0].bytes + runs[0].len - sizeof(*s));
	EXPECT_GT(s->armed, 100);
	EXPECT_GT(s->delivered, 100);
}

static bool stop_advancing;

/* Each other step is over a multiple of 2^32: both halves of the time change. */
static void *advance_over_halves(void *fd)
{
	while (!load_shared(&stop_advancing)) {
		advance(*(int *)fd, 0, 0x20);
		advance(*(int *)fd, 0, (1ULL << 32) - 0x20);
	}
	return NULL;
}

/* A processor of 32 bits reads the time in two halves, which have to belong together. */
static void time_is_told_in_one_piece(void)
{
	int fd = open_setup(O_NONBLOCK, (struct htw_setup){
		.clock = HTW_CLOCK_VIRTUAL, .virtual_start = 0xfffffff0 });
	uint64_t last = 0, end = now_ns() + SEC;
	pthread_t thread = start(advance_over_halves, &fd);

	while (now_ns() < end && !ktap_enough()) {
		struct htw_batch batch = { 0 };

		ASSERT_EQ(do_batch(fd, &batch), 0);
		EXPECT_GE(batch.now, last);
		last = batch.now;
		EXPECT_GE(advance(fd, 0, 0), last);
	}
	store_shared(&stop_advancing, true);
	join(thread);
	EXPECT_GT(last, 0xfffffff0);
}

/* --- threads --- */

/**
 * struct worker - a thread that arms and cancels
 * @fd: the context, which all share
 * @seed: of its random numbers
 * @stop: it is to end
 * @left: armings that it has not cancelled
 */
struct worker {
	int		fd;
	uint64_t	seed;
	int		stop;
	uint64_t	left;
};

static void *arm_and_cancel(void *arg)
{
	struct worker *worker = arg;
	uint64_t id;
	int ret;

	while (!load_shared(&worker->stop)) {
		id = arm_in(worker->fd, 1 + random_of(&worker->seed, 50), 0);
		worker->left++;
		if (random_of(&worker->seed, 2))
			continue;
		ret = cancel(worker->fd, id);
		worker->left -= ret == HTW_CANCELLED || ret == HTW_WITHDRAWN;
		ASSERT_TRUE(ret > 0 || ret == -EALREADY || ret == -ENOENT);
	}
	return NULL;
}

static void *let_time_pass(void *arg)
{
	struct worker *worker = arg;

	while (!load_shared(&worker->stop))
		advance(worker->fd, 0, 7);
	return NULL;
}

static uint64_t read_all(int fd)
{
	struct htw_event events[64];
	uint64_t nr = 0;

	while (poll_context(fd, 0))
		nr += read_events(fd, events, NR(events));
	return nr;
}

/* Two that arm and cancel, one that lets time pass, one that reads: all adds up. */
static void threads_share_a_time(void)
{
	int fd = open_virtual(1);
	struct worker workers[] = { { .fd = fd, .seed = 1 }, { .fd = fd, .seed = 2 },
				    { .fd = fd } };
	uint64_t end = now_ns() + 500 * MSEC, delivered = 0;
	pthread_t threads[NR(workers)];
	size_t i;

	for (i = 0; i < NR(workers); i++)
		threads[i] = start(i < 2 ? arm_and_cancel : let_time_pass, &workers[i]);
	while (now_ns() < end)
		delivered += read_all(fd);
	for (i = 0; i < NR(workers); i++) {
		store_shared(&workers[i].stop, 1);
		join(threads[i]);
	}
	advance(fd, 0, 100);
	delivered += read_all(fd);
	ktap_note("%" PRIu64 " delivered", delivered);
	EXPECT_EQ(delivered, workers[0].left + workers[1].left);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(stats(fd).delivered, delivered);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(time_stands_still),
	KTAP_TEST(time_begins_where_it_is_told),
	KTAP_TEST(time_passes_by_as_much_as_it_is_told),
	KTAP_TEST(time_does_not_go_back),
	KTAP_TEST(time_ends),
	KTAP_TEST(contexts_have_times_of_their_own),
	KTAP_TEST(each_tick_is_exact),
	KTAP_TEST(past_is_due_at_the_next_tick),
	KTAP_TEST(a_year_passes_in_one_call),
	KTAP_TEST(due_timers_can_be_cancelled_and_rearmed),
	KTAP_TEST(next_stops_at_each_event),
	KTAP_TEST(next_goes_no_further_than_told),
	KTAP_TEST(next_takes_a_whole_tick),
	KTAP_TEST(next_does_not_stop_where_nothing_happens),
	KTAP_TEST(pushed_by_its_word_expires_then),
	KTAP_TEST(no_real_timer_is_used),
	KTAP_TEST(advance_wakes_who_waits),
	KTAP_TEST(kill_stops_an_advance_in_its_tick),
	KTAP_TEST(signal_stops_an_advance),
	KTAP_TEST(order_is_tick_then_arming),
	KTAP_TEST(same_program_gives_the_same),
	KTAP_TEST(time_is_told_in_one_piece),
	KTAP_TEST(threads_share_a_time),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("virtual", tests, need_device));
}
