// SPDX-License-Identifier: GPL-2.0
/*
 * The wheel on virtual time: no clock, no interrupt, no chance.
 *
 * Most cases run over several geometries. Ticks are chosen by the geometry (one
 * side and the other of each level's boundary), so that each case means the same
 * in all of them.
 */
#include <kunit/test.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/module.h>

#include "wheel.h"

#define NO_BUDGET	UINT_MAX

static const struct named_geometry {
	const char		*name;
	struct htw_geometry	geo;
} geometries[] = {
	{ "one level of 2", { 0, 1, { 2 } } },
	{ "one level of 256", { 10, 1, { 256 } } },
	{ "2x2", { 0, 2, { 2, 2 } } },
	{ "4x8x2", { 23, 3, { 4, 8, 2 } } },
	{ "4x8x2 with round ticks", { 23, 3, { 4, 8, 2 }, true } },
	{ "64x4 of 64", { 17, 4, { 64, 64, 64, 64 } } },
	{ "256x2x16x128", { 17, 4, { 256, 2, 16, 128 } } },
	{ "8 of 2", { 0, 8, { 2, 2, 2, 2, 2, 2, 2, 2 } } },
	{ "8 of 256: all 64 bits", { 0, 8, { 256, 256, 256, 256,
					     256, 256, 256, 256 } } },
	{ "default", HTW_DEFAULT_GEOMETRY },
};

static void geometry_name(const struct named_geometry *param, char *desc)
{
	strscpy(desc, param->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(geometry, geometries, geometry_name);

static const struct htw_geometry *param_geometry(struct kunit *test)
{
	const struct named_geometry *param = test->param_value;

	return &param->geo;
}

static struct htw_wheel *make_wheel_at(struct kunit *test,
				       const struct htw_geometry *geo, u64 now)
{
	struct htw_wheel *wheel;

	KUNIT_ASSERT_NULL(test, htw_geometry_error(geo));
	wheel = kunit_kzalloc(test, htw_wheel_size(geo), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, wheel);
	htw_wheel_init(wheel, geo, now);
	return wheel;
}

static struct htw_wheel *make_wheel(struct kunit *test)
{
	return make_wheel_at(test, param_geometry(test), 0);
}

/* A wheel of the case's own: 4, 4 and 4 slots, so 64 ticks, at tick 0. */
static struct htw_wheel *make_small_wheel(struct kunit *test)
{
	static const struct htw_geometry geo = { 0, 3, { 4, 4, 4 } };

	return make_wheel_at(test, &geo, 0);
}

static struct htw_node *make_nodes(struct kunit *test, unsigned int nr)
{
	struct htw_node *nodes;
	unsigned int i;

	nodes = kunit_kcalloc(test, nr, sizeof(*nodes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, nodes);
	for (i = 0; i < nr; i++)
		htw_node_init(&nodes[i]);
	return nodes;
}

/* The ticks that one slot of level @level spans. */
static u64 span(const struct htw_wheel *wheel, unsigned int level)
{
	return 1ULL << wheel->rows[level].shift;
}

/* The ticks that one turn of level @level takes; 0 for all of a u64. */
static u64 window(const struct htw_wheel *wheel, unsigned int level)
{
	unsigned int bits = wheel->rows[level].window;

	return bits < 64 ? 1ULL << bits : 0;
}

/* Which slot of its row a node is in. */
static unsigned int row_slot(const struct htw_wheel *wheel,
			     const struct htw_node *node)
{
	return node->slot - wheel->rows[node->row].first;
}

static bool nothing_due(struct htw_wheel *wheel, u64 tick)
{
	return htw_wheel_collect(wheel, tick, NO_BUDGET) &&
	       !htw_wheel_pop(wheel);
}

/* @node, alone in the wheel, fires at @tick, and not one tick earlier. */
static void expect_fires_at(struct kunit *test, struct htw_wheel *wheel,
			    struct htw_node *node, u64 tick)
{
	KUNIT_EXPECT_TRUE(test, nothing_due(wheel, tick - 1));
	KUNIT_EXPECT_TRUE(test, htw_wheel_collect(wheel, tick, NO_BUDGET));
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), node);
	KUNIT_EXPECT_FALSE(test, htw_node_pending(node));
	KUNIT_EXPECT_EQ(test, wheel->nr_pending, 0ULL);
}

/* Pops everything, and says whether the ticks came in order. */
static unsigned int pop_all(struct htw_wheel *wheel, u64 *last, bool *ordered)
{
	struct htw_node *node;
	unsigned int nr = 0;

	while ((node = htw_wheel_pop(wheel))) {
		if (node->tick < *last)
			*ordered = false;
		*last = node->tick;
		nr++;
	}
	return nr;
}

static void levels_have_their_capacity(struct kunit *test)
{
	const struct htw_geometry *geo = param_geometry(test);
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *node = make_nodes(test, 1);
	u64 capacity = 1, tick;
	unsigned int level;

	for (level = 0; level < geo->nr_levels; level++) {
		KUNIT_EXPECT_EQ(test, span(wheel, level), capacity);
		capacity *= geo->slots[level];
		KUNIT_EXPECT_EQ(test, window(wheel, level), capacity);

		/* The last tick of the level's next window is in this level. */
		tick = 2 * capacity - 1;
		htw_wheel_insert(wheel, node, tick);
		KUNIT_EXPECT_EQ(test, node->row, level);
		KUNIT_EXPECT_EQ(test, row_slot(wheel, node),
				(tick / span(wheel, level)) %
				(2 * geo->slots[level]));
		htw_wheel_remove(wheel, node);
	}
	KUNIT_EXPECT_EQ(test, htw_wheel_capacity(wheel),
			capacity ? capacity : U64_MAX);
	if (!capacity)
		return;
	htw_wheel_insert(wheel, node, 2 * capacity + 1);
	KUNIT_EXPECT_EQ(test, wheel->nr_overflow, 1ULL);
}

/*
 * The last tick of the third slot of the top level. It stops in every level, but where
 * it is in the slot after the cursor's, as the second of two is.
 */
static void cascades_through_every_level(struct kunit *test)
{
	const struct htw_geometry *geo = param_geometry(test);
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *node = make_nodes(test, 1);
	unsigned int top = wheel->nr_levels - 1, row, i;
	u64 tick = 3 * span(wheel, top) - 1, start, moves = 0;
	bool wide = true;

	for (i = 1; i < top; i++)
		wide &= geo->slots[i] > 2;
	htw_wheel_insert(wheel, node, tick);
	KUNIT_EXPECT_EQ(test, node->row, top);

	while ((row = node->row) > 0) {
		start = tick & ~(span(wheel, row) - 1);
		KUNIT_ASSERT_TRUE(test, nothing_due(wheel, start - 1));
		KUNIT_ASSERT_EQ(test, node->row, row);
		KUNIT_ASSERT_TRUE(test, nothing_due(wheel, start));
		KUNIT_ASSERT_LT(test, node->row, row);
		KUNIT_EXPECT_TRUE(test, htw_node_pending(node));
		moves++;
	}
	KUNIT_EXPECT_EQ(test, wheel->nr_moves, moves);
	if (wide)
		KUNIT_EXPECT_EQ(test, moves, (u64)top);
	if (top)
		expect_fires_at(test, wheel, node, tick);
}

static void cascade_uses_remaining_time(struct kunit *test)
{
	struct htw_wheel *wheel = make_small_wheel(test);
	struct htw_node *node = make_nodes(test, 1);

	/* Armed 37 ticks ahead at tick 5: in level 2. At 32, 10 ticks remain. */
	htw_wheel_collect(wheel, 5, NO_BUDGET);
	htw_wheel_insert(wheel, node, 42);
	KUNIT_EXPECT_EQ(test, node->row, 2);
	KUNIT_EXPECT_TRUE(test, nothing_due(wheel, 32));
	KUNIT_EXPECT_EQ(test, node->row, 1);
	KUNIT_EXPECT_EQ(test, row_slot(wheel, node), 2U);
	expect_fires_at(test, wheel, node, 42);
}

static void virtual_time_alone_moves_it(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *node = make_nodes(test, 1);
	u64 next;
	int i;

	htw_wheel_insert(wheel, node, 3);
	for (i = 0; i < 1000; i++) {
		KUNIT_ASSERT_TRUE(test, htw_wheel_next(wheel, &next));
		KUNIT_ASSERT_EQ(test, next, 3ULL);
		KUNIT_ASSERT_TRUE(test, nothing_due(wheel, 0));
	}
	KUNIT_EXPECT_EQ(test, wheel->now, 0ULL);
	expect_fires_at(test, wheel, node, 3);

	/* Time does not go backwards. */
	htw_wheel_collect(wheel, 1, NO_BUDGET);
	KUNIT_EXPECT_EQ(test, wheel->now, 3ULL);
}

static void overflow_fires_on_its_tick(struct kunit *test)
{
	static const u64 far[] = { 0, 1, 2, 3, 7, 1000, 1ULL << 33 };
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *node = make_nodes(test, 1);
	u64 capacity = htw_wheel_capacity(wheel);
	unsigned int i;

	if (capacity == U64_MAX)
		return;
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		u64 start = (wheel->now / capacity + 2) * capacity;
		u64 tick = start + far[i] * (capacity / 2) + far[i];

		htw_wheel_insert(wheel, node, tick);
		KUNIT_EXPECT_EQ(test, wheel->nr_overflow, 1ULL);
		expect_fires_at(test, wheel, node, tick);
		KUNIT_EXPECT_EQ(test, wheel->nr_overflow, 0ULL);
	}
}

