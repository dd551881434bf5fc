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
#define CHECK_WORK	400

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
	/* Nobody has promised that the memory is zero. */
	memset(pair->wheel, 0xa5, htw_wheel_size(&copy));
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

static struct place place_of(const struct pair *pair, const struct htw_node *node)
{
	return node_place(&pair->shape, node);
}

static bool first_of_slot(const struct pair *pair, const struct htw_node *node)
{
	return node_in_slot(node) &&
	       slot_at(pair->wheel, place_of(pair, node))->min == node->tick;
}

static void left_slot(struct pair *pair, struct place place, bool was_first)
{
	if (place.row >= ALL_ROWS)
		return;
	if (!slot_used(pair, place) && pair->stale[place.row][place.slot])
		sweep_stale(pair);
	else if (was_first && slot_used(pair, place))
		mark_stale(pair, place);
}

/* Is @tick the event of a slot whose first node has gone? */
static bool event_is_stale(const struct pair *pair, u64 tick)
{
	struct place place;
	unsigned int row;

	for (row = 0; row < ALL_ROWS; row++) {
		if (!pair->shape.slots[row])
			continue;
		place = shape_slot(&pair->shape, row, tick);
		if (pair->stale[place.row][place.slot] &&
		    slot_at(pair->wheel, place)->min == tick)
			return true;
	}
	return false;
}

/* When @place has to be looked at because of how many nodes it has, if it has. */
static u64 ahead_of_slot(const struct pair *pair, struct place place)
{
	u64 start = shape_start(&pair->shape, place, pair->wheel->now);
	unsigned int nr = slot_at(pair->wheel, place)->nr;
	u64 ahead = shape_ahead(&pair->shape, place.row, start, nr);

	if (ahead == start)
		return U64_MAX;
	return ahead > pair->wheel->target ? ahead : pair->wheel->target + 1;
}

/* Is @tick when a slot of many nodes is to be emptied ahead of time? */
static bool event_is_ahead(const struct pair *pair, u64 tick)
{
	struct place place;

	for (place.row = 1; place.row < pair->shape.nr_rows; place.row++) {
		if (!(pair->wheel->occupied >> place.row & 1))
			continue;
		for (place.slot = 0; place.slot < pair->shape.slots[place.row];
		     place.slot++)
			if (ahead_of_slot(pair, place) == tick)
				return true;
	}
	return false;
}

/*
 * While nodes wait to be popped the next event is now. Else it is never after the
 * earliest timer, and if no advance is unfinished then it is ahead, and before the
 * earliest only by a stale slot, or by one that has more than HTW_SPARSE nodes.
 */
static void check_next(struct pair *pair, u64 tick, u64 earliest)
{
	u64 target = pair->wheel->target;

	if (pair->wheel->expired.next != &pair->wheel->expired) {
		CHECK(next_never_late, tick <= target,
		      "next event with nodes to pop: expected at most %llu, got %llu",
		      target, tick);
		return;
	}
	CHECK(next_never_late, tick <= earliest,
	      "next event: expected at most %llu, got %llu", earliest, tick);
	if (pair->unfinished || !pair->promised)
		return;
	CHECK(next_exact, tick > target,
	      "next event: expected more than the target %llu, got %llu",
	      target, tick);
	if (pair->given_up)
		return;
	CHECK(next_exact,
	      tick == earliest || event_is_stale(pair, tick) ||
	      event_is_ahead(pair, tick),
	      "next event: expected exactly %llu, got %llu for no reason",
	      earliest, tick);
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
	const char *error = wheel_check(pair->wheel, &pair->shape,
					!pair->unfinished, &census);

	CHECK(invariants, !error, "expected order inside, got: %s", error);
	CHECK_EQUAL(overflow_counted, "nr_overflow", census.in_overflow,
		    pair->wheel->nr_overflow);
	pair->patience = pair->shape.nr_slots + ALL_ROWS * (ROW_SLOTS / 64) +
			 2 * pair->wheel->nr_pending;
}

/* After each operation. A large wheel is looked into less often than a small one. */
static u64 check_operation(struct pair *pair)
{
	u64 next = U64_MAX;

	report.op++;
	CHECK_EQUAL(pending_counted, "nr_pending", pair->oracle.count,
		    pair->wheel->nr_pending);
	CHECK_EQUAL(pending_counted, "target", pair->oracle.target,
		    pair->wheel->target);
	pair_next(pair, &next);
	pair->patience -= CHECK_WORK;
	if (pair->patience <= 0)
		pair_check(pair);
	return next;
}

