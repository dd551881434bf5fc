# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What a guest runs whose kernel has the tracers of latency. Prints a line for each
# window and peer:
#
#   latency WINDOW PEER irqs_off softirq: both in us, the longest
# shellcheck disable=SC1091
. /lib.sh

tracing=/sys/kernel/tracing

# The value that htw_bench gives to its parameter while a window is open.
wait_for_window()
{
	until [ "$(cat /sys/module/htw_bench/parameters/window_open 2>/dev/null)" = "$1" ]; do
		kill -0 "$bench" 2>/dev/null || stop "htw_bench ended early"
		sleep 0.02
	done
}

# trace WINDOW PEER: with the tracer that is set up, as long as the window is open.
trace()
{
	dmesg -c >/tmp/before
	insmod /htw_bench.ko run="window_$1" only="$2" &
	bench=$!
	wait_for_window Y
	echo 0 >$tracing/tracing_max_latency
	echo 1 >$tracing/tracing_on
	sleep 5
	echo 0 >$tracing/tracing_on
	wait_for_window N
	wait "$bench" || stop "htw_bench $1"
	rmmod htw_bench
	dmesg | sed -n 's/.*htw_bench: sample/# sample/p'
}

tracer()
{
	echo 0 >$tracing/tracing_on
	echo "$1" >$tracing/current_tracer
	echo >$tracing/trace
}

# The longest that interrupts were off.
irqs_off()
{
	tracer irqsoff
	trace "$@"
	longest=$(cat $tracing/tracing_max_latency)
	sed -n 's/^# *=> \(started\|ended\) at/#  \1 at/p' $tracing/trace
}

# The longest soft interrupt of timers: 1 is that of timer_list, 8 that of hrtimers.
softirqs()
{
	tracer nop
	echo 16384 >$tracing/buffer_size_kb
	echo 1 >$tracing/events/irq/softirq_entry/enable
	echo 1 >$tracing/events/irq/softirq_exit/enable
	trace "$@"
	echo 0 >$tracing/events/irq/enable
	grep -q 'entries-in-buffer/entries-written: \([0-9]*\)/\1 ' $tracing/trace ||
		stop "the trace is too long for its buffer"
	softirq=$(awk '
		match($0, /\[[0-9]+\]/) { cpu = substr($0, RSTART, RLENGTH) }
		match($0, / [0-9]+\.[0-9]+: /) { now = substr($0, RSTART, RLENGTH - 2) * 1000000 }
		/softirq_entry: / { start[cpu] = now }
		/softirq_exit: vec=(1|8) / && (cpu in start) {
			if (now - start[cpu] > longest) longest = now - start[cpu]
		}
		/softirq_exit: / { delete start[cpu] }
		END { printf "%d", longest }' $tracing/trace)
}

window()
{
	irqs_off "$@"
	softirqs "$@"
	printf 'latency %s %s %s %s\n' "$1" "$2" "$longest" "$softirq"
}

# Else irqsoff writes down each function that is called meanwhile, which takes longer.
echo 0 >$tracing/options/function-trace
load /htw.ko
window idle htw
for peer in htw timer_list; do
	window pending "$peer"
	window burst "$peer"
done
unload htw
