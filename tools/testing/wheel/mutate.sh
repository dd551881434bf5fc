#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Does the property test find what it is there to find? Breaks the wheel in one
# place at a time, on a copy, and expects the test to fail each time.
#
#	mutate.sh			all mutations
#	mutate.sh NAME...		only these
#
# Environment: JOBS (2), OPS (100000), SEED (1), CC, SRC (the folder of wheel.c).
# Prints a table of what caught each. Exit 1 if a mutation survives, changes
# nothing, does not compile, or if the test fails on the unchanged wheel.

set -u
cd "$(dirname "$0")" || exit 2

JOBS=${JOBS:-2}
OPS=${OPS:-100000}
SEED=${SEED:-1}
export SRC=${SRC:-../../../src}

# name | file | sed expression. Where a line is not unique, its function's first
# and last line bound the search.
mutations() {
	cat <<'END'
slot_index_off_by_one|wheel.c|s/(tick >> row->shift) & row->mask/((tick >> row->shift) + 1) \& row->mask/
slot_index_of_row_below|wheel.c|s/(tick >> row->shift) & row->mask/(tick >> row->shift >> 1) \& row->mask/
mask_too_narrow|wheel.c|s/row->mask = nr_slots - 1/row->mask = nr_slots \/ 2 - 1/
row_by_distance|wheel.c|s/(tick ^ wheel->now) | 1/(tick - wheel->now) | 1/
row_at_cursor_undefined|wheel.c|s/(tick ^ wheel->now) | 1/tick ^ wheel->now/
row_one_bit_up|wheel.c|s/row_of\[fls64(differs) - 1\]/row_of[fls64(differs) \& 63]/
row_table_shifted|wheel.c|s/wheel->row_of\[i\] = wheel->nr_rows/wheel->row_of[i] = wheel->nr_rows + (i == shift)/
band_of_four|wheel.c|s/geo->slots\[row\] : 2/geo->slots[row] : 4/
window_too_low|wheel.c|s/U64_MAX << (shift + bits) : 0/U64_MAX << shift : 0/
window_too_high|wheel.c|s/U64_MAX << (shift + bits) : 0/U64_MAX << (shift + bits - 1) << 2 : 0/
window_of_last_row|wheel.c|s/U64_MAX << (shift + bits) : 0/U64_MAX << (shift + bits) : U64_MAX/
size_without_bands|wheel.c|/^size_t htw_wheel_size/,/^}/s/shift < 64/row < geo->nr_levels/
init_min_zero|wheel.c|s/wheel->slots\[i\].min = U64_MAX/wheel->slots[i].min = 0/
init_stale_map|wheel.c|s/row->map\[i\] = 0/row->map[i] = i == 3/
refresh_always_exact|wheel.c|s/if (node->tick == slot->min)/if (1)/
refresh_keeps_min|wheel.c|s/^\tslot->min = min;$/\t;/
refresh_keeps_pushed|wheel.c|s/if ((node->tick - start) >> wheel->rows\[node->row\].shift)/if (0)/
refresh_loses_pushed|wheel.c|/^static bool refresh_slot/,/^}/s/link_node(wheel, node, node->tick);$/;/
refresh_min_of_last|wheel.c|s/} else if (node->tick < min) {/} else {/
refresh_without_budget|wheel.c|s/if (!(\*budget)--)/if (0)/
refresh_unfinished|wheel.c|/^bool htw_wheel_refresh/,/^}/s/if (start <= wheel->target)/if (0)/
cascade_expires_all|wheel.c|s/if (node->tick <= wheel->now)/if (1)/
cascade_drops|wheel.c|s/link_node(wheel, node, node->tick);/;/
cascade_expires_next_tick|wheel.c|s/node->tick <= wheel->now/node->tick <= wheel->now + 1/
cascade_never_expires|wheel.c|s/node->tick <= wheel->now/node->tick < wheel->now/
cascade_expires_by_target|wheel.c|s/node->tick <= wheel->now/node->tick <= wheel->target/
moves_not_counted|wheel.c|s/wheel->nr_moves++;/;/
expired_in_reverse|wheel.c|s/list_add_tail(&node->entry, &wheel->expired)/list_add(\&node->entry, \&wheel->expired)/
expired_row_missing|wheel.c|s/node->row = HTW_ROW_EXPIRED;/;/
overflow_not_added|wheel.c|s/wheel->nr_overflow += .*/;/
overflow_not_taken_off|wheel.c|s/wheel->nr_overflow -= .*/;/
overflow_from_one_row_up|wheel.c|s/nr >= wheel->nr_levels/nr > wheel->nr_levels/
slot_bit_not_set|wheel.c|s/row->map\[index \/ 64\] |= .*/;/
slot_bit_in_first_word|wheel.c|s/row->map\[index \/ 64\] |=/row->map[0] |=/
slot_bit_not_cleared|wheel.c|s/row->map\[index \/ 64\] &= .*/;/
row_bit_not_set|wheel.c|s/wheel->occupied |= .*/;/
row_bit_not_cleared|wheel.c|s/wheel->occupied &= .*/;/
row_bit_cleared_too_soon|wheel.c|s/if (!left)/if (1)/
row_bit_by_last_word|wheel.c|s/left |= row->map\[i\]/left = row->map[i]/
min_not_lowered_on_insert|wheel.c|/^static void link_node/,/^}/s/if (tick < slot->min)/if (0)/
min_is_last_insert|wheel.c|/^static void link_node/,/^}/s/if (tick < slot->min)/if (1)/
min_not_reset|wheel.c|s/slot->min = U64_MAX;/;/
min_not_lowered_on_move|wheel.c|/^static bool move_within/,/^}/s/if (tick < slot->min)/if (0)/
move_before_slot|wheel.c|s/if (tick < slot_start(wheel, row, node->slot))/if (0)/
move_one_before_slot|wheel.c|s/tick < slot_start(wheel, row/tick + 1 < slot_start(wheel, row/
move_not_to_slot_start|wheel.c|s/tick < slot_start(wheel, row/tick <= slot_start(wheel, row/
move_of_expired_in_place|wheel.c|/^static bool move_within/,/^}/s/HTW_ROW_EXPIRED/HTW_ROW_NONE/
move_without_clamp|wheel.c|/^void htw_wheel_move/,/^}/s/tick = htw_wheel_due(wheel, tick);/;/
move_by_push_only|wheel.c|/^void htw_wheel_move/,/^}/s/ || move_within_slot(wheel, node, tick)//
slot_start_by_target|wheel.c|s/(wheel->now & row->window) | /(wheel->target \& row->window) | /
insert_without_clamp|wheel.c|s/link_node(wheel, node, htw_wheel_due(wheel, tick))/link_node(wheel, node, tick)/
insert_not_counted|wheel.c|s/wheel->nr_pending++;/;/
remove_not_counted|wheel.c|s/wheel->nr_pending--;/;/
remove_still_pending|wheel.c|s/node->row = HTW_ROW_NONE;/;/
draining_not_kept|wheel.c|s/wheel->draining = slot;/;/
draining_not_cleared|wheel.c|s/if (wheel->draining == slot)/if (0)/
draining_cleared_too_soon|wheel.c|s/if (wheel->draining == slot)/if (1)/
budget_ignored|wheel.c|s/budget--;/;/
budget_per_slot|wheel.c|s/budget = drain(wheel, slot, budget)/drain(wheel, slot, budget)/
budget_last_not_used|wheel.c|s/while (budget &&/while (budget > 1 \&\&/
budget_free_moves|wheel.c|s/budget--;/budget -= node->row == HTW_ROW_EXPIRED;/
first_slot_without_words|wheel.c|s/i \* 64 + __ffs64/__ffs64/
last_row_first|wheel.c|s/__ffs64(wheel->occupied)/fls64(wheel->occupied) - 1/
next_at_slot_start|wheel.c|s/\*tick = slot->min;/*tick = start;/
next_without_expired|wheel.c|/^bool htw_wheel_next/,/^}/s/if (!list_empty(&wheel->expired))/if (0)/
next_unfinished_later|wheel.c|s/if (start > wheel->target)/if (1)/
next_one_late|wheel.c|s/\*tick = slot->min;/*tick = slot->min + 1;/
advance_not_at_target|wheel.c|s/start <= wheel->target/start < wheel->target/
advance_one_far|wheel.c|s/start <= wheel->target/start <= wheel->target + 1/
advance_cursor_stays|wheel.c|/^bool htw_wheel_collect/,/^}/s/wheel->now = start;/;/
advance_cursor_behind|wheel.c|s/wheel->now = wheel->target;/;/
advance_back|wheel.c|/^bool htw_wheel_collect/,/^}/s/if (to > wheel->target)/if (1)/
advance_always_done|wheel.c|s/return false;$/return true;/;/^bool htw_wheel_next/,/^}/s/return true;$/return slot != NULL;/
advance_one_slot|wheel.c|s/while ((slot = next_slot/if ((slot = next_slot/
forward_over_slots|wheel.c|s/if (slot && start <= to)/if (0)/
forward_onto_slot|wheel.c|s/if (slot && start <= to)/if (slot \&\& start < to)/
forward_back|wheel.c|s/if (to <= wheel->target)/if (0)/
forward_never|wheel.c|s/if (slot && start <= to)/if (1)/
forward_target_stays|wheel.c|/^void htw_wheel_forward/,/^}/s/wheel->target = to;/;/
pop_stays_pending|wheel.c|/^struct htw_node \*htw_wheel_pop/,/^}/s/htw_wheel_remove(wheel, node)/unlink_node(wheel, node)/
take_not_expired|wheel.c|s/struct htw_node \*node = htw_wheel_pop(wheel);/struct htw_node *node = NULL;/
capacity_less_one|wheel.c|s/~top->window + 1 : U64_MAX/~top->window : U64_MAX/
capacity_wraps|wheel.c|s/~top->window + 1 : U64_MAX/~top->window + 1 : 0/
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
	make -s SRC="$1" O="$1" WARN=-w "$1"/property
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
	elif "$dir"/property --seed "$SEED" --ops "$OPS" --timeout 3 --stop \
	     >"$dir"/out 2>&1; then
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
make -s -j"$JOBS" O="$tmp"/base || exit 2
if ! "$tmp"/base/property --seed "$SEED" --ops "$OPS" >"$tmp"/out 2>&1; then
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
