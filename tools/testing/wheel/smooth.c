// SPDX-License-Identifier: GPL-2.0
/*
 * How much has to be moved at one tick, with very many timers, and what slack
 * saves. Too many for the oracle of pair.c to keep up: each timer must come out at
 * exactly the tick that it was armed for last, and that is all there is to order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cases.h"
#include "pair.h"

/* What a base touches under one hold of its lock. */
#define STEP	64

/* 60 s in ticks of 2^17 ns. */
#define MINUTE	457764

/**
 * struct mill - a wheel, many timers, and what it took to run them
 * @wheel: the wheel
 * @nodes: the timers; the owner of a node is its index
 * @due: for each the tick at which it must come out
 * @nr: how many
 * @fired: how many came out
 * @wakeups: calls for another tick
 * @most: nodes moved at one tick, the most so far
 */
struct mill {
	struct htw_wheel	*wheel;
	struct htw_node		*nodes;
	u64			*due;
	unsigned int		nr;
	unsigned int		fired;
	u64			wakeups;
	u64			most;
};

/* Static, so that a failure, which leaves by longjmp(), leaks no memory. */
static struct mill mill;
static struct pair pair;

static const struct htw_geometry standard = HTW_DEFAULT_GEOMETRY;

/* Slots of so few ticks that HTW_AHEAD at each are soon too few. */
static const struct htw_geometry narrow = {
	.nr_levels = 4, .slots = { 16, 16, 16, 16 }
};

static void mill_init(const struct htw_geometry *geo, u64 now, unsigned int nr)
{
	unsigned int i;

	free(mill.wheel);
	free(mill.nodes);
	free(mill.due);
	mill = (struct mill) {
		.wheel = malloc(htw_wheel_size(geo)),
		.nodes = calloc(nr, sizeof(*mill.nodes)),
		.due = calloc(nr, sizeof(*mill.due)),
		.nr = nr,
	};
	if (!mill.wheel || !mill.nodes || !mill.due)
		abort();
	for (i = 0; i < nr; i++) {
		htw_node_init(&mill.nodes[i]);
		mill.nodes[i].owner = i;
	}
	htw_wheel_init(mill.wheel, geo, now);
	report_alive();
}

static void mill_arm(unsigned int id, u64 tick)
{
	struct htw_node *node = &mill.nodes[id];

	mill.due[id] = tick;
	if (htw_node_pending(node))
		htw_wheel_move(mill.wheel, node, tick);
	else
		htw_wheel_insert(mill.wheel, node, tick);
}

/* All of them, at random from @first to @last. */
static void mill_fill(struct rng *rng, u64 first, u64 last)
{
	unsigned int id;

	for (id = 0; id < mill.nr; id++)
		mill_arm(id, first + rng_below(rng, last - first + 1));
}

static unsigned int mill_pop(u64 tick)
{
	struct htw_node *node;
	unsigned int popped = 0;

	while ((node = htw_wheel_pop(mill.wheel))) {
		CHECK(bounded_tick, mill.due[node->owner] == tick,
		      "timer %u: expected at %llu, got it at %llu", node->owner,
		      mill.due[node->owner], tick);
		popped++;
	}
	mill.fired += popped;
	return popped;
}

/* One tick, in steps. No more than @most nodes may be moved at it. */
static void mill_tick(u64 tick, u64 most)
{
	u64 moves = mill.wheel->nr_moves, before;
	unsigned int touched;
	bool done;

	do {
		before = mill.wheel->nr_moves;
		done = htw_wheel_collect(mill.wheel, tick, STEP);
		touched = mill_pop(tick) + mill.wheel->nr_moves - before;
		CHECK(bounded_tick, touched <= STEP,
		      "nodes touched in a step: expected at most %u, got %u",
		      STEP, touched);
	} while (!done);
	moves = mill.wheel->nr_moves - moves;
	CHECK(bounded_tick, moves <= most,
	      "nodes moved at tick %llu: expected at most %llu, got %llu", tick,
	      most, moves);
	if (moves > mill.most)
		mill.most = moves;
	mill.wakeups++;
	if (!(mill.wakeups % 4096))
		report_alive();
}

