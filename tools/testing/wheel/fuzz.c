// SPDX-License-Identifier: GPL-2.0
/*
 * The wheel under libFuzzer, with the oracle as judge: a file is a geometry and a list of
 * operations. Every file is a valid one, so that no mutation is wasted; a geometry that
 * is refused is one operation that has been tested.
 *
 *	geometry	shift, number of levels, slots of each
 *	start		a tick
 *	operations	a byte of what, then what it takes
 *
 * Numbers are one byte, and ticks two: which place, and how far from it. See
 * Documentation/fuzzing-wheel.rst.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "pair.h"
#include "report.h"

#define NR_NODES	1024
#define MOST_OPS	4096

/* Static, so that a failure, which leaves by longjmp(), leaks no memory. */
static struct pair pair;

static struct {
	const uint8_t	*at;
	size_t		left;
} input;

/* The timer that was chosen last. */
static unsigned int chosen;

static unsigned int byte(void)
{
	if (!input.left)
		return 0;
	input.left--;
	return *input.at++;
}

static u64 sum(u64 tick, u64 distance)
{
	return add_saturating(tick, distance);
}

/* Places where the arithmetic changes, in five bits; how far from there, in the rest. */
static u64 place(unsigned int which, u64 base)
{
	unsigned int n = byte();
	u64 span = 1ULL << n % 64, granule = 32ULL << 3 * (n % 10);

	switch (which % 8) {
	case 0:
		return sum(base, n);
	case 1:
		return sum(base, span);
	case 2:
		return sum(base, span - base % span);
	case 3:
		/* Of one that never was armed it is 0. */
		return n & 1 ? sum(pair.nodes[chosen].tick, n / 2) :
			       pair.nodes[chosen].tick - n / 2;
	case 4:
		return U64_MAX - n;
	case 5:
		return sum(base, granule * (7 + n / 10)) / granule * granule;
	case 6:
		return sum(base, shape_capacity(&pair.shape));
	default:
		return base - base % span;
	}
}

static u64 a_tick(void)
{
	unsigned int which = byte();
	u64 base = which & 0x80 ? pair.wheel->now : pair.wheel->target;
	u64 tick = place(which, base);

	switch (which >> 3 & 3) {
	case 1:
		return sum(tick, 1);
	case 2:
		return tick - !!tick;
	default:
		return tick;
	}
}

static unsigned int an_id(void)
{
	chosen = byte() << 8;
	chosen = (chosen | byte()) % NR_NODES;
	return chosen;
}

/* One that is pending or, if there is none, one that is not. */
static unsigned int a_pending_id(void)
{
	unsigned int n = an_id();

	chosen = pair.ids[pair.oracle.count ? n % pair.oracle.count : n];
	return chosen;
}

static unsigned int a_budget(void)
{
	unsigned int n = byte();

	return n & 0x80 ? 1U << 20 : n;
}

static void arm_or_move(unsigned int id, u64 tick)
{
	if (pair_pending(&pair, id))
		pair_move(&pair, id, tick);
	else
		pair_arm(&pair, id, tick);
}

static void do_burst(void)
{
	unsigned int n = 4 * byte(), spread = byte() + 1;
	u64 tick = a_tick();

	while (n--) {
		if (pair.oracle.count == NR_NODES)
			break;
		pair_arm(&pair, pair.ids[pair.oracle.count],
			 sum(tick, n % spread));
	}
}

static void do_cancel(void)
{
	unsigned int id = a_pending_id();

	if (pair_pending(&pair, id))
		pair_cancel(&pair, id);
}

/* All lists together have all nodes, and the last one is that of what has expired. */
static void do_lists(void)
{
	struct list_head *head, *at, *last = NULL;
	unsigned int nr;
	u64 nodes = 0;

	for (nr = 0; (head = htw_wheel_list(pair.wheel, nr)); nr++, last = head)
		for (at = head->next; at != head; at = at->next)
			nodes++;
	CHECK(invariants, last == &pair.wheel->expired,
	      "the last list is not that of the expired nodes");
	CHECK_EQUAL(invariants, "nodes in all lists", pair.wheel->nr_pending,
		    nodes);
}

/* A tick is not before the time, and the one before it is; and the reverse. */
static void check_rounding(unsigned int shift, u64 ns)
{
	unsigned __int128 length = (unsigned __int128)1 << shift;
	unsigned __int128 after = htw_tick_after(shift, ns) * length;
	unsigned __int128 before = htw_tick_before(shift, ns) * length;

	CHECK(rounds_up, after >= ns && after < ns + length,
	      "htw_tick_after(%u, %llu)", shift, ns);
	CHECK(rounds_up, before <= ns && before + length > ns,
	      "htw_tick_before(%u, %llu)", shift, ns);
}

