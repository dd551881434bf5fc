#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: soak.sh [--seconds N] [--timers N] [--seed N] [KERNEL]
#
# A million timers of a program, re-armed, cancelled, expiring and armed anew for
# N seconds (600), on Debian's KERNEL (6.12) in a guest: does memory stay what it is,
# is any arming lost, is anything early, do timers become later? Shows each period, and
# leaves it in build/soak/result.

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/../lib.sh"

out=$top/build/soak
seconds=600
timers=1000000
seed=$RANDOM$((RANDOM + 1))
kernel=6.12

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--seconds) seconds=$(need_value "$@"); shift 2 ;;
		--timers) timers=$(need_value "$@"); shift 2 ;;
		--seed) seed=$(need_value "$@"); shift 2 ;;
		-*) die "unknown option $1" "try --help" ;;
		*) kernel=$1; shift ;;
		esac
	done
}

main()
{
	local stock manifest=$out/manifest rc=0

	parse "$@"
	need_packages "the soak" gcc libc6-dev make
	mkdir -p "$out"
	stock=$("$vm/stock.sh" "$kernel")
	build_modules "$stock/build" "$out/src"
	run_logged "building the soak" "$out/soak.log" gcc -std=gnu11 -O2 -Wall -Wextra -Werror \
		-static -I"$top/include/uapi" -o "$out/soak" "$top/tools/testing/soak/soak.c"
	echo "-n $timers -s $seconds -r $seed" >"$out/arguments"
	"$vm/boot.sh" --name soak --kernel "$stock/vmlinuz" --mem 2G --timeout $((seconds + 300)) \
		--out "$out" --script "$top/tools/testing/soak/guest-soak.sh" \
		--file "$out/src/htw.ko:/htw.ko" --file "$out/soak:/bin/soak" \
		--file "$out/arguments:/arguments" || rc=$?
	tr -d '\r' <"$out/result" | grep '^# ' || :
	printf 'soak soak.%s\n' each_arming_has_one_end nothing_is_early memory_is_flat \
		lateness_is_steady >"$manifest"
	"$vm/judge.sh" --rig soak --manifest "$manifest" "$out" || rc=1
	return "$rc"
}

main "$@"