static void overflow_moves_in_when_it_fits(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *node = make_nodes(test, 1);
	u64 capacity = htw_wheel_capacity(wheel);

	if (capacity == U64_MAX)
		return;
	htw_wheel_insert(wheel, node, 3 * capacity + capacity - 1);
	KUNIT_EXPECT_TRUE(test, nothing_due(wheel, 3 * capacity - 1));
	KUNIT_EXPECT_EQ(test, wheel->nr_overflow, 1ULL);
	KUNIT_EXPECT_TRUE(test, nothing_due(wheel, 3 * capacity));
	KUNIT_EXPECT_EQ(test, wheel->nr_overflow, 0ULL);
	KUNIT_EXPECT_LT(test, node->row, wheel->nr_levels);
	expect_fires_at(test, wheel, node, 4 * capacity - 1);
}

static void overflow_can_be_cancelled(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, 2);
	u64 capacity = htw_wheel_capacity(wheel);
	u64 next;

	if (capacity == U64_MAX)
		return;
	htw_wheel_insert(wheel, &nodes[0], 5 * capacity + 1);
	htw_wheel_insert(wheel, &nodes[1], 5 * capacity + 1);
	htw_wheel_remove(wheel, &nodes[0]);
	KUNIT_EXPECT_EQ(test, wheel->nr_overflow, 1ULL);
	htw_wheel_remove(wheel, &nodes[1]);
	KUNIT_EXPECT_EQ(test, wheel->nr_overflow, 0ULL);
	KUNIT_EXPECT_EQ(test, wheel->nr_pending, 0ULL);
	KUNIT_EXPECT_FALSE(test, htw_wheel_next(wheel, &next));
	KUNIT_EXPECT_TRUE(test, nothing_due(wheel, 6 * capacity));
}

static void overflow_of_many(struct kunit *test)
{
	const unsigned int nr = 2000;
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, nr);
	u64 capacity = htw_wheel_capacity(wheel);
	unsigned int i, fired = 0;
	bool ordered = true;
	u64 last = 0, next, needless = 0;

	if (capacity == U64_MAX)
		return;
	for (i = 0; i < nr; i++)
		htw_wheel_insert(wheel, &nodes[i],
				 capacity * (2 + i % 97) + 2 * i + 1);
	KUNIT_EXPECT_EQ(test, wheel->nr_overflow, (u64)nr);

	while (htw_wheel_next(wheel, &next)) {
		KUNIT_ASSERT_TRUE(test,
				  htw_wheel_collect(wheel, next, NO_BUDGET));
		i = pop_all(wheel, &last, &ordered);
		needless += !i;
		/* Nothing is found late. */
		if (i)
			KUNIT_ASSERT_EQ(test, last, next);
		fired += i;
	}
	KUNIT_EXPECT_EQ(test, fired, nr);
	KUNIT_EXPECT_TRUE(test, ordered);
	/* An event is one at which something is due or many are moved. */
	KUNIT_EXPECT_LE(test, needless, wheel->nr_moves / HTW_SPARSE);
	/* A move per level and bit at most, however many wait beside it. */
	KUNIT_EXPECT_LE(test, wheel->nr_moves, (u64)nr * wheel->nr_rows);
}

static void far_end_of_u64(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, 3);
	u64 next;

	htw_wheel_insert(wheel, &nodes[0], U64_MAX);
	htw_wheel_insert(wheel, &nodes[1], U64_MAX - 1);
	KUNIT_EXPECT_TRUE(test, nothing_due(wheel, U64_MAX - 2));
	htw_wheel_collect(wheel, U64_MAX - 1, NO_BUDGET);
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[1]);
	KUNIT_EXPECT_NULL(test, htw_wheel_pop(wheel));
	KUNIT_EXPECT_TRUE(test, htw_wheel_next(wheel, &next));
	KUNIT_EXPECT_EQ(test, next, U64_MAX);
	htw_wheel_collect(wheel, U64_MAX, NO_BUDGET);
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[0]);

	/* There is no later tick: it comes with the next call, and no wrap. */
	htw_wheel_insert(wheel, &nodes[2], 5);
	KUNIT_EXPECT_EQ(test, nodes[2].tick, U64_MAX);
	htw_wheel_collect(wheel, U64_MAX, NO_BUDGET);
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[2]);
}

