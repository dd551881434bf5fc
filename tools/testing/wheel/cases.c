// SPDX-License-Identifier: GPL-2.0
/*
 * The properties that need a situation made for them. What happens on the way is
 * compared with the oracle too (pair.c), so little is left to check here: mostly
 * how often something happens, and how much is touched.
 */
#include "cases.h"

#include <stdlib.h>

#include "pair.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define NO_LIMIT	(1U << 20)

/* Static, so that a failure, which leaves by longjmp(), leaks no memory. */
static struct pair pair;

/* Shapes with few and many levels, narrow and wide, even and mixed. */
static const struct htw_geometry shapes[] = {
	{ .nr_levels = 1, .slots = { 2 } },
	{ .nr_levels = 1, .slots = { 256 } },
	{ .nr_levels = 2, .slots = { 2, 2 } },
	{ .nr_levels = 2, .slots = { 4, 4 } },
	{ .nr_levels = 3, .slots = { 4, 2, 8 } },
	{ .nr_levels = 3, .slots = { 2, 256, 2 } },
	{ .nr_levels = 4, .slots = { 64, 64, 64, 64 } },
	{ .nr_levels = 8, .slots = { 2, 2, 2, 2, 2, 2, 2, 2 } },
	{ .nr_levels = 8, .slots = { 128, 256, 2, 64, 4, 256, 8, 16 } },
	{ .nr_levels = 6, .slots = { 256, 256, 256, 256, 256, 256 } },
	{ .nr_levels = 8,
	  .slots = { 256, 256, 256, 256, 256, 256, 256, 256 } },
};

/*
 * Two levels of 16 slots. From tick 0 level 0 holds what is due by tick 31, and
 * level 1 what is due by 511, slot by slot.
 */
static const struct htw_geometry square = {
	.nr_levels = 2, .slots = { 16, 16 }
};

void test_capacity(struct rng *rng)
{
	static const u64 expected[ARRAY_SIZE(shapes)] = {
		2, 256, 4, 16, 64, 1024, 1 << 24, 256, 1ULL << 39, 1ULL << 48,
		U64_MAX
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		pair_init(&pair, &shapes[i], rng_next(rng), 1);
		CHECK_EQUAL(capacity, "ticks in all levels", expected[i],
			    htw_wheel_capacity(pair.wheel));
	}
}

static void check_refused(const struct htw_geometry *geo, bool refused)
{
	CHECK(geometry_refused, !htw_geometry_error(geo) == !refused,
	      "shift %u, %u levels, slots %u %u ... %u: expected %s, got %s",
	      geo->tick_shift, geo->nr_levels, geo->slots[0], geo->slots[1],
	      geo->slots[7], refused ? "an error" : "none",
	      htw_geometry_error(geo) ? htw_geometry_error(geo) : "none");
}

static void slots_refused(unsigned int level, unsigned int slots)
{
	bool good = slots == 2 || slots == 4 || slots == 8 || slots == 16 ||
		    slots == 32 || slots == 64 || slots == 128 || slots == 256;
	struct htw_geometry geo;

	geo = (struct htw_geometry)HTW_DEFAULT_GEOMETRY;
	geo.slots[6] = 16;
	geo.slots[7] = 4;
	for (geo.nr_levels = 1; geo.nr_levels <= 8; geo.nr_levels++) {
		geo.slots[level] = slots;
		check_refused(&geo, !good && level < geo.nr_levels);
	}
}

static void check_size(const struct htw_geometry *geo)
{
	struct shape shape;

	shape_init(&shape, geo);
	CHECK_EQUAL(geometry_refused, "size of a wheel",
		    sizeof(struct htw_wheel) +
		    shape.nr_slots * sizeof(struct htw_slot),
		    htw_wheel_size(geo));
}

