// SPDX-License-Identifier: GPL-2.0
/*
 * One round of random operations on a wheel of random shape. Uniform numbers
 * would hardly ever meet what is worth testing, so ticks are made from the places
 * where the arithmetic changes: starts and ends of slots and windows, the ticks
 * of other timers, the ends of the overflow and of time.
 */
#include <limits.h>
#include <stdlib.h>

#include "cases.h"
#include "pair.h"

enum op {
	OP_ARM, OP_BURST, OP_CANCEL, OP_MOVE, OP_PUSH, OP_ADVANCE, OP_FINISH,
	OP_POP, OP_POP_ALL, OP_FORWARD, OP_REFRESH, OP_TAKE, OP_WAKE, NR_OPS
};

/**
 * struct round - what a round has in common
 * @pair: the wheel and its oracle
 * @rng: where the round's choices come from
 * @reach: bits of most distances, so that time gets to where timers are
 * @weights: how often each operation comes
 * @end: the operation after which the round is over
 */
struct round {
	struct pair	pair;
	struct rng	*rng;
	unsigned int	reach;
	unsigned int	weights[NR_OPS];
	unsigned long	end;
};

/* Static, so that a failure, which leaves by longjmp(), leaks no memory. */
static struct round round;

static u64 below(u64 limit)
{
	return rng_below(round.rng, limit);
}

static bool one_in(u64 n)
{
	return rng_one_in(round.rng, n);
}

static void random_geometry(struct htw_geometry *geo)
{
	unsigned int i, a, b;

	*geo = (struct htw_geometry)HTW_DEFAULT_GEOMETRY;
	if (one_in(20))
		return;
	geo->tick_shift = below(HTW_MAX_TICK_SHIFT + 1);
	geo->nr_levels = 1 + below(HTW_MAX_LEVELS);
	for (i = 0; i < geo->nr_levels; i++) {
		a = below(8);
		b = below(8);
		geo->slots[i] = 2U << (a < b ? a : b) / (one_in(2) ? 1 : 2);
	}
	geo->round = one_in(2);
}

static u64 random_start(void)
{
	u64 power = 1ULL << below(64);

	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return below(1000);
	case 2:
		return power - below(power < 100 ? power : 100);
	case 3:
		return power + below(100);
	case 4:
		return U64_MAX - below(1000);
	case 5:
		return U64_MAX - rng_magnitude(round.rng, 40);
	default:
		return rng_magnitude(round.rng, 64);
	}
}

static u64 add(u64 tick, u64 distance)
{
	return add_saturating(tick, distance);
}

static u64 one_off(u64 tick)
{
	u64 off = below(3);

	return off ? add(tick, off - 1) : tick - !!tick;
}

static u64 span_of(unsigned int row)
{
	return 1ULL << round.pair.shape.shift[row];
}

/* Around the end of a slot in any row; the top levels' windows are such too. */
static u64 boundary(u64 base)
{
	unsigned int nr = round.pair.shape.nr_levels + 2;
	u64 span;

	if (nr > round.pair.shape.nr_rows || one_in(20))
		nr = round.pair.shape.nr_rows;
	span = span_of(below(nr));
	base = add(base, one_in(2) ? 0 : span * below(4));
	return one_off(add(base, span - base % span));
}

static int random_id(unsigned int first, unsigned int end)
{
	return first < end ? (int)round.pair.ids[first + below(end - first)] : -1;
}

static int pending_id(void)
{
	return random_id(0, round.pair.oracle.count);
}

static int idle_id(void)
{
	return random_id(round.pair.oracle.count, round.pair.nr_nodes);
}

static u64 slot_boundary_of(const struct htw_node *node)
{
	u64 start;

	if (!node_in_slot(node))
		return node->tick;
	start = shape_start(&round.pair.shape,
			    node_place(&round.pair.shape, node),
			    round.pair.wheel->now);
	return one_in(3) ? one_off(start + span_of(node->row)) : one_off(start);
}

/* One that a timer with slack may have: a multiple of 32, or of 256 ..., or near. */
static u64 round_tick(u64 base)
{
	u64 granule = 32ULL << 3 * below(10);
	u64 tick = add(base, granule * (7 + below(59)));

	tick -= tick % granule;
	return one_in(8) ? one_off(tick) : tick;
}

/* A tick that has to do with some pending timer, @id if that is one. */
static u64 related_tick(int id, u64 base)
{
	const struct htw_node *node;

	if (id < 0)
		id = pending_id();
	if (id < 0)
		return add(base, 1);
	node = &round.pair.nodes[id];
	return one_in(2) ? slot_boundary_of(node) : one_off(node->tick);
}