/* From event to event, as far as @end. */
static void mill_run(u64 end, u64 most)
{
	u64 tick;

	while (htw_wheel_next(mill.wheel, &tick) && tick <= end)
		mill_tick(tick, most);
}

static void mill_all_fired(unsigned int nr)
{
	CHECK_EQUAL(bounded_tick, "timers that fired", nr, mill.fired);
	CHECK_EQUAL(bounded_tick, "timers left", 0, mill.wheel->nr_pending);
}

static void mill_print(const char *what)
{
	printf("# %s: %u timers, %llu moves, at most %llu at a tick, %llu wake-ups\n",
	       what, mill.nr, mill.wheel->nr_moves, mill.most, mill.wakeups);
}

/* For a slot of so many that HTW_AHEAD at each of its @ticks are too few. */
static u64 evenly(u64 nr, unsigned int ticks)
{
	u64 most = (nr + ticks - 1) / ticks + HTW_SPARSE;

	return most > HTW_AHEAD ? most : HTW_AHEAD;
}

/* Over the boundary of a level at @boundary, and of all finer ones. */
static void cross(struct rng *rng, u64 boundary, unsigned int nr, bool each_tick)
{
	u64 start = boundary - 100000, tick;
	char what[40];

	mill_init(&standard, start, nr);
	mill_fill(rng, start + 1, start + MINUTE);
	for (tick = start + 1; each_tick && tick <= boundary + 100000; tick++)
		mill_tick(tick, HTW_AHEAD);
	mill_run(start + MINUTE, HTW_AHEAD);
	mill_all_fired(nr);
	snprintf(what, sizeof(what), "over tick %#llx", boundary);
	mill_print(what);
}

/*
 * Bound: HTW_AHEAD moves at any tick, and STEP nodes in any step, with a million
 * timers over a minute and through the boundary of every level, whether somebody comes
 * by at each tick or only for events.
 */
void test_bounded_tick(struct rng *rng)
{
	static const unsigned int boundaries[] = { 30, 36, 40, 42, 47 };
	unsigned int i;

	cross(rng, 1ULL << 24, report.large, true);
	cross(rng, 1ULL << 24, report.large, false);
	for (i = 0; i < sizeof(boundaries) / sizeof(boundaries[0]); i++)
		cross(rng, 1ULL << boundaries[i], report.large / 4, false);
}

/*
 * All in one slot of level 1 and due on its last tick. Bound: there are as many ticks
 * to empty it as a window of level 0 has, 256 by default, so a 256th of them at each,
 * and HTW_SPARSE more. One timer, due just before the slot starts, does not make
 * anybody wait for it.
 *
 * The same in level 2: there are so many ticks to empty it that HTW_AHEAD do, until
 * they are all in one slot of level 1. And in level 3.
 *
 * In all of them a wake-up moves HTW_SPARSE at least, but for those at which a slot
 * starts, and those at which something is due.
 */
static void one_slot(const struct htw_geometry *geo, unsigned int level)
{
	u64 ticks = geo->slots[0], span = 1, start, last, most;
	unsigned int id;
	char what[40];

	for (id = 0; id < level; id++)
		span *= ticks;
	start = 3 * span;
	last = start + span - 1;
	/* Until they are in level 1, in a slot that is emptied over @ticks. */
	most = level > 1 ? evenly(report.large, span / ticks) : HTW_AHEAD;
	mill_init(geo, 1, report.large);
	mill_arm(0, start - 1);
	for (id = 1; id < mill.nr; id++)
		mill_arm(id, last);
	mill_run(last - 2 * ticks, most);
	mill_run(last, evenly(mill.nr, ticks));
	mill_all_fired(mill.nr);
	CHECK(ahead_wakeups, mill.wakeups <= mill.wheel->nr_moves / HTW_SPARSE + 4,
	      "wake-ups: expected at most %llu, got %llu",
	      mill.wheel->nr_moves / HTW_SPARSE + 4, mill.wakeups);
	CHECK_EQUAL(bounded_in_one_slot, "moves", 1ULL * mill.nr * level,
		    mill.wheel->nr_moves);
	snprintf(what, sizeof(what), "in one slot of %llu ticks", span);
	mill_print(what);
}