static void ktime_max_is_a_tick_like_others(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *node = make_nodes(test, 1);
	u64 tick = htw_tick_after(wheel->tick_shift, KTIME_MAX);

	KUNIT_EXPECT_EQ(test, tick, ((u64)KTIME_MAX >> wheel->tick_shift) +
				    (wheel->tick_shift > 0));
	htw_wheel_insert(wheel, node, tick);
	expect_fires_at(test, wheel, node, tick);
}

static void cancel_pending_anywhere(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, 130);
	unsigned int i, nr = 0;
	u64 next;

	/* Two in each slot that a bit names, in levels and overflow alike. */
	for (i = 0; i < 64; i++) {
		htw_wheel_insert(wheel, &nodes[nr++], 1ULL << i);
		htw_wheel_insert(wheel, &nodes[nr++], 1ULL << i);
	}
	for (i = 0; i < nr; i++) {
		htw_wheel_remove(wheel, &nodes[i]);
		KUNIT_EXPECT_FALSE(test, htw_node_pending(&nodes[i]));
		KUNIT_EXPECT_EQ(test, wheel->nr_pending, nr - i - 1ULL);
	}
	KUNIT_EXPECT_EQ(test, wheel->occupied | wheel->round, 0ULL);
	KUNIT_EXPECT_FALSE(test, htw_wheel_next(wheel, &next));
	KUNIT_EXPECT_TRUE(test, nothing_due(wheel, U64_MAX));
}

static void cancel_touches_nobody_else(struct kunit *test)
{
	const unsigned int nr = 1000;
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, nr);
	struct htw_node *before;
	unsigned int i, changed = 0;

	before = kunit_kcalloc(test, nr, sizeof(*before), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, before);
	for (i = 0; i < nr; i++)
		htw_wheel_insert(wheel, &nodes[i], 1);
	memcpy(before, nodes, nr * sizeof(*nodes));

	htw_wheel_remove(wheel, &nodes[nr / 2]);
	for (i = 0; i < nr; i++)
		changed += !!memcmp(&before[i], &nodes[i], sizeof(*nodes));
	/* Itself and its two neighbours, of a thousand in the slot. */
	KUNIT_EXPECT_EQ(test, changed, 3U);
	KUNIT_EXPECT_EQ(test, wheel->nr_moves, 0ULL);
}

static void cancel_in_the_middle_of_a_cascade(struct kunit *test)
{
	struct htw_wheel *wheel = make_small_wheel(test);
	struct htw_node *nodes = make_nodes(test, 10);
	unsigned int i, fired = 0;
	bool ordered = true;
	u64 last = 0;

	for (i = 0; i < 10; i++)
		htw_wheel_insert(wheel, &nodes[i], 18);
	/* Four of ten are in level 0 by now, six in level 1. */
	KUNIT_EXPECT_FALSE(test, htw_wheel_collect(wheel, 17, 4));
	KUNIT_EXPECT_EQ(test, nodes[3].row, 0);
	KUNIT_EXPECT_EQ(test, nodes[4].row, 1);
	htw_wheel_remove(wheel, &nodes[0]);
	htw_wheel_remove(wheel, &nodes[4]);
	htw_wheel_remove(wheel, &nodes[9]);
	KUNIT_EXPECT_EQ(test, wheel->nr_pending, 7ULL);

	while (!htw_wheel_collect(wheel, 17, 1))
		KUNIT_ASSERT_NULL(test, htw_wheel_pop(wheel));
	htw_wheel_collect(wheel, 18, NO_BUDGET);
	fired = pop_all(wheel, &last, &ordered);
	KUNIT_EXPECT_EQ(test, fired, 7U);
	KUNIT_EXPECT_EQ(test, last, 18ULL);
}

static void cancel_all_in_the_middle_of_a_cascade(struct kunit *test)
{
	struct htw_wheel *wheel = make_small_wheel(test);
	struct htw_node *nodes = make_nodes(test, 4);
	unsigned int i;

	for (i = 0; i < 3; i++)
		htw_wheel_insert(wheel, &nodes[i], 18);
	htw_wheel_insert(wheel, &nodes[3], 40);
	KUNIT_EXPECT_FALSE(test, htw_wheel_collect(wheel, 20, 1));
	for (i = 0; i < 3; i++)
		htw_wheel_remove(wheel, &nodes[i]);
	/* The slot that was being drained is gone; time goes on all the same. */
	KUNIT_EXPECT_TRUE(test, nothing_due(wheel, 20));
	KUNIT_EXPECT_EQ(test, wheel->now, 20ULL);
	expect_fires_at(test, wheel, &nodes[3], 40);
}

static void cancel_between_expiry_and_callback(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, 3);
	unsigned int i;

	for (i = 0; i < 3; i++)
		htw_wheel_insert(wheel, &nodes[i], 1);
	htw_wheel_collect(wheel, 1, NO_BUDGET);
	KUNIT_EXPECT_EQ(test, wheel->nr_pending, 3ULL);
	htw_wheel_remove(wheel, &nodes[1]);
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[0]);
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[2]);
	KUNIT_EXPECT_NULL(test, htw_wheel_pop(wheel));
	KUNIT_EXPECT_FALSE(test, htw_node_pending(&nodes[1]));
}

static void delays_round_up(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	unsigned int shift = wheel->tick_shift;
	u64 tick = 1ULL << shift;

	KUNIT_EXPECT_EQ(test, htw_tick_after(shift, 0), 0ULL);
	KUNIT_EXPECT_EQ(test, htw_tick_after(shift, tick), 1ULL);
	KUNIT_EXPECT_EQ(test, htw_tick_after(shift, tick + 1), 2ULL);
	KUNIT_EXPECT_EQ(test, htw_tick_after(shift, 2 * tick - 1),
			shift ? 2ULL : 1ULL);
	/* One and a half ticks are two: 15 ms at a tick of 10 ms are 20 ms. */
	KUNIT_EXPECT_EQ(test, htw_tick_after(shift, tick + (tick + 1) / 2), 2ULL);
	KUNIT_EXPECT_EQ(test, htw_tick_before(shift, tick), 1ULL);
	KUNIT_EXPECT_EQ(test, htw_tick_before(shift, 2 * tick - 1), 1ULL);
	/* Rounding up at the end of time does not wrap to its beginning. */
	KUNIT_EXPECT_GE(test, htw_tick_after(shift, U64_MAX),
			U64_MAX >> shift);
}

