#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: coverage.sh MODULE RESULT OUT
#
# How much of the code of MODULE (htw.ko) has the fuzzer reached? RESULT has the places
# that KCOV told, as guest.sh prints them. Leaves in OUT
#
#   coverage     for each file of src/ how many of its places were reached
#   unreached    the functions of which none was
#
# and prints the first. Code that runs in softirqs and kernel threads is in no trace.

set -euo pipefail

module=$1 result=$2 out=$3

# The place that KCOV tells is the one behind the call: "ADDRESS FUNCTION" of each.
places()
{
	objdump -d -r -j .text "$module" | awk '
		/^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/[<>:]/, "", name); next }
		want && /^ *[0-9a-f]+:\t/ { at = $1; sub(/:/, "", at); print at, name; want = 0 }
		/R_X86_64_P[A-Z]*32\t__sanitizer_cov_trace_pc-/ { want = 1 }'
}

# Where they are in the module: addresses in the kernel, from where it was loaded.
reached()
{
	tr -d '\r' <"$result" | awk '
		function value(hex,	i, n)
		{
			# Kept apart from what is too large for a double.
			for (i = length(hex) > 8 ? length(hex) - 7 : 1; i <= length(hex); i++)
				n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
			return n
		}
		/^# text / { text = $3; sub(/^0x/, "", text) }
		/^# pc / { pc[n++] = $3 }
		END { for (i = 0; i < n; i++) printf "%x\n", value(pc[i]) - value(text) }'
}

# "FILE FUNCTION" of the module, by the symbols that say in which file they were.
files_of_functions()
{
	readelf -sW "$module" | awk '
		$4 == "FILE" { file = $8 }
		$4 == "FUNC" && $5 == "LOCAL" { print file, $8 }'
}

main()
{
	local source

	source=$(cd "${BASH_SOURCE[0]%/*}/../../../src" && pwd)
	places >"$out/places"
	reached | sort -u >"$out/reached"
	# Global functions are where the sources define them.
	{
		files_of_functions
		grep -HoE '^[a-z].*\b(htw_[a-z0-9_]+)\(' "$source"/*.c |
			sed -E 's,.*/([a-z_]+\.c):.*\b(htw_[a-z0-9_]+)\($,\1 \2,'
	} >"$out/functions"
	awk -v unreached="$out/unreached" '
		FILENAME ~ /functions$/ { if (!($2 in file)) file[$2] = $1; next }
		FILENAME ~ /reached$/ { hit[$1] = 1; next }
		{
			of = $2
			sub(/\.(isra|part|constprop|cold).*/, "", of)
			f = of in file ? file[of] : "(others)"
			all[f]++
			total++
			seen[of] += 0
			where[of] = f
			if ($1 in hit) { got[f]++; sum++; seen[of]++ }
		}
		END {
			for (f in all)
				printf "%-16s %5d of %5d places, %3d %%\n", f, got[f], all[f],
					100 * got[f] / all[f] | "sort"
			close("sort")
			printf "%-16s %5d of %5d places, %3d %%\n", "all", sum, total, 100 * sum / total
			printf "" >unreached
			for (of in seen)
				if (!seen[of])
					print where[of], of | ("sort >" unreached)
		}' "$out/functions" "$out/reached" "$out/places" | tee "$out/coverage"
}

main
