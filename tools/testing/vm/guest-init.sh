#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The guest's /init. Checks that the machine is the one that was asked for,
# runs /test.sh with its output on the result port, then checks what the test
# left behind, and says the verdict as its very last word: whatever goes wrong
# before that point, a panic, a hang or a lost CPU, leaves no verdict, and no
# verdict is a failure.

export PATH=/bin HOME=/tmp
/bin/busybox --install -s /bin

# Only these may be set: an out-of-tree module, an unsigned one, a KUnit test.
TAINT_ALLOWED=$((1 << 12 | 1 << 13 | 1 << 18))
KMEMLEAK=/sys/kernel/debug/kmemleak
# kmemleak takes no notice of an object younger than five seconds.
KMEMLEAK_AGE=6

failed=

# The first reason is the one to look at; the rest goes along as diagnostics.
fail()
{
	printf '# check failed: %s\n' "$*" >&3
	failed=${failed:-$*}
}

finish()
{
	if [ -z "$failed" ]; then
		printf '\nhtw-vm: verdict pass\n' >&3
	else
		printf '\nhtw-vm: verdict fail: %s\n' "$failed" >&3
	fi
	# Closing waits until the port has sent everything.
	exec 3>&-
	# Not a power off: that takes a working ACPI, and QEMU (-no-reboot) ends
	# either way.
	reboot -f
	# Never let PID 1 return: that would be a panic after the verdict.
	while :; do sleep 1; done
}

mount_all()
{
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t devtmpfs devtmpfs /dev
	mount -t debugfs debugfs /sys/kernel/debug
	mkdir -p /dev/shm
	mount -t tmpfs tmpfs /tmp
	mount -t tmpfs tmpfs /dev/shm
	# Not on every kernel.
	mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
}

# The value of NAME=value on the kernel's command line.
option()
{
	tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p" | tail -n 1
}

# Raw, or the line discipline would edit what the tests say.
open_ports()
{
	stty -F /dev/ttyS1 raw -echo 115200
	ln -s ttyS1 /dev/result
	exec 3>/dev/ttyS1
	if [ "$(option vm_story)" = 1 ]; then
		stty -F /dev/ttyS2 raw -echo 115200
		ln -s ttyS2 /dev/story
	else
		ln -s null /dev/story
	fi
}

# A guest with fewer CPUs runs every SMP test and proves nothing.
check_cpus()
{
	want=$(option vm_cpus)
	have=$(grep -c '^processor' /proc/cpuinfo)
	[ "$have" = "$want" ] || fail "$have CPUs are online, $want were asked for"
}

hres_cpus()
{
	grep -c '\.hres_active *: 1$' /proc/timer_list
}

clock_source()
{
	cat /sys/devices/system/clocksource/clocksource0/current_clocksource
}

clocks_settled()
{
	[ "$(hres_cpus)" = "$have" ] && [ "$(clock_source)" != tsc-early ]
}

# The TSC takes a second to be refined, and the switch to high resolution follows the
# first clock source good enough for it, in a tick of each CPU: give them a moment.
check_clocks()
{
	tries=100
	while ! clocks_settled && [ "$tries" -gt 0 ]; do
		sleep 0.1
		tries=$((tries - 1))
	done
	[ "$(hres_cpus)" = "$have" ] ||
		fail "high resolution timers on $(hres_cpus) of $have CPUs only"

	case $(clock_source) in
	tsc|kvm-clock|hpet|acpi_pm|arch_sys_counter) ;;
	*) fail "the clock source is $(clock_source)" ;;
	esac
}

kmemleak_scan()
{
	echo scan >$KMEMLEAK || fail "kmemleak has turned itself off"
}

# What an earlier scan found is not ours.
clear_leaks()
{
	[ -e $KMEMLEAK ] || return
	echo clear >$KMEMLEAK
}

# Twice: an object is reported when two scans found it unreferenced and
# unchanged.
check_leaks()
{
	[ -e $KMEMLEAK ] || return
	sleep $KMEMLEAK_AGE
	kmemleak_scan
	kmemleak_scan
	cat $KMEMLEAK >/tmp/leaks
	[ -s /tmp/leaks ] || return
	sed 's/^/# /' /tmp/leaks >&3
	fail "$(grep -c '^unreferenced' /tmp/leaks) leaks, by kmemleak"
}

check_modules()
{
	left=$(sed -n 's/^\(htw[^ ]*\) .*/\1/p' /proc/modules | tr '\n' ' ')
	[ -z "$left" ] || fail "still loaded after the test: $left"
}

check_taint()
{
	taint=$(cat /proc/sys/kernel/tainted)
	allowed=$((TAINT_ALLOWED | $(option vm_taint)))
	[ $((taint & ~allowed)) = 0 ] || fail "the kernel is tainted: $taint"
}

# lockdep says what it found once and turns itself off. A test that provokes it
# (vm_lockdep=0) must have had its report.
check_lockdep()
{
	[ -e /proc/lockdep_stats ] || return
	want=$(option vm_lockdep)
	grep -q "debug_locks: *$want\$" /proc/lockdep_stats ||
		fail "lockdep is not as it should be ($want): 0 is off, it has reported something"
}

# The reports of data races in the log on stdin, between their two lines of "=", of
# which WHOSE says: ours, which name htw, or others, as the kernel has some of its own.
data_races()
{
	awk -v whose="$1" '
		/ =+$/ {
			if (race && ours == (whose == "ours")) printf "%s", block
			race = ours = 0
			block = ""
			next
		}
		/BUG: KCSAN: / { race = 1 }
		/htw/ { ours = 1 }
		{ block = block $0 "\n" }'
}

check_races()
{
	[ -e /sys/kernel/debug/kcsan ] || return
	dmesg | data_races others | sed -n 's/.*BUG: KCSAN/# not ours: KCSAN/p' >&3
	dmesg | data_races ours >/tmp/races
	[ -s /tmp/races ] || return
	sed 's/^/# log: /' /tmp/races >&3
	fail "$(grep -c 'BUG: KCSAN' /tmp/races) data races: $(sed -n 's/.*BUG: //p' /tmp/races | head -n 1)"
}

# Some reports neither panic nor taint. The log, not the console: what is read
# here cannot be lost on a serial line.
check_log()
{
	dmesg | grep -v 'BUG: KCSAN: ' | grep -E 'BUG: |WARNING: |UBSAN: |KASAN: |INFO: task .* blocked|INFO: rcu.*stall|workqueue lockup|htw: module .* left|Unstable clock|Could not switch to high res|Marking clocksource' >/tmp/log
	[ -s /tmp/log ] || return
	sed 's/^/# log: /' /tmp/log >&3
	fail "the kernel log: $(head -n 1 /tmp/log | sed 's/^\[[^]]*\] //')"
}

mount_all
open_ports
printf '# kernel: %s\n' "$(uname -rvm)" >&3
check_cpus
check_clocks
[ -z "$failed" ] || finish
[ "$(option vm_probe)" != 1 ] || finish

clear_leaks
sh /test.sh >&3 </dev/null
status=$?
[ "$status" = 0 ] || fail "the test script ended with status $status"

check_modules
check_leaks
check_taint
check_lockdep
check_races
check_log
finish
