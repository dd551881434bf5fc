#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: selftest.sh [--stock KERNEL] [--debug SERIES] [--out DIR]
#
# Does the harness notice? Guests and results are broken on purpose, one way at
# a time, and each has to be judged a failure, for the right reason. KTAP on
# stdout; exits 0 when all were noticed. Without an option, what needs no guest
# is tested; --stock adds guests on stock.sh KERNEL, --debug guests on debug.sh
# SERIES.

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
. "$here/common.sh"

out='' tests=0 failures=0

# What a healthy guest says, and the manifest that goes with it.
good_results=$'# suite: demo\n1..2\nok 1 one\nok 2 two\n# exit: 0\n# suite:\n'
good_manifest=$'demo demo.one\ndemo demo.two\n'
good_verdict=$'\nhtw-vm: verdict pass\n'

result()
{
	tests=$((tests + 1))
	if [[ $1 == ok ]]; then
		printf 'ok %d - %s\n' "$tests" "$2"
		return
	fi
	failures=$((failures + 1))
	printf '# %s\n' "$3"
	sed 's/^/# /' "$out/$2/judged"
	printf 'not ok %d - %s\n' "$tests" "$2"
}

# judged NAME EXPECTED MANIFEST: EXPECTED is "pass", or what one of the lines
# that report a failure has to contain.
judged()
{
	local name=$1 expected=$2 dir=$out/$1 rc=0

	printf '%s' "$3" >"$dir/manifest"
	"$here/judge.sh" --rig demo --manifest "$dir/manifest" "$dir" >"$dir/judged" 2>&1 || rc=$?
	if [[ $expected == pass ]]; then
		if ((rc == 0)); then
			result ok "$name"
		else
			result fail "$name" "judged a failure, although nothing was wrong"
		fi
	elif ((rc != 1)); then
		result fail "$name" "not noticed: judge.sh ended with status $rc"
	elif ! grep -q "^not ok .*$expected" "$dir/judged"; then
		result fail "$name" "a failure, but for another reason than: $expected"
	else
		result ok "$name"
	fi
}

# Nothing of an earlier run may be judged again.
fresh()
{
	rm -rf "$1"
	mkdir -p "$1"
}

# written NAME EXPECTED RESULTS [MANIFEST [STATUS]]: no guest, its output only.
written()
{
	local dir=$out/$1

	fresh "$dir"
	printf '%s' "$3" >"$dir/result"
	printf '%s\n' "${5:-exit 0}" >"$dir/status"
	judged "$1" "$2" "${4:-$good_manifest}"
}

# booted NAME EXPECTED KERNEL SCRIPT [boot.sh option]...
booted()
{
	local name=$1 expected=$2 kernel=$3 dir=$out/$1

	fresh "$dir"
	printf '. /lib.sh\n%s\n' "$4" >"$dir/script"
	shift 4

	say "$name"
	"$here/boot.sh" --kernel "$kernel" --script "$dir/script" --out "$dir" --name "$name" \
		--timeout 120 "$@" >"$dir/boot.log" 2>&1 || :
	judged "$name" "$expected" "$good_manifest"
}

# A shell command for a guest that prints the good results.
say_good()
{
	printf "printf '%%s' '%s'\n" "$good_results"
}

kunit_file()
{
	printf 'KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: demo\n    1..2\n%s\n%s ok 1 demo\n%s' \
		"$1" "$2" "$good_verdict" | sed 's/^pass ok/ok/; s/^fail ok/not ok/'
}

