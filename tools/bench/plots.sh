#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: plots.sh
#
# Draw what run.sh has left in build/bench, or run it first if it has not: the figures
# and the tables that Documentation/performance.rst shows, in Documentation/performance.

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/../testing/lib.sh"

bench=$top/tools/bench
from=$top/build/bench
to=$top/Documentation/performance
work=$from/plots

# series RIGS BENCH COLUMN: htw and its peers over n (3) or cpus (4).
series()
{
	awk -F '\t' -v rigs="$1" -v bench="$2" -v column="$3" '
	$1 ~ "^" rigs "$" && $2 == bench && ($5 == "timer_list" || $5 == "hrtimer") {
		x = $column
		if (!(x in htw))
			order[++n] = x
		htw[x] = $6
		peer[x, $5] = $8
	}
	END {
		for (i = 1; i <= n; i++)
			print order[i], htw[order[i]], peer[order[i], "timer_list"],
				peer[order[i], "hrtimer"]
	}' "$from/kernel.tsv" >"$work/$2"
	[[ -s $work/$2 ]] || die "there is no $2 in $from/kernel.tsv" "measure all: make bench"
}

# distribution BENCH PEER: share of timers less than so many ns late.
distribution()
{
	awk -v bench="$1" -v peer="$2" \
		'$1 == bench && $3 == peer { print 2 ^ $4, 100 * $5 / $2 }' \
		"$from/kernel.lateness.txt" >"$work/$1.$2"
	[[ -s $work/$1.$2 ]] || die "there is no $1 of $2 in $from/kernel.lateness.txt" "measure all: make bench"
}

prepare()
{
	local name peer

	mkdir -p "$work" "$to"
	for name in arm_random rearm_random push_later cancel arm_relative expire; do
		series uml "$name" 3
	done
	for name in arm_local cancel_remote migrate; do
		series 'qemu-[124]' "$name" 4
	done
	for name in late_live late_minute; do
		for peer in htw timer_list hrtimer; do
			distribution "$name" "$peer"
		done
	done
}

write_tables()
{
	echo ".. Written by tools/bench/plots.sh: do not edit."
	echo
	echo "Measured on $(date -r "$from/kernel.json" +%Y-%m-%d), with htw $(<"$top/VERSION")."
	awk -f "$bench/tables.awk" "$from"/*.log "$from/kernel.tsv"
}

main()
{
	[[ ${1:-} != --help && ${1:-} != -h ]] || { usage; exit; }
	need_packages "drawing plots" gnuplot-nox
	[[ -s $from/kernel.tsv && -s $from/kernel.lateness.txt ]] || "$bench/run.sh"
	prepare
	gnuplot -e "from='$work'; to='$to'" "$bench/plots.gp"
	write_tables >"$to/tables.inc"
	say "drawn: $to"
}

main "$@"
