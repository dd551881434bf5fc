# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What a guest runs for soak.sh: the program with the arguments in /arguments.
# shellcheck disable=SC1091
. /lib.sh

insmod /htw.ko max_timers=4194304 max_user_timers=4194304 || stop 'insmod htw'
# shellcheck disable=SC2046 # words
run_suite soak /bin/soak $(cat /arguments)
sed 's/^/# /' /sys/kernel/debug/htw/stats
unload htw
