# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# KTAP for shell tests: as /ktap.sh in a guest. A test is a function that returns 0
# if the promise it is named for holds.

# run_tests FUNCTION...: what a failing one printed goes along.
run_tests()
{
	printf 'KTAP version 1\n1..%d\n' $#
	nr=0
	bad=0
	for t; do
		nr=$((nr + 1))
		# Not in a subshell: some tests keep a file open.
		if "$t" >/tmp/ktap.out 2>&1; then
			printf 'ok %d %s\n' $nr "$t"
		else
			sed 's/^/# /' /tmp/ktap.out
			printf 'not ok %d %s\n' $nr "$t"
			bad=1
		fi
	done
	return $bad
}
