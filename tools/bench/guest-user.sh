# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What a guest runs to measure what timers cost a program: htw-user-bench with the
# arguments in /arguments.
# shellcheck disable=SC1091
. /lib.sh

load /htw.ko
# The machine is quiet only after a while.
sleep 2
# As many timers as are asked for, whatever the limits are called in this version.
for limit in /sys/module/htw/parameters/max_*timers; do
	echo 4194304 >"$limit" || stop "$limit"
done
# shellcheck disable=SC2046 # words
htw-user-bench $(cat /arguments) 2>/dev/story || stop "htw-user-bench, see above"
unload htw
