#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# usage: cli [-l | -t NAME]
#
# Tests of the program htw, on the device. Prints KTAP. -l lists the tests, -t
# runs one of them. Any POSIX shell will do, busybox's too.
#
# HTW_TOOL is the program (htw in $PATH), HTW_DEVICE the device (/dev/htw).

htw=${HTW_TOOL:-htw}
device=${HTW_DEVICE:-/dev/htw}
limit=/sys/module/htw/parameters/max_timers
here=$(dirname "$0")

tests='
help_names_all_subcommands
help_of_a_subcommand
version_is_printed
missing_subcommand_is_usage
unknown_subcommand_is_usage
unknown_option_is_usage
full_output_is_failure
missing_node_is_explained
wrong_device_is_explained
device_option_beats_the_environment
info_tells_all
info_json_has_all_keys
sleep_takes_durations
sleep_refuses_what_is_no_duration
sleep_refuses_a_bad_count
sleep_tells_how_late
sleep_is_never_early
sleep_repeats_with_a_summary
sleep_quiet_prints_nothing
sleep_json_is_objects
run_does_the_script
run_reads_standard_input
run_counts_a_periodic_timer
run_rearm_pushes_out
run_waits_between_lines
run_json_is_objects
run_many_timers
run_takes_two_expiries_in_one_read
run_names_file_and_line_of_each_mistake
run_mistake_in_the_last_line_arms_nothing
run_label_can_be_given_again_when_ended
run_label_in_use_is_refused
run_interval_below_the_minimum_is_refused
run_more_timers_than_allowed_fails
run_endless_ends_by_sigint
run_interrupted_before_the_end_fails
run_empty_script_is_done
run_missing_file_is_usage
stat_shows_counters_and_lateness
stat_adds_up_cpus
stat_json_is_an_object
stat_interval_shows_differences
stat_explains_what_is_missing
stat_refuses_wrong_usage
man_example_works
'

# run ARG...: htw, with its exit status in $status, its output in $out and $err.
run()
{
	"$htw" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
}

fail()
{
	echo "# $*"
	echo "# status $status"
	[ -z "$out" ] || printf '%s\n' "$out" | tail -n 20 | sed 's/^/# out: /'
	[ -z "$err" ] || printf '%s\n' "$err" | tail -n 20 | sed 's/^/# err: /'
	exit 1
}

want_status()
{
	[ "$status" = "$1" ] || fail "exit status $1 was expected"
}

# want TEXT PATTERN...: each is to be found in it, as grep finds it.
want()
{
	text=$1
	shift
	for pattern; do
		printf '%s\n' "$text" | grep -q -e "$pattern" ||
			fail "not there: $pattern"
	done
}

want_empty()
{
	[ -z "$1" ] || fail "no output was expected"
}

# script LINE...: what to run next.
script()
{
	printf '%s\n' "$@" >"$tmp/script"
}

count()
{
	printf '%s\n' "$out" | grep -c -e "$1"
}

help_names_all_subcommands()
{
	for option in help --help -h; do
		run $option
		want_status 0
		want "$out" '^usage: htw' '^  info ' '^  sleep ' '^  run ' \
			'^  stat '
		want_empty "$err"
	done
}

help_of_a_subcommand()
{
	for command in info sleep run; do
		run $command --help
		want_status 0
		want "$out" "^usage: htw $command" "--device" "--json"
		run help $command
		want_status 0
		want "$out" "^usage: htw $command"
	done
	run stat --help
	want_status 0
	want "$out" "^usage: htw stat" "--dir" "--json" "--interval"
}

version_is_printed()
{
	run --version
	want_status 0
	want "$out" '^htw [0-9]'
}

missing_subcommand_is_usage()
{
	run
	want_status 2
	want_empty "$out"
	want "$err" 'subcommand'
}

unknown_subcommand_is_usage()
{
	run slep 1
	want_status 2
	want_empty "$out"
	want "$err" "'slep'" 'info' 'sleep' 'run'
}