void test_geometry_refused(struct rng *rng)
{
	static const unsigned int odd[] = {
		0, 9, 10, 64, 255, 256, 1U << 31, ~0U
	};
	struct htw_geometry geo;
	unsigned int i, slots;

	/* shapes[10] has eight good levels: a ninth is all that is wrong with it. */
	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		geo = shapes[10];
		geo.nr_levels = odd[i];
		check_refused(&geo, true);
	}
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		check_refused(&shapes[i], false);
		check_size(&shapes[i]);
	}
	for (i = 0; i < HTW_MAX_LEVELS; i++) {
		for (slots = 0; slots < 1000; slots++)
			slots_refused(i, slots);
		slots_refused(i, 1U << 31);
		slots_refused(i, rng_next(rng) | 1 << 9);
	}
	geo = (struct htw_geometry)HTW_DEFAULT_GEOMETRY;
	for (geo.tick_shift = 0; geo.tick_shift < 100; geo.tick_shift++)
		check_refused(&geo, geo.tick_shift > 40);
	geo.tick_shift = ~0U;
	check_refused(&geo, true);
}

static unsigned int zeros(u64 tick)
{
	unsigned int n = 0;

	while (n < 64 && !(tick >> n & 1))
		n++;
	return n;
}

/* Ticks of two windows are to meet: the number of zeros alone decides. */
static void check_best(u64 earliest, u64 latest)
{
	u64 tick, best = earliest, got = htw_best_tick(earliest, latest);

	for (tick = earliest; tick < latest; tick++)
		if (zeros(tick + 1) > zeros(best))
			best = tick + 1;
	CHECK(best_tick, got == best,
	      "window %llu to %llu: expected %llu, got %llu", earliest, latest,
	      best, got);
}

/* For windows too long to be searched: the first multiple of each power of two. */
static void check_best_long(u64 earliest, u64 latest)
{
	unsigned __int128 multiple, power = (unsigned __int128)1 << 64;
	u64 got = htw_best_tick(earliest, latest);

	if (earliest > latest)
		latest = earliest;
	for (;; power >>= 1) {
		multiple = (earliest + power - 1) / power * power;
		if (multiple <= latest)
			break;
	}
	CHECK(best_tick, got == multiple,
	      "window %llu to %llu: expected %llu, got %llu", earliest, latest,
	      (u64)multiple, got);
}

void test_best_tick(struct rng *rng)
{
	unsigned int i, length;
	u64 first;

	for (first = 0; first < 70; first++)
		for (length = 0; length < 70; length++)
			check_best(first, first + length);
	for (length = 0; length < 200; length++) {
		check_best(U64_MAX - length, U64_MAX);
		check_best(U64_MAX - length, U64_MAX - length / 2);
	}
	for (i = 0; i < 20000; i++) {
		first = (1ULL << rng_below(rng, 64)) - rng_below(rng, 100);
		check_best(first, add_saturating(first, rng_below(rng, 200)));
		first = rng_magnitude(rng, 64);
		check_best_long(first, add_saturating(first,
						      rng_magnitude(rng, 64)));
		check_best_long(first, rng_magnitude(rng, 64));
	}
}

/*
 * By multiplication in 128 bits: a tick is not before the time if its start is
 * not, and it is the first such if the tick before it is.
 */
static void check_rounding(unsigned int shift, u64 ns)
{
	unsigned __int128 length = (unsigned __int128)1 << shift;
	u64 after = htw_tick_after(shift, ns);
	u64 before = htw_tick_before(shift, ns);

	CHECK(rounds_up, after * length >= ns,
	      "htw_tick_after(%u, %llu): expected not before, got %llu", shift,
	      ns, after);
	CHECK(rounds_up, !after || (after - 1) * length < ns,
	      "htw_tick_after(%u, %llu): expected the first tick, got %llu",
	      shift, ns, after);
	CHECK(rounds_up, before * length <= ns && before * length + length > ns,
	      "htw_tick_before(%u, %llu): expected the last tick, got %llu",
	      shift, ns, before);
}

