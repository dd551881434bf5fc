# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What a test guest runs: the KUnit suites where the kernel has KUnit, the modules
# as a user loads them, and the selftests of the device and the command.
# shellcheck disable=SC1091
. /lib.sh

# What is starved by a real-time task shall starve, or nobody would see it: the kernel
# sets some of each second aside for others.
real_time_is_real()
{
	echo -1 >/proc/sys/kernel/sched_rt_runtime_us
	for runtime in /sys/kernel/debug/sched/fair_server/cpu*/runtime; do
		[ ! -e "$runtime" ] || echo 0 >"$runtime"
	done
}

# wanted SUITE: the kernel's command line names those to be left out.
wanted()
{
	! grep -q " vm_without=[^ ]*\<$1\>" /proc/cmdline
}

load /htw.ko
if [ -e /htw_kunit.ko ]; then
	load /htw_kunit.ko
	kunit_results
	unload htw_kunit
fi
if [ -e /htw_ledger.ko ] && wanted ledger; then
	real_time_is_real
	load /htw_ledger.ko
	run_suite ledger cat /proc/htw_ledger
	unload htw_ledger
fi
! wanted modules || run_suite modules sh /guest-modules.sh
! wanted unload || run_suite unload sh /guest-unload.sh
# The suites below say their names themselves.
selftest()
{
	wanted "$1" || return
	"/selftests/$1"
	printf '\n# exit: %d\n# suite:\n' $?
	[ -e "/selftests32/$1" ] || return
	"/selftests32/$1"
	printf '\n# exit: %d\n# suite:\n' $?
}

[ ! -e /selftests32 ] || /selftests32/uapi -l >/dev/null ||
	stop "programs of 32 bits do not run here: CONFIG_IA32_EMULATION is needed"
# Of what is counted and not timed a kernel that is ten times as slow does a tenth.
if grep -q ' vm_slow=1' /proc/cmdline; then
	export HTW_TEST_PERCENT=10
fi
selftest uapi
selftest errors
selftest timers
selftest batch
selftest uring
selftest periodic
selftest window
selftest keep
selftest match
selftest stats
selftest clocks
selftest steps
selftest virtual
selftest beside
selftest copying
selftest events
selftest files
selftest ring
selftest words
selftest races
selftest limits
selftest hostile
selftest million
selftest seeing
selftest lib
selftest libloop
# Many short processes, which a debug kernel is slow at, and nothing new for it.
[ -e /htw_kunit.ko ] || selftest cli
[ -e /htw_kunit.ko ] || selftest examples
# Takes a kernel that can be suspended without a machine that could: see debug.config.
[ ! -e /htw_kunit.ko ] || ! wanted suspend || run_suite suspend sh /guest-suspend.sh
# Here allocations fail. kmemleak says what it has no memory for under a lock of its own,
# and lockdep does not like to see a console there. The log has it all the same.
[ ! -e /htw_faults.ko ] || dmesg -n 1
# On 32 bits restartable sequences are copied on the way out of a call: if that is what
# fails, the kernel kills.
export GLIBC_TUNABLES=glibc.pthread.rseq=0
selftest fuzz
[ ! -e /htw_faults.ko ] || selftest faults
unload htw
if [ -e /htw_faults.ko ] && wanted loading; then
	load /htw_faults.ko
	selftest loading
	unload htw_faults
fi
