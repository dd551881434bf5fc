#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# usage: seeing [-l | -t NAME]
#
# Tests of what can be seen of htw: tracepoints, its files in debugfs, fdinfo of the
# device. Prints KTAP. -l lists the tests, -t runs one of them. For root, where
# debugfs and tracefs are mounted and nobody else uses htw. Any POSIX shell will do,
# busybox's too.
#
# HTW_TOOL is the program (htw in $PATH).

htw=${HTW_TOOL:-htw}
debugfs=/sys/kernel/debug/htw
tracefs=/sys/kernel/tracing

pid=

tests='
debugfs_files_are_for_root_only
debugfs_stats_count_a_timer
debugfs_stats_count_a_cancelled_timer
debugfs_lateness_counts_each_expiry
debugfs_bases_tell_the_next_event
debugfs_geometry_is_that_of_the_parameters
debugfs_can_be_read_while_timers_fire
fdinfo_tells_the_timers_of_a_file
fdinfo_counts_what_happened
trace_one_timer_from_arming_to_its_event
trace_tells_what_an_arming_did
trace_tells_of_cascades
'

fail()
{
	echo "# $*"
	exit 1
}

# same WANTED FOUND WHAT
same()
{
	[ "$1" = "$2" ] || fail "$3: $1 was expected, not $2"
}

# sum_over_cpus FILE NAME
sum_over_cpus()
{
	awk -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i
				    if (!(name in column)) exit 1 }
		NR > 1 { sum += $column[name] }
		END { print sum + 0 }' "$debugfs/$1" || fail "there is no $2"
}

stat_of()
{
	sum_over_cpus stats "$1"
}

lateness_sum()
{
	awk 'NR > 1 { sum += $3 } END { print sum + 0 }' $debugfs/lateness
}

# script_started LINE...: to run in the background. It is on its way when this returns.
script_started()
{
	printf '%s\n' 'after 0 begun' "$@" >"$tmp/script"
	: >"$tmp/out"
	"$htw" run "$tmp/script" >"$tmp/out" 2>&1 &
	pid=$!
	until grep -q ' begun  *fired ' "$tmp/out"; do
		kill -0 "$pid" 2>/dev/null || fail "it has ended: $(cat "$tmp/out")"
		sleep 0.1
	done
}

script_ended()
{
	kill -TERM "$pid"
	wait "$pid"
	# 1: it had timers that would have ended by themselves.
	[ $? -le 1 ] || fail "htw run has crashed"
	pid=
}