void test_rounds_up(struct rng *rng)
{
	unsigned int shift, i;
	u64 ns;

	for (shift = 0; shift <= HTW_MAX_TICK_SHIFT; shift++) {
		for (i = 0; i < 3; i++) {
			check_rounding(shift, i);
			check_rounding(shift, U64_MAX - i);
			check_rounding(shift, (1ULL << shift) + i - 1);
		}
		for (i = 0; i < 500; i++) {
			ns = rng_magnitude(rng, 64);
			check_rounding(shift, ns);
			check_rounding(shift, ns >> shift << shift);
			check_rounding(shift, (ns >> shift << shift) - 1);
			check_rounding(shift, (ns >> shift << shift) + 1);
		}
	}
}

/* Two timers, with all distances; one is moved while the other is on its way. */
static void small_wheel(const struct htw_geometry *geo, u64 start, u64 first,
			u64 second, struct rng *rng)
{
	pair_init(&pair, geo, start, 2);
	pair_arm(&pair, 0, first);
	pair_arm(&pair, 1, second);
	pair_advance(&pair, add_saturating(start, rng_below(rng, 40)), 1);
	if (pair_pending(&pair, 0))
		pair_move(&pair, 0, add_saturating(start, rng_below(rng, 40)));
	pair_advance(&pair, add_saturating(start, rng_below(rng, 40)), 1);
	if (pair_pending(&pair, 1) && rng_one_in(rng, 4))
		pair_cancel(&pair, 1);
	pair_wake(&pair, 100, 1);
	CHECK_EQUAL(small_wheels_exhausted, "timers left", 0,
		    pair.wheel->nr_pending);
}

void test_small_wheels_exhausted(struct rng *rng)
{
	static const u64 starts[] = { 0, 1, 2, 5, 7, 14, U64_MAX - 20 };
	unsigned int shape, start;
	u64 first, second;

	for (shape = 0; shape < 5; shape++) {
		for (start = 0; start < ARRAY_SIZE(starts); start++)
			for (first = 0; first < 34; first++)
				for (second = first; second < 34; second++)
					small_wheel(&shapes[shape],
						    starts[start],
						    starts[start] + first,
						    starts[start] + second, rng);
		report_alive();
	}
}

static void lone_timer(u64 start, u64 distance)
{
	u64 tick = add_saturating(start, distance), next = 0;

	pair_init(&pair, &pair.geo, start, 1);
	pair_arm(&pair, 0, tick);
	pair_next(&pair, &next);
	CHECK_EQUAL(lone_timer_one_wakeup, "next event", tick, next);
	CHECK_EQUAL(lone_timer_one_wakeup, "wake-ups", 1,
		    pair_wake(&pair, U64_MAX, NO_LIMIT));
}

void test_lone_timer_one_wakeup(struct rng *rng)
{
	unsigned int i, bit;
	u64 start;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		pair_init(&pair, &shapes[i], 0, 1);
		for (bit = 0; bit < 64; bit++) {
			start = rng_magnitude(rng, 63);
			lone_timer(start, (1ULL << bit) + 1);
			lone_timer(start, 1ULL << bit);
			lone_timer(0, 1ULL << bit);
			if (bit)
				lone_timer(start, (1ULL << bit) - 1);
			lone_timer((1ULL << bit) - 1, 1 + rng_below(rng, 1000));
			lone_timer((1ULL << bit) - 1, 1);
		}
	}
}

/* Fills the slot of row 1 that starts at 32. */
static void fill_slot(struct rng *rng, unsigned int nr)
{
	unsigned int id;

	pair_init(&pair, &square, 0, nr);
	for (id = 0; id < nr; id++)
		pair_arm(&pair, id, 32 + rng_below(rng, 16));
}

/*
 * However many go, and in whatever order, their slot is looked at once, unless it
 * is one of so many that it has to be emptied ahead of time.
 */
