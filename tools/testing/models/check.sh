#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: check.sh [-l | -t NAME]
#
# Check the models of htw's protocols with spin: that they hold, that each can fail, and
# that the steps that the code names are those that they have. Prints KTAP. -l lists the
# tests, -t runs one of them. What a model said stays in build/models (O names another
# place): a failure of MODEL as NAME is shown, step by step, by
#
#	cd build/models/NAME; spin -t -p -g MODEL.pml

set -uo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
top=$(cd "$here/../../.." && pwd)
out=${O:-$top/build/models}

# NAME MODEL DEFINES: what holds.
holds='
timer_two_users			timer	-DUSERS=2 -DONE_TIME
timer_near_and_far		timer	-DUSERS=1 -DOPS=2
timer_hotplug			timer	-DUSERS=1 -DHOTPLUG
timer_waiters_sleep		timer	-DUSERS=1 -DRT -DHOTPLUG
ring_tso			ring
ring_weak			ring	-DWEAK
ring_lazy_program		ring	-DWEAK -DLAZY
ring_larger_batch		ring	-DWEAK -DBATCH=2
words_tso			words
words_weak			words	-DWEAK
words_hostile			words	-DWEAK -DHOSTILE
'

# MODEL BREAKAGE DEFINES: what does not, for one thing is left out.
breakages='
timer	MIGRATING_IGNORED	-DUSERS=1
timer	NO_RECHECK		-DUSERS=1
timer	KICK_FORGOTTEN		-DUSERS=1
timer	GOES_TO_KEPT		-DUSERS=1
timer	PENDING_GAP		-DUSERS=1
timer	NOT_MIGRATING		-DUSERS=1
timer	ONLINE_IGNORED		-DUSERS=1 -DHOTPLUG
timer	MOVE_RUNNING		-DUSERS=1
timer	PUT_OFFLINE		-DUSERS=1 -DHOTPLUG
timer	SHUTDOWN_LATE		-DUSERS=2 -DONE_TIME
timer	SHUTDOWN_LEAVES		-DUSERS=1
timer	NO_WAIT			-DUSERS=1
timer	NO_PROGRAM_NEXT		-DUSERS=1
timer	DRAIN_IN_PASS		-DUSERS=1 -DHOTPLUG
ring	ROOM_OF_ONE_MORE
ring	TAIL_FIRST
ring	TAIL_PLAIN		-DWEAK
ring	LOOK_FIRST
ring	NEVER_STALLED
ring	NO_KERNEL_BARRIER
ring	NO_SECOND_LOOK
ring	NO_PROGRAM_BARRIER
ring	HEAD_FIRST
words	TORN
words	ANY_VALUE		-DHOSTILE
words	NOT_CLEARED
words	CLEARED_LATE
words	TWO_LOOKS
'

# FILE FUNCTION ORDER: all that orders memory or outlives a reader in the code. No test on
# an x86 sees most of it go; what each is for is in a comment there, and in these models
# or litmus tests. A new one has to be argued for here, too.
barriers='
base.c		htw_base_after_pass	test_and_set_bit
base.c		htw_base_after_pass	llist_add
base.c		run_after_pass		llist_del_all
base.c		run_after_pass		smp_mb__after_atomic
consumer.c	search_all		synchronize_rcu
context.c	htw_context_destroy	kfree_rcu
context.c	use_memory		smp_store_release
ring.c		used			smp_load_acquire
ring.c		publish			smp_store_release
ring.c		flush_some		smp_mb
ring.h		htw_ring_entries	smp_load_acquire
sleep.c		wait_for_timer		set_current_state
sleep.c		wait_for_timer		set_current_state
'

