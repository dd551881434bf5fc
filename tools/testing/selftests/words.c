// SPDX-License-Identifier: GPL-2.0
/*
 * Deadline words: a timer is put off by a store, and by nothing else. It never fires
 * before the deadline that holds, and always fires once; what it says is the
 * deadline that held.
 */
#include <sys/mman.h>

#include "mapped.h"
#include "ops.h"
#include "waiting.h"

static uint64_t arm_word_at(const struct mapped *m, uint64_t time, uint64_t cookie)
{
	return arm(m->fd, (struct htw_op){
		.flags = HTW_TIMER_ABS | HTW_TIMER_WORD,
		.expires = time, .cookie = cookie });
}

/* The event must be of that deadline, and not come before it. */
static void expect_held(const struct mapped *m, uint64_t id, uint64_t deadline)
{
	struct htw_event event;

	read_event(m->fd, &event);
	EXPECT_EQ(event.id, id);
	EXPECT_EQ(event.expires, deadline);
	EXPECT_EQ(event.expirations, 1);
}

/* --- the table --- */

static void words_are_as_many_as_timers_and_zero(void)
{
	struct mapped m;
	uint64_t i;

	/* One more than there are words in a page. */
	open_words(&m, 513);
	EXPECT_EQ(m.setup.max_timers, 513);
	ASSERT_GE(m.setup.words_len, 513 * sizeof(uint64_t));
	for (i = 0; i < m.setup.words_len / sizeof(uint64_t); i++)
		EXPECT_EQ(m.words[i], 0);
	EXPECT_EQ(m.setup.ring_len, 0);
}

/* All that the context can hold have a word of their own in the table. */
static void each_timer_has_its_word(void)
{
	enum { NR = 500 };
	unsigned char used[NR] = { 0 };
	struct mapped m;
	uint64_t id;
	int i;

	open_words(&m, NR);
	for (i = 0; i < NR; i++) {
		id = arm_word_at(&m, now_ns() + HOUR, 0);
		ASSERT_LT(HTW_WORD_INDEX(id), NR);
		EXPECT_EQ(used[HTW_WORD_INDEX(id)]++, 0);
	}
}

static void timer_without_the_flag_does_not_look(void)
{
	uint64_t time = now_ns() + 30 * MSEC;
	struct mapped m;
	uint64_t id;

	open_words(&m, 100);
	id = arm_at(m.fd, time, 1);
	store_word(&m, id, time + HOUR);
	expect_held(&m, id, time);
	EXPECT_EQ(stats(m.fd).pushed, 0);
}

/* Without words there is nothing to obey; and not where the header says so. */
static void flag_that_can_not_be_einval(void)
{
	struct htw_op op = { .opcode = HTW_OP_ARM, .flags = HTW_TIMER_WORD,
			     .expires = SEC };
	struct mapped m;

	EXPECT_EQ(do_op(open_context(0), &op), -EINVAL);
	open_words(&m, 100);
	op.interval = SEC;
	EXPECT_EQ(do_op(m.fd, &op), -EINVAL);
	op.interval = 0;
	op.flags = HTW_TIMER_WORD | HTW_TIMER_DEADLINE;
	EXPECT_EQ(do_op(m.fd, &op), -EINVAL);
	EXPECT_EQ(held(m.fd), 0);
}

static void words_on_a_wall_clock_eopnotsupp(void)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_TAI };
	struct htw_setup setup;
	int i;

	for (i = 0; i < 2; i++) {
		setup = (struct htw_setup){ .clock = (__u32)clocks[i],
					    .flags = HTW_SETUP_WORDS };
		EXPECT_EQ(do_setup(open_context(0), &setup), -EOPNOTSUPP);
	}
}

/* --- on virtual time, where nothing comes in between --- */

static void open_virtual_words(struct mapped *m)
{
	open_mapped(m, (struct htw_setup){
		.clock = HTW_CLOCK_VIRTUAL, .flags = HTW_SETUP_WORDS,
		.max_timers = 64, .virtual_start = SEC, .tick_ns = 1024 });
}