static void do_best(void)
{
	u64 earliest = a_tick(), latest = a_tick(), at;
	unsigned __int128 power = (unsigned __int128)1 << 64, multiple;

	at = htw_best_tick(earliest, latest);
	if (latest < earliest)
		latest = earliest;
	do {
		multiple = (earliest + power - 1) / power * power;
		power >>= 1;
	} while (multiple > latest);
	CHECK_EQUAL(best_tick, "the roundest tick", (u64)multiple, at);
	check_rounding(pair.geo.tick_shift, earliest);
}

static void do_push(void)
{
	unsigned int id = a_pending_id();

	pair_push(&pair, id, a_tick());
}

static void do_advance(void)
{
	u64 to = a_tick();

	pair_advance(&pair, to, a_budget());
}

static void do_finish(void)
{
	u64 to = a_tick();

	pair_finish(&pair, to, a_budget() | 1);
}

static void do_forward(void)
{
	u64 to = a_tick();

	pair_forward(&pair, to, a_budget());
}

static void do_wake(void)
{
	u64 limit = 1 + byte() % 8;

	pair_wake(&pair, limit, a_budget() | 1);
}

static void do_next(void)
{
	u64 tick;

	pair_next(&pair, &tick);
}

static void do_arm(void)
{
	unsigned int id = an_id();

	arm_or_move(id, a_tick());
}

static void do_move(void)
{
	unsigned int id = a_pending_id();

	arm_or_move(id, a_tick());
}

static void do_refresh(void)
{
	pair_refresh(&pair, a_budget());
}

static void do_pop(void)
{
	pair_pop(&pair);
}

static void do_pop_all(void)
{
	pair_pop_all(&pair);
}

static void do_take(void)
{
	pair_take(&pair);
}

static void do_look(void)
{
	do_lists();
	do_next();
	do_best();
}

/* What a byte means, but for its upper half. The order is that of the corpus. */
static void (*const ops[16])(void) = {
	do_arm, do_arm, do_move, do_push, do_cancel, do_burst, do_advance, do_advance,
	do_finish, do_pop, do_pop_all, do_forward, do_refresh, do_wake, do_take, do_look,
};

static bool slots_are_good(unsigned int slots)
{
	unsigned int good;

	for (good = 2; good <= 256; good *= 2)
		if (slots == good)
			return true;
	return false;
}

/* Mostly good ones: an odd byte is what slots are in other words, or is no good. */
static bool read_geometry(struct htw_geometry *geo)
{
	unsigned int i, n;
	bool good;

	*geo = (struct htw_geometry)HTW_DEFAULT_GEOMETRY;
	n = byte();
	geo->round = n & 1;
	if (n & 2) {
		geo->tick_shift = n >> 2;
		geo->nr_levels = byte() % 16;
		for (i = 0; i < geo->nr_levels && i < HTW_MAX_LEVELS; i++) {
			n = byte();
			geo->slots[i] = n & 8 ? 2 * (n - 8) : 2U << n % 8;
		}
	}
	good = geo->tick_shift <= 40 && geo->nr_levels >= 1 && geo->nr_levels <= 8;
	for (i = 0; good && i < geo->nr_levels; i++)
		good = slots_are_good(geo->slots[i]);
	CHECK(geometry_refused, !htw_geometry_error(geo) == good,
	      "a geometry that is %s", good ? "good" : "not good");
	return good;
}

static void run(void)
{
	struct htw_geometry geo;
	unsigned int shift;
	u64 start;

	if (!read_geometry(&geo))
		return;
	shift = byte();
	start = (shift & 0x40 ? U64_MAX : 1ULL << shift % 64) - byte();
	pair_init(&pair, &geo, start, NR_NODES);
	CHECK_EQUAL(capacity, "capacity", shape_capacity(&pair.shape),
		    htw_wheel_capacity(pair.wheel));
	for (report.op = 0; input.left && report.op < MOST_OPS; )
		ops[byte() % 16]();
	pair_check(&pair);
	while (pair_take(&pair) >= 0)
		;
	CHECK_EQUAL(take_empties, "nodes left at the end", 0,
		    pair.wheel->nr_pending);
	pair_check(&pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	report.program = "property";
	input.at = data;
	input.left = size;
	if (setjmp(report.give_up)) {
		fflush(stdout);
		abort();
	}
	run();
	return 0;
}
