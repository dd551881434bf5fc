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

# What runs in the background.
pid=

tests='
help_names_all_subcommands
help_of_a_subcommand
version_is_printed
missing_subcommand_is_usage
unknown_subcommand_is_usage
unknown_option_is_usage
options_are_in_the_manual_page
full_output_is_failure
missing_node_is_explained
wrong_device_is_explained
device_option_beats_the_environment
info_tells_all
info_json_has_all_keys
info_counts_what_is_held
sleep_takes_durations
sleep_refuses_what_is_no_duration
sleep_refuses_a_bad_count
sleep_tells_how_late
sleep_is_never_early
sleep_repeats_with_a_summary
sleep_quiet_prints_nothing
sleep_json_is_objects
sleep_takes_clocks
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
run_virtual_tells_exactly_this
run_virtual_day_takes_no_time
run_virtual_ends_with_endless_timers
run_same_script_on_each_clock
run_batch_does_the_same
run_ring_does_the_same
run_small_ring_loses_nothing
run_ring_old_events_are_no_strays
run_wait_next_goes_on_at_an_event
run_wait_next_without_timers_fails
run_many_have_one_label
run_many_in_steps_of_the_largest_batch
run_push_puts_off
run_push_after_the_end_is_too_late
run_cancel_tag_and_all
run_keep_can_be_rearmed
run_rearmed_goes_on_to_count
run_deadline_fires_before
run_coarse_has_slack
run_skip_and_burst
run_clock_step_is_told
run_quiet_prints_the_summary
run_stats_are_the_kernels
run_refuses_bad_options
run_words_need_a_clock_that_is_not_set
run_refused_setup_is_explained
run_limits_are_explained
stat_shows_counters_and_lateness
stat_adds_up_cpus
stat_json_is_an_object
stat_interval_shows_differences
stat_explains_what_is_missing
stat_refuses_wrong_usage
stat_tells_of_a_process
stat_process_that_is_not_there
watch_prints_blocks
watch_json_is_objects
watch_counts_rates
watch_finds_open_files
watch_draws_and_q_quits
watch_follows_the_size
watch_signals_restore_the_terminal
watch_can_be_stopped
watch_explains_what_is_missing
watch_refuses_wrong_usage
bench_prints_a_table
bench_json_is_an_object
bench_leaves_out_what_can_not_be_had
bench_explains_the_limit
bench_refuses_wrong_usage
man_example_works
'

# There may be but one.
last_cpu=cpu$(($(grep -c '^processor' /proc/cpuinfo) - 1))

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

# want_json [-l]: the output is JSON; with -l, an object in each line.
want_json()
{
	printf '%s\n' "$out" | "$here/json_check" "$@" >"$tmp/json" 2>&1 ||
		fail "$(cat "$tmp/json")"
}

# started PATTERN [OPTION]...: run the script in the background until it prints that.
started()
{
	pattern=$1
	shift
	: >"$tmp/started"
	"$htw" run "$@" "$tmp/script" >"$tmp/started" 2>&1 &
	pid=$!
	until grep -q "$pattern" "$tmp/started"; do
		kill -0 $pid 2>/dev/null || fail "it has ended: $(cat "$tmp/started")"
		sleep 0.1
	done
}

ended()
{
	kill -"$1" "$pid"
	wait "$pid"
	pid=
}

end_what_runs()
{
	[ -n "$pid" ] || return
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
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
			'^  stat ' '^  watch ' '^  bench '
		want_empty "$err"
	done
}

help_of_a_subcommand()
{
	for command in info sleep run bench; do
		run $command --help
		want_status 0
		want "$out" "^usage: htw $command" "--device" "--json"
		run help $command
		want_status 0
		want "$out" "^usage: htw $command"
	done
	for command in stat watch; do
		run $command --help
		want_status 0
		want "$out" "^usage: htw $command" "--dir" "--json" "--interval"
	done
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
	for command in '' info sleep run stat watch bench; do
		run $command --bogus
		want_status 2
		want "$err" 'bogus' "Try"
		want_empty "$out"
	done
	run info something
	want_status 2
}

# part COMMAND: of the manual page, what is below its heading.
part()
{
	awk -v heading="htw $1" '$0 == heading { on = 1; next } on && /^htw [a-z]*$/ { exit }
		on && /^EXIT STATUS$/ { exit } on' "$here/htw.rst"
}

