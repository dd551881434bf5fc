# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# In the guest: the fuzzer as root, then as a user without any right, each for half of
# the time. /fuzz.conf says how.
# shellcheck disable=SC1091
. /lib.sh
# shellcheck disable=SC2154
. /fuzz.conf

# Allocations that may sleep can fail as well, and nobody wants to read of it.
faults=/sys/kernel/debug/failslab
for fault in $faults /sys/kernel/debug/fail_page_alloc /sys/kernel/debug/fail_usercopy; do
	[ ! -e $fault/verbose ] || echo 0 >$fault/verbose
	[ ! -e $fault/ignore-gfp-wait ] || echo N >$fault/ignore-gfp-wait
done

load /htw.ko
chmod 666 /dev/htw
status=0

# Little is allowed, so that limits are met.
echo 4000 >/sys/module/htw/parameters/max_user_timers
echo 5000 >/sys/module/htw/parameters/max_total_timers
echo 16 >/sys/module/htw/parameters/pass_events

if [ -e /replay ]; then
	/fuzz --replay /replay --times "$times" --channel /dev/story || status=1
else
	/fuzz --seed "$seed" --seconds "$seconds" --seeds /seeds --channel /dev/story \
		--coverage /tmp/root.pcs || status=1
	/fuzz --seed "$seed" --seconds "$seconds" --seeds /seeds --channel /dev/story \
		--coverage /tmp/user.pcs --user 65534 || status=1
	# Where the code begins, and what of it was reached.
	echo "# text $(cat /sys/module/htw/sections/.text)"
	sort -u /tmp/root.pcs /tmp/user.pcs | sed 's/^/# pc /'
fi
unload htw
exit $status
