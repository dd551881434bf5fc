# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What a guest runs to be measured: htw_bench with the parameters in /parameters, and
# where there is an htw that counts nothing, the same with that.
# shellcheck disable=SC1091
. /lib.sh

# measure DIR [PARAMETER]...: with the modules in DIR.
measure()
{
	load "$1/htw.ko"
	dmesg -c >/tmp/before
	# shellcheck disable=SC2046 # words
	insmod "$1/htw_bench.ko" $(cat /parameters) "$2" || stop "htw_bench, see above"
	dmesg | grep 'htw_bench: '
	unload htw_bench htw
}

measure /counting as=htw
[ ! -e /silent ] || measure /silent as=no_counters