/* It is not there a ns before its deadline, and the tick after that it is. */
static void expect_held_virtually(const struct mapped *m, uint64_t id,
				  uint64_t deadline)
{
	struct htw_event event;

	advance(m->fd, HTW_TIMER_ABS, deadline - 1);
	expect_no_event(m->fd);
	advance(m->fd, HTW_TIMER_ABS, deadline + 1023);
	ASSERT_EQ(read(m->fd, &event, sizeof(event)), EVENT_SIZE);
	EXPECT_EQ(event.id, id);
	EXPECT_EQ(event.expires, deadline);
	expect_no_event(m->fd);
}

static void store_puts_a_virtual_timer_off(void)
{
	struct mapped m;
	uint64_t id;

	open_virtual_words(&m);
	id = arm_word_at(&m, 2 * SEC, 5);
	store_word(&m, id, 5 * SEC);
	expect_held_virtually(&m, id, 5 * SEC);
	EXPECT_EQ(stats(m.fd).pushed, 1);
}

/* They come before its expiry: one re-filing is enough for all. */
static void of_several_stores_the_last_one_holds(void)
{
	struct mapped m;
	uint64_t id, i;

	open_virtual_words(&m);
	id = arm_word_at(&m, 2 * SEC, 1);
	for (i = 50; i >= 1; i--)
		store_word(&m, id, 2 * SEC + i * MSEC);
	expect_held_virtually(&m, id, 2 * SEC + MSEC);
	EXPECT_EQ(stats(m.fd).pushed, 1);
}

static void timer_can_be_put_off_again_and_again(void)
{
	struct mapped m;
	uint64_t id, i;

	open_virtual_words(&m);
	id = arm_word_at(&m, 2 * SEC, 1);
	for (i = 1; i <= 100; i++) {
		store_word(&m, id, 2 * SEC + i * MSEC);
		advance(m.fd, HTW_TIMER_ABS, 2 * SEC + i * MSEC - 1);
		EXPECT_EQ(stats(m.fd).pushed, i);
		expect_no_event(m.fd);
	}
	expect_held_virtually(&m, id, 2 * SEC + 100 * MSEC);
}

static void push_can_be_taken_back_in_time(void)
{
	struct mapped m;
	uint64_t id;

	open_virtual_words(&m);
	id = arm_word_at(&m, 2 * SEC, 1);
	store_word(&m, id, HOUR);
	store_word(&m, id, 0);
	expect_held_virtually(&m, id, 2 * SEC);
	EXPECT_EQ(stats(m.fd).pushed, 0);
}

/* Once it is put off, a store of an earlier time comes too late. */
static void push_can_not_be_taken_back_later(void)
{
	struct mapped m;
	uint64_t id;

	open_virtual_words(&m);
	id = arm_word_at(&m, 2 * SEC, 1);
	store_word(&m, id, 10 * SEC);
	advance(m.fd, HTW_TIMER_ABS, 3 * SEC);
	store_word(&m, id, 4 * SEC);
	expect_held_virtually(&m, id, 10 * SEC);
}

static void push_by_little_is_one_by_the_minimum(void)
{
	struct mapped m;
	uint64_t id;

	open_virtual_words(&m);
	EXPECT_EQ(query(m.fd).min_interval_ns, 1024);
	id = arm_word_at(&m, 2 * SEC, 1);
	store_word(&m, id, 2 * SEC + 1);
	expect_held_virtually(&m, id, 2 * SEC + 1024);
	EXPECT_EQ(stats(m.fd).pushed, 1);
}

