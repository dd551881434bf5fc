#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: matrix.sh [--jobs N] [STAGE]...
#
# Run the tests of htw on each kernel that it claims to work on, or on those named, and
# end with a table: which kernel, what it looks for, how many tests passed and failed
# there, how long it took. `matrix.sh --list` names them. N at a time (2): most of the
# time a guest keeps one CPU busy, or waits.
#
# Each is a stage of check.sh, which says how it was: build/check/STAGE, and
# build/check/matrix/STAGE.log. One that fails does not keep the next from being run.
# Exits 0 when all passed.

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

out=$top/build/check
logs=$out/matrix
stages=() jobs=2

# What nobody has is built or fetched first: it takes minutes for each, once.
kernels()
{
	cat <<-'END'
	debug-6.12      bad memory accesses, lock order, undefined behaviour, leaks, objects; faults
	debug-6.1       the same on the older kernel
	kcsan-6.12      data races, and what weak memory order would make of them
	rt-6.12         locks that sleep, nested wrongly: PREEMPT_RT with lockdep
	up-6.12         what relies on a second CPU: a kernel without SMP
	i386-6.12       32 bits: divisions, halves of 64 bits, alignment
	arm64-6.12      another architecture: layout, alignment, copies that fault
	stock-6.12      Debian's kernel
	stock-6.1       the same, older
	stock-6.12-rt   Debian's kernel with PREEMPT_RT
	stock-6.1-rt    the same, older
	none-6.12       nobody in the kernel is preempted
	voluntary-6.12  only who says so is
	full-6.12       everybody is
	one-6.12        a kernel for many CPUs on one
	END
}

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--list) kernels; exit ;;
		--jobs) jobs=$(need_value "$@"); shift ;;
		*)
			kernels | grep -q "^$1 " || die "there is no kernel $1" "try --list"
			stages+=("$1")
			;;
		esac
		shift
	done
	[[ $jobs =~ ^[1-9][0-9]?$ ]] || die "--jobs $jobs: it is 1 to 99"
	((${#stages[@]})) || mapfile -t stages < <(kernels | awk '{ print $1 }')
}

# count STAGE KIND: how many results of that kind there are.
count()
{
	grep -c "^$2 " "$out/$1/results" 2>/dev/null || :
}

# run STAGE: a line of the table.
run()
{
	local stage=$1 start=$SECONDS verdict=ok passed failed

	rm -f "$out/$stage/results"
	"$top/tools/testing/check.sh" "$stage" >"$logs/$stage.log" 2>&1 || verdict=FAILED
	passed=$(count "$stage" ok)
	failed=$(count "$stage" 'not ok')
	# What could not even start has no results.
	((${passed:-0} > 0)) || verdict=FAILED
	printf '%-15s %6d %6d %6d s  %-6s  %s\n' "$stage" "${passed:-0}" "${failed:-0}" \
		$((SECONDS - start)) "$verdict" \
		"$(kernels | sed -n "s/^$stage  *//p")" >"$logs/$stage.row"
	say "$stage: ${passed:-0} passed, ${failed:-0} failed, $((SECONDS - start)) s"
	[[ $verdict == ok ]] || grep -h -A 4 '^not ok\|error:' "$logs/$stage.log" || :
}

run_all()
{
	local stage nr=0

	for stage in "${stages[@]}"; do
		while (($(jobs -rp | wc -l) >= jobs)); do
			wait -n || :
		done
		nr=$((nr + 1))
		say "$stage ($nr of ${#stages[@]})"
		run "$stage" &
	done
	wait
}

main()
{
	local stage start=$SECONDS

	parse "$@"
	mkdir -p "$logs"
	rm -f "$logs"/*.row
	run_all
	for stage in "${stages[@]}"; do
		cat "$logs/$stage.row"
	done >"$logs/table"
	printf '\n%-15s %6s %6s %8s  %-6s  %s\n' kernel passed failed time '' 'what it looks for'
	cat "$logs/table"
	echo "$((SECONDS - start)) s for all, $jobs at a time"
	awk '{ passed += $2; failed += $3; bad += $6 != "ok" }
		END {
			printf "%d passed, %d failed", passed, failed
			if (bad) printf "; %d of %d kernels failed", bad, NR
			print ""
			exit bad > 0
		}' "$logs/table"
}

main "$@"
