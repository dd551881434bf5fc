# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What a test guest runs: the KUnit suites where the kernel has KUnit, the modules
# as a user loads them, the command, and the selftests of the device.
# shellcheck disable=SC1091
. /lib.sh

load /htw.ko
if [ -e /htw_kunit.ko ]; then
	load /htw_kunit.ko
	kunit_results
	unload htw_kunit
fi
run_suite modules sh /guest-modules.sh
run_suite tool sh /guest-tool.sh
for suite in uapi timers events; do
	run_suite $suite /selftests/$suite
done
unload htw