static void push_keeps_the_slack(void)
{
	struct htw_op op;
	struct mapped m;
	uint64_t id;

	open_virtual_words(&m);
	id = arm(m.fd, (struct htw_op){
		.flags = HTW_TIMER_ABS | HTW_TIMER_WORD,
		.expires = 2 * SEC, .slack = 7 * MSEC });
	store_word(&m, id, HOUR);
	advance(m.fd, HTW_TIMER_ABS, 3 * SEC);
	EXPECT_EQ(stats(m.fd).pushed, 1);
	ASSERT_EQ(remaining(m.fd, id, &op), 0);
	EXPECT_EQ(op.slack, 7 * MSEC);
	EXPECT_EQ(op.expires, HOUR);
}

static void last_time_is_a_deadline(void)
{
	struct htw_op op;
	struct mapped m;
	uint64_t id;

	open_virtual_words(&m);
	id = arm_word_at(&m, 2 * SEC, 1);
	store_word(&m, id, MAX_TIME);
	advance(m.fd, HTW_TIMER_ABS, HOUR);
	EXPECT_EQ(stats(m.fd).pushed, 1);
	ASSERT_EQ(remaining(m.fd, id, &op), 0);
	EXPECT_EQ(op.expires, MAX_TIME);
	EXPECT_EQ(cancel(m.fd, id), HTW_CANCELLED);
}

static void other_values_do_nothing(void)
{
	static const uint64_t values[] = {
		0, 1, SEC, 2 * SEC - 1, 2 * SEC, MAX_TIME + 1, UINT64_MAX - 1,
		UINT64_MAX };
	struct mapped m;
	uint64_t id, i;

	for (i = 0; i < 8; i++) {
		open_virtual_words(&m);
		id = arm_word_at(&m, 2 * SEC, i);
		store_word(&m, id, values[i]);
		expect_held_virtually(&m, id, 2 * SEC);
		EXPECT_EQ(stats(m.fd).pushed, 0);
	}
}

/* --- on the real clock --- */

/*
 * Arm a timer and put it off by @by. Where the machine stood still meanwhile, so that
 * the store may have come too late, do it again with more time. Return: the id.
 */
static uint64_t arm_pushed(struct mapped *m, uint64_t by, uint32_t entries,
			   uint64_t *time)
{
	uint64_t delay, id;

	for (delay = 20 * MSEC; ; delay *= 2) {
		open_mapped(m, (struct htw_setup){
			.clock = CLOCK_MONOTONIC, .ring_entries = entries,
			.flags = HTW_SETUP_WORDS, .max_timers = 64 });
		*time = now_ns() + delay;
		id = arm_word_at(m, *time, 1);
		store_word(m, id, *time + by);
		if (now_ns() < *time)
			return id;
		close(m->fd);
	}
}

static void store_puts_the_timer_off(void)
{
	uint64_t by = 60 * MSEC + 5, time, id;
	struct mapped m;

	id = arm_pushed(&m, by, 0, &time);
	expect_held(&m, id, time + by);
	EXPECT_EQ(stats(m.fd).pushed, 1);
	EXPECT_EQ(stats(m.fd).expired, 1);
	EXPECT_EQ(held(m.fd), 0);
}

static void words_work_with_a_ring(void)
{
	struct htw_event event;
	uint64_t time, id;
	struct mapped m;

	id = arm_pushed(&m, 30 * MSEC, 4, &time);
	consume_exactly(&m, &event, 1);
	EXPECT_GE(now_ns(), time + 30 * MSEC);
	EXPECT_EQ(event.id, id);
	EXPECT_EQ(event.expires, time + 30 * MSEC);
}

/* --- whose word it is --- */

static void word_is_zeroed_when_armed(void)
{
	uint64_t time = now_ns() + HOUR, id, other = 0;
	struct mapped m;
	int i;

	open_words(&m, 32);
	id = arm_word_at(&m, time, 1);
	store_word(&m, id, time + SEC);
	EXPECT_EQ(cancel(m.fd, id), HTW_CANCELLED);
	for (i = 0; i < 32; i++) {
		other = arm_word_at(&m, time, 2);
		if (HTW_WORD_INDEX(other) == HTW_WORD_INDEX(id))
			break;
	}
	ASSERT_LT(i, 32);
	EXPECT_EQ(load_word(&m, other), 0);
}

