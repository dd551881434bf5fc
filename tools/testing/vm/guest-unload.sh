# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Modules that unload and leave timers behind: they are cancelled, and the log says
# whose they were. Expects htw.ko to be loaded, and leaves it so. What is expected is
# taken out of the log, as the guest's verdict looks at it.
# shellcheck disable=SC1091
. /ktap.sh

# left CRIME TEXT...: unloads, and each TEXT is in the log, and no callback was called.
left()
{
	crime=$1
	shift
	dmesg -c >/tmp/before.log
	insmod /htw_misuse.ko crime="$crime" 2>/tmp/insmod.log && rmmod htw_misuse
	dmesg -c >/tmp/crime.log
	ret=0
	for text; do
		grep -q "$text" /tmp/crime.log || { echo "no: $text"; ret=1; }
	done
	! grep -E 'must not be called|BUG: |WARNING: |KASAN: ' /tmp/crime.log || ret=1
	[ $ret = 0 ] || cat /tmp/insmod.log /tmp/crime.log
	return $ret
}

pending_timers_are_cancelled_and_named()
{
	left leave_pending 'htw: module htw_misuse left 3000 timers pending' \
		'htw:   2000 that call never_called \[htw_misuse\]' \
		'htw:   1000 that call never_called_either \[htw_misuse\]'
}

so_are_those_of_a_module_that_fails_to_load()
{
	left leave_pending_and_fail 'htw: module htw_misuse left 3000 timers pending' \
		'htw:   2000 that call never_called'
	ret=$?
	grep -q 'htw_misuse' /proc/modules && return 1
	return $ret
}

# They are in a wheel, or running, or about to: all the same.
timers_that_run_all_the_time_are_cancelled()
{
	for round in 1 2 3 4 5; do
		left leave_running 'htw: module htw_misuse left 3064 timers pending' \
			'htw:   64 that call runs_again \[htw_misuse\]' || return
		: "$round"
	done
}

a_running_callback_is_waited_for()
{
	left leave_slow 'htw: module htw_misuse left 1 timers pending' \
		'htw:   1 that call runs_long \[htw_misuse\]'
}

timers_of_others_stay()
{
	insmod /idle_table.ko connections=40 idle_ms=200 packet_ms=5 || return
	left leave_pending 'htw: module htw_misuse left 3000 timers pending' || return
	tries=600
	until grep -q '^dropped: 40$' /proc/idle_table; do
		[ "$tries" -gt 0 ] || return 1
		tries=$((tries - 1))
		sleep 0.1
	done
	rmmod idle_table
}

a_module_that_leaves_nothing_is_not_accused()
{
	dmesg -c >/dev/null
	insmod /idle_table.ko connections=20 && rmmod idle_table || return
	dmesg >/tmp/crime.log
	! grep 'htw: module' /tmp/crime.log
}

run_tests pending_timers_are_cancelled_and_named \
	so_are_those_of_a_module_that_fails_to_load \
	timers_that_run_all_the_time_are_cancelled a_running_callback_is_waited_for \
	timers_of_others_stay a_module_that_leaves_nothing_is_not_accused
