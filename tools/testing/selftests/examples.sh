#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# usage: examples [-l | -t NAME]
#
# Programs that the documentation shows, and those of tools/examples: they do what they
# say. Prints KTAP. -l lists the tests, -t runs one of them. Any POSIX shell will do,
# busybox's too.

here=$(dirname "$0")
limit=/sys/module/htw/parameters/max_timers

# One for each manual page that tells what its program prints, page_NAME, and these.
tests='
server_closes_each_connection_and_none_too_early
server_says_what_it_lacks
simulation_prints_the_same_each_time
simulation_prints_what_it_always_has
simulation_counts_every_customer
port_prints_what_the_original_did
program_in_cxx_works
'

fail()
{
	echo "# $*"
	exit 1
}

# same FILE FILE: or show both.
same()
{
	cmp -s "$1" "$2" && return
	sed 's/^/# wanted: /' "$1"
	sed 's/^/# got:    /' "$2"
	exit 1
}

# page NAME: the program of that manual page.
page()
{
	said=$(echo "$here/pages/$1".[0-9].out)
	"${said%.out}" >"$tmp/out" 2>&1 || fail "status $?: $(cat "$tmp/out")"
	same "$said" "$tmp/out"
}

pages()
{
	for out in "$here"/pages/*.out; do
		[ ! -s "$out" ] || basename "${out%.[0-9].out}"
	done
}

# As many as the machine that a test may have to run on can take in some seconds.
server_closes_each_connection_and_none_too_early()
{
	before=$(cat $limit)
	echo 100001 >$limit
	"$here/shown/idle_server" 100000 64 >"$tmp/out" 2>&1
	status=$?
	echo "$before" >$limit
	sed 's/^/# /' "$tmp/out"
	[ $status = 0 ] || fail "status $status"
	grep -q '^100000 connections, 64 of them sockets, on one descriptor' "$tmp/out" || exit 1
	# The one that is left is what makes packets up.
	grep -q '^100000 closed, 0 too early, 1 timers left$' "$tmp/out" || exit 1
	grep -q '^peers: all saw the end$' "$tmp/out" || exit 1
	# All have pushed their timers but each eighth, which never says anything.
	grep -q '^[1-9][0-9]* packets, each of them one store$' "$tmp/out" || exit 1
	grep -q '^[1-9][0-9]* times a timer was put off in the kernel' "$tmp/out" || exit 1
}

server_says_what_it_lacks()
{
	! "$here/shown/idle_server" 100000000 0 >"$tmp/out" 2>&1 || fail 'it did not fail'
	grep -q "$limit" "$tmp/out" || fail "it says: $(cat "$tmp/out")"
}

simulation_prints_the_same_each_time()
{
	"$here/shown/queue_sim" 2000 >"$tmp/one" || fail "status $?"
	"$here/shown/queue_sim" 2000 >"$tmp/two" || fail "status $?"
	same "$tmp/one" "$tmp/two"
}

simulation_prints_what_it_always_has()
{
	"$here/shown/queue_sim" >"$tmp/out" || fail "status $?"
	same "$here/queue_sim.out" "$tmp/out"
}

simulation_counts_every_customer()
{
	"$here/shown/queue_sim" 777 >"$tmp/out" || fail "status $?"
	awk '$1 == "came" { came = $2 } $1 == "served" || $1 == "left" { went += $2 }
	     END { exit !(came == 777 && went == 777) }' "$tmp/out" || fail "$(cat "$tmp/out")"
}

port_prints_what_the_original_did()
{
	"$here/shown/before" >"$tmp/before" || fail "before: status $?"
	"$here/shown/after" >"$tmp/after" || fail "after: status $?"
	[ -s "$tmp/before" ] || fail 'it prints nothing'
	same "$tmp/before" "$tmp/after"
}

program_in_cxx_works()
{
	"$here/cxx" >"$tmp/out" 2>&1 || fail "status $?: $(cat "$tmp/out")"
	printf '%s\n' 'cookie 2' 'cookie 4' 'cookie 6' 'timer 1' 'timer 2' >"$tmp/wanted"
	same "$tmp/wanted" "$tmp/out"
}

names()
{
	for name in $(pages); do echo "page_$name"; done
	# shellcheck disable=SC2086
	printf '%s\n' $tests
}

run_test()
{
	case $1 in
	page_*) page "${1#page_}" ;;
	*) "$1" ;;
	esac
}

# In a subshell, so that a failure ends the test and no more.
run_all()
{
	failed=0 number=0
	tmp=$(mktemp -d) || exit 1
	trap 'rm -rf "$tmp"' EXIT

	echo '# suite: examples'
	echo 'KTAP version 1'
	echo "1..$#"
	for name; do
		number=$((number + 1))
		if (run_test "$name"); then
			echo "ok $number $name"
		else
			echo "not ok $number $name"
			failed=$((failed + 1))
		fi
	done
	echo "# examples: $failed of $# failed"
	[ $failed = 0 ]
}

case $1 in
'')
	# shellcheck disable=SC2046
	run_all $(names)
	;;
-l)
	names | sed 's/^/examples./'
	;;
-t)
	names | grep -qx -- "${2#examples.}" || { echo "no test ${2#examples.}" >&2; exit 2; }
	run_all "${2#examples.}"
	;;
*)
	echo 'usage: examples [-l | -t NAME]' >&2
	exit 2
	;;
esac
