# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# For the test scripts that run inside a guest, as /lib.sh. What they print on
# stdout is what judge.sh reads. Busybox sh.

# run_suite NAME CMD...: a program that prints flat KTAP, named so that its
# results can be told from another's. Its exit status goes along: a crash after
# the last test is a failure too.
run_suite()
{
	printf '# suite: %s\n' "$1"
	shift
	"$@"
	printf '\n# exit: %d\n# suite:\n' "$?"
}

# kunit_results: what every suite loaded now has reported, in full. Before the
# module goes, as its results go with it.
kunit_results()
{
	for r in /sys/kernel/debug/kunit/*/results; do
		[ ! -e "$r" ] || cat "$r"
	done
}

# load FILE... and unload NAME...: a failure is a result of its own, and ends
# the script: nothing after it could be trusted.
load()
{
	for m; do
		insmod "$m" || stop "insmod $m"
	done
}

unload()
{
	for m; do
		rmmod "$m" || stop "rmmod $m"
	done
}

stop()
{
	printf '\n# suite:\n# failed: %s\n' "$1"
	exit 1
}

# tell LINE...: to whoever watches with --story.
tell()
{
	printf '%s\n' "$*" >/dev/story
}
