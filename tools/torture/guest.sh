# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A scenario, in the guest: the module, and programs beside it. /scenario says how.
# shellcheck disable=SC1091
. /lib.sh

# setting NAME: of the scenario.
setting()
{
	sed -n "s/^$1=//p" /scenario
}

# The numbers are there when it has ended.
results()
{
	until grep -q '^1\.\.' /proc/htw_torture; do
		sleep 1
	done
	cat /proc/htw_torture
}

# program_ended NAME NUMBER TEST: what it printed, and its result.
program_ended()
{
	sed 's/^[^#]/# &/' "/tmp/$1"
	[ "$(cat "/tmp/$1.status")" = 0 ] || printf 'not '
	printf 'ok %d %s\n' "$2" "$3"
}

# run_program NAME: until the time is over.
run_program()
{
	"/programs/$1" "$(setting seconds)" "$(setting seed)" >"/tmp/$1" 2>&1
	echo $? >"/tmp/$1.status"
}

programs()
{
	printf 'KTAP version 1\n1..2\n'
	program_ended contexts 1 contexts_open_and_close
	program_ended clock 2 clocks_are_set
}

# Several parameters, or none.
# shellcheck disable=SC2046
insmod /htw.ko $(setting htw) || stop "insmod htw"
# shellcheck disable=SC2046
insmod /htw_torture.ko seconds="$(setting seconds)" seed="$(setting seed)" $(setting torture) ||
	stop "insmod htw_torture"
run_program contexts &
run_program clock &
run_suite torture results
wait
run_suite programs programs
unload htw_torture htw
