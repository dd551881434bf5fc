# SPDX-License-Identifier: GPL-2.0
#
# usage: awk -f user-tables.awk LOG... user.tsv: as tables of reStructuredText, for each
# rig one of the goals and one of all rows, with the peers side by side.

BEGIN {
	FS = "\t"
	nr_peers = split("timerfd posix io_uring", peers, " ")
}

/^# rig: / { sub(/^# rig: /, ""); sub(/\r$/, ""); about[substr($0, 1, index($0, ":") - 1)] = $0; next }
FILENAME !~ /\.tsv$/ || /^#/ { next }

!($1 in nr_rows) { rigs[++nr_rigs] = $1; nr_rows[$1] = 0 }

{
	row = $1 SUBSEP $2 SUBSEP $3
	if (!(row in htw)) {
		htw[row] = $6
		unit[row] = $12
		first[row] = "   " $2 ", " $3
		rows[$1, ++nr_rows[$1]] = row
	}
	if ($5 != "-") {
		value[row, $5] = $8
		ratio[row, $5] = $9
	}
}

$10 != "-" {
	goals[$1] = goals[$1] sprintf("   %s, %s, %s, %s, %s, %s, %s, %s\n", $2, $3,
		$5 == "-" ? $12 : $5, $6, $8 == "-" ? "" : $8, $9, $10, $11 == "met" ? "met" : "**missed**")
}

function cells(row, p, text)
{
	for (p = 1; p <= nr_peers; p++)
		text = text ", " value[row, peers[p]] ", " ratio[row, peers[p]]
	return text
}

END {
	for (r = 1; r <= nr_rigs; r++) {
		rig = rigs[r]
		printf "\n%s\n", about[rig]
		if (goals[rig] != "")
			printf "\n.. csv-table:: %s: goals\n   :header: bench, timers, peer, htw, peer, ratio, goal, \n\n%s",
				rig, goals[rig]
		printf "\n.. csv-table:: %s: all rows\n   :header: bench, timers, unit, htw, timerfd, ratio, posix, ratio, io_uring, ratio\n\n", rig
		for (i = 1; i <= nr_rows[rig]; i++) {
			row = rows[rig, i]
			print first[row] ", " unit[row] ", " htw[row] cells(row)
		}
	}
}
