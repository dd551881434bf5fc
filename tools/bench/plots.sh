#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: plots.sh [kernel] [user]
#
# Draw what run.sh has left in build/bench, or run it first if it has not: the figures
# and the tables that Documentation/performance.rst shows, in Documentation/performance.
# Without arguments of both parts.

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/../testing/lib.sh"

bench=$top/tools/bench
from=$top/build/bench
to=$top/Documentation/performance
work=$from/plots

# need_points FILE PART WHAT
need_points()
{
	[[ -s $1 ]] || die "there is no $3 in $from/$2.tsv" "measure all: make bench"
}

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
	need_points "$work/$2" kernel "$2"
}

# distribution PART RIG BENCH PEER: share of timers less than so many ns late.
distribution()
{
	awk -v rig="$2" -v bench="$3" -v peer="$4" \
		'$1 == rig && $2 == bench && $4 == peer { print 2 ^ $5, 100 * $6 / $3 }' \
		"$from/$1.lateness.txt" >"$work/$2.$3.$4"
	need_points "$work/$2.$3.$4" "$1" "$3 of $4"
}

prepare_kernel()
{
	local name peer

	for name in arm_random rearm_random push_later cancel arm_relative expire; do
		series uml "$name" 3
	done
	for name in arm_local cancel_remote migrate; do
		series 'qemu-[124]' "$name" 4
	done
	for peer in htw timer_list hrtimer; do
		distribution kernel uml late_live "$peer"
		distribution kernel uml-travel late_minute "$peer"
	done
}

# over_batch OP: what one costs, over the size of batches of htw. Columns: size, htw,
# timerfd, posix, io_uring.
over_batch()
{
	awk -F '\t' -v op="$1" '
	$1 == "user-icount" && $3 == 10000 && $2 ~ "^" op "_[0-9]+$" {
		split($2, part, "_")
		htw[part[2]] = $6
		peer[part[2], $5] = $8
	}
	END {
		for (size in htw)
			print size, htw[size], peer[size, "timerfd"], peer[size, "posix"],
				(size, "io_uring") in peer ? peer[size, "io_uring"] : "?"
	}' "$from/user.tsv" | sort -n >"$work/batch.$1"
	need_points "$work/batch.$1" user "${1}_1"
}

# From the expiry to the program, in two parts. Columns: name, the kernel's, the program's.
from_expiry()
{
	awk -F '\t' '
	$1 == "user-icount" && $2 ~ /^(expire|collect)_(batch|read|ring)$/ {
		split($2, part, "_")
		cost[part[1], "htw, " part[2]] = $6
		cost[part[1], $5] = $8
	}
	END {
		n = split("htw, batch|htw, read|htw, ring|timerfd|posix|io_uring", names, "|")
		for (i = 1; i <= n; i++)
			if (("expire", names[i]) in cost)
				printf "\"%s\" %s %s\n", names[i], cost["expire", names[i]],
					cost["collect", names[i]]
	}' "$from/user.tsv" >"$work/from_expiry"
	need_points "$work/from_expiry" user expire_batch
}

prepare_user()
{
	local name peer

	for name in arm rearm cancel; do
		over_batch "$name"
	done
	from_expiry
	for peer in htw timerfd posix io_uring; do
		for name in user-icount user-1; do
			distribution user "$name" late_program "$peer"
		done
	done
}

# write_tables PART
write_tables()
{
	local logs=("$from"/{uml,qemu}*.log) script=tables.awk

	[[ $1 == kernel ]] || logs=("$from"/user-*.log) script=user-tables.awk
	echo ".. Written by tools/bench/plots.sh: do not edit."
	echo
	echo "Measured on $(date -r "$from/$1.json" +%Y-%m-%d), with htw $(<"$top/VERSION")."
	awk -f "$bench/$script" "${logs[@]}" "$from/$1.tsv"
}

# draw PART
draw()
{
	mkdir -p "$work" "$to"
	[[ -s $from/$1.tsv && -s $from/$1.lateness.txt ]] || "$bench/run.sh" "$1"
	"prepare_$1"
	gnuplot -e "from='$work'; to='$to'" "$bench/$1.gp"
	write_tables "$1" >"$to/$1.inc"
	say "drawn: $to, of the part $1"
}

main()
{
	local part parts=("$@")

	[[ ${1:-} != --help && ${1:-} != -h ]] || { usage; exit; }
	((${#parts[@]})) || parts=(kernel user)
	for part in "${parts[@]}"; do
		[[ $part == kernel || $part == user ]] || die "unknown argument $part" "try --help"
	done
	need_packages "drawing plots" gnuplot-nox
	for part in "${parts[@]}"; do
		draw "$part"
	done
}

main "$@"