/*
 * Half of them in the slot of level 2 that starts at 768, and when it is being emptied
 * the other half in the one of level 1 that starts at 656. Bound: a 16th of those, and
 * of the others what is left over the 148 ticks that are left.
 */
static void two_slots(void)
{
	unsigned int id, half = report.large / 2;
	u64 most = evenly(half, 16) + half / 148 + HTW_SPARSE;

	mill_init(&narrow, 1, 2 * half);
	for (id = 0; id < half; id++)
		mill_arm(id, 1023);
	mill_run(619, evenly(half, 256));
	mill_tick(620, evenly(half, 256));
	for (id = half; id < 2 * half; id++)
		mill_arm(id, 671);
	mill_run(1023, most);
	mill_all_fired(mill.nr);
	mill_print("in two slots");
}

void test_bounded_in_one_slot(struct rng *rng)
{
	(void)rng;
	one_slot(&standard, 1);
	one_slot(&standard, 2);
	one_slot(&standard, 3);
	one_slot(&narrow, 1);
	one_slot(&narrow, 2);
	one_slot(&narrow, 3);
	two_slots();
}

/*
 * All due at the same tick, near. Bound: no move at any tick, whoever comes by, and
 * no wake-up but that one.
 */
void test_bounded_on_one_tick(struct rng *rng)
{
	unsigned int id;

	(void)rng;
	mill_init(&standard, 1000, report.large);
	for (id = 0; id < mill.nr; id++)
		mill_arm(id, 1100);
	mill_tick(1099, 0);
	mill_run(1100, 0);
	mill_all_fired(mill.nr);
	CHECK_EQUAL(bounded_on_one_tick, "moves", 0, mill.wheel->nr_moves);
	CHECK_EQUAL(bounded_on_one_tick, "wake-ups", 2, mill.wakeups);
}

/*
 * The cursor slept through all windows of three levels. Bound: the budget, for each
 * step; a move per level, for each timer; all come out in order.
 */
void test_bounded_after_sleep(struct rng *rng)
{
	unsigned int steps = 0, id;
	struct htw_node *node;
	u64 tick = 0;
	bool done;

	mill_init(&standard, 12345, report.large);
	mill_fill(rng, 12346, 12346 + (5 << 24));
	do {
		done = htw_wheel_collect(mill.wheel, 12345 + (6 << 24), STEP);
		steps++;
		while ((node = htw_wheel_pop(mill.wheel))) {
			id = node->owner;
			CHECK(bounded_after_sleep, mill.due[id] >= tick,
			      "timer %u: expected not before %llu, got %llu", id,
			      tick, mill.due[id]);
			tick = mill.due[id];
			mill.fired++;
		}
	} while (!done);
	mill_all_fired(mill.nr);
	CHECK(bounded_after_sleep, mill.wheel->nr_moves <= 3ULL * mill.nr,
	      "moves: expected at most %llu, got %llu", 3ULL * mill.nr,
	      mill.wheel->nr_moves);
	CHECK(bounded_after_sleep, steps <= 4 * (mill.nr / STEP + 1),
	      "steps: expected at most %u, got %u", 4 * (mill.nr / STEP + 1),
	      steps);
}