end_what_runs()
{
	[ -n "$pid" ] || return
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

debugfs_files_are_for_root_only()
{
	for file in stats lateness bases geometry; do
		same 400 "$(stat -c %a $debugfs/$file)" "mode of $file"
	done
	same 4 "$(find $debugfs -type f | wc -l)" 'number of files'
}

debugfs_stats_count_a_timer()
{
	arms=$(stat_of arms) expiries=$(stat_of expiries) cancels=$(stat_of cancels)
	interrupts=$(stat_of interrupts)
	"$htw" sleep -q 5ms || fail "htw sleep: $?"
	same $((arms + 1)) "$(stat_of arms)" arms
	same $((expiries + 1)) "$(stat_of expiries)" expiries
	same "$cancels" "$(stat_of cancels)" cancels
	[ "$(stat_of interrupts)" -gt "$interrupts" ] || fail 'no interrupt'
	[ "$(stat_of longest_hold)" -ge 1 ] || fail 'nothing was done under a lock'
	[ "$(stat_of needless)" -le "$(stat_of interrupts)" ] ||
		fail 'more needless interrupts than interrupts'
}

debugfs_stats_count_a_cancelled_timer()
{
	arms=$(stat_of arms) expiries=$(stat_of expiries) cancels=$(stat_of cancels)
	printf '%s\n' 'after 1h a' 'after 1h b' 'cancel a' 'cancel b' >"$tmp/script"
	"$htw" run "$tmp/script" >/dev/null || fail "htw run: $?"
	same $((arms + 2)) "$(stat_of arms)" arms
	same $((cancels + 2)) "$(stat_of cancels)" cancels
	same "$expiries" "$(stat_of expiries)" expiries
}

debugfs_lateness_counts_each_expiry()
{
	before=$(lateness_sum)
	same "$(stat_of expiries)" "$before" 'the sum of the histogram'
	"$htw" sleep -q -n 20 1ms || fail "htw sleep: $?"
	same $((before + 20)) "$(lateness_sum)" 'the sum of the histogram'
	! grep -q early $debugfs/lateness || fail "$(cat $debugfs/lateness)"
	awk 'NR == 1 { exit !($0 == "cpu from_ns count") }' $debugfs/lateness ||
		fail "$(head -n 1 $debugfs/lateness)"
}

debugfs_bases_tell_the_next_event()
{
	same 0 "$(awk 'NR > 1 && $5 != "-"' $debugfs/bases | wc -l)" \
		'CPUs with a next event when nothing is pending'
	script_started 'after 1h a' 'after 2h b'
	now=$(cut -d . -f 1 /proc/uptime)
	same 2 "$(sum_over_cpus bases pending)" 'pending timers'
	same 0 "$(sum_over_cpus bases overflow)" 'timers in the overflow'
	same "$(grep -c ^processor /proc/cpuinfo)" "$(sum_over_cpus bases online)" 'CPUs online'
	next=$(awk 'NR > 1 && $5 != "-" && (!min || $5 < min) { min = $5 }
		    END { printf "%d\n", min / 1000000000 }' $debugfs/bases)
	if [ "$next" -le "$now" ] || [ "$next" -gt $((now + 3600)) ]; then
		fail "next event at $next s, it is $now"
	fi
	script_ended
}

debugfs_geometry_is_that_of_the_parameters()
{
	slots=$(awk 'NR > 1 { printf "%s%s", (NR > 2 ? "," : ""), $2 }' $debugfs/geometry)
	same "$(cat /sys/module/htw/parameters/slots)" "$slots" slots
	same "$(cat /sys/module/htw/parameters/tick_shift)" \
		"$(awk '$1 == "0" { print $3 }' $debugfs/geometry)" 'the tick'
	same 25 "$(awk '$1 == "1" { print $3 }' $debugfs/geometry)" 'the second level'
}

debugfs_can_be_read_while_timers_fire()
{
	script_started 'every 200us a' 'every 1ms b'
	n=0
	while [ $n -lt 15 ]; do
		cat $debugfs/stats $debugfs/lateness $debugfs/bases >"$tmp/files" ||
			fail 'a file could not be read'
		n=$((n + 1))
	done
	script_ended
	grep -q ' 0 early' "$tmp/out" || fail "$(tail -n 1 "$tmp/out")"
}

# fdinfo NAME: of the only context that $pid has.
fdinfo()
{
	cat /proc/"$pid"/fdinfo/* 2>/dev/null | sed -n "s/^htw-$1:[[:space:]]*//p"
}

fdinfo_tells_the_timers_of_a_file()
{
	script_started 'after 1h a' 'after 2h b' 'every 500ms c'
	# What nobody reads stays unread.
	kill -STOP "$pid"
	tries=50
	until [ "$(fdinfo unread)" = 1 ] || [ $tries = 0 ]; do
		tries=$((tries - 1))
		sleep 0.1
	done
	same 1 "$(fdinfo unread)" unread
	same 2 "$(fdinfo pending)" pending
	same 3 "$(fdinfo timers)" timers
	same monotonic "$(fdinfo clock)" clock
	same "$(cat /sys/module/htw/parameters/max_timers)" "$(fdinfo max-timers)" limit
	kill -CONT "$pid"
	script_ended
}

# Of a context with everything; what became of its timers is known when it tells.
fdinfo_counts_what_happened()
{
	printf '%s\n' 'many 30 1ms m' 'after 1ms kept keep' 'after 1h pushed word' 'after 1h a' \
		'rearm a 2h' 'wait 1s' 'after 0 begun' >"$tmp/script"
	: >"$tmp/out"
	"$htw" run --ring 16 --clock boottime "$tmp/script" >"$tmp/out" 2>&1 &
	pid=$!
	until grep -q ' begun  *fired ' "$tmp/out"; do
		kill -0 "$pid" 2>/dev/null || fail "it has ended: $(cat "$tmp/out")"
		sleep 0.1
	done
	same boottime "$(fdinfo clock)" clock
	same 3 "$(fdinfo timers)" timers
	same 2 "$(fdinfo pending)" pending
	same 0 "$(fdinfo unread)" unread
	same 1 "$(fdinfo kept)" kept
	same 16 "$(fdinfo ring)" 'entries of the ring'
	[ "$(fdinfo words)" -ge "$(fdinfo max-timers)" ] || fail "$(fdinfo words) words"
	same 35 "$(fdinfo armed)" armed
	same 32 "$(fdinfo expired)" expired
	same 32 "$(fdinfo delivered)" delivered
	same 0 "$(fdinfo pushed)" pushed
	[ "$(fdinfo lateness-max)" -gt 0 ] || fail 'nothing was late'
	script_ended
}

# trace DIR...: from now on only what is below these in events/htw is recorded.
trace()
{
	echo 0 >$tracefs/events/enable
	: >$tracefs/trace
	for dir; do
		echo 1 >$tracefs/events/htw/"$dir"/enable || fail "there is no $dir"
	done
	echo 1 >$tracefs/tracing_on
}

trace_ended()
{
	echo 0 >$tracefs/events/enable
	grep -v '^#' $tracefs/trace >"$tmp/trace"
}

# traced EVENT: how many of them.
traced()
{
	grep -c " htw_$1: " "$tmp/trace"
}

# field EVENT NAME: of the first of these events.
field()
{
	sed -n "s/.* htw_$1: .*\\b$2=\\([^ ]*\\).*/\\1/p" "$tmp/trace" | head -n 1
}

trace_one_timer_from_arming_to_its_event()
{
	trace .
	"$htw" sleep -q 5ms || fail "htw sleep: $?"
	trace_ended
	for event in arm expire_entry expire_exit event; do
		same 1 "$(traced $event)" "$event: $(cat "$tmp/trace")"
	done
	same 0 "$(traced cancel)" cancel
	timer=$(field arm timer)
	same "$timer" "$(field expire_entry timer)" 'the timer that expires'
	same "$timer" "$(field expire_exit timer)" 'the timer that has expired'
	same htw_event_expired "$(field arm function)" 'the function'
	same "$(field arm tick)" "$(field expire_entry tick)" 'the tick'
	same "$(field arm expires)" "$(field event expires)" 'the expiry'
	same 1 "$(field event expirations)" expirations
	[ "$(field expire_entry lateness)" -ge 0 ] || fail 'early'
	order=$(sed -n 's/.* htw_\([a-z_]*\): .*/\1/p' "$tmp/trace" | grep -v cascade | tr '\n' ' ')
	same 'arm expire_entry expire_exit event ' "$order" 'the order'
}

trace_tells_what_an_arming_did()
{
	printf '%s\n' 'after 1h a' 'rearm a 2h' 'rearm a 1m' 'cancel a' >"$tmp/script"
	trace .
	"$htw" run "$tmp/script" >/dev/null || fail "htw run: $?"
	trace_ended
	how=$(sed -n 's/.* htw_arm: .* how=//p' "$tmp/trace" | tr '\n' ' ')
	same 'new push move ' "$how" 'three armings'
	same 1 "$(traced cancel)" cancel
	same "$(field arm timer)" "$(field cancel timer)" 'the timer that was cancelled'
	same 0 "$(traced expire_entry)" expiries
}

trace_tells_of_cascades()
{
	before=$(stat_of cascade_moves)
	trace htw_cascade
	printf 'after %dms t%d\n' 300 1 301 2 303 3 307 4 313 5 >"$tmp/script"
	"$htw" run "$tmp/script" >/dev/null || fail "htw run: $?"
	trace_ended
	moves=$(sed -n 's/.* moves=\([0-9]*\) .*/\1/p' "$tmp/trace" |
		awk '{ sum += $1 } END { print sum + 0 }')
	[ "$moves" -gt 0 ] || fail 'no cascade'
	same $(($(stat_of cascade_moves) - before)) "$moves" moves
}

# In a process of its own, so that one that hangs is a failure and no more.
run_test()
{
	if timeout 60 env SEEING_TEST_TMP="$tmp" sh "$0" -x "$1"; then
		echo "ok $2 $1"
	else
		echo "not ok $2 $1"
		failed=$((failed + 1))
	fi
}

run_all()
{
	failed=0 number=0
	tmp=$(mktemp -d) || exit 1
	trap 'rm -rf "$tmp"' EXIT

	echo '# suite: seeing'
	echo 'KTAP version 1'
	echo "1..$#"
	for file in $debugfs/stats $tracefs/events/htw/enable; do
		[ -r "$file" ] && continue
		echo "Bail out! $file can't be read; be root, load htw, mount debugfs and tracefs"
		exit 1
	done
	for name; do
		number=$((number + 1))
		run_test "$name" $number
	done
	echo "# seeing: $failed of $# failed"
	[ $failed = 0 ]
}

usage()
{
	echo 'usage: seeing [-l | -t NAME]' >&2
	exit 2
}

case $1 in
'')
	# shellcheck disable=SC2086
	run_all $tests
	;;
-l)
	for name in $tests; do echo "seeing.$name"; done
	;;
-t)
	for name in $tests; do
		[ "${2#seeing.}" != "$name" ] || run_all "$name" || exit
		[ "${2#seeing.}" != "$name" ] || exit 0
	done
	usage
	;;
-x)
	tmp=$SEEING_TEST_TMP
	# What a failed test has left running would disturb the others.
	trap end_what_runs EXIT
	trap 'exit 1' TERM
	"$2"
	;;
*)
	usage
	;;
esac