/* After one that lets time pass: whoever did that asks for the next event. */
static void time_passed(struct pair *pair)
{
	pair->event = check_operation(pair);
}

/*
 * After one on a single timer: who comes at the earliest of what was returned, and
 * of what was next before, comes in time for everything.
 */
static void timer_changed(struct pair *pair, u64 returned)
{
	u64 next = check_operation(pair);

	if (returned < pair->event)
		pair->event = returned;
	/* An unfinished advance is gone on with by who began it. */
	CHECK(event_returned, next >= pair->event || pair->unfinished,
	      "next event: expected not before %llu, got %llu", pair->event,
	      next);
}

/*
 * What arming returned: the tick of the timer, but when its slot has reached a
 * number of nodes for which it has to be looked at sooner.
 */
static void check_returned(const struct pair *pair, const struct htw_node *node,
			   u64 returned)
{
	struct place place = place_of(pair, node);
	unsigned int nr = slot_at(pair->wheel, place)->nr;
	u64 start = shape_start(&pair->shape, place, pair->wheel->now);
	u64 sooner = shape_ahead(&pair->shape, place.row, start, nr);

	if (sooner == start || (nr - 1) & (nr - 2))
		sooner = node->tick;
	CHECK(event_returned, returned == node->tick || returned == sooner,
	      "returned: expected %llu or %llu, got %llu", sooner, node->tick,
	      returned);
}

/* What holds for a node that was just put into a slot of its own choice. */
static void check_filed(struct pair *pair, const struct htw_node *node)
{
	u64 now = pair->wheel->now;
	struct place place = shape_place(&pair->shape, node->tick, now);
	struct place got = place_of(pair, node);
	u64 capacity = shape_capacity(&pair->shape);

	CHECK_EQUAL(exactly_once, "is an armed node pending", true,
		    htw_node_pending(node));
	CHECK(right_slot, got.row == place.row && got.slot == place.slot,
	      "tick %llu with the cursor at %llu: expected row %u slot %u, got row %u slot %u",
	      node->tick, now, place.row, place.slot, got.row, got.slot);
	if (capacity < 1ULL << 63 && node->tick - now >= 2 * capacity)
		CHECK(overflow_counted, node->row >= pair->geo.nr_levels,
		      "tick %llu at cursor %llu: expected in the overflow, got row %u",
		      node->tick, now, node->row);
}

static u64 in_overflow(const struct pair *pair, const struct htw_node *node)
{
	return shape_overflows(&pair->shape, node->row);
}

void pair_arm(struct pair *pair, unsigned int id, u64 tick)
{
	struct htw_node *node = &pair->nodes[id];
	u64 due = model_arm(pair, id, tick);
	u64 overflow = pair->wheel->nr_overflow, returned;
	unsigned long touched;

	CHECK_EQUAL(due_clamp, "htw_wheel_due", due,
		    htw_wheel_due(pair->wheel, tick));
	touched = list_touched;
	returned = htw_wheel_insert(pair->wheel, node, tick);
	CHECK(arm_touches_one_slot, list_touched - touched <= TOUCHED_MAX,
	      "arming: expected at most %u nodes touched, got %lu",
	      TOUCHED_MAX, list_touched - touched);
	CHECK_EQUAL(due_clamp, "the armed node's tick", due, node->tick);
	CHECK_EQUAL(overflow_counted, "nr_overflow after arming",
		    overflow + in_overflow(pair, node),
		    pair->wheel->nr_overflow);
	check_filed(pair, node);
	check_returned(pair, node, returned);
	timer_changed(pair, returned);
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
	struct place place = place_of(pair, node);
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
	timer_changed(pair, U64_MAX);
}

/* A node that stays where it is: no list was touched, and it has its new tick. */
static void check_pushed(struct pair *pair, const struct htw_node *node,
			 struct place place, unsigned long touched)
{
	struct place now = place_of(pair, node);