void test_needless_wakeups(struct rng *rng)
{
	unsigned int id, push;

	for (push = 0; push < 3; push++) {
		fill_slot(rng, push ? HTW_SPARSE : 1000);
		pair_move(&pair, 0, 47);
		for (id = 1; id < pair.nr_nodes; id++) {
			if (push == 1)
				pair_move(&pair, id, 1000000);
			else if (push == 2)
				pair_push(&pair, id, 1000000);
			else
				pair_cancel(&pair, id);
		}
		CHECK_EQUAL(needless_wakeups, "wake-ups for those that are left",
			    push ? 3 : 2, pair_wake(&pair, 100, NO_LIMIT));
		CHECK_EQUAL(needless_wakeups, "timers left", 0,
			    pair.wheel->nr_pending);
	}

	/* What is next is that there are many, so nothing is to be looked for. */
	fill_slot(rng, 1000);
	pair_push(&pair, 0, 100);
	CHECK_EQUAL(needless_wakeups, "refreshed for free", true,
		    htw_wheel_refresh(pair.wheel, 0));
}

static void push_all(struct rng *rng, unsigned int nr, u64 from)
{
	unsigned int id;
	u64 moves;

	pair_init(&pair, &square, 0, nr);
	for (id = 0; id < nr; id++)
		pair_arm(&pair, id, from + rng_below(rng, 16));
	moves = pair.wheel->nr_moves;
	for (id = 0; id < 3 * nr; id++) {
		pair_push(&pair, id % nr, from + 15 + rng_below(rng, 5000));
		pair_push(&pair, id % nr, from + rng_below(rng, 5000));
		pair_push(&pair, id % nr, U64_MAX - rng_below(rng, 5000));
		pair_move(&pair, id % nr, from + rng_below(rng, 5000));
	}
	CHECK_EQUAL(push_is_one_store, "moves", moves, pair.wheel->nr_moves);
	pair_finish(&pair, from, NO_LIMIT);
	for (id = 0; id < nr; id++)
		pair_push(&pair, id, U64_MAX);
	pair_wake(&pair, U64_MAX, NO_LIMIT);
	for (id = 0; id < nr; id++)
		CHECK(push_is_one_store, !pair_push(&pair, id, U64_MAX),
		      "pushing an idle timer: expected false, got true");
}

void test_push_is_one_store(struct rng *rng)
{
	push_all(rng, 1, 32);
	push_all(rng, 10, 32);
	push_all(rng, 2000, 32);
	push_all(rng, 2000, 1 << 20);
}

/* Most nodes touched by one of @nr cancellations in random order. */
static unsigned long cancel_all(struct rng *rng)
{
	unsigned long touched, most = 0;
	struct htw_node *node;

	while (pair.oracle.count) {
		node = &pair.nodes[pair.ids[rng_below(rng, pair.oracle.count)]];
		touched = list_touched;
		htw_wheel_remove(pair.wheel, node);
		touched = list_touched - touched;
		if (touched > most)
			most = touched;
		/* Back again as it was for the real thing, beside the oracle. */
		htw_wheel_insert(pair.wheel, node, node->tick);
		pair_cancel(&pair, node->owner);
	}
	return most;
}

static void cancel_populations(struct rng *rng, u64 tick)
{
	static const unsigned int populations[] = { 1, 10, 1000, 30000 };
	unsigned long most, least = 0;
	unsigned int i, id;

	for (i = 0; i < ARRAY_SIZE(populations); i++) {
		pair_init(&pair, &square, 0, populations[i]);
		/* The model of next_exact does not see what cancel_all() does. */
		pair.given_up = true;
		for (id = 0; id < populations[i]; id++)
			pair_arm(&pair, id, tick);
		most = cancel_all(rng);
		if (!i)
			least = most;
		CHECK_EQUAL(cancel_touches_neighbours_only,
			    "most nodes touched, among many as alone", least,
			    most);
		report_alive();
	}
}

