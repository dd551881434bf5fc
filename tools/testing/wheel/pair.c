// SPDX-License-Identifier: GPL-2.0
#include "pair.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/*
 * The most list nodes and heads that an operation on one timer may touch: a node
 * and its two neighbours off one list and onto another, and a look at each head.
 */
#define TOUCHED_MAX	8

/* How many nodes and slots are checked per operation, on average. */
#define CHECK_WORK	1000

void pair_free(struct pair *pair)
{
	oracle_free(&pair->oracle);
	free(pair->wheel);
	free(pair->nodes);
	free(pair->ids);
	free(pair->where);
}

static void pair_reset(struct pair *pair)
{
	struct place place;

	pair_free(pair);
	while (pair->nr_stale) {
		place = pair->stale_places[--pair->nr_stale];
		pair->stale[place.row][place.slot] = false;
	}
	memset(pair, 0, offsetof(struct pair, stale));
}

void pair_init(struct pair *pair, const struct htw_geometry *geo, u64 now,
	       unsigned int nr_nodes)
{
	struct htw_geometry copy = *geo;	/* It may be the old pair's own. */
	const char *error;
	unsigned int i;

	pair_reset(pair);
	pair->geo = copy;
	pair->nr_nodes = nr_nodes;
	shape_init(&pair->shape, &copy);
	pair->wheel = malloc(htw_wheel_size(&copy));
	pair->nodes = calloc(nr_nodes, sizeof(*pair->nodes));
	pair->ids = calloc(nr_nodes, sizeof(*pair->ids));
	pair->where = calloc(nr_nodes, sizeof(*pair->where));
	if (!pair->wheel || !pair->nodes || !pair->ids || !pair->where)
		abort();
	for (i = 0; i < nr_nodes; i++) {
		htw_node_init(&pair->nodes[i]);
		CHECK_EQUAL(exactly_once, "is a new node pending", false,
			    htw_node_pending(&pair->nodes[i]));
		pair->nodes[i].owner = i;
		pair->ids[i] = i;
		pair->where[i] = i;
	}
	oracle_init(&pair->oracle, nr_nodes, now);
	htw_wheel_init(pair->wheel, &copy, now);
	pair->promised = true;
	error = wheel_check_shape(pair->wheel, &pair->shape);
	CHECK(invariants, !error, "expected a wheel of its geometry, got: %s",
	      error);
	CHECK_EQUAL(capacity, "htw_wheel_capacity", shape_capacity(&pair->shape),
		    htw_wheel_capacity(pair->wheel));
	pair_check(pair);
}

/* To be called whenever the oracle's count has changed by one because of @id. */
static void place_id(struct pair *pair, unsigned int id, unsigned int place)
{
	unsigned int other = pair->ids[place], from = pair->where[id];

	pair->ids[from] = other;
	pair->where[other] = from;
	pair->ids[place] = id;
	pair->where[id] = place;
}

static u64 model_arm(struct pair *pair, unsigned int id, u64 tick)
{
	if (!oracle_armed(&pair->oracle, id))
		place_id(pair, id, pair->oracle.count);
	tick = oracle_arm(&pair->oracle, id, tick);
	/* At the end of time it is due at once, but not found before another call. */
	if (tick == pair->oracle.target)
		pair->promised = false;
	return tick;
}

static void model_end(struct pair *pair, unsigned int id)
{
	oracle_end(&pair->oracle, id);
	place_id(pair, id, pair->oracle.count);
}

static bool slot_used(const struct pair *pair, struct place place)
{
	const struct htw_slot *slot = slot_at(pair->wheel, place);

	return slot->head.next != &slot->head;
}

/*
 * htw_wheel_next() may be too early by a slot whose first node was cancelled or
 * made later, until that slot is empty, and by no other.
 */
static void mark_stale(struct pair *pair, struct place place)
{
	pair->excuses++;
	if (pair->stale[place.row][place.slot])
		return;
	pair->stale[place.row][place.slot] = true;
	pair->stale_places[pair->nr_stale++] = place;
}

static void sweep_stale(struct pair *pair)
{
	struct place place;
	unsigned int i = 0;

	while (i < pair->nr_stale) {
		place = pair->stale_places[i];
		if (slot_used(pair, place)) {
			i++;
			continue;
		}
		pair->stale[place.row][place.slot] = false;
		pair->stale_places[i] = pair->stale_places[--pair->nr_stale];
	}
}