static void word_is_zeroed_when_rearmed(void)
{
	uint64_t time = now_ns() + 30 * MSEC, id;
	struct mapped m;
	struct htw_op op;

	open_words(&m, 32);
	id = arm_word_at(&m, time, 1);
	store_word(&m, id, time + HOUR);
	op = (struct htw_op){ .opcode = HTW_OP_REARM, .id = id,
			      .flags = HTW_TIMER_ABS | HTW_TIMER_WORD,
			      .expires = time + 10 * MSEC };
	ASSERT_EQ(do_op(m.fd, &op), 0);
	EXPECT_EQ(load_word(&m, id), 0);
	expect_held(&m, id, time + 10 * MSEC);
}

/* A word of one who is gone is never that of the next in its place. */
static void stale_word_pushes_no_stranger(void)
{
	uint64_t time, id, i;
	struct mapped m;

	open_words(&m, 32);
	for (i = 0; i < 32; i++)
		m.words[i] = now_ns() + HOUR;
	for (i = 0; i < 100; i++) {
		time = now_ns() + MSEC;
		id = arm_word_at(&m, time, i);
		expect_held(&m, id, time);
		store_word(&m, id, now_ns() + HOUR);
	}
	EXPECT_EQ(stats(m.fd).pushed, 0);
}

static void words_of_others_do_nothing(void)
{
	uint64_t time = now_ns() + 30 * MSEC, id, i;
	struct mapped m, other;

	open_words(&m, 64);
	open_words(&other, 64);
	id = arm_word_at(&m, time, 1);
	for (i = 0; i < 64; i++) {
		other.words[i] = time + HOUR;
		if (i != HTW_WORD_INDEX(id))
			m.words[i] = time + HOUR;
	}
	expect_held(&m, id, time);
}

/* --- what is told of it --- */

static void remaining_and_cancel_tell_the_deadline(void)
{
	uint64_t time, id;
	struct htw_op op;
	struct mapped m;

	id = arm_pushed(&m, HOUR, 0, &time);
	while (!stats(m.fd).pushed)
		sleep_ns(MSEC);
	ASSERT_EQ(remaining(m.fd, id, &op), 0);
	EXPECT_EQ(op.res, HTW_STATE_ARMED);
	EXPECT_EQ(op.expires, time + HOUR);
	EXPECT_GT(op.value, HOUR / 2);
	EXPECT_EQ(op.arming, 1);
	op = (struct htw_op){ .opcode = HTW_OP_CANCEL, .id = id };
	ASSERT_EQ(do_op(m.fd, &op), 0);
	EXPECT_EQ(op.res, HTW_CANCELLED);
	EXPECT_EQ(op.value, time + HOUR);
}

static void withdrawn_event_tells_the_deadline(void)
{
	uint64_t time, id;
	struct htw_op op;
	struct mapped m;

	id = arm_pushed(&m, 10 * MSEC, 0, &time);
	wait_readable(m.fd);
	ASSERT_EQ(remaining(m.fd, id, &op), 0);
	EXPECT_EQ(op.res, HTW_STATE_EXPIRED);
	EXPECT_EQ(op.expires, time + 10 * MSEC);
	op = (struct htw_op){ .opcode = HTW_OP_CANCEL, .id = id };
	ASSERT_EQ(do_op(m.fd, &op), 0);
	EXPECT_EQ(op.res, HTW_WITHDRAWN);
	EXPECT_EQ(op.value, time + 10 * MSEC);
}