static void zero_and_past_are_the_next_tick(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, 3);

	htw_wheel_collect(wheel, 1000, NO_BUDGET);
	htw_wheel_insert(wheel, &nodes[0], 1000);
	htw_wheel_insert(wheel, &nodes[1], 999);
	htw_wheel_insert(wheel, &nodes[2], 0);
	KUNIT_EXPECT_TRUE(test, nothing_due(wheel, 1000));
	htw_wheel_collect(wheel, 1001, NO_BUDGET);
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[0]);
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[1]);
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[2]);
}

static void rearmed_at_zero_waits_for_the_next_pass(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, 2);
	struct htw_node *node;

	htw_wheel_insert(wheel, &nodes[0], 1);
	htw_wheel_insert(wheel, &nodes[1], 5);
	/* One pass from 0 to 10, whose callback re-arms into the past of it. */
	KUNIT_EXPECT_FALSE(test, htw_wheel_collect(wheel, 10, 1));
	node = htw_wheel_pop(wheel);
	KUNIT_EXPECT_PTR_EQ(test, node, &nodes[0]);
	htw_wheel_insert(wheel, node, 2);
	KUNIT_EXPECT_EQ(test, node->tick, 11ULL);
	KUNIT_EXPECT_TRUE(test, htw_wheel_collect(wheel, 10, NO_BUDGET));
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[1]);
	KUNIT_EXPECT_NULL(test, htw_wheel_pop(wheel));
	expect_fires_at(test, wheel, node, 11);
}

/* From every kind of start to every boundary and one to either side of it. */
static void boundaries_are_exact(struct kunit *test)
{
	const struct htw_geometry *geo = param_geometry(test);
	struct htw_node *node = make_nodes(test, 1);
	struct htw_wheel *wheel = make_wheel(test);
	unsigned int level;
	u64 starts[4];
	int i, d;

	for (level = 0; level < wheel->nr_rows; level++) {
		u64 bound = span(wheel, level);

		starts[0] = 0;
		starts[1] = bound - 1;
		starts[2] = bound;
		starts[3] = bound + bound / 2;
		for (i = 0; i < ARRAY_SIZE(starts); i++) {
			for (d = -1; d <= 1; d++) {
				u64 tick = starts[i] + bound + d;

				if (tick <= starts[i])
					continue;
				htw_wheel_init(wheel, geo, starts[i]);
				htw_wheel_insert(wheel, node, tick);
				expect_fires_at(test, wheel, node, tick);
			}
		}
	}
}

/* @nr timers over all levels and a little overflow, by a fixed sequence. */
static u64 insert_spread(struct htw_wheel *wheel, struct htw_node *nodes,
			 unsigned int nr)
{
	u64 seed = 42, last = 0, tick;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		tick = 1 + ((seed >> 20) & ((1ULL << (i % 40)) - 1));
		htw_wheel_insert(wheel, &nodes[i], tick);
		last = max(last, tick);
	}
	return last;
}

static void order_across_levels(struct kunit *test)
{
	const unsigned int nr = 1000;
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, nr);
	u64 end = insert_spread(wheel, nodes, nr);
	unsigned int fired = 0;
	bool ordered = true;
	u64 last = 0, next;

	while (htw_wheel_next(wheel, &next)) {
		htw_wheel_collect(wheel, next, NO_BUDGET);
		fired += pop_all(wheel, &last, &ordered);
		KUNIT_ASSERT_LE(test, last, wheel->now);
	}
	KUNIT_EXPECT_TRUE(test, ordered);
	KUNIT_EXPECT_EQ(test, fired, nr);
	KUNIT_EXPECT_EQ(test, last, end);
}

static void order_after_a_jump(struct kunit *test)
{
	const unsigned int nr = 1000;
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, nr);
	u64 end = insert_spread(wheel, nodes, nr);
	bool ordered = true;
	u64 last = 0;

	/* Over several windows of every level, and past all of them. */
	KUNIT_EXPECT_TRUE(test, htw_wheel_collect(wheel, end + 12345, NO_BUDGET));
	KUNIT_EXPECT_EQ(test, pop_all(wheel, &last, &ordered), nr);
	KUNIT_EXPECT_TRUE(test, ordered);
	KUNIT_EXPECT_EQ(test, last, end);
	KUNIT_EXPECT_EQ(test, wheel->now, end + 12345);
}

static void order_of_a_budgeted_jump(struct kunit *test)
{
	const unsigned int nr = 1000;
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, nr);
	u64 end = insert_spread(wheel, nodes, nr);
	unsigned int fired = 0;
	bool ordered = true;
	u64 last = 0;

	/* What is half drained comes before what has reached a finer level. */
	while (!htw_wheel_collect(wheel, end, 3))
		fired += pop_all(wheel, &last, &ordered);
	fired += pop_all(wheel, &last, &ordered);
	KUNIT_EXPECT_TRUE(test, ordered);
	KUNIT_EXPECT_EQ(test, fired, nr);
}

static void counts_and_current_tick(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, 3);

	KUNIT_EXPECT_EQ(test, wheel->now, 0ULL);
	htw_wheel_insert(wheel, &nodes[0], 1);
	htw_wheel_insert(wheel, &nodes[1], 2);
	htw_wheel_insert(wheel, &nodes[2], 2);
	KUNIT_EXPECT_EQ(test, wheel->nr_pending, 3ULL);
	htw_wheel_move(wheel, &nodes[2], 3);
	KUNIT_EXPECT_EQ(test, wheel->nr_pending, 3ULL);
	htw_wheel_collect(wheel, 2, NO_BUDGET);
	KUNIT_EXPECT_EQ(test, wheel->now, 2ULL);
	/* Expired ones count until they are popped. */
	KUNIT_EXPECT_EQ(test, wheel->nr_pending, 3ULL);
	htw_wheel_pop(wheel);
	htw_wheel_pop(wheel);
	KUNIT_EXPECT_EQ(test, wheel->nr_pending, 1ULL);
	KUNIT_EXPECT_EQ(test, nodes[2].tick - wheel->now, 1ULL);
}

static void default_geometry_holds_every_ns(struct kunit *test)
{
	struct htw_node *node = make_nodes(test, 1);
	struct htw_geometry geo = HTW_DEFAULT_GEOMETRY;
	struct htw_wheel *wheel;

	wheel = make_wheel_at(test, &geo, 0);
	KUNIT_EXPECT_EQ(test, wheel->tick_shift, 17);
	KUNIT_EXPECT_EQ(test, wheel->nr_levels, 7);
	KUNIT_EXPECT_EQ(test, htw_wheel_capacity(wheel), 1ULL << 47);
	htw_wheel_insert(wheel, node, htw_tick_after(17, U64_MAX));
	KUNIT_EXPECT_EQ(test, wheel->nr_overflow, 0ULL);
}

