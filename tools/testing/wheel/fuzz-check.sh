#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: fuzz-check.sh [-l | -t NAME]
#
# The wheel under libFuzzer: the corpus holds, it reaches all lines and nearly all branches
# of wheel.c, and a short run finds nothing more. Prints KTAP. -l lists the tests, -t runs
# one of them. Environment: O (where to build), SECONDS_TO_FUZZ (10), HTW_SEED.

set -uo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
export O=${O:-$here/../../../build/wheel}
seconds=${SECONDS_TO_FUZZ:-10}

tests=(
	corpus_holds
	corpus_reaches_all_lines
	corpus_reaches_95_percent_of_branches
	fuzzing_finds_nothing
)

build()
{
	make -s -C "$here" O="$O" "$@"
}

corpus_holds()
{
	build replay
}

# The column of wheel.c, from the end of its line in the report, is at least PERCENT.
wheel_reaches()
{
	local column=$1 percent=$2

	# shellcheck disable=SC2016 # awk's
	build coverage | grep -E '^(Filename|.*wheel\.[ch] )' | tee /dev/stderr | awk \
		-v back="$column" -v percent="$percent" '
		$1 ~ /wheel\.c$/ { found = 1; reached = $(NF - back) + 0 }
		END { exit !(found && reached >= percent) }' 2>&1
}

corpus_reaches_all_lines()
{
	wheel_reaches 3 100
}

corpus_reaches_95_percent_of_branches()
{
	wheel_reaches 0 95
}

fuzzing_finds_nothing()
{
	build fuzz SECONDS="$seconds" ${HTW_SEED:+SEED="$HTW_SEED"}
}

main()
{
	local nr=0 failed=0 test said

	case ${1:-} in
	-l) printf '%s\n' "${tests[@]}"; return ;;
	-t) tests=("$2") ;;
	esac
	printf 'KTAP version 1\n1..%d\n' "${#tests[@]}"
	for test in "${tests[@]}"; do
		nr=$((nr + 1))
		if said=$("$test" 2>&1); then
			echo "ok $nr $test"
			printf '%s\n' "$said" | grep -E '^# seed|wheel\.[ch] ' | sed 's/^#* */# /'
		else
			echo "not ok $nr $test"
			printf '%s\n' "$said" | tail -n 40 | sed 's/^/# /'
			failed=1
		fi
	done
	return "$failed"
}

main "$@"
