# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# In the guest: the fuzzer as root, then as a user without any right. /fuzz.conf says how
# long, and with what seed.
# shellcheck disable=SC1091,SC2154
. /lib.sh
. /fuzz.conf

load /htw.ko
chmod 666 /dev/htw
# Little is allowed, so that limits are met.
echo 4000 >/sys/module/htw/parameters/max_user_timers
echo 5000 >/sys/module/htw/parameters/max_total_timers
echo 16 >/sys/module/htw/parameters/pass_events

status=0
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