unknown_option_is_usage()
{
	for command in '' info sleep run stat; do
		run $command --bogus
		want_status 2
		want "$err" 'bogus' "Try"
		want_empty "$out"
	done
	run info something
	want_status 2
}

full_output_is_failure()
{
	"$htw" info >/dev/full 2>"$tmp/err"
	status=$? out='' err=$(cat "$tmp/err")
	want_status 1
	want "$err" 'stdout'
}

missing_node_is_explained()
{
	for command in info 'sleep 1ms'; do
		# shellcheck disable=SC2086
		run --device "$tmp/nothing" $command
		want_status 1
		want_empty "$out"
		want "$err" "$tmp/nothing" 'module is loaded' '/dev/htw'
	done
}

wrong_device_is_explained()
{
	run --device /dev/null info
	want_status 1
	want "$err" '/dev/null' 'not an htw device'
}

device_option_beats_the_environment()
{
	HTW_DEVICE=$tmp/nothing run info
	want_status 1
	HTW_DEVICE=$tmp/nothing run --device "$device" info
	want_status 0
	HTW_DEVICE=$tmp/nothing run info --device "$device"
	want_status 0
}

info_tells_all()
{
	run info
	want_status 0
	want "$out" '^features .*interval slack' \
		'^opcodes .*arm rearm cancel remaining' '^timer flags .*abs' \
		'^clocks .*monotonic' '^tick .* [um]s' '^minimum gap .* [um]s' \
		'^minimum interval .* [um]s' '^timers .*0 held, at most [1-9]' \
		'max_timers = '
	want_empty "$err"
}

info_json_has_all_keys()
{
	run info --json
	want_status 0
	want "$out" '^{$' '^}$' '"features": \["interval", "slack"\]' \
		'"opcodes": \["arm", ' '"timer_flags": \["abs"\]' \
		'"clocks": \["monotonic"\]' '"tick_ns": [1-9]' \
		'"min_gap_ns": [1-9]' '"min_interval_ns": [1-9]' \
		'"timers": 0' '"max_timers": [1-9]' \
		'"parameters": {.*"max_timers": "[1-9]'
}

sleep_takes_durations()
{
	for duration in 1ns 1us 1ms .001 0.001s 1.5ms 0 0s 0.00001m 0.000001h \
			0.00000001d 1000ns 5.ms; do
		run sleep "$duration"
		want_status 0
		want "$out" '^late by '
	done
	run sleep 1ms 500us 2500ns
	want_status 0
}

sleep_refuses_what_is_no_duration()
{
	for duration in x 1x ms . .ms 1.5.5s 1e3 0x10 ' 1' '1 ms' '' 1S \
			9223372037s 99999999999999999999 300000d 200000000h; do
		run sleep "$duration"
		want_status 2
		want_empty "$out"
		want "$err" 'is not a duration; allowed: .*1.5ms'
	done
	run sleep -1
	want_status 2
	run sleep 9000000000 9000000000
	want_status 2
	want "$err" 'longest'
	run sleep
	want_status 2
}

sleep_refuses_a_bad_count()
{
	for count in 0 -1 x 1x '' 99999999999999999999; do
		run sleep -n "$count" 1ms
		want_status 2
		want "$err" 'is not a count'
	done
}

sleep_tells_how_late()
{
	run sleep 10ms
	want_status 0
	want "$out" '^late by [0-9.]* [num]*s (kernel: [0-9.]* [num]*s)$'
	want_empty "$err"
}

# By the clock of the kernel, which has hundredths of a second.
sleep_is_never_early()
{
	before=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
	run sleep 0.1 100ms
	after=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
	want_status 0
	[ $((after - before)) -ge 19 ] || fail "from $before to $after"
}

sleep_repeats_with_a_summary()
{
	run sleep -n 5 1ms
	want_status 0
	[ "$(count '^late by')" = 5 ] || fail "not 5 sleeps"
	want "$out" '^5 sleeps, 0 early' '^kernel_late  *min .* median .* max' \
		'^total_late  *min .* median .* max'
}