# Those of all subcommands are told once.
options_are_in_the_manual_page()
{
	for command in info sleep run stat watch bench; do
		run $command --help
		for option in $(printf '%s\n' "$out" | grep -o -e '--[a-z][a-z]*' | sort -u); do
			[ "$option" = --device ] && continue
			text=$(part $command)
			want "$text" "^\(-[a-z].*, \)*$option"
		done
		for option in $(part $command | grep -o -e '^--[a-z]*' -e '^-[a-z] .*, --[a-z]*' |
				grep -o -e '--[a-z]*'); do
			want "$out" "$option"
		done
	done
	want "$(cat "$here/htw.rst")" '^--device PATH' '^-h, --help' '^-V, --version'
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
	want "$out" '^features .*interval slack batch ring words eventfd stats' \
		'^opcodes .*arm rearm cancel remaining cancel_match advance' \
		'^timer flags .*abs deadline coarse keep skip burst word' \
		'^setup flags .*words clock_steps' \
		'^clocks .*realtime monotonic boottime tai virtual' \
		'^batches .*at most [1-9]' '^rings .*at most [1-9]' \
		' room for 0, at most [1-9][0-9]* per user, [1-9][0-9]* in all' '^tick .* [um]s' '^minimum gap .* [um]s' \
		'^minimum interval .* [um]s' '^timers .*0 held, at most [1-9]' \
		'max_timers = '
	want_empty "$err"
}

info_json_has_all_keys()
{
	run info --json
	want_status 0
	want_json
	want "$out" '^{$' '^}$' '"features": \["interval", "slack", "batch", ' \
		'"opcodes": \["arm", ' '"timer_flags": \["abs", "deadline", ' \
		'"setup_flags": \["words", "clock_steps"\]' \
		'"clocks": \["realtime", "monotonic", ' '"tick_ns": [1-9]' \
		'"user_timers": 0' '"max_user_timers": [1-9]' \
		'"max_total_timers": [1-9]' '"max_batch": [1-9]' '"max_ring": [1-9]' \
		'"min_gap_ns": [1-9]' '"min_interval_ns": [1-9]' \
		'"timers": 0' '"max_timers": [1-9]' \
		'"parameters": {.*"max_timers": "[1-9]'
}

# What another process of this user has room for, but not its timers.
info_counts_what_is_held()
{
	script 'after 0 begun' 'after 1h a'
	started ' begun  *fired '
	run info --json
	ended TERM
	want_status 0
	want "$out" '"timers": 0,' '"user_timers": [1-9]'
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
	want_json -l
	[ "$(count '^{"due": [0-9]*, "woke": [0-9]*, "early": false, .*}$')" = 3 ] ||
		fail "not 3 sleeps"
	want "$out" '^{"sleeps": 3, "early": 0, .*}$'
}

