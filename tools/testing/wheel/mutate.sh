#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Does the property test find what it is there to find? Breaks the wheel in one
# place at a time, on a copy, and expects the test to fail each time.
#
#	mutate.sh			all mutations
#	mutate.sh NAME...		only these
#	TEST=replay mutate.sh		what the corpus of the fuzzer alone finds
#
# Environment: TEST (property), JOBS (2), OPS (100000), LARGE (10000), SEED (1), CC, SRC
# (the folder of wheel.c).
# Prints a table of what caught each. Exit 1 if a mutation survives, changes
# nothing, does not compile, or if the test fails on the unchanged wheel.

set -u
cd "$(dirname "$0")" || exit 2

JOBS=${JOBS:-2}
OPS=${OPS:-100000}
LARGE=${LARGE:-10000}
SEED=${SEED:-1}
TEST=${TEST:-property}
export SRC=${SRC:-../../../src}

# name | file | sed expression. Where a line is not unique, its function's first
# and last line bound the search.
mutations() {
	cat <<'END'
slot_index_off_by_one|wheel.c|s/(tick >> row->shift) & row->mask/((tick >> row->shift) + 1) \& row->mask/
slot_index_of_row_below|wheel.c|s/(tick >> row->shift) & row->mask/(tick >> row->shift >> 1) \& row->mask/
slot_of_row_only|wheel.c|s/node->slot = row->first + index;/node->slot = index;/
slot_not_stored|wheel.c|s/node->slot = row->first + index;/;/
mask_too_narrow|wheel.c|s/row->mask = nr_slots - 1/row->mask = nr_slots \/ 2 - 1/
one_window_of_slots|wheel.c|s/row_init(wheel, row, first, 2 \* slots, shift)/row_init(wheel, row, first, slots, shift)/
row_at_cursor_undefined|wheel.c|s/(tick ^ wheel->now) | 1/tick ^ wheel->now/
row_one_bit_up|wheel.c|s/row_of\[fls64(differs) - 1\]/row_of[fls64(differs) \& 63]/
row_table_shifted|wheel.c|s/wheel->row_of\[shift++\] = wheel->nr_rows/wheel->row_of[shift++] = wheel->nr_rows + (i == 1)/
row_never_descends|wheel.c|/^static unsigned int descend/,/^}/s/while (nr \&\&/while (0 \&\&/
row_descends_once|wheel.c|/^static unsigned int descend/,/^}/s/while (nr \&\&/if (nr \&\&/
row_descends_two_slots|wheel.c|/^static unsigned int descend/,/^}/s/shift) == 1)/shift) <= 2)/
row_descends_if_nearer|wheel.c|s/rows\[nr\].shift >> 1))/rows[nr].shift))/
round_in_level_0|wheel.c|s/if (!nr || likely(tick/if (likely(tick/
round_not_looked_for|wheel.c|s/likely(tick \& ((1 << HTW_ROUND_SHIFT) - 1))/1/
round_never|wheel.c|s/return round ? round : nr;/return nr;/
round_row_one_up|wheel.c|s/return HTW_MAX_ROWS + nr;/return HTW_MAX_ROWS + nr + 1;/
round_row_one_down|wheel.c|s/return HTW_MAX_ROWS + nr;/return HTW_MAX_ROWS + nr - !!nr;/
round_any_tick|wheel.c|s/if (tick & ((1ULL << (HTW_ROUND_SHIFT/if (0 \&\& ((1ULL << (HTW_ROUND_SHIFT/
round_of_half|wheel.c|s/tick & ((1ULL << (HTW_ROUND_SHIFT + nr \* HTW_ROUND_BITS)) - 1)/tick \& ((1ULL << (HTW_ROUND_SHIFT + nr * HTW_ROUND_BITS)) \/ 2 - 1)/
round_too_far|wheel.c|s/if (nr >= wheel->nr_round)/if (nr > wheel->nr_round)/
round_one_row_less|wheel.c|s/if (nr >= wheel->nr_round)/if (nr + 1 >= wheel->nr_round)/
round_not_so_near|wheel.c|s/if (bits <= nearest)/if (bits <= nearest + 1)/
round_by_target|wheel.c|/^static unsigned int round_row/,/^}/s/tick - wheel->now/tick - wheel->target/
round_without_rows|wheel.c|s/geo->round ? HTW_ROUND_ROWS : 0/HTW_ROUND_ROWS/
round_rows_one_less|wheel.c|s/geo->round ? HTW_ROUND_ROWS : 0/geo->round ? HTW_ROUND_ROWS - 1 : 0/
round_row_spans_wrong|wheel.c|s/HTW_ROUND_SHIFT + i \* HTW_ROUND_BITS)/HTW_ROUND_SHIFT + i * HTW_ROUND_BITS + 1)/
round_rows_cascade|wheel.c|s/return nr && nr < HTW_MAX_ROWS;/return nr;/
band_of_four|wheel.c|s/geo->slots\[row\] : 2/geo->slots[row] : 4/
window_too_low|wheel.c|s/row->window = shift;/row->window = shift - 1;/
window_too_high|wheel.c|s/row->window = shift;/row->window = shift + (shift < 64);/
size_without_bands|wheel.c|/^size_t htw_wheel_size/,/^}/s/shift < 64/row < geo->nr_levels/
size_of_one_window|wheel.c|s/slots += 2 \* row_slots(geo, row)/slots += row_slots(geo, row)/
size_without_round|wheel.c|/^size_t htw_wheel_size/,/^}/s/if (geo->round)/if (0)/
init_nr_left|wheel.c|s/wheel->slots\[i\].nr = 0;/;/
init_not_cleared|wheel.c|s/memset(wheel, 0, sizeof(\*wheel));/memset(wheel, 0xff, sizeof(*wheel));/
base_before_cursor|wheel.c|/^static u64 row_base/,/^}/s/base : base + 1/base : base/
base_behind_start|wheel.c|/^static u64 row_base/,/^}/s/base : base + 1/base + 1 : base + 1/
slot_start_by_target|wheel.c|/^static u64 row_base/,/^}/s/wheel->now/wheel->target/g
refresh_always_exact|wheel.c|s/if (node->tick == slot->min)/if (1)/
refresh_keeps_min|wheel.c|s/^\tslot->min = min;$/\t;/
refresh_keeps_pushed|wheel.c|s/if ((node->tick - start) >> row->shift)/if (0)/
refresh_loses_pushed|wheel.c|/^static bool refresh_slot/,/^}/s/relink_node(wheel, node);/htw_wheel_unlink(wheel, node);/
refresh_min_of_last|wheel.c|s/else if (node->tick < min)/else/
refresh_without_budget|wheel.c|s/if (!(\*budget)--)/if (0)/
refresh_unfinished|wheel.c|/^bool htw_wheel_refresh/,/^}/s/if (tick <= wheel->target)/if (0)/
refresh_first_slot_only|wheel.c|/^bool htw_wheel_refresh/,/^}/s/while ((slot = next_event/if ((slot = next_event/
refresh_of_full_slots|wheel.c|/^bool htw_wheel_refresh/,/^}/s/if (tick != min)/if (0)/
cascade_expires_all|wheel.c|s/if (node->tick > wheel->now)/if (0)/
cascade_drops|wheel.c|/^static void relink_node/,/^}/s/link_node(wheel, node, node->tick);/;/
cascade_expires_next_tick|wheel.c|s/node->tick > wheel->now)/node->tick > wheel->now + 1)/
cascade_never_expires|wheel.c|s/node->tick > wheel->now)/node->tick >= wheel->now)/
cascade_expires_by_target|wheel.c|s/node->tick > wheel->now)/node->tick > wheel->target)/
moves_not_counted|wheel.c|s/wheel->nr_moves++;/;/
expired_in_reverse|wheel.c|s/list_add_tail(&node->entry, &wheel->expired)/list_add(\&node->entry, \&wheel->expired)/
expired_row_missing|wheel.c|s/node->row = HTW_ROW_EXPIRED;/;/
overflow_not_added|wheel.c|s/wheel->nr_overflow++;/;/
overflow_not_taken_off|wheel.c|s/wheel->nr_overflow--;/;/
overflow_from_one_row_up|wheel.c|s/nr >= wheel->nr_levels/nr > wheel->nr_levels/
overflow_of_round_rows|wheel.c|s/if (!row_cascades(nr))/if (!nr)/;s/if (row_cascades(node->row) \&\& /if (/
nr_not_counted_up|wheel.c|s/if (unlikely(!slot->nr++)) {/if (!slot->nr) { slot->nr++;/
nr_not_counted_down|wheel.h|s/slot->nr--;/;/
nr_of_one_counted_down|wheel.h|s/slot->nr > 1))/slot->nr))/
slot_bit_not_set|wheel.c|s/row->map\[index \/ 64\] |= .*/;/
slot_bit_in_first_word|wheel.c|s/row->map\[index \/ 64\] |=/row->map[0] |=/
slot_bit_not_cleared|wheel.c|s/row->map\[index \/ 64\] &= .*/;/
row_bit_not_set|wheel.c|s/wheel->occupied |= .*/;/
row_bit_not_cleared|wheel.c|s/wheel->occupied &= .*/;/
round_bit_not_set|wheel.c|s/wheel->round |= .*/;/
round_bit_not_cleared|wheel.c|s/wheel->round &= .*/;/
row_bit_cleared_too_soon|wheel.c|s/if (--row->nr_occupied)/if (--row->nr_occupied \&\& 0)/
row_bit_cleared_late|wheel.c|s/if (--row->nr_occupied)/if (row->nr_occupied--)/
min_not_set|wheel.c|/^static __always_inline u64 link_node/,/^}/s/^\t\tslot->min = tick;$/\t\t;/
min_not_lowered_on_insert|wheel.c|/^static __always_inline u64 link_node/,/^}/s/if (tick < slot->min)/if (0)/
min_is_last_insert|wheel.c|/^static __always_inline u64 link_node/,/^}/s/if (tick < slot->min)/if (1)/
min_not_lowered_on_move|wheel.c|/^static bool move_within/,/^}/s/if (tick < slot->min)/if (0)/
move_before_slot|wheel.c|s/if (tick < slot_start(wheel, row, node->slot - row->first))/if (0)/
move_one_before_slot|wheel.c|s/tick < slot_start(wheel, row, node/tick + 1 < slot_start(wheel, row, node/
move_not_to_slot_start|wheel.c|s/tick < slot_start(wheel, row, node/tick <= slot_start(wheel, row, node/
move_of_expired_in_place|wheel.c|/^static bool move_within/,/^}/s/HTW_ROW_EXPIRED/HTW_ROW_NONE/
move_without_clamp|wheel.c|/^u64 htw_wheel_move/,/^}/s/tick = htw_wheel_due(wheel, tick);/;/
move_by_push_only|wheel.c|/^u64 htw_wheel_move/,/^}/s/ || move_within_slot(wheel, node, tick)//
move_returns_late|wheel.c|/^u64 htw_wheel_move/,/^}/s/return tick;/return tick + 1;/
insert_without_clamp|wheel.c|s/link_node(wheel, node, htw_wheel_due(wheel, tick))/link_node(wheel, node, tick)/
insert_not_counted|wheel.c|s/wheel->nr_pending++;/;/
remove_not_counted|wheel.h|s/wheel->nr_pending--;/;/
remove_still_pending|wheel.h|s/node->row = HTW_ROW_NONE;/;/
lead_of_one_more|wheel.c|/^static u64 lead(/,/^}/s/fls64(nr - 1)/fls64(nr)/
lead_half|wheel.c|/^static u64 lead(/,/^}/s/HTW_SPARSE_SHIFT)/HTW_SPARSE_SHIFT) \/ 2/
lead_twice|wheel.c|/^static u64 lead(/,/^}/s/HTW_SPARSE_SHIFT)/HTW_SPARSE_SHIFT) * 2/
lead_of_any_length|wheel.c|/^static u64 ahead_of/,/^}/s/min(lead(nr), 1ULL << row->shift)/lead(nr)/
lead_of_whole_slot|wheel.c|/^static u64 ahead_of/,/^}/s/min(lead(nr), 1ULL << row->shift)/1ULL << row->shift/
lead_never_grows|wheel.c|/^static bool lead_grew/,/^}/s/return .*/return false;/
lead_grows_always|wheel.c|/^static bool lead_grew/,/^}/s/ && .*/;/
lead_grows_later|wheel.c|/^static bool lead_grew/,/^}/s/(nr - 1) & (nr - 2)/nr \& (nr - 1)/
lead_grows_above_sparse|wheel.c|/^static bool lead_grew/,/^}/s/nr > HTW_SPARSE/nr > HTW_SPARSE + 1/
first_slot_in_one_word|wheel.c|/^static struct htw_slot \*row_first/,/^}/s/word = word \* 64 + __ffs64/word = __ffs64/
first_slot_from_word|wheel.c|/^static struct htw_slot \*row_first/,/^}/s/ & (U64_MAX << (from % 64))//
first_slot_no_wrap|wheel.c|/^static struct htw_slot \*row_first/,/^}/s/word = (word + 1) & last/word = word + 1/
row_decides_always|wheel.c|/^static bool row_decides/,/^}/s/return wheel->now << (64 - window) \&\&/return/
row_decides_at_start|wheel.c|/^static bool row_decides/,/^}/s/wheel->now << (64 - window) \&\&/1 \&\&/
row_decides_next_window|wheel.c|/^static bool row_decides/,/^}/s/!((start ^ wheel->now) >> (window - 1) >> 1)/((start - wheel->now) >> (window - 1) >> 1) <= 1/
row_decides_any_window|wheel.c|/^static bool row_decides/,/^}/s/!((start ^ wheel->now) >> (window - 1) >> 1)/1/
next_slot_without_round|wheel.c|/^static struct htw_slot \*next_slot/,/^}/s/rows = wheel->round/rows = 0/
next_slot_last_row|wheel.c|/^static struct htw_slot \*next_slot/,/^}/s/if (at <= \*start)/if (1)/
event_without_round|wheel.c|/^static struct htw_slot \*next_event/,/^}/s/rows = wheel->round/rows = 0/
event_of_finest_row|wheel.c|/^static struct htw_slot \*next_event/,/^}/s/rows \&= rows - 1/rows = 0/
event_of_last_row|wheel.c|/^static struct htw_slot \*next_event/,/^}/s/if (at <= \*tick)/if (1)/
event_at_slot_start|wheel.c|/^static struct htw_slot \*row_event/,/^}/s/? slot->min : wheel->now/? start : wheel->now/
event_one_late|wheel.c|/^static struct htw_slot \*row_event/,/^}/s/? slot->min : wheel->now/? slot->min + 1 : wheel->now/
event_unfinished_later|wheel.c|/^static struct htw_slot \*row_event/,/^}/s/start > wheel->target ? slot->min : wheel->now/slot->min/
event_not_ahead|wheel.c|/^static struct htw_slot \*row_event/,/^}/s/if (slot->nr > HTW_SPARSE)/if (0)/
event_ahead_of_few|wheel.c|/^static struct htw_slot \*row_event/,/^}/s/if (slot->nr > HTW_SPARSE)/if (slot->nr >= HTW_SPARSE)/
event_ahead_again|wheel.c|/^static struct htw_slot \*row_event/,/^}/s/max(ahead_of(row, start, slot->nr), wheel->target + 1)/ahead_of(row, start, slot->nr)/
event_without_after|wheel.c|/^static struct htw_slot \*row_event/,/^}/s/if (after->nr <= HTW_SPARSE)/if (1)/
event_after_same_start|wheel.c|/^static struct htw_slot \*row_event/,/^}/s/start += 1ULL << row->shift;/;/
event_after_second|wheel.c|/^static struct htw_slot \*row_event/,/^}/s/(start >> row->shift) + 1/(start >> row->shift) + 2/
event_after_always|wheel.c|/^static struct htw_slot \*row_event/,/^}/s/if (ahead >= \*tick)/if (0)/
event_of_cascading_only|wheel.c|/^static struct htw_slot \*row_event/,/^}/s/if (!row_cascades(nr) || /if (/
next_without_expired|wheel.c|/^bool htw_wheel_next/,/^}/s/if (list_empty(&wheel->expired))/if (1)/
ahead_slot_at_cursor|wheel.c|/^static struct htw_slot \*slot_ahead/,/^}/s/(wheel->now >> row->shift) + 1/(wheel->now >> row->shift) + 2/
ahead_of_few|wheel.c|/^static struct htw_slot \*slot_ahead/,/^}/s/slot->nr > HTW_SPARSE ? slot : NULL/slot->nr ? slot : NULL/
ahead_of_none|wheel.c|/^static struct htw_slot \*slot_ahead/,/^}/s/slot->nr > HTW_SPARSE ? slot : NULL/NULL/
ahead_ticks_whole|wheel.c|/^static struct htw_slot \*slot_ahead/,/^}/s/(next << row->shift) - wheel->now/1ULL << row->shift/
pace_too_soon|wheel.c|/^static u32 set_pace/,/^}/s/ticks <= lead(slot->nr)/1/
pace_too_late|wheel.c|/^static u32 set_pace/,/^}/s/ticks <= lead(slot->nr)/ticks < lead(slot->nr)/
pace_without_need|wheel.c|/^static u32 set_pace/,/^}/s/return max(needed, /return max(1ULL, /
pace_of_need_only|wheel.c|/^static u32 set_pace/,/^}/s/return max(.*/return needed;/
pace_of_last_row|wheel.c|/^static u32 set_pace/,/^}/s/needed += /needed = /
pace_of_all|wheel.c|/^static u32 set_pace/,/^}/s/slot->nr \/ (u32)ticks + 1/slot->nr/
pace_without_moved|wheel.c|/^static u32 set_pace/,/^}/s/HTW_AHEAD - min_t(u64, moved, HTW_AHEAD)/HTW_AHEAD + 0 * moved/
pace_set_again|wheel.c|/^static bool move_ahead/,/^}/s/wheel->paced = true;/;/
pace_not_reset|wheel.c|/^static void set_target/,/^}/s/wheel->paced = false;/;/
moves_before_not_set|wheel.c|/^static void set_target/,/^}/s/wheel->moves_before = wheel->nr_moves;/;/
ahead_without_budget|wheel.c|/^static bool move_ahead/,/^}/s/if (!budget--)/if (0 \&\& budget)/
ahead_without_end|wheel.c|/^static bool move_ahead/,/^}/s/wheel->ahead; wheel->ahead--)/1; )/
ahead_always_done|wheel.c|/^static bool move_ahead/,/^}/s/return false;/return true;/
ahead_finest_row_only|wheel.c|/^static bool move_ahead/,/^}/s/wheel->occupied & ~1ULL/wheel->occupied \& 2/
ahead_coarse_rows_only|wheel.c|/^static bool move_ahead/,/^}/s/wheel->occupied & ~1ULL/wheel->occupied \& ~3ULL/
ahead_of_level_0|wheel.c|/^static bool move_ahead/,/^}/s/wheel->occupied & ~1ULL/wheel->occupied/;/^static u32 set_pace/,/^}/s/wheel->occupied & ~1ULL/wheel->occupied/
budget_ignored|wheel.c|/^static unsigned int drain/,/^}/s/budget--;/;/
budget_per_slot|wheel.c|/^bool htw_wheel_collect/,/^}/s/budget = drain(wheel, slot, budget)/drain(wheel, slot, budget)/
budget_last_not_used|wheel.c|s/while (budget \&\& slot->nr)/while (budget > 1 \&\& slot->nr)/
budget_free_moves|wheel.c|/^static unsigned int drain/,/^}/s/budget--;/budget -= node->row == HTW_ROW_EXPIRED;/
collect_not_at_target|wheel.c|/^bool htw_wheel_collect/,/^}/s/start <= wheel->target/start < wheel->target/
collect_one_far|wheel.c|/^bool htw_wheel_collect/,/^}/s/start <= wheel->target/start <= wheel->target + 1/
collect_cursor_stays|wheel.c|/^bool htw_wheel_collect/,/^}/s/wheel->now = start;/;/
collect_cursor_behind|wheel.c|s/wheel->now = wheel->target;/;/
collect_back|wheel.c|/^bool htw_wheel_collect/,/^}/s/if (to > wheel->target)/if (1)/
collect_always_done|wheel.c|/^bool htw_wheel_collect/,/^}/s/return false;/return true;/
collect_one_slot|wheel.c|/^bool htw_wheel_collect/,/^}/s/while ((slot = next_slot/if ((slot = next_slot/
collect_not_ahead|wheel.c|/^bool htw_wheel_collect/,/^}/s/return move_ahead(wheel, budget);/return true;/
forward_over_slots|wheel.c|/^void htw_wheel_forward/,/^}/s/\&\& start <= to)/\&\& 0)/
forward_onto_slot|wheel.c|/^void htw_wheel_forward/,/^}/s/\&\& start <= to)/\&\& start < to)/
forward_back|wheel.c|s/if (to <= wheel->target)/if (0)/
forward_without_budget|wheel.c|/^void htw_wheel_forward/,/^}/s/slot->nr > budget ||/0 ||/
forward_budget_per_slot|wheel.c|/^void htw_wheel_forward/,/^}/s/budget = drain(/drain(/
forward_over_due|wheel.c|/^void htw_wheel_forward/,/^}/s/slot->min <= to)/0)/
forward_onto_due|wheel.c|/^void htw_wheel_forward/,/^}/s/slot->min <= to)/slot->min < to)/
forward_target_back|wheel.c|/^void htw_wheel_forward/,/^}/s/if (start > wheel->target)/if (1)/
forward_cursor_stays|wheel.c|/^void htw_wheel_forward/,/^}/s/wheel->now = start;/;/
forward_cursor_behind|wheel.c|/^void htw_wheel_forward/,/^}/s/wheel->now = to;/;/
forward_target_stays|wheel.c|/^void htw_wheel_forward/,/^}/s/set_target(wheel, to);/;/
pop_stays_pending|wheel.c|/^struct htw_node \*htw_wheel_pop/,/^}/s/htw_wheel_remove(wheel, node)/htw_wheel_unlink(wheel, node)/
take_not_expired|wheel.c|s/struct htw_node \*node = htw_wheel_pop(wheel);/struct htw_node *node = NULL;/
capacity_of_two_windows|wheel.c|s/1ULL << top->window : U64_MAX/2ULL << top->window : U64_MAX/
capacity_wraps|wheel.c|s/1ULL << top->window : U64_MAX/1ULL << top->window : 0/
best_tick_after_first|wheel.c|s/(earliest - 1) ^ latest/earliest ^ latest/
best_tick_of_zero|wheel.c|s/latest <= earliest || !earliest/latest <= earliest/
best_tick_one_bit_down|wheel.c|s/bit = fls64(\(.*\)) - 1;/bit = fls64(\1) - 1; bit -= !!bit;/
geometry_any_slots|wheel.c|s/if (slots & (slots - 1))/if (0)/
geometry_not_256|wheel.c|s/slots > HTW_MAX_SLOTS/slots >= HTW_MAX_SLOTS/
geometry_one_slot|wheel.c|s/slots < HTW_MIN_SLOTS/slots < HTW_MIN_SLOTS - 1/
geometry_no_level|wheel.c|s/geo->nr_levels < 1 ||//
geometry_nine_levels|wheel.c|s/geo->nr_levels > HTW_MAX_LEVELS/geo->nr_levels > HTW_MAX_LEVELS + 1/
geometry_long_tick|wheel.c|s/geo->tick_shift > HTW_MAX/geo->tick_shift > 1 + HTW_MAX/
rounds_down|wheel.h|s/== ns ? tick : tick + 1/== ns ? tick : tick/
rounds_up_always|wheel.h|s/== ns ? tick : tick + 1/== ns ? tick + 1 : tick + 1/
before_rounds_up|wheel.h|s/return ns >> tick_shift;/return (ns >> tick_shift) + 1;/
due_in_this_pass|wheel.h|s/if (tick > wheel->target)/if (tick >= wheel->target)/
due_wraps|wheel.h|s/(wheel->target != U64_MAX)/1/
due_by_cursor|wheel.h|s/return wheel->target + (/return wheel->now + (/
push_earlier|wheel.h|s/ || tick < node->tick//
push_of_expired|wheel.h|s/node->row >= HTW_ROW_EXPIRED/node->row == HTW_ROW_NONE/
push_of_idle|wheel.h|s/node->row >= HTW_ROW_EXPIRED/node->row == HTW_ROW_EXPIRED/
push_not_same|wheel.h|s/tick < node->tick/tick <= node->tick/
push_stores_nothing|wheel.h|s/node->tick = tick;/;/
pending_without_expired|wheel.h|s/node->row != HTW_ROW_NONE/node->row < HTW_ROW_EXPIRED/
new_node_pending|wheel.h|s/node->row = HTW_ROW_NONE;/node->row = 0;/
END
}

# The program for a changed wheel.c needs to compile that file only; wheel.h is
# included by the test as well.
build() { # folder file

	if [ "$2" = wheel.c ]; then
		cp -p "$tmp"/base/*.o "$1" && rm "$1"/wheel.o || return
	fi
	make -s SRC="$1" O="$1" WARN=-w "$1/$TEST"
}

# run_test DIR: the test that was built there.
run_test() {
	if [ "$TEST" = replay ]; then
		"$1"/replay corpus/*
	else
		"$1"/property --seed "$SEED" --ops "$OPS" --large "$LARGE" --timeout 10 --stop
	fi
}

# Prints a line for the table: what caught it, or what is wrong.
try() { # name file expression
	local dir=$tmp/$1 caught

	mkdir "$dir" && cp "$SRC"/wheel.[ch] "$dir" || return
	sed -i "$3" "$dir/$2"
	if cmp -s "$SRC/$2" "$dir/$2"; then
		echo "$1 UNCHANGED"
	elif ! build "$dir" "$2" >"$dir"/log 2>&1; then
		echo "$1 NOT_BUILT"
	elif run_test "$dir" >"$dir"/out 2>&1; then
		echo "$1 SURVIVED"
	else
		caught=$(sed -n 's/^# FAIL \([a-z_]*\): \(.*\)/\1 \2/p' \
			 "$dir"/out | head -n 1)
		echo "$1 ${caught:-UNEXPLAINED}"
	fi
	rm -rf "$dir"
}

selected() {
	local line name

	if [ $# = 0 ]; then
		mutations
		return
	fi
	for name; do
		line=$(mutations | grep "^$name|") ||
			{ echo "mutate.sh: no mutation $name" >&2; exit 2; }
		echo "$line"
	done
}

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

wanted=$(selected "$@") || exit 2
make -s -j"$JOBS" O="$tmp"/base "$tmp/base/$TEST" || exit 2
if ! run_test "$tmp"/base >"$tmp"/out 2>&1; then
	cat "$tmp"/out
	echo "mutate.sh: the test fails on the unchanged wheel" >&2
	exit 1
fi

while IFS='|' read -r name file expression; do
	while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
		wait -n
	done
	try "$name" "$file" "$expression" >"$tmp/$name.result" &
done <<<"$wanted"
wait

caught=0
survived=0
printf '%-28s %-24s %s\n' MUTATION 'CAUGHT BY' WITH
while IFS='|' read -r name _; do
	read -r _ by with <"$tmp/$name.result" || by=NO_RESULT
	printf '%-28s %-24s %s\n' "$name" "$by" "${with:0:90}"
	case $by in
	[a-z]*)	caught=$((caught + 1)) ;;
	*)	survived=$((survived + 1)) ;;
	esac
done <<<"$wanted"
echo "$caught caught, $survived survived"
[ "$survived" = 0 ]
