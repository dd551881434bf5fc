#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: judge.sh --rig RIG --manifest FILE [option]... OUT
#
# Read OUT/result, which boot.sh left there, and decide. Every test becomes one
# line in OUT/results:
#
#   ok RIG SUITE.CASE
#   not ok RIG SUITE.CASE (why)
#   skip RIG SUITE.CASE (why)
#
# Failures are printed with their diagnostics, then "RIG: N passed, N failed".
# Exits 0 when nothing failed, 1 when something did.
#
# FILE has a line "RIG SUITE.CASE" for each test that must run ("may-skip" at
# its end allows a skip; # comments). A test that did not run is a failure, and
# so is one that FILE does not know: the list stays complete. So are a plan
# that does not match, a guest that hung or died, and a verdict that is not
# "pass".
#
# Results are KTAP: what KUnit leaves in debugfs, or flat, after a line
# "# suite: NAME" and up to the next "# suite:". A nested result belongs to the
# case that follows it.
#
#   --label TEXT   RIG in what is printed: which kernel it was
#   --no-guest     the results are of a program on the host: no verdict

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
. "$here/common.sh"

rig='' label='' manifest='' out='' guest=1

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--rig) rig=$(need_value "$@"); shift 2 ;;
		--label) label=$(need_value "$@"); shift 2 ;;
		--manifest) manifest=$(need_value "$@"); shift 2 ;;
		--no-guest) guest=0; shift ;;
		-*) die "unknown option $1" "try --help" ;;
		*) out=$1; shift ;;
		esac
	done
	[[ -n $rig && -n $manifest && -n $out ]] || die "--rig, --manifest and a directory are needed" "try --help"
	[[ -r $manifest ]] || die "no manifest $manifest"
	[[ -d $out ]] || die "no directory $out" "run boot.sh first"
	label=${label:-$rig}
}

# How the guest ended, as boot.sh saw it from outside.
guest_status()
{
	((guest)) || { echo "exit 0"; return; }
	cat "$out/status" 2>/dev/null || echo "not run"
}

main()
{
	local result=$out/result rc=0

	parse "$@"
	result=$out/result
	[[ -r $result ]] || result=/dev/null
	tr -d '\r' <"$result" |
		awk -v rig="$rig" -v label="$label" -v guest="$guest" -v status="$(guest_status)" \
		    -v results="$out/results" -f "$here/judge.awk" "$manifest" - || rc=$?
	((rc == 0 || rc == 1)) || die "cannot judge $out"
	((rc == 0)) || say "everything the guest said: $out/result; results: $out/results"
	exit "$rc"
}

main "$@"