static bool first_of_slot(const struct pair *pair, const struct htw_node *node)
{
	return node->row < HTW_ROW_EXPIRED &&
	       slot_at(pair->wheel, node_place(node))->min == node->tick;
}

static void left_slot(struct pair *pair, struct place place, bool was_first)
{
	if (place.row >= HTW_ROW_EXPIRED)
		return;
	if (!slot_used(pair, place) && pair->stale[place.row][place.slot])
		sweep_stale(pair);
	else if (was_first && slot_used(pair, place))
		mark_stale(pair, place);
}

/*
 * While nodes wait to be popped the next event is now. Else it is never after the
 * earliest timer, and if no advance is unfinished then it is ahead, and before the
 * earliest only by a stale slot. The slot that an event comes from is the one which
 * its tick belongs to.
 */
static void check_next(struct pair *pair, u64 tick, u64 earliest)
{
	struct place place = shape_place(&pair->shape, tick, pair->wheel->now);
	u64 target = pair->wheel->target;

	if (pair->wheel->expired.next != &pair->wheel->expired) {
		CHECK(next_never_late, tick <= target,
		      "next event with nodes to pop: expected at most %llu, got %llu",
		      target, tick);
		return;
	}
	CHECK(next_never_late, tick <= earliest,
	      "next event: expected at most %llu, got %llu", earliest, tick);
	if (pair->wheel->draining)
		CHECK(next_never_late, tick <= target,
		      "next event of an unfinished advance: expected at most %llu, got %llu",
		      target, tick);
	if (pair->unfinished || !pair->promised)
		return;
	CHECK(next_exact, tick > target,
	      "next event: expected more than the target %llu, got %llu",
	      target, tick);
	if (pair->given_up)
		return;
	CHECK(next_exact,
	      tick == earliest || pair->stale[place.row][place.slot],
	      "next event: expected exactly %llu, got %llu of row %u slot %u, untouched",
	      earliest, tick, place.row, place.slot);
}

bool pair_next(struct pair *pair, u64 *tick)
{
	u64 earliest;
	bool any = oracle_min(&pair->oracle, &earliest);

	CHECK_EQUAL(next_never_late, "is there a next event", any,
		    htw_wheel_next(pair->wheel, tick));
	if (any)
		check_next(pair, *tick, earliest);
	return any;
}

void pair_check(struct pair *pair)
{
	struct census census;
	const char *error = wheel_check(pair->wheel, &pair->shape, &census);

	CHECK(invariants, !error, "expected order inside, got: %s", error);
	CHECK_EQUAL(overflow_counted, "nr_overflow", census.in_overflow,
		    pair->wheel->nr_overflow);
	pair->patience = pair->shape.nr_slots + 2 * pair->wheel->nr_pending;
}

/* After each operation. A large wheel is looked into less often than a small one. */
static void operation_done(struct pair *pair)
{
	u64 next;

	report.op++;
	CHECK_EQUAL(pending_counted, "nr_pending", pair->oracle.count,
		    pair->wheel->nr_pending);
	CHECK_EQUAL(pending_counted, "target", pair->oracle.target,
		    pair->wheel->target);
	pair_next(pair, &next);
	pair->patience -= CHECK_WORK;
	if (pair->patience <= 0)
		pair_check(pair);
}

/* What holds for a node that was just put into a slot of its own choice. */
static void check_filed(struct pair *pair, const struct htw_node *node)
{
	u64 now = pair->wheel->now;
	struct place place = shape_place(&pair->shape, node->tick, now);
	u64 capacity = shape_capacity(&pair->shape);

	CHECK_EQUAL(exactly_once, "is an armed node pending", true,
		    htw_node_pending(node));
	CHECK(right_slot, node->row == place.row && node->slot == place.slot,
	      "tick %llu with the cursor at %llu: expected row %u slot %u, got row %u slot %u",
	      node->tick, now, place.row, place.slot, node->row, node->slot);
	if (capacity != U64_MAX && node->tick - now >= capacity)
		CHECK(overflow_counted, node->row >= pair->geo.nr_levels,
		      "tick %llu at cursor %llu: expected in the overflow, got row %u",
		      node->tick, now, node->row);
}

static u64 in_overflow(const struct pair *pair, const struct htw_node *node)
{
	return node->row < HTW_ROW_EXPIRED && node->row >= pair->geo.nr_levels;
}

