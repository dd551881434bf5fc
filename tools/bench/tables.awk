# SPDX-License-Identifier: GPL-2.0
#
# usage: awk -f tables.awk LOG... kernel.tsv: the rows as tables of reStructuredText.

BEGIN { FS = "\t" }

/^# rig: / { sub(/^# rig: /, ""); sub(/\r$/, ""); about[substr($0, 1, index($0, ":") - 1)] = $0; next }
FILENAME !~ /\.tsv$/ || /^#/ { next }

$1 != rig {
	rig = $1
	printf "\n.. csv-table:: %s\n   :header: bench, timers, CPUs, peer, htw, least..most, peer, ratio, goal\n\n",
		about[rig]
}

{
	printf "   %s, %s, %s, %s, %s, %s, %s, %s, %s\n", $2, $3, $4, $5 == "-" ? $12 : $5, $6, $7,
		$8, $9, $10 == "-" ? "" : $10 ($11 == "met" ? ": met" : ": **missed**")
}