static void bad_geometries_are_refused(struct kunit *test)
{
	static const struct htw_geometry bad[] = {
		{ 17, 0, { 256 } },
		{ 17, 9, { 2, 2, 2, 2, 2, 2, 2, 2 } },
		{ 17, 2, { 256, 0 } },
		{ 17, 2, { 1, 256 } },
		{ 17, 2, { 512, 256 } },
		{ 17, 3, { 256, 100, 256 } },
		{ 17, 3, { 3, 4, 4 } },
		{ 41, 1, { 256 } },
		{ UINT_MAX, 1, { 256 } },
		{ 17, UINT_MAX, { 256 } },
		{ 17, 1, { UINT_MAX } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_NOT_NULL(test, htw_geometry_error(&bad[i]));
	for (i = 0; i < ARRAY_SIZE(geometries); i++)
		KUNIT_EXPECT_NULL(test, htw_geometry_error(&geometries[i].geo));
}

static void push_later_is_a_store(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, 2);
	struct list_head before;
	u64 next;

	htw_wheel_insert(wheel, &nodes[0], 1);
	htw_wheel_insert(wheel, &nodes[1], 1);
	before = nodes[0].entry;
	htw_wheel_move(wheel, &nodes[0], 100);
	KUNIT_EXPECT_PTR_EQ(test, nodes[0].entry.next, before.next);
	KUNIT_EXPECT_PTR_EQ(test, nodes[0].entry.prev, before.prev);
	KUNIT_EXPECT_EQ(test, nodes[0].row, 0);

	/* The slot's drain fires the one and puts the other where it belongs. */
	htw_wheel_collect(wheel, 1, NO_BUDGET);
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[1]);
	KUNIT_EXPECT_NULL(test, htw_wheel_pop(wheel));
	KUNIT_EXPECT_TRUE(test, htw_wheel_next(wheel, &next));
	KUNIT_EXPECT_EQ(test, next, 100ULL);
	expect_fires_at(test, wheel, &nodes[0], 100);
}

static void pushed_again_and_again(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *node = make_nodes(test, 1);
	unsigned int wakeups = 0;
	u64 now, next;

	/* The idle timeout of a busy connection: pushed at each of 1000 ticks. */
	htw_wheel_insert(wheel, node, 100);
	for (now = 1; now <= 1000; now++) {
		KUNIT_ASSERT_TRUE(test, htw_wheel_next(wheel, &next));
		if (next == now) {
			KUNIT_ASSERT_TRUE(test, nothing_due(wheel, now));
			wakeups++;
		}
		htw_wheel_move(wheel, node, now + 100);
	}
	/* Looked at once per old expiry, not once per push. */
	KUNIT_EXPECT_LE(test, wakeups, 11U);
	expect_fires_at(test, wheel, node, 1100);
}

static void move_earlier(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *node = make_nodes(test, 1);
	unsigned int row;
	u64 tick, next;

	for (row = 1; row < wheel->nr_rows; row++) {
		htw_wheel_init(wheel, param_geometry(test), 0);
		htw_wheel_insert(wheel, node, 2 * span(wheel, row) - 1);
		tick = span(wheel, row) - 1;
		htw_wheel_move(wheel, node, tick);
		KUNIT_EXPECT_TRUE(test, htw_wheel_next(wheel, &next));
		KUNIT_EXPECT_EQ(test, next, tick);
		expect_fires_at(test, wheel, node, tick);
	}
}

static void move_within_its_slot(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *node = make_nodes(test, 1);
	unsigned int row;
	u64 start, next;

	/* The third slot of each row, of those that have one in 64 bits. */
	for (row = 1; row < wheel->nr_rows && wheel->rows[row].shift < 63; row++) {
		htw_wheel_init(wheel, param_geometry(test), 0);
		start = 2 * span(wheel, row);
		htw_wheel_insert(wheel, node, 3 * span(wheel, row) - 1);
		KUNIT_EXPECT_EQ(test, node->row, row);

		/* Onto the slot's own boundary: stays, and is seen earlier. */
		htw_wheel_move(wheel, node, start);
		KUNIT_EXPECT_EQ(test, node->row, row);
		KUNIT_EXPECT_TRUE(test, htw_wheel_next(wheel, &next));
		KUNIT_EXPECT_EQ(test, next, start);
		expect_fires_at(test, wheel, node, start);
	}
}

static void move_while_expired(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, 2);

	htw_wheel_insert(wheel, &nodes[0], 1);
	htw_wheel_insert(wheel, &nodes[1], 1);
	htw_wheel_collect(wheel, 1, NO_BUDGET);
	/* Collected, but its callback has not run: it must not any more. */
	htw_wheel_move(wheel, &nodes[0], 50);
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[1]);
	KUNIT_EXPECT_NULL(test, htw_wheel_pop(wheel));
	expect_fires_at(test, wheel, &nodes[0], 50);
}

static void budget_loses_nothing(struct kunit *test)
{
	const unsigned int nr = 500;
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, nr);
	u64 end = insert_spread(wheel, nodes, nr);
	unsigned int fired = 0, calls = 0;
	u64 last = 0, moves;
	bool ordered = true;
	bool done;

	do {
		unsigned int got;

		moves = wheel->nr_moves;
		done = htw_wheel_collect(wheel, end, 7);
		got = pop_all(wheel, &last, &ordered);
		KUNIT_ASSERT_LE(test, got + wheel->nr_moves - moves, 7ULL);
		fired += got;
		KUNIT_ASSERT_EQ(test, wheel->nr_pending, (u64)nr - fired);
		KUNIT_ASSERT_LT(test, calls++, 100000U);
	} while (!done);
	KUNIT_EXPECT_EQ(test, fired, nr);
	KUNIT_EXPECT_TRUE(test, ordered);
	KUNIT_EXPECT_GE(test, calls, nr / 7);
}

static void next_event_is_exact(struct kunit *test)
{
	static const u64 starts[] = { 0, 1, 0xff, 0x100, 0xabcdef, 1ULL << 40 };
	const struct htw_geometry *geo = param_geometry(test);
	struct htw_node *node = make_nodes(test, 1);
	struct htw_wheel *wheel = make_wheel(test);
	unsigned int i, bit;
	u64 tick, next;
	int d;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		for (bit = 0; bit < 62; bit++) {
			for (d = -1; d <= 1; d++) {
				tick = starts[i] + (1ULL << bit) + d;
				if (tick <= starts[i])
					continue;
				htw_wheel_init(wheel, geo, starts[i]);
				htw_wheel_insert(wheel, node, tick);
				KUNIT_ASSERT_TRUE(test, htw_wheel_next(wheel,
								       &next));
				KUNIT_ASSERT_EQ(test, next, tick);
				/* One wake-up, at that tick, is all it takes. */
				htw_wheel_collect(wheel, tick, NO_BUDGET);
				KUNIT_ASSERT_PTR_EQ(test, htw_wheel_pop(wheel),
						    node);
			}
		}
	}
}