sleep_takes_clocks()
{
	for clock in monotonic boottime realtime tai; do
		run sleep --clock $clock 1ms
		want_status 0
		want "$out" '^late by '
		want_empty "$err"
	done
	run sleep -c virtual 1ms
	want_status 2
	want "$err" 'stands still'
	run sleep -c sundial 1ms
	want_status 2
	want "$err" "'sundial' is not a clock; allowed: monotonic, .*virtual"
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
	want_json -l
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
	mistake 'after 1ms a slak 1ms' "'slak' is not expected here; allowed: slack"
	mistake 'after 1ms a slack' "nothing is behind 'slack'; allowed: slack DURATION"
	mistake 'after 1ms a slack x' "'x' is not a duration"
	mistake 'after 1ms a slack 1ms x' "'x' is not expected here"
	mistake 'after 1ms a b c d e f g h i j k l m n o p' 'too many words'
	mistake 'after 1ms a tag' "nothing is behind 'tag'; allowed: tag N"
	mistake 'after 1ms a tag 0' "'0' is not a tag; allowed: 1 to 65535"
	mistake 'after 1ms a tag 65536' "'65536' is not a tag"
	mistake 'after 1ms a skip' "'skip' is for .every."
	mistake 'after 1ms a burst' "'burst' is for .every."
	mistake 'every 1ms x3 a skip burst' 'skip and burst contradict'
	mistake 'every 1ms x3 a word' "'word' is not for .every."
	mistake 'after 1ms a word deadline' 'word and deadline contradict'
	mistake 'many' 'too few words; allowed: many N'
	mistake 'many 0 1ms a' "'0' does not say how many; allowed: 1 to"
	mistake 'many x 1ms a' "'x' does not say how many"
	mistake 'many 3 x a' "'x' is not a duration"
	mistake 'many 3 1ms..x a' "'x' is not a duration"
	mistake 'many 3 2ms..1ms a' "'2ms..1ms' ends before it begins"
	mistake 'push used 1ms' "'used' has no deadline word; say .word. in line 1"
	mistake 'push nobody 1ms' "there is no timer 'nobody'"
	mistake 'push used' 'too few words; allowed: push LABEL DURATION'
	mistake 'cancel-tag' 'too few words; allowed: cancel-tag N'
	mistake 'cancel-tag x' "'x' is not a tag"
	mistake 'cancel-all x' 'too many words; allowed: cancel-all'
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
	script 'after 1h a tag 3' 'cancel-tag 3' 'cancel a' 'many 2 1h b' 'rearm b 1ms'
	run run "$tmp/script"
	want_status 2
	want "$err" ":3: 'a' was cancelled in line 2" ":5: 'b' is many timers; allowed: push"
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

run_virtual_tells_exactly_this()
{
	script 'after 5ms a' 'every 2ms x3 b' 'after 1h c' 'many 3 1ms..3ms m' 'wait 5ms' \
		'cancel c' 'after 1ms d'
	cat >"$tmp/wanted" <<-'END'
	     time ms  label                what              nr       due ms      late us
	       0.000  m                    armed            0/3
	       2.000  b                    fired            1/3        2.000          0.0
	       3.000  m                    fired            3/3        3.000          0.0
	       4.000  b                    fired            2/3        4.000          0.0
	       5.000  a                    fired              1        5.000          0.0
	       5.000  c                    cancelled          0
	       6.000  b                    fired            3/3        6.000          0.0
	       6.000  d                    fired              1        6.000          0.0
	8 fired, 1 cancelled, 0 withdrawn, 0 too late, 0 early; late: median 0 ns, max 0 ns
	END
	for round in 1 2 3; do
		run run --clock virtual --tick 1ns "$tmp/script"
		want_status 0
		want_empty "$err"
		[ "$out" = "$(cat "$tmp/wanted")" ] || fail "round $round is not what was wanted"
	done
}

run_virtual_day_takes_no_time()
{
	before=$(cut -d . -f 1 /proc/uptime)
	script 'every 1h x24 hour' 'after 300d far' 'wait 1d' 'rearm far 1m'
	run run -c virtual "$tmp/script"
	want_status 0
	want "$out" ' hour .*24/24 86400000.000 ' ' far  *fired .* 86460000.000 ' '^25 fired'
	[ $(($(cut -d . -f 1 /proc/uptime) - before)) -lt 50 ] || fail 'it has waited'
}

run_virtual_ends_with_endless_timers()
{
	script 'every 1s a' 'after 3s b'
	run run -c virtual --tick 1ns "$tmp/script"
	want_status 0
	want "$out" ' a  *fired .* 3000.000 ' '^4 fired, .*1 still pending'
}

# What is not about time is the same on all of them.
run_same_script_on_each_clock()
{
	script 'after 1ms a' 'every 1ms x3 b' 'after 1h c tag 2' 'wait 2ms' 'cancel-tag 2' \
		'after 2ms d keep slack 1ms' 'wait 200ms' 'rearm d 1ms'
	for clock in monotonic boottime realtime tai virtual; do
		run run --clock $clock "$tmp/script"
		want_status 0
		want_empty "$err"
		want "$out" '^6 fired, 1 cancelled, 0 withdrawn, 0 too late, 0 early'
	done
}

# same_as_without OPTION...: on the virtual clock, where all is told.
same_as_without()
{
	script 'after 5ms a' 'every 2ms x3 b burst' 'after 1h c tag 9' 'many 300 1ms..3ms m' \
		'after 1h d' 'rearm d 1ms' 'after 1h e' 'cancel e' 'after 9ms f word' 'wait 8ms' \
		'push f 9ms' 'cancel-tag 9' 'after 1ms g keep' 'wait next' 'rearm g 3ms' 'wait 4ms' \
		'cancel g'
	run run -c virtual "$tmp/script"
	want_status 0
	want "$out" ' m  *fired  *300/300 ' ' g  *dropped ' '^308 fired, 2 cancelled, .*, 1 pushed'
	# Who is armed together is told of when all are.
	without=$(printf '%s\n' "$out" | grep -v -e ' armed ' -e 're-armed')
	run run -c virtual "$@" "$tmp/script"
	want_status 0
	[ "$(printf '%s\n' "$out" | grep -v -e ' armed ' -e 're-armed')" = "$without" ] ||
		fail "with $*, it is not the same: $without"
}

run_batch_does_the_same()
{
	same_as_without --batch
}

run_ring_does_the_same()
{
	for entries in 1 4 1024; do
		same_as_without --ring $entries
	done
	same_as_without --ring 2 -b
}

run_small_ring_loses_nothing()
{
	script 'many 1000 1ms..30ms m' 'every 1ms x20 a' 'every 1ms x20 b burst'
	run run --ring 2 "$tmp/script"
	want_status 0
	want_empty "$err"
	want "$out" ' m  *fired  *1000/1000 ' '^1040 fired, .* 0 early'
}

# What is in the ring comes, whatever becomes of its timer: cancelled, re-armed, both.
run_ring_old_events_are_no_strays()
{
	i=0
	while [ $i -lt 60 ]; do
		echo "every 150us p$i tag 1"
		echo "after 0 k$i keep"
		echo "every 200us q$i"
		echo "rearm k$i 100us"
		echo "cancel q$i"
		i=$((i + 1))
	done >"$tmp/script"
	echo 'cancel-tag 1' >>"$tmp/script"
	for entries in 8 4096; do
		run run -q --ring $entries "$tmp/script"
		want_status 0
		want_empty "$err"
		want "$out" ' 0 early'
		! printf '%s\n' "$out" | grep -q STRAY || fail 'strays'
	done
}

run_wait_next_goes_on_at_an_event()
{
	script 'after 5ms a' 'after 1h b' 'wait next' 'after 5ms c' 'wait next' 'cancel b'
	run run -c virtual --tick 1ns "$tmp/script"
	want_status 0
	want "$out" ' c  *fired .* 10.000  *0.0' ' *10.000  b  *cancelled'
	run run "$tmp/script"
	want_status 0
	want "$out" '^2 fired, 1 cancelled, 0 withdrawn, 0 too late, 0 early'
}

run_wait_next_without_timers_fails()
{
	script 'after 1h a' 'cancel a' 'wait next'
	for clock in monotonic virtual; do
		run run -c $clock "$tmp/script"
		want_status 1
		want "$err" "^$tmp/script:3: wait next: no timer is pending"
	done
}

run_many_have_one_label()
{
	script 'many 500 1ms..20ms m' 'many 20 1h n' 'many 1 1ms one' 'wait 30ms' 'cancel n'
	run run "$tmp/script"
	want_status 0
	want "$out" ' m  *armed  *[0-9]*/500' ' m  *fired  *500/500 ' ' one  *fired  *1/1 ' \
		' n  *cancelled  *0/20' '^501 fired, 20 cancelled, 0 withdrawn, 0 too late, 0 early'
	[ "$(count ' m  *fired ')" = 1 ] || fail 'one line for all was expected'
}

# One more than fits into a call.
run_many_in_steps_of_the_largest_batch()
{
	[ -w $limit ] || skip "$limit can't be written"
	old=$(cat $limit)
	echo 100000 >$limit
	script 'many 70000 1m..2m m'
	run run -c virtual "$tmp/script"
	echo "$old" >$limit
	want_status 0
	want "$out" ' m  *fired  *70000/70000 ' '^70000 fired'
}

run_push_puts_off()
{
	script 'after 10ms a word' 'many 50 5ms..10ms m word' 'wait 2ms' 'push a 20ms' 'push m 1h' \
		'wait 9ms' 'push a 20ms' 'wait 100ms' 'cancel m'
	run run -c virtual --tick 1ns "$tmp/script"
	want_status 0
	want "$out" ' 31.000  a  *fired  *1  *31.000  *0.0$' ' m  *cancelled  *0/50' \
		'^1 fired, 50 cancelled, 0 withdrawn, 0 too late, 0 early, 52 pushed'
	# For real: not before the time to which it was put off.
	script 'after 1s a word' 'push a 1200ms'
	run run "$tmp/script"
	want_status 0
	want "$out" ' a  *fired  *1  *12[0-9][0-9]\.' ', 0 early, 1 pushed'
}

run_push_after_the_end_is_too_late()
{
	script 'after 1ms a word' 'wait 5ms' 'push a 1ms'
	run run -c virtual "$tmp/script"
	want_status 0
	want "$out" ' a  *too late ' '^1 fired, 0 cancelled, 0 withdrawn, 1 too late, 0 early;'
}

run_cancel_tag_and_all()
{
	script 'after 1h a tag 1' 'every 1h b tag 1' 'after 1h c tag 2' 'many 9 1h d tag 1' \
		'after 1h e' 'cancel-tag 1' 'wait 1ms' 'cancel-all'
	run run -c virtual "$tmp/script"
	want_status 0
	want "$out" '0.000  a  *cancelled' '0.000  b  *cancelled' '0.000  d  *cancelled  *0/9' \
		'1.000  c  *cancelled' '1.000  e  *cancelled' '^0 fired, 13 cancelled'
}

run_keep_can_be_rearmed()
{
	script 'after 1ms a keep' 'after 1ms b' 'wait 5ms' 'rearm a 1ms' 'rearm b 1ms' 'wait 5ms' \
		'cancel a' 'after 1ms a' 'wait 2ms' 'cancel a'
	run run -c virtual "$tmp/script"
	want_status 0
	want "$out" ' a  *re-armed' ' b  *too late' ' a  *dropped' ' a  *too late' \
		'^4 fired, 0 cancelled, 0 withdrawn, 2 too late'
}

run_rearmed_goes_on_to_count()
{
	script 'every 1ms x5 a' 'wait 2500us' 'rearm a 10ms' 'every 1ms x2 b keep' 'wait 20ms' \
		'rearm b 5ms'
	run run -c virtual --tick 1ns "$tmp/script"
	want_status 0
	want "$out" ' 14.500  a  *fired  *5/5 ' ' b  *fired  *2/2 ' '^9 fired'
}

run_deadline_fires_before()
{
	script 'after 100ms a deadline slack 60ms' 'after 50ms b deadline' 'after 0 c deadline'
	run run -c virtual "$tmp/script"
	want_status 0
	want "$out" ' a  *fired  *1  *100.000  *-[1-9]' ' b  *fired  *1  *50.000  *-[1-9]' \
		" c  *can't keep" ' 0 early'
	run run "$tmp/script"
	want_status 0
	want "$out" ' 0 early'
}

run_coarse_has_slack()
{
	script 'after 1s a' 'after 1s b coarse'
	run run -c virtual --tick 1ns "$tmp/script"
	want_status 0
	want "$out" ' 1000.000  a ' ' 1073.742  b '
}

# Events that nobody takes while the program is stopped.
run_skip_and_burst()
{
	script 'after 0 begun' 'every 20ms a' 'every 20ms s skip' 'every 20ms x8 b burst'
	started '"begun", "what": "fired"' --json
	kill -STOP $pid
	sleep 1
	kill -CONT $pid
	until grep -q '"b", "what": "fired", "nr": 8' "$tmp/started"; do
		kill -0 $pid 2>/dev/null || fail "it has ended: $(cat "$tmp/started")"
		sleep 0.1
	done
	ended INT
	out=$(cat "$tmp/started")
	for nr in 1 2 3 4 5 6 7 8; do
		want "$out" "\"label\": \"b\", \"what\": \"fired\", \"nr\": $nr, \"of\": 8"
	done
	a=$(printf '%s\n' "$out" | sed -n 's/.*"a", "what": "fired", "nr": \([0-9]*\).*/\1/p' | tail -n 1)
	s=$(printf '%s\n' "$out" | sed -n 's/.*"s", "what": "fired", "nr": \([0-9]*\).*/\1/p' | tail -n 1)
	[ "$((a - s))" -ge 20 ] || fail "of a $a, of s $s expiries"
}

run_clock_step_is_told()
{
	script 'after 0 begun' 'after 1h a' 'after 30h b'
	started ' begun  *fired ' -c realtime
	now=$(date +%s)
	date -s "@$((now + 7200))" >/dev/null || skip "the clock can't be set"
	until grep -q ' a  *fired ' "$tmp/started"; do
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	date -s "@$(($(date +%s) - 7200))" >/dev/null
	until [ "$(grep -c ' was set ' "$tmp/started")" -ge 2 ]; do
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	ended TERM
	out=$(cat "$tmp/started")
	want "$out" ' realtime  *was set ' ' a  *fired ' '^2 fired, .* 0 early, 1 still pending'
}

run_quiet_prints_the_summary()
{
	script 'after 1ms a' 'every 1ms x2 b'
	for option in -q --quiet; do
		run run $option "$tmp/script"
		want_status 0
		[ "$(count '')" = 1 ] || fail 'one line was expected'
		want "$out" '^3 fired'
	done
	run run -q --json "$tmp/script"
	[ "$(count '^{"fired": 3, ')" = 1 ] || fail 'one object was expected'
	want_json -l
}

run_stats_are_the_kernels()
{
	script 'every 1ms x3 a' 'after 5ms b' 'after 1h c' 'rearm c 2h' 'after 2ms d word' 'push d 4ms' \
		'wait 3ms' 'cancel c'
	run run -c virtual -q --stats "$tmp/script"
	want_status 0
	want "$out" '^kernel: armed  *4$' '^kernel: rearmed  *1$' '^kernel: cancelled  *1$' \
		'^kernel: withdrawn  *0$' '^kernel: expired  *5$' '^kernel: delivered  *5$' \
		'^kernel: pushed  *1$' '^kernel: stalls  *0$'
	run run -c virtual -q -s --json "$tmp/script"
	want_status 0
	want_json -l
	want "$out" '^{"kernel": {"armed": 4, .*}}$'
}

# refused TEXT OPTION...: as wrong usage, before anything is done.
refused()
{
	text=$1
	shift
	run "$@"
	want_status 2
	want_empty "$out"
	want "$err" "$text"
}

run_refuses_bad_options()
{
	script 'after 1ms a'
	refused "'sundial' is not a clock; allowed: monotonic" run -c sundial "$tmp/script"
	refused 'bad --ring; allowed: a power of two' run --ring 3 "$tmp/script"
	refused "'x' is not a count" run -r x "$tmp/script"
	refused 'bad --tick; allowed: a power of two' run -c virtual --tick 3ns "$tmp/script"
	refused "'x' is not a tick" run -c virtual --tick x "$tmp/script"
	refused '--tick is for --clock virtual' run --tick 1ns "$tmp/script"
}

run_words_need_a_clock_that_is_not_set()
{
	script 'after 1ms a' 'after 1ms b word'
	for clock in realtime tai; do
		refused "^$tmp/script:2: there are no deadline words on the clock $clock" \
			run -c $clock "$tmp/script"
	done
	run run -c boottime "$tmp/script"
	want_status 0
}

run_refused_setup_is_explained()
{
	script 'after 1ms a'
	run run --ring 2147483648 "$tmp/script"
	want_status 1
	want_empty "$out"
	want "$err" 'setup: Invalid argument' 'clock monotonic, a ring of 2147483648 events'
}

run_limits_are_explained()
{
	script 'many 100 1h a'
	user=/sys/module/htw/parameters/max_user_timers
	total=/sys/module/htw/parameters/max_total_timers
	[ -w $total ] || skip "$total can't be written"
	old=$(cat $total)
	echo 64 >$total
	run run "$tmp/script"
	echo "$old" >$total
	want_status 1
	want "$err" "^$tmp/script:1: arm: Too many open files in system" 'all users together'
	old=$(cat $user)
	echo 64 >$user
	# Root may have more: so it has to be somebody else.
	chmod 666 "$device" "$tmp/script"
	chmod 755 "$tmp"
	"$here/as_user" 1000 "$htw" run "$tmp/script" >"$tmp/out" 2>"$tmp/err"
	status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
	chmod 660 "$device"
	echo "$old" >$user
	want_status 1
	want "$err" "^$tmp/script:1: arm: Disk quota exceeded" 'this user has room for no more'
}

stat_shows_counters_and_lateness()
{
	"$htw" sleep -q 1ms
	run stat
	want_status 0
	want_empty "$err"
	want "$out" '^  *total  *cpu0' "^  *total .*$last_cpu" '^arms  *[1-9]' '^pushes  *[0-9]' \
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
	want_json -l
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
	for pid in 0 x -1 '' 99999999999999999999; do
		refused 'is not a process; allowed: its number' stat --pid "$pid"
	done
	refused '--pid shows what is there now' stat --pid 1 -i 1
	refused '--pid shows what is there now' stat --pid 1 --total
}

stat_tells_of_a_process()
{
	script 'after 0 begun' 'after 1h a word' 'after 1h b'
	started ' begun  *fired ' --ring 16
	run stat --pid $pid
	status_of_text=$status text=$out
	run stat --json -p $pid
	whose=$pid
	ended TERM
	want_status 0
	[ "$status_of_text" = 0 ] || fail "status $status_of_text"
	want "$text" "^process $whose, htw$" '^fd [0-9]' '^  clock  *monotonic$' '^  timers  *2$' \
		'^  pending  *2$' '^  unread  *0$' '^  armed  *3$' '^  ring  *16$'
	want_json -l
	want "$out" "^{\"pid\": $whose, \"comm\": \"htw\", \"contexts\": \[{\"fd\": " \
		'"clock": "monotonic"' '"timers": 2' '"expired": 1'
}

stat_process_that_is_not_there()
{
	run stat --pid 1
	want_status 1
	want "$err" 'process 1 has no open file of htw'
	sh -c : &
	wait $!
	run stat --pid $!
	want_status 1
	want "$err" "there is no process $!"
	script 'after 0 begun' 'after 1h a'
	started ' begun  *fired '
	"$here/as_user" 1000 "$htw" stat --pid $pid >"$tmp/out" 2>"$tmp/err"
	status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
	whose=$pid
	ended TERM
	want_status 1
	want_empty "$out"
	want "$err" "process $whose: Permission denied" "another user's: use sudo"
}

watch_prints_blocks()
{
	run watch -i 0.1 -n 3
	want_status 0
	want_empty "$err"
	[ "$(count '^per s ')" = 3 ] || fail 'not 3 blocks'
	want "$out" '^per s  *arm  *push  *re-arm  *cancel  *expire  *irq  *pending  *p50late ' \
		'^total ' '^cpu0 ' "^$last_cpu " '^  *pid  *process '
	# Nothing of what terminals are told.
	! printf '%s\n' "$out" | grep -q "$(printf '\033')" || fail 'an escape sequence'
}

watch_json_is_objects()
{
	run watch --json -i 0.1 -n 3
	want_status 0
	want_json -l
	[ "$(count '^{"interval": [1-9][0-9]*, "total": {"arms_per_s": .*"contexts": \[.*\]}$')" = 3 ] ||
		fail 'not 3 intervals'
}

# What the files say is divided by the time between two readings.
watch_counts_rates()
{
	tables 10 3 4
	mv "$tmp/dir/lateness" "$tmp/first"
	mkfifo "$tmp/dir/lateness"
	"$htw" watch --json -i 0.5 -n 1 --dir "$tmp/dir" >"$tmp/out" 2>"$tmp/err" &
	exec 4>"$tmp/dir/lateness"
	cat "$tmp/first" >&4
	rm "$tmp/dir/lateness"
	tables 1010 5 103
	exec 4>&-
	wait $!
	status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
	want_status 0
	want_json -l
	# From 65536 ns on, up to twice that.
	want "$out" '"cpus": {"0": {.*"late_p50": 131071, "late_p99": 131071, "late_max": 131071, "early": 0}, "1": {"arms_per_s": 0.0, ' \
		'"total": {.*"pending": 7, '
	ns=$(printf '%s\n' "$out" | sed 's/{"interval": \([0-9]*\),.*/\1/')
	# In tenths.
	rate=$(printf '%s\n' "$out" |
		sed 's/.*"total": {"arms_per_s": \([0-9]*\)\.\([0-9]\).*/\1\2/')
	counted=$(((rate * (ns / 1000) + 5000000) / 10000000))
	if [ $counted -lt 998 ] || [ $counted -gt 1002 ]; then
		fail "$counted were counted, not 1000"
	fi
}

watch_finds_open_files()
{
	script 'after 0 begun' 'after 1h a' 'after 1h b'
	started ' begun  *fired ' -b
	first=$pid
	script 'after 0 begun' 'many 40 1h a'
	started ' begun  *fired ' -c boottime
	run watch -i 0.1 -n 1
	text=$out
	run watch --json -i 0.1 -n 1 --top 1
	second=$pid
	ended TERM
	kill -TERM $first
	wait $first
	want_status 0
	want "$text" "^  *$first  *htw  *[0-9]*  *monotonic  *2  *2  *0  *0  *0$" \
		"^  *$second  *htw  *[0-9]*  *boottime  *40  *40  *0  *0  *0$"
	[ "$(printf '%s\n' "$text" | grep -n " $second " | cut -d : -f 1)" -lt \
	  "$(printf '%s\n' "$text" | grep -n " $first " | cut -d : -f 1)" ] ||
		fail "most timers were not first: $text"
	want_json -l
	want "$out" "\"contexts\": \[{\"pid\": $second, \"comm\": \"htw\", \"fd\": [0-9]*, \"clock\": \"boottime\", \"timers\": 40, [^{]*}\]}$"
}

# on_pty ARG...: htw on a terminal, see on_pty.c.
on_pty()
{
	if ! [ -e /dev/pts/ptmx ]; then
		mkdir -p /dev/pts
		mount -t devpts devpts /dev/pts || skip 'there are no terminals here'
	fi
	"$here/on_pty" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$? out=$(tr -d '\033\r' <"$tmp/out") err=$(cat "$tmp/err")
}

watch_draws_and_q_quits()
{
	on_pty 24x80 expect 'q quits' expect "$last_cpu" expect 'per s' keys q -- "$htw" watch -i 0.1
	want_status 0
	want_empty "$err"
	# The other screen, the cursor hidden; and back.
	want "$out" '^\[?1049h\[?25l\[H' '\[?25h\[?1049l' '^\[1mper s '
	on_pty 24x80 expect 'q quits' keys xyQ -- "$htw" watch -i 100
	want_status 0
	# It ends by itself too, and what it showed last stays.
	on_pty 24x80 -- "$htw" watch -i 0.1 -n 2
	want_status 0
	want "$out" '\[?1049lper s ' "^$last_cpu "
}

watch_follows_the_size()
{
	on_pty 24x80 expect 'p50late' resize 4x20 expect 'q' keys q -- "$htw" watch -i 0.2
	want_status 0
	on_pty 4x20 expect 'per s    arm   push ' expect 'total' keys q -- "$htw" watch -i 0.1
	want_status 0
	# Four lines of twenty columns, before it leaves.
	drawn=$(printf '%s\n' "$out" | sed '/1049l/{s/1049l.*//;q}')
	! printf '%s\n' "$drawn" | grep -q -e 'cpu0' -e 're-arm' || fail 'it was not cut off'
}

watch_signals_restore_the_terminal()
{
	for signal in 1 2 3 15; do
		on_pty 24x80 expect "$last_cpu" signal $signal -- "$htw" watch -i 0.1
		want_status 0
		want_empty "$err"
		want "$out" '\[?25h\[?1049l'
	done
	on_pty 24x80 expect "$last_cpu" keys "$(printf '\003')" -- "$htw" watch -i 0.1
	want_status 0
	# Without a terminal it just ends.
	"$htw" watch -i 0.1 >"$tmp/out" 2>"$tmp/err" &
	until grep -q "^$last_cpu" "$tmp/out"; do
		kill -0 $! 2>/dev/null || fail "it has ended"
		sleep 0.1
	done
	kill -INT $!
	wait $!
	status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
	want_status 0
	want_empty "$err"
}

watch_can_be_stopped()
{
	on_pty 24x80 expect "$last_cpu" keys "$(printf '\032')" expect 1049l signal 18 expect 1049h \
		expect "$last_cpu" keys q -- "$htw" watch -i 0.1
	want_status 0
	want_empty "$err"
}

watch_explains_what_is_missing()
{
	run watch --dir "$tmp/nothing"
	want_status 1
	want_empty "$out"
	want "$err" "htw watch: $tmp/nothing/stats: No such file"
	on_pty 24x80 -- "$htw" watch --dir "$tmp/nothing"
	want_status 1
	! printf '%s\n' "$out" | grep -q '1049h' || fail 'it has taken the screen'
}

watch_refuses_wrong_usage()
{
	for interval in 0 x -1 ''; do
		refused 'is not an interval' watch -i "$interval"
	done
	refused 'is not a count' watch -n 0
	refused 'is not a count' watch --top x
	refused 'takes no argument' watch something
}

bench_prints_a_table()
{
	run bench --quick
	want_status 0
	want_empty "$err"
	want "$out" '^1000 timers, median of 3 runs, ns per timer' \
		'^  *htw  *timerfd  *posix  *io_uring'
	for row in 'arm ' 'arm, batches' 're-arm ' 're-arm, batches' 'push out' 'cancel ' \
		   'cancel, batches' 'expire, collect'; do
		want "$out" "^$row  *[0-9.]*  *[0-9.]* ([0-9.]*)  *[0-9.]* ([0-9.]*)  *[0-9.]* ([0-9.]*)$"
	done
}

bench_json_is_an_object()
{
	run bench --json --timers 300 --runs 2
	want_status 0
	want_empty "$err"
	want_json -l
	want "$out" '^{"timers": 300, "runs": 2, "batch": 256, "unit": "ns", "htw": {"arm": [1-9]' \
		'"timerfd": {"arm": [0-9.]*, "rearm": [0-9.]*, "cancel": [0-9.]*, "expire": [0-9.]*}' \
		'"ratios": {"timerfd": {"arm": [0-9.]*, "arm_batch": ' '"push": [0-9]'
	run bench --timers 1 --runs 1
	want_status 0
	# A progress bar is for who looks.
	on_pty 24x80 -- "$htw" bench --timers 10 --runs 1
	want_status 0
	want "$out" '\[###.*4/4'
}

# Somebody who may have 40 open files, and no more than 5 pending signals.
bench_as_poor()
{
	chmod 666 "$device"
	# shellcheck disable=SC3045
	(ulimit -n 40 && ulimit -i 5 && "$here/as_user" 1000 "$htw" bench --timers 100 --runs 1 "$@") \
		>"$tmp/out" 2>"$tmp/err"
	status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
	chmod 660 "$device"
}

bench_leaves_out_what_can_not_be_had()
{
	bench_as_poor
	want_status 0
	want_empty "$err"
	want "$out" '^timerfd is left out: .*RLIMIT_NOFILE' \
		'^posix is left out: .*RLIMIT_SIGPENDING' '^arm  *[0-9.]*  *-  *-'
	bench_as_poor --json
	want_status 0
	want_json -l
	want "$out" '"timerfd": {"skipped": ".*RLIMIT_NOFILE.*"}, "posix": {"skipped": '

	# Where it can be forbidden.
	disabled=/proc/sys/kernel/io_uring_disabled
	[ -w $disabled ] || return 0
	echo 2 >$disabled
	run bench --timers 10 --runs 1
	echo 0 >$disabled
	want_status 0
	want "$out" '^io_uring is left out: .*Operation not permitted'
}

bench_explains_the_limit()
{
	run bench --timers 1000000 --runs 1
	want_status 1
	want_empty "$out"
	want "$err" 'htw bench: 1000000 timers, but a file may have .*max_timers'
	run --device "$tmp/nothing" bench --quick
	want_status 1
	want "$err" "$tmp/nothing" 'module is loaded'
}

bench_refuses_wrong_usage()
{
	refused 'is not a count' bench --timers 0
	refused 'is too many; allowed: up to 1000000' bench --timers 1000001
	refused 'is too many; allowed: up to 100' bench --runs 101
	refused 'takes no argument' bench something
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
	# What a failed test has left running would disturb the others.
	trap end_what_runs EXIT
	trap 'exit 1' TERM
	"$2"
	;;
*)
	usage
	;;
esac