void test_cancel_touches_neighbours_only(struct rng *rng)
{
	cancel_populations(rng, 1);
	cancel_populations(rng, 40);
	cancel_populations(rng, 1 << 20);

	/* A third expired, a third cascaded, and a third not yet looked at. */
	fill_slot(rng, 3000);
	pair_advance(&pair, 36, 1500);
	pair_advance(&pair, 36, 1000);
	while (pair.oracle.count)
		pair_cancel(&pair,
			    pair.ids[rng_below(rng, pair.oracle.count)]);
	CHECK_EQUAL(cancel_touches_neighbours_only, "timers left", 0,
		    pair.wheel->nr_pending);
}

static void arm_many(struct rng *rng, u64 from, u64 spread)
{
	unsigned long touched, first = 0;
	unsigned int id;

	pair_init(&pair, &square, 0, 30000);
	pair.given_up = true;	/* As in cancel_populations(). */
	for (id = 0; id < pair.nr_nodes; id++) {
		touched = list_touched;
		htw_wheel_insert(pair.wheel, &pair.nodes[id], from);
		touched = list_touched - touched;
		if (!id)
			first = touched;
		CHECK_EQUAL(arm_touches_one_slot, "nodes touched by arming",
			    first, touched);
		htw_wheel_remove(pair.wheel, &pair.nodes[id]);
		pair_arm(&pair, id, from + rng_below(rng, spread));
	}
}

void test_arm_touches_one_slot(struct rng *rng)
{
	arm_many(rng, 1, 1);
	arm_many(rng, 32, 16);
	arm_many(rng, 1 << 20, 1 << 20);
}

/*
 * A slot of many timers is emptied by as many calls as it takes, and at any time
 * in between each of them can be cancelled and moved.
 */
static void empty_in_steps(struct rng *rng, u64 from, unsigned int budget)
{
	unsigned int id, calls = 0, nr = 20000;
	u64 most;

	pair_init(&pair, &square, 0, nr);
	most = (pair.shape.nr_rows + 1ULL) * nr / budget;
	for (id = 0; id < nr; id++)
		pair_arm(&pair, id, from + rng_below(rng, 16));
	while (!pair_advance(&pair, from + 15, budget)) {
		CHECK(big_slot_in_steps, ++calls <= most,
		      "calls: expected at most %llu, got more", most);
		id = rng_below(rng, nr);
		if (pair_pending(&pair, id))
			pair_cancel(&pair, id);
		id = rng_below(rng, nr);
		if (pair_pending(&pair, id))
			pair_move(&pair, id, from + rng_below(rng, 64));
	}
	pair_pop_all(&pair);
	pair_wake(&pair, 100, budget);
	CHECK_EQUAL(big_slot_in_steps, "timers left", 0, pair.wheel->nr_pending);
}

void test_big_slot_in_steps(struct rng *rng)
{
	empty_in_steps(rng, 1, 64);
	empty_in_steps(rng, 32, 64);
	empty_in_steps(rng, 32, 7);
	empty_in_steps(rng, 1 << 20, 64);
}

/* Two timers in one slot, and an advance that gets no further than the first. */
static void interrupt(u64 tick)
{
	pair_init(&pair, &square, 0, 3);
	pair_arm(&pair, 0, tick);
	pair_arm(&pair, 1, tick);
	CHECK_EQUAL(interrupted_drain, "is the advance done", false,
		    pair_advance(&pair, tick, 1));
}

/*
 * A slot that an advance left half drained is the first one to look at until it
 * is empty, and then no longer: what comes into it later is of another window.
 * It is emptied by another call, by cancelling or by moving, and time goes on by
 * an advance over a cascade or without one.
 */