static void next_event_after_cancel_costs_one_wakeup(struct kunit *test)
{
	struct htw_wheel *wheel = make_small_wheel(test);
	struct htw_node *nodes = make_nodes(test, 2);
	u64 next;

	htw_wheel_insert(wheel, &nodes[0], 17);
	htw_wheel_insert(wheel, &nodes[1], 19);
	htw_wheel_remove(wheel, &nodes[0]);
	KUNIT_EXPECT_TRUE(test, htw_wheel_next(wheel, &next));
	KUNIT_EXPECT_EQ(test, next, 17ULL);
	KUNIT_EXPECT_TRUE(test, nothing_due(wheel, 17));
	KUNIT_EXPECT_TRUE(test, htw_wheel_next(wheel, &next));
	KUNIT_EXPECT_EQ(test, next, 19ULL);
}

static void refresh_saves_that_wakeup(struct kunit *test)
{
	struct htw_wheel *wheel = make_small_wheel(test);
	struct htw_node *nodes = make_nodes(test, 5);
	u64 next;

	/* Of three slots the first is cancelled, pushed away, and both. */
	htw_wheel_insert(wheel, &nodes[0], 3);
	htw_wheel_insert(wheel, &nodes[1], 5);
	htw_wheel_insert(wheel, &nodes[2], 17);
	htw_wheel_insert(wheel, &nodes[3], 18);
	htw_wheel_insert(wheel, &nodes[4], 30);
	htw_wheel_move(wheel, &nodes[0], 200);
	htw_wheel_remove(wheel, &nodes[1]);
	htw_wheel_move(wheel, &nodes[2], 100);
	htw_wheel_remove(wheel, &nodes[3]);
	KUNIT_EXPECT_TRUE(test, htw_wheel_next(wheel, &next));
	KUNIT_EXPECT_EQ(test, next, 3ULL);

	KUNIT_EXPECT_FALSE(test, htw_wheel_refresh(wheel, 1));
	KUNIT_EXPECT_TRUE(test, htw_wheel_refresh(wheel, NO_BUDGET));
	KUNIT_EXPECT_TRUE(test, htw_wheel_next(wheel, &next));
	KUNIT_EXPECT_EQ(test, next, 30ULL);
	KUNIT_EXPECT_EQ(test, wheel->now, 0ULL);

	htw_wheel_remove(wheel, &nodes[4]);
	htw_wheel_remove(wheel, &nodes[2]);
	expect_fires_at(test, wheel, &nodes[0], 200);
}

static void forward_keeps_everything(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *node = make_nodes(test, 1);
	u64 tick = span(wheel, wheel->nr_levels - 1) + 1;

	/* Nothing in the way: the cursor follows, for free. */
	htw_wheel_forward(wheel, 100000, 0);
	KUNIT_EXPECT_EQ(test, wheel->now, 100000ULL);
	htw_wheel_insert(wheel, node, 100000 + tick);
	/* It does not move past what is due. */
	htw_wheel_forward(wheel, 100000 + tick, NO_BUDGET);
	KUNIT_EXPECT_EQ(test, wheel->now, 100000ULL);
	expect_fires_at(test, wheel, node, 100000 + tick);
}

static void forward_moves_no_more_than_its_budget(struct kunit *test)
{
	struct htw_wheel *wheel = make_small_wheel(test);
	struct htw_node *nodes = make_nodes(test, 30);
	unsigned int i, fired = 0;
	bool ordered = true;
	u64 last = 0;

	/* Ten in each of the slots that start at 32 and 48, and in one of 64. */
	for (i = 0; i < 30; i++)
		htw_wheel_insert(wheel, &nodes[i], 47 + 16 * (i / 10));
	htw_wheel_forward(wheel, 46, 9);
	KUNIT_EXPECT_EQ(test, wheel->now, 0ULL);
	KUNIT_EXPECT_EQ(test, wheel->nr_moves, 0ULL);
	htw_wheel_forward(wheel, 35, 10);
	KUNIT_EXPECT_EQ(test, wheel->now, 35ULL);
	KUNIT_EXPECT_EQ(test, wheel->nr_moves, 10ULL);
	/* In level 1 now, where they are due at the end of a slot. */
	htw_wheel_forward(wheel, 46, NO_BUDGET);
	KUNIT_EXPECT_EQ(test, wheel->now, 46ULL);
	htw_wheel_forward(wheel, 1000, NO_BUDGET);
	KUNIT_EXPECT_EQ(test, wheel->now, 46ULL);

	KUNIT_EXPECT_TRUE(test, htw_wheel_collect(wheel, 100, NO_BUDGET));
	fired = pop_all(wheel, &last, &ordered);
	KUNIT_EXPECT_EQ(test, fired, 30U);
	KUNIT_EXPECT_TRUE(test, ordered);
}

static void forward_never_takes_time_back(struct kunit *test)
{
	static const struct htw_geometry geo = { 0, 2, { 64, 16 }, true };
	struct htw_wheel *wheel = make_wheel_at(test, &geo, 0);
	struct htw_node *nodes = make_nodes(test, 4);

	htw_wheel_insert(wheel, &nodes[0], 1);
	htw_wheel_insert(wheel, &nodes[1], 1);
	htw_wheel_insert(wheel, &nodes[2], 352);
	htw_wheel_insert(wheel, &nodes[3], 383);
	/* Told of 360, and got no further than 1. */
	KUNIT_EXPECT_FALSE(test, htw_wheel_collect(wheel, 360, 1));
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[0]);
	htw_wheel_remove(wheel, &nodes[1]);

	/* Over the slot that starts at 320, not past what is due at 352. */
	htw_wheel_forward(wheel, 370, NO_BUDGET);
	KUNIT_EXPECT_EQ(test, nodes[3].row, 0);
	KUNIT_EXPECT_EQ(test, wheel->now, 320ULL);
	KUNIT_EXPECT_EQ(test, wheel->target, 360ULL);
	KUNIT_EXPECT_TRUE(test, htw_wheel_collect(wheel, 370, NO_BUDGET));
	KUNIT_EXPECT_PTR_EQ(test, htw_wheel_pop(wheel), &nodes[2]);
	expect_fires_at(test, wheel, &nodes[3], 383);
}

/**
 * struct run - what it took to let time pass, from event to event
 * @fired: timers that came out, each at its tick
 * @late: timers that did not come out at their tick
 * @wakeups: events
 * @most: nodes moved at one of them, the most
 */
struct run {
	unsigned int	fired;
	unsigned int	late;
	unsigned int	wakeups;
	u64		most;
};

static void run_until(struct htw_wheel *wheel, struct run *run, u64 end)
{
	struct htw_node *node;
	u64 next, moves;

	while (htw_wheel_next(wheel, &next) && next <= end) {
		moves = wheel->nr_moves;
		while (!htw_wheel_collect(wheel, next, 64))
			cond_resched();
		while ((node = htw_wheel_pop(wheel))) {
			run->late += node->tick != next;
			run->fired++;
		}
		run->most = max(run->most, wheel->nr_moves - moves);
		run->wakeups++;
	}
}