sleep_quiet_prints_nothing()
{
	run sleep -q -n 3 1ms
	want_status 0
	want_empty "$out"
	want_empty "$err"
}

sleep_json_is_objects()
{
	run sleep --json -n 3 1ms
	want_status 0
	[ "$(count '^{"due": [0-9]*, "woke": [0-9]*, "early": false, .*}$')" = 3 ] ||
		fail "not 3 sleeps"
	want "$out" '^{"sleeps": 3, "early": 0, .*}$'
}

run_does_the_script()
{
	script '# a comment' '' 'after 1ms a   # another' 'after 1h b' \
		'	every 1ms x3 c slack 1ms' 'cancel b' 'wait 700ms' 'cancel a'
	run run "$tmp/script"
	want_status 0
	want_empty "$err"
	want "$out" ' a  *fired ' ' b  *cancelled ' ' c  *fired .*3/3 ' \
		' a  *too late ' \
		'^4 fired, 1 cancelled, 0 withdrawn, 1 too late, 0 early; late: median .*, max '
}

run_reads_standard_input()
{
	echo 'after 1ms a' | "$htw" run - >"$tmp/out" 2>"$tmp/err"
	status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
	want_status 0
	want "$out" '^1 fired, 0 cancelled'
	echo 'foo' | "$htw" run - >"$tmp/out" 2>"$tmp/err"
	status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
	want_status 2
	want "$err" '^<stdin>:1: '
}

run_counts_a_periodic_timer()
{
	script 'every 1ms x200 t'
	run run "$tmp/script"
	want_status 0
	want "$out" ' 200/200 ' '^200 fired, '
}

run_rearm_pushes_out()
{
	script 'after 1h a' 'after 1h b' 'rearm a 5ms' 'rearm b 2h' 'cancel b'
	run run "$tmp/script"
	want_status 0
	want "$out" ' a  *re-armed ' ' a  *fired .* 5\.000 ' ' b  *cancelled ' \
		'^1 fired, 1 cancelled'
}

run_waits_between_lines()
{
	script 'wait 30ms' 'after 1ms a' 'wait 20ms'
	run run --json "$tmp/script"
	want_status 0
	due=$(printf '%s\n' "$out" | sed -n 's/.*"due": \([0-9]*\),.*/\1/p')
	[ "$due" -ge 31000000 ] || fail "due at $due"
}

run_json_is_objects()
{
	script 'after 1ms a' 'every 1ms x2 b' 'after 1h c' 'cancel c'
	run run --json "$tmp/script"
	want_status 0
	[ "$(count -v '^{".*}$')" = 0 ] || fail "a line is no object"
	want "$out" '"label": "a", "what": "fired", "nr": 1, "due": 1000000, "late": [0-9]*}' \
		'"label": "b", "what": "fired", "nr": 2, "of": 2, ' \
		'"label": "c", "what": "cancelled", "nr": 0}' \
		'^{"fired": 3, "cancelled": 1, "withdrawn": 0, "too_late": 0, "early": 0, .*"pending": 0, '
}

run_many_timers()
{
	i=0
	while [ $i -lt 500 ]; do
		echo "every 3ms x4 t$i"
		echo "after 1h long$i"
		echo "cancel long$i"
		i=$((i + 1))
	done >"$tmp/script"
	run run "$tmp/script"
	want_status 0
	want "$out" '^2000 fired, 500 cancelled, 0 withdrawn, 0 too late, 0 early'
}

# So short that they expire again while one read(2) takes the others' events.
run_takes_two_expiries_in_one_read()
{
	i=0
	while [ $i -lt 60 ]; do
		echo "every 140us x3 t$i"
		i=$((i + 1))
	done >"$tmp/script"
	run run "$tmp/script"
	want_status 0
	want "$out" '^180 fired, 0 cancelled, 0 withdrawn, 0 too late, 0 early'
}