void test_interrupted_drain(struct rng *rng)
{
	u64 tick, next = 0;
	unsigned int how;

	for (tick = 1; tick < 5 * 16; tick++) {
		for (how = 0; how < 6; how++) {
			interrupt(tick);
			if (how / 2 == 1)
				pair_cancel(&pair, pair_in_slot(&pair, 1));
			else if (how / 2 == 2)
				pair_move(&pair, pair_in_slot(&pair, 1), 200);
			if (how & 1)
				pair_forward(&pair, tick / 16 * 16 + 16, NO_LIMIT);
			pair_arm(&pair, 2, tick + 16);
			pair_pop_all(&pair);
			if (pair.oracle.count == 1) {
				pair_next(&pair, &next);
				CHECK_EQUAL(interrupted_drain, "next event",
					    pair.nodes[2].tick, next);
			}
			pair_finish(&pair, tick + 15, 1 + rng_below(rng, 3));
			pair_pop_all(&pair);
			pair_wake(&pair, 10, 1 + rng_below(rng, 3));
			CHECK_EQUAL(interrupted_drain, "timers left", 0,
				    pair.wheel->nr_pending);
		}
	}
}

/*
 * Far timers cost nothing until time comes close, and then at most a move per
 * bit. They are in the levels when the cursor is in the window they lie in; so many
 * of them that they are moved ahead of time, 16 ticks before.
 */
void test_overflow_moves_in(struct rng *rng)
{
	u64 window = 1 << 30, tick;
	unsigned int id, nr = 1000;
	unsigned long touched;

	pair_init(&pair, &square, 0, nr);
	for (id = 0; id < nr; id++)
		pair_arm(&pair, id, window + rng_below(rng, 256));
	CHECK_EQUAL(overflow_moves_in, "nr_overflow", nr,
		    pair.wheel->nr_overflow);
	for (tick = 0; tick < 20 * 256; tick++) {
		touched = list_touched;
		htw_wheel_collect(pair.wheel, tick, NO_LIMIT);
		CHECK(overflow_moves_in, list_touched - touched <= 8,
		      "tick %llu: expected at most 8 list nodes touched, got %lu",
		      tick, list_touched - touched);
	}
	oracle_advance(&pair.oracle, tick - 1);
	pair_finish(&pair, window - 17, NO_LIMIT);
	CHECK_EQUAL(overflow_moves_in, "nr_overflow before the window", nr,
		    pair.wheel->nr_overflow);
	pair_finish(&pair, window, NO_LIMIT);
	CHECK_EQUAL(overflow_moves_in, "nr_overflow in the window", 0,
		    pair.wheel->nr_overflow);
	pair_wake(&pair, U64_MAX, NO_LIMIT);
	CHECK(overflow_moves_in, pair.wheel->nr_moves <= 64ULL * nr,
	      "moves: expected at most %llu, got %llu", 64ULL * nr,
	      pair.wheel->nr_moves);
}

/* The last tick of all: armings clamp to it, and come with the next call. */
static void at_the_end(unsigned int nr)
{
	unsigned int id, again;
	u64 next = 0;

	for (again = 0; again < 3; again++) {
		for (id = 0; id < nr; id++)
			pair_arm(&pair, id, again * id);
		CHECK_EQUAL(far_end_of_time, "a clamped tick", U64_MAX,
			    pair.nodes[0].tick);
		CHECK_EQUAL(far_end_of_time, "popped before the next call", -1,
			    pair_pop(&pair));
		pair_next(&pair, &next);
		CHECK_EQUAL(far_end_of_time, "next event", U64_MAX, next);
		CHECK_EQUAL(far_end_of_time, "is one of many a full advance",
			    nr == 1, pair_advance(&pair, U64_MAX, 1));
		pair_move(&pair, 0, 0);
		pair_finish(&pair, 0, 1);
		CHECK_EQUAL(far_end_of_time, "nodes popped at the end", nr,
			    pair_pop_all(&pair));
	}
}