void pair_arm(struct pair *pair, unsigned int id, u64 tick)
{
	struct htw_node *node = &pair->nodes[id];
	u64 due = model_arm(pair, id, tick);
	u64 overflow = pair->wheel->nr_overflow;
	unsigned long touched;

	CHECK_EQUAL(due_clamp, "htw_wheel_due", due,
		    htw_wheel_due(pair->wheel, tick));
	touched = list_touched;
	htw_wheel_insert(pair->wheel, node, tick);
	CHECK(arm_touches_one_slot, list_touched - touched <= TOUCHED_MAX,
	      "arming: expected at most %u nodes touched, got %lu",
	      TOUCHED_MAX, list_touched - touched);
	CHECK_EQUAL(due_clamp, "the armed node's tick", due, node->tick);
	CHECK_EQUAL(overflow_counted, "nr_overflow after arming",
		    overflow + in_overflow(pair, node),
		    pair->wheel->nr_overflow);
	check_filed(pair, node);
	operation_done(pair);
}

/* The node is in no list and counts for nothing. */
static void check_ended(struct pair *pair, unsigned int id)
{
	CHECK_EQUAL(exactly_once, "is an ended node pending", false,
		    htw_node_pending(&pair->nodes[id]));
	CHECK_EQUAL(exactly_once, "the owner of an ended node", id,
		    pair->nodes[id].owner);
}

void pair_cancel(struct pair *pair, unsigned int id)
{
	struct htw_node *node = &pair->nodes[id];
	struct place place = node_place(node);
	bool first = first_of_slot(pair, node);
	u64 overflow = pair->wheel->nr_overflow - in_overflow(pair, node);
	unsigned long touched = list_touched;

	htw_wheel_remove(pair->wheel, node);
	CHECK(cancel_touches_neighbours_only,
	      list_touched - touched <= TOUCHED_MAX,
	      "cancelling: expected at most %u nodes touched, got %lu",
	      TOUCHED_MAX, list_touched - touched);
	CHECK_EQUAL(overflow_counted, "nr_overflow after cancelling", overflow,
		    pair->wheel->nr_overflow);
	model_end(pair, id);
	left_slot(pair, place, first);
	check_ended(pair, id);
	operation_done(pair);
}

/* A node that stays where it is: no list was touched, and it has its new tick. */
static void check_pushed(struct pair *pair, const struct htw_node *node,
			 struct place place, unsigned long touched)
{
	CHECK_EQUAL(push_is_one_store, "list nodes touched by a push", touched,
		    list_touched);
	CHECK(push_is_one_store,
	      node->row == place.row && node->slot == place.slot,
	      "push: expected row %u slot %u as before, got row %u slot %u",
	      place.row, place.slot, node->row, node->slot);
	CHECK_EQUAL(due_clamp, "the pushed node's tick",
		    oracle_tick(&pair->oracle, node->owner), node->tick);
}

void pair_move(struct pair *pair, unsigned int id, u64 tick)
{
	struct htw_node *node = &pair->nodes[id];
	struct place place = node_place(node);
	bool first = first_of_slot(pair, node), lazy = false;
	u64 was = node->tick, due = model_arm(pair, id, tick);
	u64 overflow = pair->wheel->nr_overflow - in_overflow(pair, node);
	unsigned long touched;

	if (pair_in_slot(pair, id))
		lazy = due >= shape_start(&pair->shape, place, pair->wheel->now);
	touched = list_touched;
	htw_wheel_move(pair->wheel, node, tick);
	CHECK_EQUAL(due_clamp, "the moved node's tick", due, node->tick);
	CHECK_EQUAL(overflow_counted, "nr_overflow after moving",
		    overflow + in_overflow(pair, node),
		    pair->wheel->nr_overflow);
	if (lazy) {
		check_pushed(pair, node, place, touched);
		if (first && due > was)
			mark_stale(pair, place);
	} else {
		CHECK(arm_touches_one_slot,
		      list_touched - touched <= 2 * TOUCHED_MAX,
		      "moving: expected at most %u nodes touched, got %lu",
		      2 * TOUCHED_MAX, list_touched - touched);
		check_filed(pair, node);
		left_slot(pair, place, first);
	}
	operation_done(pair);
}