	CHECK_EQUAL(push_is_one_store, "list nodes touched by a push", touched,
		    list_touched);
	CHECK(push_is_one_store, now.row == place.row && now.slot == place.slot,
	      "push: expected row %u slot %u as before, got row %u slot %u",
	      place.row, place.slot, now.row, now.slot);
	CHECK_EQUAL(due_clamp, "the pushed node's tick",
		    oracle_tick(&pair->oracle, node->owner), node->tick);
}

void pair_move(struct pair *pair, unsigned int id, u64 tick)
{
	struct htw_node *node = &pair->nodes[id];
	struct place place = place_of(pair, node);
	bool first = first_of_slot(pair, node), lazy = false;
	u64 was = node->tick, due = model_arm(pair, id, tick);
	u64 overflow = pair->wheel->nr_overflow - in_overflow(pair, node);
	unsigned long touched;
	u64 returned;

	if (pair_in_slot(pair, id))
		lazy = due >= shape_start(&pair->shape, place, pair->wheel->now);
	touched = list_touched;
	returned = htw_wheel_move(pair->wheel, node, tick);
	CHECK_EQUAL(due_clamp, "the moved node's tick", due, node->tick);
	CHECK_EQUAL(overflow_counted, "nr_overflow after moving",
		    overflow + in_overflow(pair, node),
		    pair->wheel->nr_overflow);
	if (lazy) {
		check_pushed(pair, node, place, touched);
		CHECK_EQUAL(event_returned, "returned", due, returned);
		if (first && due > was)
			mark_stale(pair, place);
	} else {
		CHECK(arm_touches_one_slot,
		      list_touched - touched <= 2 * TOUCHED_MAX,
		      "moving: expected at most %u nodes touched, got %lu",
		      2 * TOUCHED_MAX, list_touched - touched);
		check_filed(pair, node);
		check_returned(pair, node, returned);
		left_slot(pair, place, first);
	}
	timer_changed(pair, returned);
}

/* htw_wheel_push() by itself, on any node: false must mean that nothing changed. */
bool pair_push(struct pair *pair, unsigned int id, u64 tick)
{
	struct htw_node *node = &pair->nodes[id];
	struct place place = place_of(pair, node);
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
	timer_changed(pair, U64_MAX);
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

static u64 least_tick(const struct htw_slot *slot)
{
	const struct list_head *at;
	u64 least = U64_MAX, tick;

	for (at = slot->head.next; at != &slot->head; at = at->next) {
		tick = container_of(at, struct htw_node, entry)->tick;
		if (tick < least)
			least = tick;
	}
	return least;
}

/*
 * The slots that come next may have lost their first nodes ahead of time. A slot of
 * many that is still being emptied is not looked through: its event is another one.
 */
static void mark_emptied_ahead(struct pair *pair)
{
	const struct htw_slot *slot;
	struct place place;
	unsigned int row;

	for (row = 1; row < pair->shape.nr_rows; row++) {
		place = shape_slot(&pair->shape, row,
				   pair->wheel->now + shape_span(&pair->shape, row));
		slot = slot_at(pair->wheel, place);
		if (slot->nr && !pair->stale[place.row][place.slot] &&
		    (slot->nr > HTW_SPARSE || least_tick(slot) > slot->min))
			mark_stale(pair, place);
	}
}

bool pair_advance(struct pair *pair, u64 to, unsigned int budget)
{
	struct htw_wheel *wheel = pair->wheel;
	const struct list_head *last = wheel->expired.prev;
	u64 moves = wheel->nr_moves, used;
	bool done;

	oracle_advance(&pair->oracle, to);
	done = htw_wheel_collect(wheel, to, budget);
	used = wheel->nr_moves - moves + check_appended(pair, last);
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
	if (wheel->nr_moves != moves)
		mark_emptied_ahead(pair);
	sweep_stale(pair);
	time_passed(pair);
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
		CHECK(refresh_exact, next == min || event_is_ahead(pair, next),
		      "next event: expected %llu, got %llu", min, next);
	}
	sweep_stale(pair);
	time_passed(pair);
}

/*
 * Whether to go forward to @to: not past what is due, and surely if there are few
 * nodes in the way, none of them due by what their slot says, each to be moved once
 * per row at most. In between it depends on how they are spread.
 */
enum forwards { NEVER, MAYBE, SURELY };