# mistake LINE MESSAGE: the second line of a script, and what is said about it.
mistake()
{
	script 'after 1ms used' "$1" 'after 1ms other'
	run run "$tmp/script"
	want_status 2
	want_empty "$out"
	want "$err" "^$tmp/script:2: .*$2"
}

run_names_file_and_line_of_each_mistake()
{
	mistake 'foo' "'foo' is not known; allowed: after, every"
	mistake 'after' 'too few words; allowed: after DURATION LABEL'
	mistake 'after 1ms' 'too few words'
	mistake 'after x a' "'x' is not a duration; allowed: .*1.5ms"
	mistake 'after 1ms a@b' "'a@b' is not a label; allowed: 1 to 31 letters"
	mistake 'after 1ms abcdefghijklmnopqrstuvwxyz012345' 'is not a label'
	mistake 'after 1ms a slak 1ms' "'slak' is not expected here; allowed"
	mistake 'after 1ms a slack' 'slack DURATION'
	mistake 'after 1ms a slack x' "'x' is not a duration"
	mistake 'after 1ms a slack 1ms x' 'too many words'
	mistake 'every 0 a' 'interval of 0'
	mistake 'every 1ms x0 a' "'x0' does not say how often; allowed: x1 to"
	mistake 'every 1ms xy a' "'xy' does not say how often"
	mistake 'cancel nobody' "there is no timer 'nobody' before"
	mistake 'cancel other' "there is no timer 'other' before"
	mistake 'cancel' 'too few words; allowed: cancel LABEL'
	mistake 'rearm nobody 1ms' "there is no timer 'nobody'"
	mistake 'rearm used' 'too few words; allowed: rearm LABEL DURATION'
	mistake 'rearm used x' "'x' is not a duration"
	mistake 'wait' 'too few words; allowed: wait DURATION'
	mistake 'wait x' "'x' is not a duration"
	mistake 'after 1ms used' "'used' is taken by the timer of line 1"
	script 'after 1h a' 'cancel a' 'cancel a' 'rearm a 1ms' 'foo'
	run run "$tmp/script"
	want_status 2
	want "$err" ":3: 'a' was cancelled in line 2" ":4: 'a' was cancelled" \
		":5: 'foo'"
}

run_mistake_in_the_last_line_arms_nothing()
{
	script 'after 0 a' 'wait 1h' 'foo'
	run run "$tmp/script"
	want_status 2
	want_empty "$out"
}

run_label_can_be_given_again_when_ended()
{
	script 'after 1ms a' 'wait 2ms' 'after 1ms a' 'wait 2ms' \
		'every 1ms x3 a' 'wait 4ms' 'after 1h a' 'cancel a' 'after 1ms a'
	run run "$tmp/script"
	want_status 0
	want "$out" '^6 fired, 1 cancelled, 0 withdrawn, 0 too late'
}

run_label_in_use_is_refused()
{
	for line in 'after 2ms a' 'after 1ms a slack 1ms' 'every 1ms x2 a' \
		    'every 1us a'; do
		script "$line" 'wait 2ms' 'after 1ms a'
		run run "$tmp/script"
		want_status 2
		want "$err" ":3: 'a' is taken by the timer of line 1"
	done
}

run_interval_below_the_minimum_is_refused()
{
	script 'after 0 a' 'every 1ns fast'
	run run "$tmp/script"
	want_status 2
	want_empty "$out"
	want "$err" "^$tmp/script:2: the interval is too short; allowed"
}

run_more_timers_than_allowed_fails()
{
	[ -w $limit ] || skip "$limit can't be written"
	old=$(cat $limit)
	echo 3 >$limit
	script 'after 1h a' 'after 1h b' 'after 1h c' 'after 1h d'
	run run "$tmp/script"
	echo "$old" >$limit
	want_status 1
	want "$err" "^$tmp/script:4: arm: No space" 'limit'
}

