# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# In a guest that was booted with an isolated CPU: the suite for that, which the
# command line has chosen.
# shellcheck disable=SC1091
. /lib.sh

isolated()
{
	printf 'KTAP version 1\n1..1\n'
	dmesg | grep -q 'NO_HZ: Full dynticks CPUs: 1' || printf 'not '
	printf 'ok 1 cpu_is_isolated\n'
}

run_suite boot isolated
load /htw.ko /htw_kunit.ko
kunit_results
unload htw_kunit htw