static u64 random_tick(int id)
{
	const struct htw_wheel *wheel = round.pair.wheel;
	u64 base = one_in(2) ? wheel->target : wheel->now;
	u64 capacity = shape_capacity(&round.pair.shape);

	switch (below(18)) {
	case 0:
		return base;
	case 1:
		return base - rng_magnitude(round.rng, 64) % add(base, 1);
	case 2:
		return add(base, 1);
	case 3:
		return add(base, below(16));
	case 4:
	case 5:
		return boundary(base);
	case 6:
		return one_off(add(base, span_of(below(round.pair.shape.nr_rows))));
	case 7:
		return one_off(add(base, capacity));
	case 8:
		return one_off(add(add(base, capacity - base % capacity),
				   one_in(2) ? capacity : 0));
	case 9:
		return one_in(4) ? rng_next(round.rng) : add(base, below(64));
	case 10:
		return one_in(4) ? U64_MAX - below(4) : add(base, below(256));
	case 11:
	case 12:
		return related_tick(id, base);
	case 13:
	case 14:
		return round_tick(base);
	default:
		return add(base, rng_magnitude(round.rng, round.reach));
	}
}

static unsigned int random_budget(void)
{
	switch (below(5)) {
	case 0:
		return 1;
	case 1:
		return 1 + below(4);
	case 2:
		return 1 + below(64);
	case 3:
		return 64;
	default:
		return 1 << 20;
	}
}

/* Where an advance goes; not much further than timers are set, or none is left. */
static u64 random_target(void)
{
	struct pair *pair = &round.pair;
	u64 now = pair->wheel->target, to = now, far;

	switch (below(8)) {
	case 0:
		to = add(now, 1);
		break;
	case 1:
		to = add(now, below(8));
		break;
	case 2:
	case 3:
		pair_next(pair, &to);
		break;
	case 4:
		if (oracle_min(&pair->oracle, &to))
			to = one_off(to);
		break;
	case 5:
		to = boundary(now);
		break;
	case 6:
		to = add(now, rng_magnitude(round.rng, round.reach));
		break;
	default:
		to = now - below(3) % add(now, 1);
	}
	far = add(now, (1ULL << round.reach) - 1);
	return to > far && !one_in(500) ? add(now, below(4)) : to;
}

static int first_id(const struct list_head *head, bool last)
{
	const struct list_head *at = last ? head->prev : head->next;

	if (at == head)
		return -1;
	return container_of(at, struct htw_node, entry)->owner;
}

/* Of a slot that an advance has left half drained, or half emptied ahead of time. */
static int half_done_id(void)
{
	const struct htw_wheel *wheel = round.pair.wheel;
	const struct shape *shape = &round.pair.shape;
	unsigned int row = below(shape->nr_levels);
	u64 tick = add(wheel->now, one_in(2) ? span_of(row) : 0);
	struct place place = shape_slot(shape, row, tick);

	return first_id(&slot_at(wheel, place)->head, one_in(2));
}

/* Preferably one that an advance is busy with. */
static int victim_id(void)
{
	const struct htw_wheel *wheel = round.pair.wheel;
	int id = -1;

	if (one_in(4))
		id = first_id(&wheel->expired, one_in(2));
	else if (one_in(round.pair.unfinished ? 2 : 8))
		id = half_done_id();
	return id < 0 ? pending_id() : id;
}

static void do_move(void)
{
	int id = victim_id();

	if (id >= 0)
		pair_move(&round.pair, id, random_tick(id));
}

static void do_arm(void)
{
	int id = idle_id();

	if (id >= 0)
		pair_arm(&round.pair, id, random_tick(-1));
	else
		do_move();
}

/* Many at a time, so that there are slots with more nodes than the budget. */
static void do_burst(void)
{
	u64 tick = random_tick(-1), spread = 1 + rng_magnitude(round.rng, 10);
	unsigned int n = 1 + below(one_in(4) ? 1000 : 100);
	int id;

	while (n-- && (id = idle_id()) >= 0)
		pair_arm(&round.pair, id, add(tick, below(spread)));
}

/* Also on nodes that sit in no slot, where it must do nothing. */
static void do_push(void)
{
	int id = one_in(50) ? idle_id() : victim_id();

	if (id >= 0)
		pair_push(&round.pair, id, random_tick(id));
}

static void do_cancel(void)
{
	int id = victim_id();

	if (id >= 0)
		pair_cancel(&round.pair, id);
}

static void do_forward(void)
{
	u64 to = random_target();
	unsigned int budget = random_budget();

	pair_forward(&round.pair, to, one_in(20) ? 0 : budget);
}

