# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Misuse is found: for a debug kernel, booted with vm_taint=512 vm_lockdep=0. Each
# test has htw_misuse.ko commit a crime, and holds what the log says of it against
# what it should: so many reports, under that name, and nothing else. The log is
# cleared then, so that the guest's verdict still sees all that nobody expected.
#
# debugobjects prints no more than five reports per boot: that is what there is.
# shellcheck disable=SC1091
. /lib.sh

REPORTS='BUG: |WARNING: |UBSAN: |KASAN: |htw: module .* left'

# debugobjects heads its warnings with a line that says BUG: as well.
reports()
{
	grep -v 'ODEBUG: ' /tmp/crime.log | grep -c -E "$REPORTS"
}

# commit CRIME: without a panic. Fails if the module found anything amiss.
commit()
{
	dmesg -c >/dev/null
	echo 0 >/proc/sys/kernel/panic_on_warn
	insmod /htw_misuse.ko crime="$1" && rmmod htw_misuse
	ret=$?
	echo 1 >/proc/sys/kernel/panic_on_warn
	dmesg -c >/tmp/crime.log
	return $ret
}

# found CRIME NUMBER TEXT...: NUMBER reports, and each TEXT is in the log.
found()
{
	crime=$1
	number=$2
	shift 2
	commit "$crime"
	ret=$?
	[ "$(reports)" = "$number" ] || ret=1
	for text; do
		grep -q "$text" /tmp/crime.log || { echo "no: $text"; ret=1; }
	done
	[ $ret = 0 ] || cat /tmp/crime.log
	return $ret
}

right_use_is_not_reported()
{
	found nothing_wrong 0
}

setup_of_an_armed_timer()
{
	found init_armed 1 'ODEBUG: init active .* htw_timer hint: never_called+.*\[htw_misuse\]'
}

free_of_an_armed_timer()
{
	found free_armed 1 'ODEBUG: free active .* htw_timer hint: never_called+.*\[htw_misuse\]' \
		' free_armed+.*\[htw_misuse\]'
}

arming_what_was_never_set_up()
{
	found arm_never_set_up 1 'ODEBUG: assert_init not available .* htw_timer' \
		' arm_never_set_up+.*\[htw_misuse\]'
}

cancel_of_what_was_never_set_up()
{
	found cancel_never_set_up 1 'ODEBUG: assert_init not available .* htw_timer' \
		' cancel_never_set_up+.*\[htw_misuse\]'
}

armed_timer_on_a_stack_that_goes()
{
	found leave_stack_armed 1 'ODEBUG: free active .* htw_timer hint: never_called+' \
		' leave_armed+.*\[htw_misuse\]'
}

arming_all_zeroes()
{
	found arm_zeroed 1 ' arm_zeroed+.*\[htw_misuse\]'
}

callback_that_leaks_preempt_count()
{
	found leak_preempt_count 1 'htw: leaks_preempt_count \[htw_misuse\] leaked preempt_count'
}

callback_that_leaks_a_lock()
{
	# And the preempt_count that came with it, of which only the first one is told.
	found leak_lock 1 'htw: leaks_lock \[htw_misuse\] returned with locks held' '  leaked_lock$'
}

callback_that_leaves_interrupts_disabled()
{
	found leak_irqs_disabled 1 'htw: leaks_irqs_disabled \[htw_misuse\] returned with interrupts disabled'
}

# All of the above: or nothing would be known of the locks in them.
lockdep_has_nothing_to_say()
{
	grep -q 'debug_locks: *1$' /proc/lockdep_stats
}

# Lockdep turns itself off: has to be the last.
cancel_sync_under_a_lock_of_the_callback()
{
	found cancel_under_lock 1 'possible circular locking dependency' \
		'insmod/.* is trying to acquire lock' ' htw_cancel_sync+' ' cancel_under_lock+.*\[htw_misuse\]' \
		' takes_lock+.*\[htw_misuse\]'
}

# shellcheck disable=SC1091
. /ktap.sh
load /htw.ko
echo '# suite: misuse'
run_tests right_use_is_not_reported setup_of_an_armed_timer free_of_an_armed_timer \
	arming_what_was_never_set_up cancel_of_what_was_never_set_up \
	armed_timer_on_a_stack_that_goes arming_all_zeroes \
	callback_that_leaks_preempt_count callback_that_leaks_a_lock \
	callback_that_leaves_interrupts_disabled lockdep_has_nothing_to_say \
	cancel_sync_under_a_lock_of_the_callback
printf '\n# exit: %d\n# suite:\n' $?
unload htw
