# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Completion for the command htw. What there is to complete is asked of the command
# itself, so this is never out of step with it.

# _htw_options COMMAND...: the long options that its help names.
_htw_options()
{
	"$@" --help 2>/dev/null | grep -o -E '^ *(-[a-zA-Z], )? *--[a-z]+' | grep -o -E -e '--[a-z]+'
}

# _htw_commands HTW: what there is after it.
_htw_commands()
{
	"$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'
}

# The subcommand that has been typed, if any.
_htw_typed()
{
	local i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--device) i=$((i + 1)) ;;
		-*) ;;
		*) printf '%s\n' "${COMP_WORDS[i]}"; return ;;
		esac
	done
}

_htw()
{
	local htw=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command words=

	command=$(_htw_typed)
	case $command:$prev in
	*:--device|*:--dir) words='' ;;
	*:-c|*:--clock) words='monotonic boottime realtime tai virtual' ;;
	stat:-p|stat:--pid) words=$(cd /proc && printf '%s ' [0-9]*) ;;
	:*) words="$(_htw_commands "$htw") $(_htw_options "$htw")" ;;
	help:*) words=$(_htw_commands "$htw") ;;
	*) [[ $cur != -* ]] || words=$(_htw_options "$htw" "$command") ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	# Nothing of htw's own: then it is a file.
	[[ -n $words ]] || mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

complete -o filenames -F _htw htw
