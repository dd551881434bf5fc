#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: check.sh
#
# Do the descriptions in htw.txt agree with <linux/htw.h>? Each request, flag, opcode and
# number of the header has to be there, and each structure with its fields in order, as
# wide as they are. Prints what is wrong; takes no syzkaller.

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
header=$here/../../../include/uapi/linux/htw.h
descriptions=$here/htw.txt
wrong=0

complain()
{
	printf 'htw.txt: %s\n' "$*"
	wrong=1
}

# What has a value: not the macros that take arguments, and not what is only made of them.
constants()
{
	sed -n 's/^#define\t*\(HTW_[A-Z0-9_]*\)[ \t].*/\1/p; s/^#define \(HTW_[A-Z0-9_]*\)[ \t].*/\1/p' \
		"$header" | grep -v -x -e HTW_IOC_MAGIC -e HTW_EVENT_LATENESS_MAX | sort -u
}

# "STRUCT FIELD BITS" or "STRUCT FIELD BITSxN" of each in the header.
header_fields()
{
	sed 's,/\*.*,,' "$header" | awk '
		/^struct htw_[a-z_]+ {/ { name = $2; next }
		/^};/ { name = "" }
		name && /;/ {
			bits = $1
			gsub(/[^0-9]/, "", bits)
			field = $2
			sub(/;.*/, "", field)
			times = ""
			if (field ~ /\[/) {
				times = field
				gsub(/.*\[|\].*/, "", times)
				times = "x" times
				sub(/\[.*/, "", field)
			}
			print name, field, bits times
		}'
}

# The same of what describes the structure $1: itself, or for htw_op one of its forms.
described_fields()
{
	awk -v name="$1" -v as="$2" '
		$1 == name && $2 == "{" { on = 1; next }
		/^}/ { on = 0 }
		on {
			field = $1
			type = $0
			sub(/^[ \t]*[a-z0-9_]+[ \t]+/, "", type)
			sub(/[ \t]*\((in|out|inout)\)$/, "", type)
			times = ""
			if (type ~ /^array/) {
				times = type
				sub(/.*, /, "x", times)
				sub(/\].*/, "", times)
			}
			if (type ~ /^ptr64/ || type ~ /^htw_timer_id/)
				bits = 64
			else {
				match(type, /int(16|32|64)/)
				bits = substr(type, RSTART + 3, RLENGTH - 3)
			}
			print as, field, bits times
		}' "$descriptions"
}

check_constants()
{
	local name

	for name in $(constants); do
		grep -qw -- "$name" "$descriptions" || complain "lacks $name"
	done
	while read -r name; do
		case $name in
		HTW_RING|HTW_CTL|HTW_WORDS) ;;	# of calls, after their $
		*) grep -qw -- "$name" "$header" || complain "has $name, which the header has not" ;;
		esac
	done < <(grep -ow 'HTW_[A-Z0-9_]*' "$descriptions" | sort -u)
}

check_struct()
{
	local name=$1 as=$2

	diff <(header_fields | grep "^$as ") <(described_fields "$name" "$as") ||
		complain "$name (>) is not the structure $as of the header (<)"
}

check_structs()
{
	local name form

	for name in $(header_fields | cut -d ' ' -f 1 | sort -u); do
		if [[ $name == htw_op ]]; then
			for form in arm rearm cancel remaining match advance anything; do
				check_struct "htw_op_$form" htw_op
			done
		else
			check_struct "$name" "$name"
		fi
	done
}

check_constants
check_structs
exit "$wrong"