# interrupt SIGNAL: run the script, and send it that when it has begun.
interrupt()
{
	# What an earlier call left there must not be taken for this one's.
	: >"$tmp/out"
	"$htw" run "$tmp/script" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	until grep -q ' fired ' "$tmp/out"; do
		kill -0 $pid || fail "it has ended"
		sleep 0.1
	done
	kill -"$1" $pid
	wait $pid
	status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
}

run_endless_ends_by_sigint()
{
	script 'every 50ms endless'
	for signal in INT TERM; do
		interrupt $signal
		want_status 0
		want "$out" '^[1-9][0-9]* fired, .*1 still pending; late: '
	done
}

run_interrupted_before_the_end_fails()
{
	script 'every 50ms endless' 'after 1h never'
	interrupt TERM
	want_status 1
	want "$out" '2 still pending'
}

run_empty_script_is_done()
{
	script '# nothing'
	run run "$tmp/script"
	want_status 0
	want "$out" '^0 fired'
}

run_missing_file_is_usage()
{
	run run "$tmp/nothing"
	want_status 2
	want "$err" "$tmp/nothing: No such file"
	run run
	want_status 2
	run run a b
	want_status 2
}

stat_shows_counters_and_lateness()
{
	"$htw" sleep -q 1ms
	run stat
	want_status 0
	want_empty "$err"
	want "$out" '^  *total  *cpu0  *cpu1' '^arms  *[1-9]' '^pushes  *[0-9]' \
		'^rearms ' '^cancels ' '^expiries  *[1-9]' '^cascade_moves ' \
		'^migrations ' '^interrupts  *[1-9]' '^needless ' '^kicks ' \
		'^longest_hold  *[1-9]' '^pending ' '^overflow  *0' '^late .*[um]s '
	[ "$(count EARLY)" = 0 ] || fail "a timer fired early"
	run stat --total
	want_status 0
	want "$out" '^  *total$' '^arms  *[1-9][0-9]*$'
}

# tables ARMS HOLD LATE: of two CPUs, of which the first has these.
tables()
{
	mkdir -p "$tmp/dir"
	printf '%s\n' 'cpu arms longest_hold new' "0 $1 $2 0" '1 20 30 1' >"$tmp/dir/stats"
	printf '%s\n' 'cpu online pending overflow next_ns armed_ns' \
		'0 1 3 1 - -' '1 1 4 0 77 88' >"$tmp/dir/bases"
	printf '%s\n' 'cpu from_ns count' "0 65536 $3" '1 0 5' '1 65536 6' >"$tmp/dir/lateness"
}

stat_adds_up_cpus()
{
	tables 10 64 4
	run stat --dir "$tmp/dir"
	want_status 0
	want "$out" '^arms  *30  *10  *20$' '^longest_hold  *64  *64  *30$' \
		'^new  *1  *0  *1$' '^pending  *7  *3  *4$' \
		'^overflow  *1  *1  *0$' '^late 0 ns  *5  *0  *5$' \
		'^late 65.536 us  *10  *4  *6$'
	[ "$(count EARLY)" = 0 ] || fail 'none was early'
	echo '0 early 1' >>"$tmp/dir/lateness"
	run stat --dir "$tmp/dir"
	want "$out" '^EARLY  *1  *1  *0$'
}

stat_json_is_an_object()
{
	tables 10 64 4
	run stat --json --dir "$tmp/dir"
	want_status 0
	want "$out" '^{"interval": 0, "total": {"arms": 30, "longest_hold": 64, "new": 1, "pending": 7, "overflow": 1, "early": 0, "lateness": {"0": 5, "65536": 10}}, "cpus": {"0": {"arms": 10, .*}, "1": {"arms": 20, .*"lateness": {"0": 5, "65536": 6}}}}$'
	run stat --json --total
	want_status 0
	want "$out" '^{"interval": 0, "total": {.*"expiries": [1-9].*}, "cpus": {}}$'
}