/* The idiom of the header for a store that came too late. */
static void late_store_is_seen_and_armed_again(void)
{
	uint64_t time = now_ns() + 10 * MSEC, later;
	struct htw_event event;
	struct htw_op op = {
		.opcode = HTW_OP_ARM, .expires = time,
		.flags = HTW_TIMER_ABS | HTW_TIMER_WORD | HTW_TIMER_KEEP };
	struct mapped m;

	open_words(&m, 100);
	ASSERT_EQ(do_op(m.fd, &op), 0);
	wait_readable(m.fd);
	later = now_ns() + 30 * MSEC;
	store_word(&m, op.id, later);
	read_event(m.fd, &event);
	EXPECT_EQ(event.expires, time);
	ASSERT_GT(load_word(&m, op.id), event.expires);
	op = (struct htw_op){
		.opcode = HTW_OP_REARM, .id = op.id, .expires = later,
		.flags = HTW_TIMER_ABS | HTW_TIMER_WORD };
	ASSERT_EQ(do_op(m.fd, &op), 0);
	expect_held(&m, op.id, later);
}

/* --- stores against the expiry --- */

enum { RACED = 2000 };

/**
 * struct word_race - a thread that puts timers off while they expire
 * @m: the context
 * @ids: of the timers
 * @push: the time that is stored for all of them
 * @begin: when it begins to store; 0 to end
 * @pushed: how many it has put off, of all rounds
 * @fired: how many had fired before, of all rounds
 * @meet: both, before and after a round
 */
struct word_race {
	struct mapped		m;
	uint64_t		ids[RACED];
	uint64_t		push;
	uint64_t		begin;
	uint64_t		pushed;
	uint64_t		fired;
	pthread_barrier_t	meet;
};

/* From the last one on, so that the stores meet the expiries. */
static void *store_words(void *arg)
{
	struct word_race *race = arg;
	int i;

	pin_to_cpu(1);
	for (;;) {
		pthread_barrier_wait(&race->meet);
		if (!race->begin)
			return NULL;
		while (now_ns() < race->begin)
			sched_yield();
		for (i = RACED; i-- > 0; )
			store_word(&race->m, race->ids[i], race->push);
		pthread_barrier_wait(&race->meet);
	}
}

/* Return: when the last one expires, if it is not put off. */
static uint64_t arm_raced(struct word_race *race, uint64_t spread)
{
	static struct htw_op ops[RACED];
	static uint64_t took = 2 * MSEC;
	uint64_t now = now_ns(), first = now + 2 * took;
	int i;

	for (i = 0; i < RACED; i++)
		ops[i] = (struct htw_op){
			.opcode = HTW_OP_ARM, .cookie = (uint64_t)i,
			.flags = HTW_TIMER_ABS | HTW_TIMER_WORD,
			.expires = first + (uint64_t)i * spread / RACED };
	do_ops_well(race->m.fd, ops, RACED);
	took = now_ns() - now;
	for (i = 0; i < RACED; i++)
		race->ids[i] = ops[i].id;
	return first + spread;
}

/* One event of each timer: of its own deadline or of the one that was stored. */
static void judge_words(struct word_race *race, uint64_t first, uint64_t last)
{
	static struct htw_event events[RACED];
	unsigned char seen[RACED] = { 0 };
	int i;

	ASSERT_EQ(collect(race->m.fd, events, RACED, RACED, HTW_FOREVER), RACED);
	for (i = 0; i < RACED; i++) {
		ASSERT_LT(events[i].cookie, RACED);
		EXPECT_EQ(seen[events[i].cookie]++, 0);
		EXPECT_EQ(events[i].id, race->ids[events[i].cookie]);
		EXPECT_EQ(events[i].expirations, 1);
		if (events[i].expires == race->push) {
			race->pushed++;
			continue;
		}
		race->fired++;
		EXPECT_EQ(events[i].expires, first + events[i].cookie *
			  (last - first) / RACED);
	}
	expect_no_event(race->m.fd);
	EXPECT_EQ(held(race->m.fd), 0);
}