/* htw_wheel_push() by itself, on any node: false must mean that nothing changed. */
bool pair_push(struct pair *pair, unsigned int id, u64 tick)
{
	struct htw_node *node = &pair->nodes[id];
	struct place place = node_place(node);
	u64 was = node->tick, due = htw_wheel_due(pair->wheel, tick);
	bool first = first_of_slot(pair, node);
	bool expected = pair_in_slot(pair, id) && due >= was;
	unsigned long touched = list_touched;
	bool pushed = htw_wheel_push(node, due);

	CHECK_EQUAL(push_is_one_store, "does a push succeed", expected, pushed);
	if (pushed) {
		CHECK_EQUAL(due_clamp, "htw_wheel_due",
			    model_arm(pair, id, tick), due);
		check_pushed(pair, node, place, touched);
		if (first && due > was)
			mark_stale(pair, place);
	} else {
		CHECK_EQUAL(push_is_one_store, "tick after a failed push", was,
			    node->tick);
	}
	operation_done(pair);
	return pushed;
}

/* Walks what was appended to the expired list behind @last. Returns how many. */
static u64 check_appended(struct pair *pair, const struct list_head *last)
{
	const struct list_head *at, *head = &pair->wheel->expired;
	const struct htw_node *node;
	u64 count = 0, tick = 0;

	if (last != head)
		tick = container_of(last, struct htw_node, entry)->tick;
	for (at = last->next; at != head; at = at->next) {
		node = container_of(at, struct htw_node, entry);
		CHECK(exactly_once, ++count <= pair->oracle.count,
		      "expected at most %u expired nodes, got more",
		      pair->oracle.count);
		CHECK(order, node->tick >= tick,
		      "next expired node: expected not before %llu, got %llu",
		      tick, node->tick);
		CHECK_EQUAL(exactly_once, "is an expired node pending", true,
			    htw_node_pending(node));
		CHECK(never_early, node->tick <= pair->oracle.target,
		      "expired node: expected not after %llu, got %llu",
		      pair->oracle.target, node->tick);
		tick = node->tick;
	}
	return count;
}

bool pair_advance(struct pair *pair, u64 to, unsigned int budget)
{
	struct htw_wheel *wheel = pair->wheel;
	const struct list_head *last = wheel->expired.prev;
	u64 used = wheel->nr_moves;
	bool done;

	oracle_advance(&pair->oracle, to);
	done = htw_wheel_collect(wheel, to, budget);
	used = wheel->nr_moves - used + check_appended(pair, last);
	CHECK(budget_kept, used <= budget,
	      "nodes touched by an advance: expected at most %u, got %llu",
	      budget, used);
	if (done)
		CHECK_EQUAL(advance_ends, "cursor after a full advance",
			    wheel->target, wheel->now);
	else
		CHECK_EQUAL(budget_kept, "nodes touched by an unfinished advance",
			    budget, used);
	pair->promised = done;
	pair->unfinished = !done;
	sweep_stale(pair);
	operation_done(pair);
	return done;
}

/*
 * Each node can move to a row further up (when it was pushed), then once per row
 * down, and then expire. So the number of calls has a bound: an advance that turns
 * in circles is caught rather than waited for.
 */
void pair_finish(struct pair *pair, u64 to, unsigned int budget)
{
	u64 limit = (pair->shape.nr_rows + 2ULL) * pair->oracle.count;
	u64 calls = 1;

	while (!pair_advance(pair, to, budget)) {
		CHECK(advance_ends, calls++ <= limit / budget,
		      "calls with budget %u: expected at most %llu, got more",
		      budget, limit / budget + 1);
		report_alive();
	}
}

/* Nothing fires, nothing is lost, and the next event is the oracle's. */
void pair_refresh(struct pair *pair, unsigned int budget)
{
	u64 now = pair->wheel->now, moves = pair->wheel->nr_moves, next, min;
	bool exact = htw_wheel_refresh(pair->wheel, budget);

	CHECK_EQUAL(refresh_exact, "cursor", now, pair->wheel->now);
	CHECK(refresh_exact, pair->wheel->nr_moves - moves <= budget,
	      "moves: expected at most %u, got %llu", budget,
	      pair->wheel->nr_moves - moves);
	/* At the end of time the timer that comes next is due already. */
	if (budget == UINT_MAX && !pair->unfinished &&
	    pair->wheel->target != U64_MAX)
		CHECK(refresh_exact, exact, "expected it to end, it did not");
	if (exact && pair->wheel->expired.next == &pair->wheel->expired &&
	    oracle_min(&pair->oracle, &min)) {
		CHECK(refresh_exact, htw_wheel_next(pair->wheel, &next),
		      "expected a next event, got none");
		CHECK_EQUAL(refresh_exact, "next event", min, next);
	}
	operation_done(pair);
}