/*
 * Armed at once, one tick before the boundary of levels 1 and 2, for the next @ticks.
 * Bound: HTW_AHEAD if they are spread over many slots of level 1, else a 256th of
 * those in a slot; and @levels moves for each.
 */
static void flood(struct rng *rng, u64 ticks, u64 most, unsigned int levels)
{
	u64 start = (3 << 24) - 1;

	mill_init(&standard, start, report.large);
	mill_fill(rng, start + 1, start + ticks);
	mill_run(start + ticks, most);
	mill_all_fired(mill.nr);
	CHECK(bounded_in_a_flood, mill.wheel->nr_moves <= 1ULL * levels * mill.nr,
	      "moves: expected at most %llu, got %llu", 1ULL * levels * mill.nr,
	      mill.wheel->nr_moves);
	mill_print("armed before a boundary");
}

void test_bounded_in_a_flood(struct rng *rng)
{
	u64 nr = report.large;

	flood(rng, 1 << 16, HTW_AHEAD, 1);
	flood(rng, 1 << 18, HTW_AHEAD, 2);
	/* Four slots, with a fluctuation of random numbers that a hundredth covers. */
	flood(rng, 1 << 10, evenly(nr / 4 + nr / 100, 256), 1);
}

/* Half of them are cancelled while their slot is being emptied. Bound as before. */
void test_bounded_while_cancelled(struct rng *rng)
{
	unsigned int id;
	u64 moves, tick = 2 << 8;

	mill_init(&standard, 1, report.large);
	mill_fill(rng, 3 << 8, (4 << 8) - 1);
	while (mill.wheel->nr_moves < mill.nr / 4 && tick < 3 << 8)
		mill_run(tick++, evenly(mill.nr, 256));
	moves = mill.wheel->nr_moves;
	CHECK(bounded_while_cancelled, moves >= mill.nr / 4 && moves < mill.nr / 2,
	      "moves until then: expected a quarter to a half of %u, got %llu",
	      mill.nr, moves);
	for (id = 0; id < mill.nr; id += 2)
		htw_wheel_remove(mill.wheel, &mill.nodes[id]);
	mill_run(4 << 8, evenly(mill.nr / 2, 256));
	mill_all_fired(mill.nr / 2);
	CHECK(bounded_while_cancelled,
	      mill.wheel->nr_moves - moves <= (mill.nr - moves) / 2 + mill.nr / 100,
	      "moves after that: expected half of %llu, got %llu",
	      mill.nr - moves, mill.wheel->nr_moves - moves);
}

/*
 * Idle timeouts of 8192 ticks, each pushed out every 1024 ticks, or 8 times. Bound:
 * a timer is touched once for an old expiry, which is 7168 ticks and more after the
 * touch before, less the slot (256) and its lead (256). A wake-up moves HTW_SPARSE,
 * or a slot starts.
 */
void test_bounded_while_pushed(struct rng *rng)
{
	const u64 timeout = 8192, every = 1024, end = 4 * timeout;
	u64 tick, next, most, slots = end / 256;
	unsigned int id, chunk;

	(void)rng;
	mill_init(&standard, 0, report.large / every * every);
	chunk = mill.nr / every;
	for (id = 0; id < mill.nr; id++)
		mill_arm(id, timeout + id / chunk);
	for (tick = 1; tick <= end; tick++) {
		htw_wheel_next(mill.wheel, &next);
		if (next <= tick)
			mill_tick(tick, evenly(mill.nr, 256));
		for (id = tick % every * chunk; id < (tick % every + 1) * chunk;
		     id++)
			mill_arm(id, tick + timeout);
	}
	most = mill.nr * (end / (timeout - every - 512) + 1);
	CHECK(bounded_while_pushed, mill.wheel->nr_moves <= most,
	      "moves: expected at most %llu, got %llu", most,
	      mill.wheel->nr_moves);
	CHECK_EQUAL(bounded_while_pushed, "timers that fired", 0, mill.fired);
	most = mill.wheel->nr_moves / HTW_SPARSE + slots;
	CHECK(bounded_while_pushed, mill.wakeups <= most,
	      "wake-ups: expected at most %llu, got %llu", most, mill.wakeups);
	mill_print("pushed all the time");
}

