# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The machine is suspended once, with timers of a program and of a module pending. See
# selftests/suspend.c. Expects htw.ko to be loaded.
# shellcheck disable=SC1091
. /ktap.sh

# Each has its last packet, or its end, some time after the resume.
IDLE_MS=1500

timers_of_programs_wait_through_suspend()
{
	insmod /idle_table.ko connections=5 packet_ms=100 idle_ms=$IDLE_MS || return
	/selftests/suspend
}

all_dropped()
{
	grep -q '^dropped: 5$' /proc/idle_table
}

# Not before they were idle for so long, by the clock that stood still meanwhile.
timers_of_modules_wait_through_suspend()
{
	tries=300
	until all_dropped; do
		[ "$tries" -gt 0 ] || return 1
		tries=$((tries - 1))
		sleep 0.1
	done
	rmmod idle_table || return
	dmesg | sed -n 's/.*idle_table: connection .* idle for \([0-9]*\) us: dropped/\1/p' >/tmp/idle
	cat /tmp/idle
	tail -n 5 /tmp/idle | awk -v least=$((IDLE_MS * 1000)) '
		$1 < least { early = 1 }
		END { exit NR != 5 || early }'
}

other_cpus_went_and_came()
{
	dmesg | grep -q 'CPU 1 is now offline' && dmesg | grep -q 'CPU1 is up'
}

run_tests timers_of_programs_wait_through_suspend \
	timers_of_modules_wait_through_suspend other_cpus_went_and_came