/* @nr: of the round; some are far from the edge, so that no outcome can be missing. */
static void word_round(struct word_race *race, uint64_t nr, int64_t *lead)
{
	uint64_t spread = 2 * MSEC, last = arm_raced(race, spread);
	uint64_t before = race->pushed;

	race->push = last + 5 * MSEC;
	race->begin = last - spread + (uint64_t)*lead;
	if (nr % 8 == 0)
		race->begin = 1;
	else if (nr % 8 == 1)
		race->begin = last + MSEC;
	pthread_barrier_wait(&race->meet);
	pthread_barrier_wait(&race->meet);
	judge_words(race, last - spread, last);
	if (nr % 8 < 2)
		return;
	/* To where the two outcomes are even. */
	if (race->pushed - before < RACED / 3)
		*lead -= (int64_t)spread / 16;
	else if (race->pushed - before > 2 * RACED / 3)
		*lead += (int64_t)spread / 16;
}

static void store_against_expiry_has_one_outcome(void)
{
	uint64_t rounds = scaled(120000 / RACED), nr = rounds * RACED, i;
	struct word_race *race = calloc(1, sizeof(*race));
	int64_t lead = MSEC;
	pthread_t thread;

	ASSERT_TRUE(race);
	open_words(&race->m, RACED);
	ASSERT_EQ(pthread_barrier_init(&race->meet, NULL, 2), 0);
	thread = start(store_words, race);
	pin_to_cpu(0);
	for (i = 0; i < rounds; i++)
		word_round(race, i, &lead);
	race->begin = 0;
	pthread_barrier_wait(&race->meet);
	join(thread);
	ktap_note("%llu timers: %llu put off, %llu fired before",
		  (unsigned long long)nr, (unsigned long long)race->pushed,
		  (unsigned long long)race->fired);
	EXPECT_EQ(race->pushed + race->fired, nr);
	EXPECT_EQ(stats(race->m.fd).pushed, race->pushed);
	EXPECT_EQ(stats(race->m.fd).expired, nr);
	EXPECT_GE(race->pushed, nr / 100);
	EXPECT_GE(race->fired, nr / 100);
}

/* --- a hostile writer --- */

enum { PUSHED = 10000 };

struct pusher {
	struct mapped	m;
	bool		stop;
};

/* Whenever one expires, there is a later time in its word, though not by much. */
static void *push_by_little(void *arg)
{
	struct pusher *pusher = arg;
	uint64_t i, now;

	pin_to_cpu(1);
	while (!load_shared(&pusher->stop)) {
		now = now_ns();
		for (i = 0; i < PUSHED; i++)
			store_shared(&pusher->m.words[i], now + 20 * MSEC);
	}
	return NULL;
}

static void arm_pushed_ones(int fd)
{
	struct htw_op *ops = new_ops(PUSHED);
	uint64_t i;

	for (i = 0; i < PUSHED; i++)
		ops[i] = (struct htw_op){
			.opcode = HTW_OP_ARM, .flags = HTW_TIMER_WORD,
			.expires = MSEC, .cookie = i };
	do_ops_well(fd, ops, PUSHED);
	free(ops);
}

/*
 * Until they were put off so often in all, or until they have fired, because the thread
 * that puts them off stood still. The machine goes on meanwhile: this sleeps and wakes.
 */
static bool pushed_so_often(int fd, uint64_t target)
{
	struct htw_context_stats s;

	do {
		sleep_ns(MSEC);
		s = stats(fd);
		if (s.pushed >= target)
			return true;
	} while (s.expired < s.armed);
	return false;
}

static void collect_pushed_ones(int fd)
{
	static struct htw_event events[PUSHED];

	EXPECT_EQ(collect(fd, events, PUSHED, PUSHED, HTW_FOREVER), PUSHED);
	EXPECT_EQ(held(fd), 0);
}

/*
 * As often as the clock ticks is as often as a timer can be put off; and when the
 * stores end they all fire.
 */
