# SPDX-License-Identifier: GPL-2.0
#
# usage: awk -f report.awk -v json=FILE -v tsv=FILE -v lateness=FILE
#	[-v whole=kernel|user] goals LOG...
#
# Samples of htw_bench (see kernel/bench.h) and of htw-user-bench to a table on stdout,
# JSON for machines, and two files for plots: rows, and histograms of lateness. The name
# of a log is that of its rig. A row is one benchmark of htw and one peer: the median of
# all rounds, and the least and the most. With whole= a goal of that part without a row
# is an error; those of programs are on rigs whose names begin with user.

function fail(text)
{
	print FILENAME ": " text >"/dev/stderr"
	failed = 1
	exit 2
}

# The rounds of @key in order, to sorted[1..n].
function sort_rounds(key, n, i, j, v)
{
	for (i = 1; i <= n; i++) {
		v = sample[key, i] + 0
		for (j = i - 1; j && sorted[j] > v; j--)
			sorted[j + 1] = sorted[j]
		sorted[j + 1] = v
	}
}

function digest(key, n)
{
	n = rounds[key]
	sort_rounds(key, n)
	median[key] = n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
	least[key] = sorted[1]
	most[key] = sorted[n]
}

function goal_of(rig, bench, n, peer, key)
{
	key = rig " " bench " " n " " peer
	if (key in goal)
		return used[key] = goal[key]
	key = rig " " bench " * " peer
	if (key in goal)
		return used[key] = goal[key]
	return ""
}

function verdict(ratio, wanted)
{
	if (wanted == "")
		return ""
	if (ratio <= wanted + 0) {
		met++
		return "met"
	}
	missed++
	return "MISSED"
}

function number(v, format)
{
	return v == "" ? "null" : sprintf(format, v)
}

function text(s)
{
	return s == "" ? "null" : "\"" s "\""
}

function value(v)
{
	return v == "" ? "-" : sprintf(v >= 1000 ? "%.0f" : "%.2f", v)
}

function print_head(rig)
{
	printf "\n%s\n\n%-22s %8s %4s %-12s %10s %19s %10s %19s %8s %7s %s\n", about[rig],
		"bench", "n", "cpus", "peer", "htw", "least..most", "peer", "least..most",
		"ratio", "goal", ""
}

function range(key)
{
	return key == "" ? "-" : value(least[key]) ".." value(most[key])
}

# One row, in all three forms. @other is "" if there is no peer.
function row(group, mine, other, part, peer, wanted, ratio, said, ns)
{
	split(group, part, " ")		# rig bench n cpus
	split(other, peer_part, " ")
	peer = other == "" ? "" : peer_part[5]
	ratio = other == "" ? median[mine] : median[other] ? median[mine] / median[other] : 0
	wanted = goal_of(part[1], part[2], part[3], other == "" ? "-" : peer)
	said = verdict(ratio, wanted)
	ns = unit[mine] == "ns"

	printf "%-22s %8s %4s %-12s %10s %19s %10s %19s %8.4g %7s %s\n", part[2], part[3],
		part[4], other == "" ? unit[mine] : peer, value(median[mine]), range(mine),
		value(other == "" ? "" : median[other]), range(other), ratio,
		wanted == "" ? "-" : wanted, said

	printf "%s\n  {\"bench\": \"%s\", \"n\": %d, \"cpus\": %d, \"htw_ns\": %s, \"peer\": %s, \"peer_ns\": %s, \"ratio\": %.6g, \"goal\": %s, \"met\": %s, \"rig\": \"%s\", \"unit\": \"%s\", \"rounds\": %d, \"htw_value\": %.6g, \"htw_spread\": [%.6g, %.6g]",
		comma, part[2], part[3], part[4], number(ns ? median[mine] : "", "%.3f"), text(peer),
		number(ns && other != "" ? median[other] : "", "%.3f"), ratio,
		wanted == "" ? "null" : wanted, said == "" ? "null" : said == "met" ? "true" : "false",
		part[1], unit[mine], rounds[mine], median[mine], least[mine], most[mine] >json
	if (other != "")
		printf ", \"peer_value\": %.6g, \"peer_spread\": [%.6g, %.6g]", median[other],
			least[other], most[other] >json
	printf "}" >json
	comma = ","

	printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.4g\t%s\t%s\t%s\n", part[1], part[2], part[3],
		part[4], other == "" ? "-" : peer, value(median[mine]), range(mine),
		value(other == "" ? "" : median[other]), ratio, wanted == "" ? "-" : wanted,
		said == "" ? "-" : said, unit[mine] >tsv
}

FILENAME != last {
	last = FILENAME
	rig = FILENAME
	sub(/.*\//, "", rig)
	sub(/\.log$/, "", rig)
}

{ sub(/\r$/, "") }

rig == "goals" && /^[^#]/ { goal[$1 " " $2 " " $3 " " $4] = $5; next }

/^# rig: / && rig != "goals" { about[rig] = substr($0, 8); next }

/htw_bench: lateness / {
	sub(/.*htw_bench: lateness /, "")
	gsub(/[a-z]+=/, "")
	print rig, $0 >lateness
	next
}

/htw_bench: sample / {
	sub(/.*htw_bench: sample /, "")
	for (i = 1; i <= NF; i++) {
		at = index($i, "=")
		field[substr($i, 1, at - 1)] = substr($i, at + 1)
	}
	group = rig " " field["bench"] " " field["n"] " " field["cpus"]
	key = group " " field["peer"]
	if (!(group in seen)) {
		seen[group] = 1
		groups[++nr_groups] = group
	}
	if (!(key in rounds))
		peers[group, ++nr_peers[group]] = key
	sample[key, ++rounds[key]] = field["value"]
	unit[key] = field["unit"]
}

END {
	if (failed)
		exit 2
	if (!nr_groups)
		fail("no samples")
	printf "[" >json
	printf "#rig\tbench\tn\tcpus\tpeer\thtw\thtw_range\tpeer_value\tratio\tgoal\tmet\tunit\n" >tsv
	for (g = 1; g <= nr_groups; g++) {
		group = groups[g]
		mine = group " htw"
		if (!(mine in rounds))
			fail("no sample of htw for " group)
		split(group, part, " ")
		if (part[1] != shown)
			print_head(part[1])
		shown = part[1]
		for (p = 1; p <= nr_peers[group]; p++)
			digest(peers[group, p])
		# There can be a goal for the value itself, besides.
		if (nr_peers[group] == 1 || goal_of(part[1], part[2], part[3], "-") != "")
			row(group, mine, "")
		for (p = 1; p <= nr_peers[group]; p++)
			if (peers[group, p] != mine)
				row(group, mine, peers[group, p])
	}
	print "\n]" >json
	for (key in goal)
		if (whole && (whole == "user") == (key ~ /^user/) && !(key in used)) {
			print "no row for the goal: " key
			absent++
		}
	printf "\n%d goals met, %d missed\n", met, missed
	exit absent > 0
}