void test_far_end_of_time(struct rng *rng)
{
	static const unsigned int distances[] = { 0, 1, 2, 3, 255, 256, 1 << 20 };
	unsigned int shape, i;

	for (shape = 0; shape < ARRAY_SIZE(shapes); shape++) {
		for (i = 0; i < ARRAY_SIZE(distances); i++) {
			pair_init(&pair, &shapes[shape],
				  U64_MAX - distances[i], 5);
			pair_arm(&pair, 0, U64_MAX);
			pair_arm(&pair, 1, U64_MAX - 1);
			pair_arm(&pair, 2, U64_MAX - rng_below(rng, 300));
			pair_arm(&pair, 3, 0);
			pair_move(&pair, 3, U64_MAX);
			pair_wake(&pair, 1000, 1 + rng_below(rng, 3));
			CHECK_EQUAL(far_end_of_time, "timers left", 0,
				    pair.wheel->nr_pending);
			pair_finish(&pair, U64_MAX, 1);
			at_the_end(1);
			at_the_end(5);
		}
	}
}

/* The same nodes come to be drained twice: the budget is for both times. */
static void forward_twice(void)
{
	static const struct htw_geometry geo = {
		.nr_levels = 3, .slots = { 4, 4, 4 }
	};
	unsigned int id;

	pair_init(&pair, &geo, 0, 40);
	for (id = 0; id < pair.nr_nodes; id++)
		pair_arm(&pair, id, 47);
	CHECK(forward, !pair_forward(&pair, 45, 64),
	      "40 nodes twice, budget 64: expected to stop, got forward");
	CHECK(forward, pair_forward(&pair, 45, 64),
	      "40 nodes once, budget 64: expected to go forward, got stuck");
}

/*
 * Told of 360 and got no further than 1: over the slot of 64 ticks that starts at 320,
 * with a timer that is due at its end, but not past the one that is due at 352.
 */
static void forward_unfinished(void)
{
	static const struct htw_geometry geo = {
		.nr_levels = 2, .slots = { 64, 16 }, .round = true
	};

	pair_init(&pair, &geo, 0, 4);
	pair_arm(&pair, 0, 1);
	pair_arm(&pair, 1, 1);
	pair_arm(&pair, 2, 352);
	pair_arm(&pair, 3, 383);
	pair_advance(&pair, 360, 1);
	pair_cancel(&pair, pair_pop(&pair) == 0);
	pair_forward(&pair, 370, 64);
	CHECK_EQUAL(forward, "cursor between two slots", 320, pair.wheel->now);
	pair_wake(&pair, 10, 1);
}

/* Catching up is free, stops before the first slot, and makes arming exact. */
void test_forward(struct rng *rng)
{
	u64 start, tick;
	unsigned int i;

	forward_twice();
	forward_unfinished();
	for (i = 0; i < 2000; i++) {
		start = rng_magnitude(rng, 60);
		tick = add_saturating(start, 256 + rng_magnitude(rng, 60));
		pair_init(&pair, &square, start, 2);
		CHECK(forward, pair_forward(&pair, tick, NO_LIMIT),
		      "an empty wheel: expected to go forward, got stuck");
		pair_arm(&pair, 0, tick / 16 * 16 + 15);
		if (tick % 16 < 15)
			CHECK_EQUAL(forward, "row of a near timer", 0,
				    pair.nodes[0].row);
		tick = pair.nodes[0].tick;
		CHECK(forward, !pair_forward(&pair, tick, NO_LIMIT),
		      "a timer is due: expected to stay, got forward");
		pair_arm(&pair, 1, tick + 1000000);
		pair_finish(&pair, tick, NO_LIMIT);
		pair_pop_all(&pair);
		pair_forward(&pair, tick + rng_below(rng, 1000000), NO_LIMIT);
		pair_wake(&pair, 1, NO_LIMIT);
		CHECK_EQUAL(forward, "timers left", 0, pair.wheel->nr_pending);
	}
}