static void pushing_for_ever_is_bounded_by_ticks(void)
{
	uint64_t pushed, ticks, begin = now_ns();
	struct pusher pusher = { .stop = false };
	pthread_t thread;
	int fd;

	open_words(&pusher.m, PUSHED);
	fd = pusher.m.fd;
	thread = start(push_by_little, &pusher);
	for (;;) {
		arm_pushed_ones(fd);
		if (pushed_so_often(fd, scaled(10) * PUSHED))
			break;
		collect_pushed_ones(fd);
	}
	pushed = stats(fd).pushed;
	ticks = (now_ns() - begin) / query(fd).tick_ns + 1;
	EXPECT_LE(pushed, PUSHED * ticks);
	ktap_note("%llu times put off in %llu ticks", (unsigned long long)pushed,
		  (unsigned long long)ticks);
	store_shared(&pusher.stop, true);
	join(thread);
	collect_pushed_ones(fd);
}

struct garbage {
	struct mapped	m;
	uint64_t	nr;
	bool		stop;
};

static void *store_garbage(void *arg)
{
	struct garbage *garbage = arg;
	uint64_t state = 4711, value;

	while (!load_shared(&garbage->stop)) {
		random_of(&state, 1);
		value = state & 1 ? now_ns() + random_of(&state, MSEC) : state;
		store_shared(&garbage->m.words[value % garbage->nr], value);
	}
	return NULL;
}

/* Whatever is stored: no timer fires early, twice or never. */
static void garbage_in_the_words_loses_no_timer(void)
{
	enum { NR = 1000 };
	struct garbage garbage = { .nr = NR };
	unsigned char seen[NR] = { 0 };
	struct htw_event event;
	pthread_t thread;
	uint64_t i, base;

	open_words(&garbage.m, NR);
	thread = start(store_garbage, &garbage);
	base = now_ns();
	for (i = 0; i < NR; i++)
		arm_word_at(&garbage.m, base + i * 200 * USEC, i);
	sleep_ns(300 * MSEC);
	store_shared(&garbage.stop, true);
	join(thread);
	/* Some were put off by centuries: those are cancelled. */
	while (poll_context(garbage.m.fd, 100)) {
		read_event(garbage.m.fd, &event);
		ASSERT_LT(event.cookie, NR);
		EXPECT_EQ(seen[event.cookie]++, 0);
		EXPECT_GE(event.expires, base + event.cookie * 200 * USEC);
	}
	i = held(garbage.m.fd);
	EXPECT_EQ(stats(garbage.m.fd).delivered + i, NR);
	ktap_note("%llu were put off for long", (unsigned long long)i);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(words_are_as_many_as_timers_and_zero),
	KTAP_TEST(each_timer_has_its_word),
	KTAP_TEST(timer_without_the_flag_does_not_look),
	KTAP_TEST(flag_that_can_not_be_einval),
	KTAP_TEST(words_on_a_wall_clock_eopnotsupp),
	KTAP_TEST(store_puts_a_virtual_timer_off),
	KTAP_TEST(of_several_stores_the_last_one_holds),
	KTAP_TEST(timer_can_be_put_off_again_and_again),
	KTAP_TEST(push_can_be_taken_back_in_time),
	KTAP_TEST(push_can_not_be_taken_back_later),
	KTAP_TEST(push_by_little_is_one_by_the_minimum),
	KTAP_TEST(push_keeps_the_slack),
	KTAP_TEST(last_time_is_a_deadline),
	KTAP_TEST(other_values_do_nothing),
	KTAP_TEST(store_puts_the_timer_off),
	KTAP_TEST(words_work_with_a_ring),
	KTAP_TEST(word_is_zeroed_when_armed),
	KTAP_TEST(word_is_zeroed_when_rearmed),
	KTAP_TEST(stale_word_pushes_no_stranger),
	KTAP_TEST(words_of_others_do_nothing),
	KTAP_TEST(remaining_and_cancel_tell_the_deadline),
	KTAP_TEST(withdrawn_event_tells_the_deadline),
	KTAP_TEST(late_store_is_seen_and_armed_again),
	KTAP_TEST(store_against_expiry_has_one_outcome),
	KTAP_TEST(pushing_for_ever_is_bounded_by_ticks),
	KTAP_TEST(garbage_in_the_words_loses_no_timer),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("words", tests, need_device));
}
