#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: minimise.sh [OPTION]... FILE
#
# The least of the programs in FILE (OUT/last of run.sh) from which a guest still dies:
# first programs are left out, then calls. Each try is a boot. What only fails, but leaves
# the kernel alive, the fuzzer makes small by itself.
#
#   --kernel NAME    as for run.sh (debug-6.12)
#   --module FILE    the htw.ko to take; it is built otherwise
#   --times N        run each program so often in a try (20)
#   --out DIR        where everything is left, the result as DIR/least
#                    (build/fuzz/minimise)

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/../lib.sh"

fuzz=$top/tools/testing/fuzz
kernel=debug-6.12 module='' times=20 out=$top/build/fuzz/minimise file=''

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--kernel) kernel=$(need_value "$@"); shift 2 ;;
		--module) module=$(need_value "$@"); shift 2 ;;
		--times) times=$(need_value "$@"); shift 2 ;;
		--out) out=$(need_value "$@"); shift 2 ;;
		-*) die "unknown option $1" "try --help" ;;
		*) file=$1; shift ;;
		esac
	done
	[[ -r $file ]] || die "which file? one with programs" "try --help"
}

# dies FILE: does the guest?
dies()
{
	local options=(--kernel "$kernel" --replay "$1" --times "$times" --out "$out/try")

	[[ -z $module ]] || options+=(--module "$module")
	if "$fuzz/run.sh" "${options[@]}" >"$out/log" 2>&1; then
		return 1
	fi
	# The next ones take the module that this one has built.
	[[ -n $module ]] || module=$out/try/src/htw.ko
}

# split_into DIR: each program a file, in order.
split_into()
{
	rm -rf "$1"
	mkdir -p "$1"
	awk -v dir="$1" '/^#/ { next }
		{ print >sprintf("%s/%04d", dir, n) }
		/^end$/ { close(sprintf("%s/%04d", dir, n++)) }' "$file"
}

# Without each of them, from the first on: the last one is the likeliest.
leave_out_programs()
{
	local program

	for program in "$out"/programs/*; do
		mv "$program" "$out/left-out"
		cat "$out"/programs/* >"$out/candidate" 2>/dev/null || :
		if [[ -s $out/candidate ]] && dies "$out/candidate"; then
			say "without ${program##*/}"
		else
			mv "$out/left-out" "$program"
		fi
	done
	cat "$out"/programs/* >"$out/least"
}

leave_out_calls()
{
	local line lines

	lines=$(wc -l <"$out/least")
	for ((line = lines; line > 0; line--)); do
		[[ $(sed -n "${line}p" "$out/least") != end ]] || continue
		sed "${line}d" "$out/least" >"$out/candidate"
		if dies "$out/candidate"; then
			say "without $(sed -n "${line}p" "$out/least")"
			cp "$out/candidate" "$out/least"
		fi
	done
}

main()
{
	local all

	parse "$@"
	mkdir -p "$out"
	out=$(cd "$out" && pwd)
	split_into "$out/programs"
	cat "$out"/programs/* >"$out/candidate"
	dies "$out/candidate" || die "the guest does not die of these programs" "try more --times"
	# The last one alone saves most of the tries.
	all=("$out"/programs/*)
	if ((${#all[@]} > 1)) && dies "${all[-1]}"; then
		cp "${all[-1]}" "$out/least"
	else
		leave_out_programs
	fi
	leave_out_calls
	cat "$out/least"
}

main "$@"