static void smooth_cascade_over_every_boundary(struct kunit *test)
{
	static const unsigned int boundaries[] = { 16, 24, 30, 36, 42, 47 };
	struct htw_geometry geo = HTW_DEFAULT_GEOMETRY;
	const unsigned int nr = 10000, ticks = 400000;
	struct htw_node *nodes = make_nodes(test, nr);
	struct htw_wheel *wheel;
	struct run run;
	unsigned int i, id;
	u64 start;

	for (i = 0; i < ARRAY_SIZE(boundaries); i++) {
		start = (1ULL << boundaries[i]) - 50000;
		wheel = make_wheel_at(test, &geo, start);
		run = (struct run) { 0 };
		for (id = 0; id < nr; id++)
			htw_wheel_insert(wheel, &nodes[id],
					 start + 1 + id * 7919 % ticks);
		run_until(wheel, &run, start + ticks);
		KUNIT_EXPECT_EQ(test, run.fired, nr);
		KUNIT_EXPECT_EQ(test, run.late, 0U);
		KUNIT_EXPECT_LE(test, run.most, (u64)HTW_AHEAD);
	}
}

/*
 * Slots of level 1 have 16 ticks here: too few to empty one of 10000 nodes at
 * HTW_AHEAD each. So a 16th of them each, for that is how many there are.
 */
static const struct htw_geometry narrow = { 0, 3, { 16, 16, 16 } };

static void full_slot_is_emptied_evenly(struct kunit *test)
{
	const unsigned int nr = 10000;
	struct htw_wheel *wheel = make_wheel_at(test, &narrow, 0);
	struct htw_node *nodes = make_nodes(test, nr);
	struct run run = { 0 };
	unsigned int i;

	/* The last tick of a slot of level 2, and of one of level 1. */
	for (i = 0; i < nr; i++)
		htw_wheel_insert(wheel, &nodes[i], 1023);
	run_until(wheel, &run, 1024 - 16 - 17);
	KUNIT_EXPECT_LE(test, run.most, (u64)HTW_AHEAD);
	run_until(wheel, &run, 1023);
	KUNIT_EXPECT_LE(test, run.most, (u64)nr / 16 + HTW_SPARSE);
	KUNIT_EXPECT_EQ(test, run.fired, nr);
	KUNIT_EXPECT_EQ(test, run.late, 0U);
	KUNIT_EXPECT_EQ(test, wheel->nr_moves, 2ULL * nr);
	/* A wake-up is for HTW_SPARSE nodes and more, or for the last ones. */
	KUNIT_EXPECT_LE(test, (u64)run.wakeups, wheel->nr_moves / HTW_SPARSE + 3);
}

static void cancelled_while_a_slot_is_emptied(struct kunit *test)
{
	const unsigned int nr = 10000;
	struct htw_wheel *wheel = make_wheel_at(test, &narrow, 0);
	struct htw_node *nodes = make_nodes(test, nr);
	struct run run = { 0 };
	unsigned int i, moves;

	for (i = 0; i < nr; i++)
		htw_wheel_insert(wheel, &nodes[i], 47);
	run_until(wheel, &run, 16 + 7);
	moves = wheel->nr_moves;
	KUNIT_EXPECT_GE(test, moves, nr / 2);
	KUNIT_EXPECT_LT(test, moves, nr);
	for (i = 0; i < nr; i += 2)
		htw_wheel_remove(wheel, &nodes[i]);
	run_until(wheel, &run, 47);
	KUNIT_EXPECT_LE(test, wheel->nr_moves - moves, (nr - moves + 1) / 2ULL);
	KUNIT_EXPECT_EQ(test, run.fired, nr / 2);
	KUNIT_EXPECT_EQ(test, run.late, 0U);
}

static void few_in_a_slot_cost_no_wakeup(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel_at(test, &narrow, 0);
	struct htw_node *nodes = make_nodes(test, HTW_SPARSE + 1);
	struct run run = { 0 };
	unsigned int i;
	u64 next;

	for (i = 0; i < HTW_SPARSE; i++)
		htw_wheel_insert(wheel, &nodes[i], 47);
	KUNIT_EXPECT_TRUE(test, htw_wheel_next(wheel, &next));
	KUNIT_EXPECT_EQ(test, next, 47ULL);
	run_until(wheel, &run, 47);
	KUNIT_EXPECT_EQ(test, run.wakeups, 1U);

	/* One more, and there is one wake-up more. */
	for (i = 0; i <= HTW_SPARSE; i++)
		htw_wheel_insert(wheel, &nodes[i], 95);
	run_until(wheel, &run, 95);
	KUNIT_EXPECT_EQ(test, run.wakeups, 3U);
	KUNIT_EXPECT_EQ(test, run.late, 0U);
}

/* Who looks at the earliest of what arming has returned misses no event. */
static void arming_returns_the_event(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel_at(test, &narrow, 0);
	struct htw_node *nodes = make_nodes(test, 2000);
	u64 least = U64_MAX, next, tick, returned;
	unsigned int i;

	for (i = 0; i < 2000; i++) {
		tick = 47 - i % 16;
		returned = htw_wheel_insert(wheel, &nodes[i], tick);
		KUNIT_ASSERT_LE(test, returned, tick);
		least = min(least, returned);
		KUNIT_ASSERT_TRUE(test, htw_wheel_next(wheel, &next));
		KUNIT_ASSERT_EQ(test, next, least);
	}
	/* 2000 of 64 each take 32 ticks, and the slot before has 16. */
	KUNIT_EXPECT_EQ(test, next, 16ULL);
	KUNIT_EXPECT_EQ(test, htw_wheel_move(wheel, &nodes[0], 3), 3ULL);
	KUNIT_EXPECT_EQ(test, htw_wheel_move(wheel, &nodes[1], 2000), 2000ULL);
	KUNIT_EXPECT_TRUE(test, htw_wheel_next(wheel, &next));
	KUNIT_EXPECT_EQ(test, next, 3ULL);
}