/* Returns the wake-ups of random timers over a minute that may be late by 1/@part. */
static u64 with_slack(struct rng *rng, unsigned int part)
{
	struct rng same = *rng;
	unsigned int id;
	char what[40];
	u64 tick;

	mill_init(&standard, 12345, 100000);
	for (id = 0; id < mill.nr; id++) {
		tick = 1 + rng_below(&same, MINUTE);
		mill_arm(id, htw_best_tick(12345 + tick,
					   12345 + tick +
					   (part ? tick / part : 0)));
	}
	mill_run(12345 + 2 * MINUTE, HTW_AHEAD);
	mill_all_fired(mill.nr);
	snprintf(what, sizeof(what), "slack of 1/%u", part);
	mill_print(part ? what : "no slack");
	return mill.wakeups;
}

/* Of the interrupts 2 % are left with a slack of 1 %, and 0.3 % with 10 %. */
void test_slack_saves(struct rng *rng)
{
	u64 none = with_slack(rng, 0), moves = mill.wheel->nr_moves, some;

	some = with_slack(rng, 100);
	CHECK(slack_saves, some * 50 <= none,
	      "wake-ups with 1 %%: expected at most %llu, got %llu", none / 50,
	      some);
	CHECK(slack_saves, mill.wheel->nr_moves <= moves / 2,
	      "moves with 1 %%: expected at most %llu, got %llu", moves / 2,
	      mill.wheel->nr_moves);
	some = with_slack(rng, 10);
	CHECK(slack_saves, some * 1000 <= none * 3,
	      "wake-ups with 10 %%: expected at most %llu, got %llu",
	      none * 3 / 1000, some);
	CHECK(slack_saves, mill.wheel->nr_moves <= moves / 100,
	      "moves with 10 %%: expected at most %llu, got %llu", moves / 100,
	      mill.wheel->nr_moves);
}

/* Returns the moves of timers @off ticks after round ones, all in one round row. */
static u64 run_round(struct rng *rng, unsigned int row, unsigned int off)
{
	u64 granule = 32ULL << 3 * row, now = rng_magnitude(rng, 45);
	u64 first = now / granule * granule + granule;
	unsigned int id;

	mill_init(&standard, now, 1000);
	for (id = 0; id < mill.nr; id++)
		mill_arm(id, first + (8 + rng_below(rng, 55)) * granule + off);
	mill_run(U64_MAX, 1000);
	mill_all_fired(mill.nr);
	return mill.wheel->nr_moves;
}

/* At each round tick of the nearest row, and to either side of it, beside the oracle. */
static void near_round_ticks(void)
{
	struct htw_geometry geo = HTW_DEFAULT_GEOMETRY;
	unsigned int id;
	u64 start;

	for (start = 0; start < 1024; start += 93) {
		pair_init(&pair, &geo, start, 3 * 100);
		for (id = 0; id < pair.nr_nodes; id++)
			pair_arm(&pair, id, start / 32 * 32 + 31 + id / 3 * 32 +
					    id % 3);
		pair_wake(&pair, U64_MAX, STEP);
	}
}

/* What is due at a round tick stays where it is until then, however far it is. */
void test_round_never_cascaded(struct rng *rng)
{
	unsigned int row, i;

	near_round_ticks();
	for (row = 0; row < HTW_ROUND_ROWS; row++) {
		for (i = 0; i < 10; i++) {
			CHECK_EQUAL(round_never_cascaded, "moves", 0,
				    run_round(rng, row, 0));
			CHECK(round_never_cascaded, run_round(rng, row, 1) > 0,
			      "moves of others: expected some, got none");
		}
	}
}
