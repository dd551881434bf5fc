# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What a guest runs that has a mutant for htw.ko: the suites that /plan names, one to a
# line, until one fails. A mutant that is caught need not be caught twice.
# shellcheck disable=SC1091
. /lib.sh

# Of what is counted and not timed a debug kernel does a tenth.
[ ! -e /htw_kunit.ko ] || export HTW_TEST_PERCENT=10

kunit_suites()
{
	load /htw_kunit.ko
	kunit_results
	unload htw_kunit
}

ledger()
{
	load /htw_ledger.ko
	run_suite ledger cat /proc/htw_ledger
	unload htw_ledger
}

selftest()
{
	case $1 in
	*32) "/selftests32/${1%32}" ;;
	*) "/selftests/$1" ;;
	esac
	printf '\n# exit: %d\n# suite:\n' $?
}

run()
{
	case $1 in
	kunit) kunit_suites ;;
	ledger) ledger ;;
	modules) run_suite modules sh /guest-modules.sh ;;
	unload) run_suite unload sh /guest-unload.sh ;;
	suspend) run_suite suspend sh /guest-suspend.sh ;;
	*) selftest "$1" ;;
	esac
}

load /htw.ko
while read -r suite; do
	run "$suite" >/tmp/suite.result
	cat /tmp/suite.result
	printf '# took: %s until %s s\n' "$suite" "$(cut -d ' ' -f 1 /proc/uptime)"
	# A module that is still there, or a load that failed, has said so.
	! grep -q -E '^ *not ok |^# exit: [1-9]|^# failed: ' /tmp/suite.result || exit 1
done </plan
unload htw