static void round_ticks_are_never_cascaded(struct kunit *test)
{
	struct htw_geometry geo = HTW_DEFAULT_GEOMETRY;
	struct htw_node *nodes = make_nodes(test, 560);
	struct htw_wheel *wheel;
	struct run run = { 0 };
	unsigned int i, row;
	u64 now = 1234567890123ULL, granule;

	wheel = make_wheel_at(test, &geo, now);
	for (i = 0; i < 560; i++) {
		row = i / 56;
		granule = 32ULL << 3 * row;
		htw_wheel_insert(wheel, &nodes[i],
				 (now / granule + 8 + i % 56) * granule + granule *
				 (i % 56 < 55));
		/* Level 0 holds all that is near enough, round or not. */
		if (nodes[i].row)
			KUNIT_EXPECT_EQ(test, nodes[i].row, HTW_MAX_ROWS + row);
	}
	KUNIT_EXPECT_EQ(test, wheel->nr_overflow, 0ULL);
	run_until(wheel, &run, U64_MAX);
	KUNIT_EXPECT_EQ(test, run.fired, 560U);
	KUNIT_EXPECT_EQ(test, run.late, 0U);
	KUNIT_EXPECT_EQ(test, wheel->nr_moves, 0ULL);
	KUNIT_EXPECT_EQ(test, wheel->round, 0ULL);
}

static void pushed_from_a_round_tick(struct kunit *test)
{
	struct htw_geometry geo = HTW_DEFAULT_GEOMETRY;
	struct htw_node *node = make_nodes(test, 1);
	struct htw_wheel *wheel;

	wheel = make_wheel_at(test, &geo, 0);
	htw_wheel_insert(wheel, node, 1024);
	KUNIT_EXPECT_EQ(test, node->row, HTW_MAX_ROWS);
	/* Stays where it is, and is put right when time comes to the slot. */
	htw_wheel_move(wheel, node, 1024 + 1000001);
	KUNIT_EXPECT_EQ(test, node->row, HTW_MAX_ROWS);
	KUNIT_EXPECT_TRUE(test, nothing_due(wheel, 1024));
	KUNIT_EXPECT_EQ(test, wheel->nr_moves, 1ULL);
	KUNIT_EXPECT_EQ(test, node->row, 2);
	expect_fires_at(test, wheel, node, 1024 + 1000001);
}

static void take_empties_a_wheel(struct kunit *test)
{
	const unsigned int nr = 300;
	struct htw_wheel *wheel = make_wheel(test);
	struct htw_node *nodes = make_nodes(test, nr);
	unsigned int taken = 0;

	insert_spread(wheel, nodes, nr);
	htw_wheel_collect(wheel, 200, 20);
	while (htw_wheel_take(wheel))
		taken++;
	KUNIT_EXPECT_EQ(test, taken, nr);
	KUNIT_EXPECT_EQ(test, wheel->nr_pending, 0ULL);
	KUNIT_EXPECT_EQ(test, wheel->nr_overflow, 0ULL);
	KUNIT_EXPECT_EQ(test, wheel->occupied | wheel->round, 0ULL);
}

static void slack_takes_the_roundest_tick(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, htw_best_tick(5, 5), 5ULL);
	KUNIT_EXPECT_EQ(test, htw_best_tick(5, 4), 5ULL);
	KUNIT_EXPECT_EQ(test, htw_best_tick(5, 7), 6ULL);
	KUNIT_EXPECT_EQ(test, htw_best_tick(5, 8), 8ULL);
	KUNIT_EXPECT_EQ(test, htw_best_tick(9, 15), 12ULL);
	KUNIT_EXPECT_EQ(test, htw_best_tick(1000, 1100), 1024ULL);
	KUNIT_EXPECT_EQ(test, htw_best_tick(1025, 1100), 1088ULL);
	KUNIT_EXPECT_EQ(test, htw_best_tick(1, U64_MAX), 1ULL << 63);
	KUNIT_EXPECT_EQ(test, htw_best_tick(U64_MAX, U64_MAX), U64_MAX);
}

#define GEOMETRY_CASE(fn)	KUNIT_CASE_PARAM(fn, geometry_gen_params)

static struct kunit_case wheel_cases[] = {
	GEOMETRY_CASE(levels_have_their_capacity),
	GEOMETRY_CASE(cascades_through_every_level),
	KUNIT_CASE(cascade_uses_remaining_time),
	GEOMETRY_CASE(virtual_time_alone_moves_it),
	GEOMETRY_CASE(overflow_fires_on_its_tick),
	GEOMETRY_CASE(overflow_moves_in_when_it_fits),
	GEOMETRY_CASE(overflow_can_be_cancelled),
	GEOMETRY_CASE(overflow_of_many),
	GEOMETRY_CASE(far_end_of_u64),
	GEOMETRY_CASE(ktime_max_is_a_tick_like_others),
	GEOMETRY_CASE(cancel_pending_anywhere),
	GEOMETRY_CASE(cancel_touches_nobody_else),
	KUNIT_CASE(cancel_in_the_middle_of_a_cascade),
	KUNIT_CASE(cancel_all_in_the_middle_of_a_cascade),
	GEOMETRY_CASE(cancel_between_expiry_and_callback),
	GEOMETRY_CASE(delays_round_up),
	GEOMETRY_CASE(zero_and_past_are_the_next_tick),
	GEOMETRY_CASE(rearmed_at_zero_waits_for_the_next_pass),
	GEOMETRY_CASE(boundaries_are_exact),
	GEOMETRY_CASE(order_across_levels),
	GEOMETRY_CASE(order_after_a_jump),
	GEOMETRY_CASE(order_of_a_budgeted_jump),
	GEOMETRY_CASE(counts_and_current_tick),
	KUNIT_CASE(default_geometry_holds_every_ns),
	KUNIT_CASE(bad_geometries_are_refused),
	GEOMETRY_CASE(push_later_is_a_store),
	GEOMETRY_CASE(pushed_again_and_again),
	GEOMETRY_CASE(move_earlier),
	GEOMETRY_CASE(move_within_its_slot),
	GEOMETRY_CASE(move_while_expired),
	GEOMETRY_CASE(budget_loses_nothing),
	GEOMETRY_CASE(next_event_is_exact),
	KUNIT_CASE(next_event_after_cancel_costs_one_wakeup),
	KUNIT_CASE(refresh_saves_that_wakeup),
	GEOMETRY_CASE(forward_keeps_everything),
	KUNIT_CASE(forward_moves_no_more_than_its_budget),
	KUNIT_CASE(forward_never_takes_time_back),
	KUNIT_CASE(smooth_cascade_over_every_boundary),
	KUNIT_CASE(full_slot_is_emptied_evenly),
	KUNIT_CASE(cancelled_while_a_slot_is_emptied),
	KUNIT_CASE(few_in_a_slot_cost_no_wakeup),
	KUNIT_CASE(arming_returns_the_event),
	KUNIT_CASE(round_ticks_are_never_cascaded),
	KUNIT_CASE(pushed_from_a_round_tick),
	GEOMETRY_CASE(take_empties_a_wheel),
	KUNIT_CASE(slack_takes_the_roundest_tick),
	{}
};

static struct kunit_suite wheel_suite = {
	.name = "htw_wheel",
	.test_cases = wheel_cases,
};

kunit_test_suite(wheel_suite);

MODULE_DESCRIPTION("KUnit suites of htw");
MODULE_LICENSE("GPL");
