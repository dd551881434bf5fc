# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The demo's part in the guest. What it tells goes to whoever watches; if a step
# fails it ends here, and the verdict is that it failed.
# shellcheck disable=SC1091
. /lib.sh

# step TEXT: a headline.
step()
{
	tell ''
	tell "== $*"
}

# show CMD...: as if somebody typed it; the demo ends if it fails.
show()
{
	tell "# $*"
	"$@" >/tmp/out 2>&1
	ret=$?
	cat /tmp/out >/dev/story
	cat /tmp/out
	[ $ret = 0 ] || stop "$* (status $ret)"
}

all_dropped()
{
	grep -q '^dropped: 6$' /proc/idle_table
}

step "Linux $(uname -r) with $(nproc) CPUs: load htw"
show insmod /htw.ko max_timers=200000
show htw info

step 'One timer: sleep for a millisecond and a half'
show htw sleep 1.5ms

step 'Some timers on one file descriptor: a script'
show cat /timers.htw
tell ''
show htw run /timers.htw

step 'A day in no time: a script on a virtual clock'
show cat /day.htw
tell ''
show htw run --clock virtual --tick 1ns /day.htw

step 'A hundred thousand timers: armed by two calls, and pushed out by none'
show cat /idle.htw
tell ''
show htw run /idle.htw
show htw stat --total

step 'Beside the other timers of this machine, which is emulated: ratios tell more than times'
show htw bench --quick

step 'A module with 6 connections: each packet pushes the idle timer of its connection out'
show insmod /idle_table.ko connections=6 idle_ms=60 packet_ms=6
sleep 0.04
show cat /proc/idle_table
for tenth in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
	all_dropped && break
	sleep 0.1
done
all_dropped || stop "only some connections were dropped after $tenth tenths of a second"
tell '# dmesg | grep idle_table'
dmesg | sed -n 's/.*\(idle_table: connection\)/\1/p' >/dev/story

step 'Unload everything'
show rmmod idle_table
show rmmod htw