without_guests()
{
	local ok=$'    ok 1 one\n    ok 2 two'

	written flat-pass pass "$good_results$good_verdict"
	written kunit-pass pass "$(kunit_file "$ok" pass)"
	written kunit-parameters pass \
		"$(kunit_file $'        ok 1 a\n        ok 2 b\n    ok 1 one\n    ok 2 two' pass)"
	written kunit-case-fails 'demo.two$' "$(kunit_file $'    ok 1 one\n    not ok 2 two' fail)"
	written kunit-suite-fails 'the suite failed' "$(kunit_file "$ok" fail)"
	written kunit-case-missing 'planned 2 tests, ran 1' "$(kunit_file '    ok 1 one' pass)"
	written kunit-cut-short 'did not finish' \
		$'KTAP version 1\n1..1\n    # Subtest: demo\n    1..2\n    ok 1 one\n    ok 2 two\n'"$good_verdict"
	written kunit-suite-missing 'planned 2 suites, ran 0' $'KTAP version 1\n1..2\n'"$good_verdict"
	written kunit-disabled 'KUnit is disabled' $'KTAP version 1\n1..1\nkunit: disabled\n'"$good_verdict"
	written case-fails 'demo.two$' "${good_results/ok 2/not ok 2}$good_verdict"
	written skip 'demo.two (SKIP: too lazy)' "${good_results/two/two # SKIP too lazy}$good_verdict"
	written may-skip pass "${good_results/two/two # SKIP too lazy}$good_verdict" \
		$'demo demo.one\ndemo demo.two may-skip\n'
	written fewer-than-planned 'planned 3 tests, ran 2' "${good_results/1..2/1..3}$good_verdict"
	written no-plan 'no plan' "${good_results/1..2/}$good_verdict"
	written numbered-wrong 'demo.two' "${good_results/ok 2/ok 3}$good_verdict"
	written twice 'ran twice' "${good_results/two/one}$good_verdict"
	written crash-at-exit 'exit status 139' "${good_results/exit: 0/exit: 139}$good_verdict"
	written bail-out 'Bail out' "$good_results# suite: x"$'\nBail out!\n'"$good_verdict"
	written did-not-run 'demo.three (did not run)' "$good_results$good_verdict" "$good_manifest"$'demo demo.three\n'
	written not-in-manifest 'not in the manifest' "$good_results$good_verdict" $'demo demo.one\n'
	written empty-manifest 'no test for the rig' "$good_results$good_verdict" $'other demo.one\n'
	written nothing 'died without a verdict' ''
	written no-verdict 'died without a verdict' "$good_results"
	written verdict-not-last 'died without a verdict' "$good_results$good_verdict"$'# more\n'
	written verdict-fails 'verdict fail: because' "$good_results"$'\nhtw-vm: verdict fail: because\n'
	written timeout 'hung' "$good_results$good_verdict" "$good_manifest" 'timeout 5'
	written qemu-died 'QEMU: exit 1' "$good_results$good_verdict" "$good_manifest" 'exit 1'
}

# The commands for guests are quoted here and expanded there.
# shellcheck disable=SC2016
with_stock()
{
	local kernel=$1 good
	good=$(say_good)

	booted guest-pass pass "$kernel" "$good"
	booted guest-story pass "$kernel" "$good"$'\ntell hello' --story
	booted guest-hangs 'hung' "$kernel" "$good"$'\nsleep 1000' --timeout 20
	booted guest-panics 'died without a verdict' "$kernel" "$good"$'\necho c >/proc/sysrq-trigger\nsleep 10'
	booted guest-lacks-a-cpu '1 CPUs are online' "$kernel" "$good" --append maxcpus=1
	booted guest-low-resolution 'high resolution timers' "$kernel" "$good" --append highres=off
	booted guest-taint 'tainted: 512' "$kernel" "$good"$'\necho 512 >/proc/sys/kernel/tainted'
	booted guest-script-fails 'ended with status 1' "$kernel" "$good"$'\nload /no-such.ko'
	booted guest-log 'the kernel log' "$kernel" "$good"$'\necho "BUG: made up" >/dev/kmsg'
	grep -q '^hello' "$out/guest-story/story" || result fail guest-story "the story did not arrive"
}

with_debug()
{
	local dir=$1 good provoke=/sys/kernel/debug/provoke-crash/DIRECT
	good=$(say_good)

	booted debug-pass pass "$dir/image" "$good"
	booted debug-warns 'died without a verdict' "$dir/image" "$good"$'\n'"echo WARNING >$provoke"
	booted debug-use-after-free 'died without a verdict' "$dir/image" \
		"$good"$'\n'"echo READ_AFTER_FREE >$provoke"
	booted debug-leak 'leaks, by kmemleak' "$dir/image" \
		"$good"$'\nload /leak.ko\nunload kmemleak_test' --file "$dir/modules/kmemleak-test.ko:/leak.ko"
}

main()
{
	local stock='' debug='' dir

	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--stock) stock=$(need_value "$@") ;;
		--debug) debug=$(need_value "$@") ;;
		--out) out=$(need_value "$@") ;;
		*) die "unknown option $1" "try --help" ;;
		esac
		shift 2
	done
	out=${out:-$CACHE/selftest}
	mkdir -p "$out"

	echo "KTAP version 1"
	without_guests
	if [[ -n $stock ]]; then
		dir=$("$here/stock.sh" "$stock")
		with_stock "$dir/vmlinuz"
	fi
	if [[ -n $debug ]]; then
		dir=$("$here/debug.sh" "$debug")
		with_debug "$dir"
	fi
	# At the end, where KTAP allows it: a test added above needs no counting.
	echo "1..$tests"
	((failures == 0)) || die "$failures of $tests went unnoticed" "what happened: $out/TEST/"
}

main "$@"