static void do_refresh(void)
{
	pair_refresh(&round.pair, one_in(2) ? UINT_MAX : random_budget());
}

/* Each choice is a statement: the order of arguments depends on the compiler. */
static void do_advance(void)
{
	u64 to = random_target();
	unsigned int budget = random_budget();

	pair_advance(&round.pair, to, one_in(50) ? 0 : budget);
}

static void do_finish(void)
{
	u64 to = random_target();

	pair_finish(&round.pair, to, random_budget());
}

static void do_wake(void)
{
	u64 limit = 1 + below(8);

	pair_wake(&round.pair, limit, random_budget());
}

static void do_pop(void)
{
	pair_pop(&round.pair);
}

static void do_pop_all(void)
{
	pair_pop_all(&round.pair);
}

static void do_take(void)
{
	pair_take(&round.pair);
}

/* What may happen, and the most weight that each gets in a round. */
static const struct {
	void		(*run)(void);
	unsigned int	most;
} ops[NR_OPS] = {
	[OP_ARM]	= { do_arm, 20 },
	[OP_BURST]	= { do_burst, 1 },
	[OP_CANCEL]	= { do_cancel, 10 },
	[OP_MOVE]	= { do_move, 15 },
	[OP_PUSH]	= { do_push, 10 },
	[OP_ADVANCE]	= { do_advance, 15 },
	[OP_FINISH]	= { do_finish, 5 },
	[OP_POP]	= { do_pop, 8 },
	[OP_POP_ALL]	= { do_pop_all, 5 },
	[OP_FORWARD]	= { do_forward, 3 },
	[OP_REFRESH]	= { do_refresh, 3 },
	[OP_TAKE]	= { do_take, 1 },
	[OP_WAKE]	= { do_wake, 2 },
};

static enum op random_op(void)
{
	unsigned int i, total = 0, choice;

	/* Between the calls of an unfinished advance anything goes; then go on. */
	if (round.pair.unfinished && one_in(2))
		return OP_ADVANCE;
	for (i = 0; i < NR_OPS; i++)
		total += round.weights[i];
	choice = below(total);
	for (i = 0; choice >= round.weights[i]; i++)
		choice -= round.weights[i];
	return i;
}

static void random_weights(void)
{
	bool alone = one_in(5);
	unsigned int op;

	for (op = 0; op < NR_OPS; op++)
		round.weights[op] = below(ops[op].most + 1);
	round.weights[OP_ARM] += 2;
	round.weights[OP_ADVANCE] += 2;
	/* Timers left alone: then each next event has to be exact. */
	if (alone) {
		round.weights[OP_CANCEL] = 0;
		round.weights[OP_MOVE] = 0;
		round.weights[OP_PUSH] = 0;
		round.weights[OP_TAKE] = 0;
	} else if (!one_in(10)) {
		round.weights[OP_TAKE] = 0;
	}
}

static unsigned int random_population(unsigned int timers)
{
	unsigned int n;

	switch (below(8)) {
	case 0:
		n = 1;
		break;
	case 1:
	case 2:
		n = 1 + below(8);
		break;
	case 3:
	case 4:
	case 5:
		n = 1 + below(100);
		break;
	default:
		n = 1 + rng_magnitude(round.rng, 32) % timers;
	}
	return n < timers ? n : timers;
}

/* Every timer left must come out, one way or the other. */
static void empty_wheel(void)
{
	struct pair *pair = &round.pair;

	if (!pair->given_up && one_in(3)) {
		pair_wake(pair, U64_MAX, random_budget());
	} else if (one_in(2)) {
		pair_finish(pair, U64_MAX, random_budget());
		pair_pop_all(pair);
	} else {
		while (pair_take(pair) >= 0)
			;
	}
	CHECK_EQUAL(take_empties, "nodes left at the end", 0,
		    pair->wheel->nr_pending);
	pair_check(pair);
}

void random_round(struct rng *rng, unsigned int timers, unsigned long max_ops)
{
	struct htw_geometry geo;
	unsigned int population;

	round.rng = rng;
	random_geometry(&geo);
	population = random_population(timers);
	pair_init(&round.pair, &geo, random_start(), population);
	random_weights();
	round.reach = 2 + below(one_in(4) ? 60 : 24);
	round.end = 200 + below(2000) + 2 * population;
	if (round.end > max_ops)
		round.end = max_ops;

	while (report.op < round.end) {
		/* When time has ended there is little left to try. */
		if (round.pair.wheel->target == U64_MAX && one_in(50))
			break;
		ops[random_op()].run();
	}
	empty_wheel();
}