# run NAME OPT MODEL [DEFINE]...: searches all states. Status 0: no error; 1: an error
# was found; 2: the search did not come to its end.
run()
{
	local name=$1 opt=$2 model=$3 dir=$out/$1
	shift 3

	rm -rf "$dir"
	mkdir -p "$dir"
	cp "$here"/*.pml "$here"/*.h "$dir/"
	cd "$dir" || return 2
	if ! spin -a "$@" "$model.pml" >spin.log 2>&1 ||
		! gcc "$opt" -w -DSAFETY -DCOLLAPSE -DMEMLIM=1900 -o pan pan.c >>spin.log 2>&1; then
		cat spin.log
		return 2
	fi
	timeout 900 nice ./pan -m1000000 >pan.log 2>&1
	cd "$here" || return 2
	if grep -q 'errors: 0$' "$dir/pan.log" &&
		! grep -qE 'Search not completed|too small' "$dir/pan.log"; then
		grep 'states, stored' "$dir/pan.log"
		return 0
	fi
	grep -E '^pan:[0-9]+: ' "$dir/pan.log" || :
	grep -qE '^pan:1: (assertion violated|invalid end state)' "$dir/pan.log" && return 1
	return 2
}

# Those that a line in the code or in a model has as a comment of its own.
labels()
{
	grep -ohE '/\* [TRW][0-9]+ \*/' "$@" | tr -d '/* ' | sort -V
}

code_names_the_steps_of_the_models()
{
	diff <(labels "$top"/src/*.[ch]) <(labels "$here"/*.pml)
}

barriers_of_the_code()
{
	awk '
		FNR == 1 { file = FILENAME; sub(/.*\//, "", file) }
		/^[a-z].*\(/ && !/;$/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
		/^ \*|^\t*\/\*/ { next }
		{
			while (match($0, /(smp_(mb|rmb|wmb|store_mb|store_release|load_acquire)|smp_mb__[a-z]+_atomic|test_and_[a-z]+_bit|(cmp)?xchg|set_current_state|llist_(add|del_all)|rcu_assign_pointer|call_rcu|kfree_rcu|synchronize_[a-z]+|rcu_barrier)\(/)) {
				print file, name, substr($0, RSTART, RLENGTH - 1)
				$0 = substr($0, RSTART + RLENGTH)
			}
		}' "$top"/src/*.[ch]
}

no_barrier_is_gone_or_new()
{
	diff <(barriers_of_the_code | sort) <(awk 'NF { print $1, $2, $3 }' <<<"$barriers" | sort)
}

# Each BREAK_ of the models is there to be found.
every_breakage_is_tried()
{
	diff <(grep -ohE 'BREAK_[A-Z_]+' "$here"/*.pml | sort -u) \
		<(printf '%s' "$breakages" | awk 'NF { print "BREAK_" $2 }' | sort -u)
}

# By herd7, for which the kernel has its memory model. Status 4: there is none.
litmus_tests_give_their_results()
{
	local file said model rc=0

	type herd7 >/dev/null 2>&1 || return 4
	model=$("$top/tools/testing/vm/source.sh" 6.12)/tools/memory-model || return 2
	cd "$model" || return 2
	for file in "$here"/litmus/*.litmus; do
		said=$(herd7 -conf linux-kernel.cfg "$file" | awk '/^Observation/ { print $3 }')
		[[ $said == "$(awk '/Result:/ { print $3 }' "$file")" ]] ||
			{ echo "${file##*/}: $said"; rc=1; }
	done
	return "$rc"
}

tests()
{
	printf '%s\n' code_names_the_steps_of_the_models no_barrier_is_gone_or_new \
		every_breakage_is_tried litmus_tests_give_their_results
	printf '%s' "$holds" | awk 'NF { print $1 }'
	printf '%s' "$breakages" | awk 'NF { print $1 "_can_fail_" tolower($2) }'
}

# by_name TEST
by_name()
{
	local name=$1 args breakage

	if declare -F "$name" >/dev/null; then
		"$name"
		return
	fi
	read -ra args < <(printf '%s' "$holds" | awk -v n="$name" '$1 == n { $1 = ""; print }')
	if ((${#args[@]})); then
		run "$name" -O2 "${args[@]}"
		return
	fi
	breakage=${name#*_can_fail_}
	read -ra args < <(printf '%s' "$breakages" |
		awk -v m="${name%%_*}" -v b="${breakage^^}" '$1 == m && $2 == b { $2 = ""; print }')
	((${#args[@]})) || { echo "no such test"; return 2; }
	run "$name" -O1 "${args[@]}" "-DBREAK_${breakage^^}"
	# Only an error that was found will do.
	(($? == 1))
}

# attempt TEST: what it says and its status, in files.
attempt()
{
	by_name "$1" >"$out/$1.said"
	echo $? >"$out/$1.status"
}

# Two searches do not disturb each other.
attempt_all()
{
	local test

	for test; do
		while (($(jobs -rp | wc -l) >= $(nproc))); do
			wait -n
		done
		attempt "$test" &
	done
	wait
}

main()
{
	local nr=0 failed=0 all test

	mapfile -t all < <(tests)
	case ${1:-} in
	-l) printf '%s\n' "${all[@]}"; return ;;
	-t) all=("$2") ;;
	esac
	mkdir -p "$out"
	attempt_all "${all[@]}"
	echo 'KTAP version 1'
	echo "1..${#all[@]}"
	for test in "${all[@]}"; do
		nr=$((nr + 1))
		case $(<"$out/$test.status") in
		0) echo "ok $nr $test" ;;
		4) echo "ok $nr $test # SKIP no herd7" ;;
		*) echo "not ok $nr $test"; failed=1 ;;
		esac
		sed 's/^/# /' "$out/$test.said"
	done
	return "$failed"
}

main "$@"