/* Does any slot have to be drained until @to? */
static bool in_the_way(const struct pair *pair, u64 to)
{
	unsigned int i;
	struct place place;

	for (i = 0; i < pair->oracle.count; i++) {
		if (!pair_in_slot(pair, pair->ids[i]))
			continue;
		place = node_place(&pair->nodes[pair->ids[i]]);
		if (shape_start(&pair->shape, place, pair->wheel->now) <= to)
			return true;
	}
	return false;
}

bool pair_forward(struct pair *pair, u64 to)
{
	u64 moves = pair->wheel->nr_moves, now = pair->wheel->now;
	u64 target = pair->wheel->target;
	bool expected = to > target && !in_the_way(pair, to);

	htw_wheel_forward(pair->wheel, to);
	CHECK_EQUAL(forward, "moves", moves, pair->wheel->nr_moves);
	CHECK_EQUAL(forward, "cursor", expected ? to : now, pair->wheel->now);
	CHECK_EQUAL(forward, "target", expected ? to : target,
		    pair->wheel->target);
	if (expected) {
		oracle_advance(&pair->oracle, to);
		pair->promised = true;
		pair->unfinished = false;
	}
	operation_done(pair);
	return expected;
}

/* An id that comes out of the wheel is one that was put into it. */
static unsigned int taken_id(struct pair *pair, const struct htw_node *node)
{
	unsigned int id = node - pair->nodes;

	CHECK(exactly_once, oracle_armed(&pair->oracle, id),
	      "expected an armed node, got %u, which is not", id);
	check_ended(pair, id);
	return id;
}

int pair_pop(struct pair *pair)
{
	struct htw_node *node = htw_wheel_pop(pair->wheel);
	u64 earliest;
	unsigned int id;

	if (!node) {
		CHECK(exactly_once,
		      !(pair->promised && oracle_due(&pair->oracle)),
		      "expected a node due by %llu, got none",
		      pair->oracle.target);
		operation_done(pair);
		return -1;
	}
	id = taken_id(pair, node);
	CHECK(never_early, oracle_tick(&pair->oracle, id) <= pair->oracle.target,
	      "popped node: expected not after %llu, got %llu",
	      pair->oracle.target, oracle_tick(&pair->oracle, id));
	oracle_min(&pair->oracle, &earliest);
	CHECK_EQUAL(order, "popped node's tick", earliest,
		    oracle_tick(&pair->oracle, id));
	model_end(pair, id);
	operation_done(pair);
	return id;
}

unsigned int pair_pop_all(struct pair *pair)
{
	unsigned int count = 0;

	while (pair_pop(pair) >= 0)
		count++;
	return count;
}

int pair_take(struct pair *pair)
{
	bool expired = pair->wheel->expired.next != &pair->wheel->expired;
	struct htw_node *node;
	u64 earliest;
	unsigned int id;

	oracle_min(&pair->oracle, &earliest);
	node = htw_wheel_take(pair->wheel);
	CHECK_EQUAL(take_empties, "is there a node to take",
		    pair->oracle.count > 0, node != NULL);
	if (!node)
		return -1;
	id = taken_id(pair, node);
	if (expired)
		CHECK_EQUAL(take_empties, "the tick of a node taken of the expired",
			    earliest, oracle_tick(&pair->oracle, id));
	model_end(pair, id);
	/* Which slot has lost its first node can't be told from the node. */
	pair->given_up = true;
	pair->excuses++;
	operation_done(pair);
	return id;
}

u64 pair_wake(struct pair *pair, u64 limit, unsigned int budget)
{
	u64 next, events;

	pair_finish(pair, pair->wheel->target, budget);
	pair_pop_all(pair);
	for (events = 0; events < limit && pair_next(pair, &next); events++) {
		pair_finish(pair, next, budget);
		pair->needless += !pair_pop_all(pair);
		CHECK(needless_wakeups, pair->needless <= pair->excuses,
		      "needless wake-ups: expected at most %llu, got %llu",
		      pair->excuses, pair->needless);
		report_alive();
	}
	return events;
}