static enum forwards going_forward(const struct pair *pair, u64 to,
				   unsigned int budget)
{
	enum forwards answer = SURELY;
	const struct htw_node *node;
	unsigned int i;
	struct place place;
	u64 nodes = 0;

	for (i = 0; i < pair->oracle.count; i++) {
		node = &pair->nodes[pair->ids[i]];
		if (!node_in_slot(node))
			continue;
		place = place_of(pair, node);
		if (shape_start(&pair->shape, place, pair->wheel->now) > to)
			continue;
		if (node->tick <= to)
			return NEVER;
		nodes++;
		if (!shape_cascades(place.row) ||
		    slot_at(pair->wheel, place)->min <= to)
			answer = MAYBE;
	}
	return nodes * pair->shape.nr_rows > budget ? MAYBE : answer;
}

/* Is there still something to do at the cursor? */
static bool stopped_at_slot(const struct pair *pair)
{
	u64 now = pair->wheel->now;
	struct place place;
	unsigned int row;

	for (row = 0; row < ALL_ROWS; row++) {
		if (!pair->shape.slots[row])
			continue;
		place = shape_slot(&pair->shape, row, now);
		if (slot_used(pair, place) &&
		    shape_start(&pair->shape, place, now) == now)
			return true;
	}
	return false;
}

bool pair_forward(struct pair *pair, u64 to, unsigned int budget)
{
	struct htw_wheel *wheel = pair->wheel;
	u64 moves = wheel->nr_moves, now = wheel->now, target = wheel->target;
	const struct list_head *last = wheel->expired.prev;
	enum forwards expected = going_forward(pair, to, budget);
	bool stopped;

	if (to <= target)
		expected = NEVER;
	htw_wheel_forward(wheel, to, budget);
	moves = wheel->nr_moves - moves;
	CHECK(forward, moves <= budget, "moves: expected at most %u, got %llu",
	      budget, moves);
	CHECK(forward, wheel->expired.prev == last,
	      "expected that nothing expires, got node %u",
	      container_of(wheel->expired.prev, struct htw_node, entry)->owner);
	CHECK(forward, wheel->now >= now && wheel->target >= target,
	      "cursor %llu and target %llu: expected not to go back, got %llu and %llu",
	      now, target, wheel->now, wheel->target);
	if (expected == SURELY)
		CHECK_EQUAL(forward, "cursor", to, wheel->now);
	stopped = stopped_at_slot(pair);
	if (expected == NEVER)
		CHECK(forward, to <= target || wheel->target < to || stopped,
		      "expected to stop before %llu, got there", to);
	oracle_advance(&pair->oracle, wheel->target);
	pair->unfinished &= wheel->now == now || wheel->now != wheel->target;
	pair->unfinished |= stopped;
	if (wheel->target != target)
		pair->promised = !pair->unfinished;
	sweep_stale(pair);
	time_passed(pair);
	return to > target && wheel->now == to;
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
		time_passed(pair);
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
	time_passed(pair);
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
	time_passed(pair);
	return id;
}

/* One wake-up, at the next event, and for a reason. */
static void wake_once(struct pair *pair, u64 next, unsigned int budget)
{
	u64 moves = pair->wheel->nr_moves;
	bool ahead = event_is_ahead(pair, next);

	pair_finish(pair, next, budget);
	if (pair_pop_all(pair))
		return;
	pair->needless++;
	if (ahead) {
		pair->ahead++;
		moves = pair->wheel->nr_moves - moves;
		CHECK(ahead_wakeups, moves >= HTW_SPARSE || moves >= budget,
		      "moves by a wake-up for that: expected at least %u, got %llu",
		      budget < HTW_SPARSE ? budget : HTW_SPARSE, moves);
	}
	CHECK(needless_wakeups, pair->needless - pair->ahead <= pair->excuses,
	      "needless wake-ups: expected at most %llu, got %llu",
	      pair->excuses, pair->needless - pair->ahead);
}

u64 pair_wake(struct pair *pair, u64 limit, unsigned int budget)
{
	u64 next, events;

	pair_finish(pair, pair->wheel->target, budget);
	pair_pop_all(pair);
	for (events = 0; events < limit && pair_next(pair, &next); events++) {
		wake_once(pair, next, budget);
		report_alive();
	}
	return events;
}