stat_interval_shows_differences()
{
	tables 10 3 4
	mv "$tmp/dir/lateness" "$tmp/first"
	mkfifo "$tmp/dir/lateness"
	"$htw" stat -i 0.5 -n 1 --dir "$tmp/dir" >"$tmp/out" 2>"$tmp/err" &
	# The last file of the first reading ends when we let it.
	exec 4>"$tmp/dir/lateness"
	cat "$tmp/first" >&4
	rm "$tmp/dir/lateness"
	tables 17 5 9
	exec 4>&-
	wait $!
	status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
	want_status 0
	want "$out" '^arms  *7  *7  *0$' '^longest_hold  *30  *5  *30$' \
		'^new  *0 ' '^pending  *7  *3  *4$' '^late 65.536 us  *5  *5  *0$'
	[ "$(count 'late 0 ns')" = 0 ] || fail 'nothing changed there'
	run stat -i 0.1 -n 3 --json
	want_status 0
	[ "$(count '^{"interval": 100000000, ')" = 3 ] || fail 'not 3 intervals'
}

stat_explains_what_is_missing()
{
	run stat --dir "$tmp/nothing"
	want_status 1
	want_empty "$out"
	want "$err" "$tmp/nothing/stats: No such file"

	umount /sys/kernel/debug || skip 'debugfs is in use'
	run stat
	mount -t debugfs debugfs /sys/kernel/debug
	want_status 1
	want "$err" 'debugfs is not mounted' 'mount -t debugfs'

	mkdir -p "$tmp/dir"
	echo 'something else' >"$tmp/dir/stats"
	echo 'x' >>"$tmp/dir/stats"
	run stat --dir "$tmp/dir"
	want_status 1
	want "$err" "$tmp/dir/stats is not a table"
}

stat_refuses_wrong_usage()
{
	for interval in 0 x -1 ''; do
		run stat -i "$interval"
		want_status 2
		want "$err" 'is not an interval'
	done
	run stat -i 1 -n 0
	want_status 2
	want "$err" 'is not a count'
	run stat -n 3
	want_status 2
	want "$err" 'give -i too'
	run stat something
	want_status 2
	want_empty "$out"
}

man_example_works()
{
	"$here/pages/htw.4" >"$tmp/out" 2>"$tmp/err"
	status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
	want_status 0
	want "$out" '^timer 1: [1-9]' '^timer 2: 1$'
}

skip()
{
	echo "$*" >"$tmp/skip"
	exit 0
}

# In a process of its own, so that one that hangs is a failure and no more.
run_test()
{
	rm -f "$tmp/skip"
	if ! CLI_TEST_TMP=$tmp timeout 60 sh "$0" -x "$1"; then
		echo "not ok $2 $1"
		failed=$((failed + 1))
	elif [ -e "$tmp/skip" ]; then
		echo "ok $2 $1 # SKIP $(cat "$tmp/skip")"
	else
		echo "ok $2 $1"
	fi
}

run_all()
{
	failed=0 number=0
	tmp=$(mktemp -d) || exit 1
	trap 'rm -rf "$tmp"' EXIT

	echo '# suite: cli'
	echo 'KTAP version 1'
	echo "1..$#"
	if ! [ -r "$device" ] || ! [ -w "$device" ]; then
		echo "Bail out! $device can't be used; load the module htw"
		exit 1
	fi
	for name; do
		number=$((number + 1))
		run_test "$name" $number
	done
	echo "# cli: $failed of $# failed"
	[ $failed = 0 ]
}

usage()
{
	echo 'usage: cli [-l | -t NAME]' >&2
	exit 2
}

case $1 in
'')
	# shellcheck disable=SC2086
	run_all $tests
	;;
-l)
	for name in $tests; do echo "cli.$name"; done
	;;
-t)
	for name in $tests; do
		[ "${2#cli.}" != "$name" ] || run_all "$name" || exit
		[ "${2#cli.}" != "$name" ] || exit 0
	done
	usage
	;;
-x)
	tmp=$CLI_TEST_TMP
	"$2"
	;;
*)
	usage
	;;
esac
