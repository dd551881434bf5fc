# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Loading and unloading: htw.ko, with parameters good and bad, and a module that
# uses it. Expects htw.ko to be loaded, and leaves it so.
# shellcheck disable=SC1091
. /ktap.sh

# wait_for SECONDS CMD...: until CMD succeeds.
wait_for()
{
	tries=$(($1 * 10))
	shift
	until "$@"; do
		[ "$tries" -gt 0 ] || return 1
		tries=$((tries - 1))
		sleep 0.1
	done
}

device_node_is_for_its_group()
{
	[ -c /dev/htw ] && [ "$(stat -c %a /dev/htw)" = 660 ]
}

dropped_are()
{
	grep -q "^dropped: $1\$" /proc/idle_table
}

idle_connections_are_dropped()
{
	insmod /idle_table.ko connections=5 idle_ms=60 packet_ms=5 || return
	wait_for 30 dropped_are 5 || return
	# And not before their last packet: 5 of them for the first, 25 for the last.
	dmesg | grep -q 'connection 1: 5 packets, then idle' || return
	dmesg | grep -q 'connection 5: 25 packets, then idle' || return
	rmmod idle_table
}

# Traffic pushes the timers out: nobody is idle as long as it comes.
busy_connections_stay()
{
	insmod /idle_table.ko connections=3 idle_ms=100000 packet_ms=1 || return
	sleep 0.3
	dropped_are 0 && [ "$(grep -c '^connection' /proc/idle_table)" = 3 ] || return
	rmmod idle_table
}

unloads_with_timers_pending()
{
	for round in 1 2 3 4 5; do
		insmod /idle_table.ko connections=500 idle_ms=20 packet_ms=2 || return
		sleep 0.0$round
		rmmod idle_table || return
	done
}

stays_while_a_module_uses_it()
{
	insmod /idle_table.ko idle_ms=100000 || return
	! rmmod htw 2>/dev/null || return
	rmmod idle_table
}

stays_while_the_device_is_open()
{
	exec 4</dev/htw || return
	! rmmod htw 2>/dev/null || return
	exec 4<&-
}

# refused REASON PARAMETER...: does not load, and the log says why.
refused()
{
	reason=$1
	shift
	dmesg -c >/dev/null
	! insmod /htw.ko "$@" 2>/dev/null || return
	dmesg | grep -q "htw: bad parameter: .*$reason"
}

bad_parameters_are_refused_with_a_reason()
{
	rmmod htw || return
	refused 'power of two' slots=256,100 &&
		refused 'from 2 to 256' slots=256,1 &&
		refused 'from 2 to 256' slots=512 &&
		refused 'tick_shift' tick_shift=9 &&
		refused 'tick_shift' tick_shift=31 &&
		refused 'min_gap_ns' min_gap_ns=0 &&
		refused 'min_gap_ns' min_gap_ns=10000001 &&
		! insmod /htw.ko slots=2,2,2,2,2,2,2,2,2 2>/dev/null
	ret=$?
	insmod /htw.ko || return
	return $ret
}

# Wheels so small that almost everything waits in the overflow.
small_geometry_works()
{
	rmmod htw || return
	insmod /htw.ko slots=4,2 tick_shift=16 || return
	htw sleep -q 0.05 && htw sleep -q 0.0001 && htw sleep -q 0.2
	ret=$?
	rmmod htw && insmod /htw.ko || return
	return $ret
}

loads_and_unloads_many_times()
{
	for round in 1 2 3 4 5 6 7 8 9 10; do
		rmmod htw || return
		insmod /htw.ko || return
		: "$round"
	done
	device_node_is_for_its_group
}

# Or lockdep could not say in a report which it is.
locks_have_names()
{
	grep -q 'htw_base_of_cpu(cpu)->lock' /proc/lockdep
}

# Where there is one CPU only, the manifest does not ask for the last one.
CPU1=/sys/devices/system/cpu/cpu1/online

cpu_goes_while_programs_wait()
{
	for n in 1 2 3 4 5 6 7 8; do
		htw sleep -q 0.$n &
	done
	echo 0 >$CPU1 || return
	sleep 0.2
	echo 1 >$CPU1 || return
	wait
}

set -- device_node_is_for_its_group idle_connections_are_dropped \
	busy_connections_stay unloads_with_timers_pending \
	stays_while_a_module_uses_it stays_while_the_device_is_open \
	bad_parameters_are_refused_with_a_reason small_geometry_works \
	loads_and_unloads_many_times
[ ! -e $CPU1 ] || set -- "$@" cpu_goes_while_programs_wait
[ ! -e /proc/lockdep ] || set -- "$@" locks_have_names
run_tests "$@"
