#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: latency.sh [SERIES]
#
# How long interrupts are off at most, and how long a soft interrupt of timers takes at
# most, by the kernel's own tracers: with nothing armed, with a million timers pending
# (of which those due expire), and with 100 000 that expire in one tick; htw beside
# timer_list. Leaves build/bench/latency.txt.
#
# In a guest whose clock counts instructions, one taken for a nanosecond: what is told in
# microseconds is thousands of instructions, and nearly the same in each run.

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/../testing/lib.sh"

bench=$top/tools/bench
out=$top/build/bench/latency

case ${1:-} in
-h|--help) usage; exit ;;
esac
series=${1:-6.12}

table()
{
	awk '
		BEGIN {
			print "longest, in 1000 instructions   interrupts off     soft interrupt"
			of["idle"] = "nothing armed"
			of["pending"] = "1 M in a minute"
			of["burst"] = "100 k in one tick"
		}
		$1 == "latency" {
			printf "%-18s %-12s %14d %18d\n", of[$2], $3, $4, $5
			n++
		}
		END { exit n != 5 }'
}

main()
{
	local dir

	mkdir -p "$out"
	dir=$("$vm/debug.sh" "trace-$series")
	build_modules "$dir/build" "$out/modules" HTW_BENCH=m
	"$vm/boot.sh" --name "latency tracers" --kernel "$dir/image" --smp 1 --mem 2G --timeout 1800 \
		--icount 0 --out "$out" --script "$bench/guest-latency.sh" \
		--file "$out/modules/htw.ko:/htw.ko" --file "$out/modules/htw_bench.ko:/htw_bench.ko" ||
		die "the guest failed" "see $out/result and $out/console.log"
	tr -d '\r' <"$out/result" | table | tee "$top/build/bench/latency.txt"
}

main
