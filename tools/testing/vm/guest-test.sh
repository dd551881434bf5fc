# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What a test guest runs: the KUnit suites where the kernel has KUnit, the modules
# as a user loads them, and the selftests of the device and the command.
# shellcheck disable=SC1091
. /lib.sh

load /htw.ko
if [ -e /htw_kunit.ko ]; then
	load /htw_kunit.ko
	kunit_results
	unload htw_kunit
fi
run_suite modules sh /guest-modules.sh
run_suite unload sh /guest-unload.sh
# The suites below say their names themselves.
selftest()
{
	"/selftests/$1"
	printf '\n# exit: %d\n# suite:\n' $?
}

selftest uapi
selftest timers
selftest copying
selftest events
selftest seeing
# Many short processes, which a debug kernel is slow at, and nothing new for it.
[ -e /htw_kunit.ko ] || selftest cli
unload htw
