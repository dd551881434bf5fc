#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: run.sh [--quick] [--uml] [--rounds N] [--sizes N,N...] [kernel] [user]
#
# Run the benchmarks, or one of the two parts: in the kernel htw beside timer_list and
# hrtimer; for programs htw beside timerfd, POSIX timers and io_uring. Always in the
# same run. Leaves in build/bench, PART being kernel or user:
#
#   PART.txt           the table that is shown
#   PART.json          the same for machines
#   PART.tsv           the same, and
#   PART.lateness.txt  histograms, for plots.sh
#   RIG.log            what each kernel, or program, said
#
#   --quick       one round of small numbers: do they run? In the kernel without QEMU
#   --uml         only the benchmarks that run natively in User Mode Linux
#   --rounds N    rounds of each (5)
#   --sizes LIST  numbers of timers (1000,10000,100000,1000000)
#
# Exits 0 when all have run, goals met or not: the last line of each part says how many.

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/../testing/lib.sh"

bench=$top/tools/bench
out=$top/build/bench
rounds=5
all_sizes=1000,10000,100000,1000000
sizes=$all_sizes
uml_only=''
parts=()
logs=()

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--quick) uml_only=1 rounds=1 sizes=1000,10000; shift ;;
		--uml) uml_only=1; shift ;;
		--rounds) rounds=$(need_value "$@"); shift 2 ;;
		--sizes) sizes=$(need_value "$@"); shift 2 ;;
		kernel|user) parts+=("$1"); shift ;;
		*) die "unknown argument $1" "try --help" ;;
		esac
	done
	((${#parts[@]})) || parts=(kernel user)
}

# finish RIG LOG: one log more for the report, if all in it has run.
finish()
{
	local rig=$1 log=$out/$1.log

	grep -aq 'htw_bench: done' "$log" ||
		die "the benchmarks of $rig did not run to their end" "see $log" \
		    "$(grep -a 'htw_bench: ' "$log" | grep -v sample | tail -n 3)"
	logs+=("$log")
}

machine()
{
	printf '%s, %s CPUs' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)"
}

samples_so_far()
{
	printf ', %s samples' "$(grep -ac ' sample ' "$log" || :)"
}

# Where its memory is, which is a file: in memory, if that can be executed.
uml_memory()
{
	if findmnt -no OPTIONS -T /dev/shm | grep -qv noexec; then
		mktemp -d /dev/shm/htw-bench.XXXXXX
	else
		mktemp -d "$out/memory.XXXXXX"
	fi
}

# run_uml RIG HOW ARGUMENT...: the kernel, with these on its command line.
run_uml()
{
	local rig=$1 how=$2 log=$out/$1.log.part memory
	shift 2

	memory=$(uml_memory)
	(
		ulimit -S -c 0
		run_logged --may-fail --progress samples_so_far "measuring in User Mode Linux, $how" "$log" \
			env TMPDIR="$memory" timeout --kill-after=5 3000 "$out/uml/linux" \
			mem=768M con=null con0=fd:0,fd:1 uml_dir="$memory/run/" printk.time=0 \
			panic_on_warn=1 htw_bench.halt=1 htw_bench.rounds="$rounds" \
			htw_bench.sizes="$sizes" "$@" || :
	)
	rm -rf "$memory"
	{
		printf '# rig: %s: User Mode Linux (%s), %s, 1 CPU, on %s\n' "$rig" "$how" \
			"$(grep -a -m 1 '^Linux version' "$log" | cut -d' ' -f3)" "$(machine)"
		tr -d '\r' <"$log"
	} >"$out/$rig.log"
	rm "$log"
	finish "$rig"
}

bench_uml()
{
	local travel=expire_minute,slack,alone,tick_work,late_minute

	"$vm/uml.sh" --bench 6.12 "$out/uml"
	run_uml uml "native" htw_bench.run=ops,expire,late_live
	run_uml uml-travel "virtual time" time-travel=inf-cpu htw_bench.run="$travel"
}

# The modules for Debian's kernel, with the benchmarks; and the same without counters.
build_guest_modules()
{
	stock=$("$vm/stock.sh" 6.12)
	build_modules "$stock/build" "$out/modules" HTW_BENCH=m
	build_modules "$stock/build" "$out/modules-silent" HTW_BENCH=m KCFLAGS=-DHTW_NO_STATS
}

# modules_to DIR DEST: options for boot.sh.
modules_to()
{
	printf '%s\n' --file "$1/htw.ko:$2/htw.ko" --file "$1/htw_bench.ko:$2/htw_bench.ko"
}

# The answer of boot.sh's probe.
accelerator()
{
	cat "$CACHE/accel/$(</proc/sys/kernel/random/boot_id)" 2>/dev/null || echo "${ACCEL:-tcg}"
}

# run_guest RIG SMP HOW PARAMETERS [OPTION]...: in QEMU.
run_guest()
{
	local rig=$1 smp=$2 how=$3 parameters=$4 dir=$out/$1 files
	shift 4

	mkdir -p "$dir"
	echo "$parameters rounds=$rounds" >"$dir/parameters"
	mapfile -t files < <(modules_to "$out/modules" /counting)
	"$vm/boot.sh" --name "benchmarks" --kernel "$stock/vmlinuz" --smp "$smp" --timeout 600 \
		--out "$dir" --script "$bench/guest.sh" --file "$dir/parameters:/parameters" \
		"${files[@]}" "$@" ||
		die "the guest of $rig failed" "see $dir/result and $dir/console.log"
	{
		printf '# rig: %s: QEMU (%s), Debian %s, %s CPUs, on %s\n' "$rig" "$how" \
			"$(<"$stock/release")" "$smp" "$(machine)"
		tr -d '\r' <"$dir/result"
	} >"$out/$rig.log"
	finish "$rig"
}

# The clock of such a guest counts instructions: one is a nanosecond.
bench_instructions()
{
	local silent

	mapfile -t silent < <(modules_to "$out/modules-silent" /silent)
	run_guest qemu-icount 1 "instructions counted" \
		"run=ops,expire sizes=1000,10000 unit=instructions" --icount 0 "${silent[@]}"
}

bench_guests()
{
	build_guest_modules
	bench_instructions
	run_guest qemu-1 1 "$(accelerator)" "run=smp sizes=10000"
	run_guest qemu-2 2 "$(accelerator)" "run=ops,smp sizes=10000"
	run_guest qemu-4 4 "$(accelerator)" "run=smp sizes=10000"
}

# Static, because a guest has no libc.
build_program()
{
	run_logged "building the benchmarks of programs" "$out/user.build.log" \
		make -C "$bench/user" O="$out/user"
}

# run_user RIG HOW ARGUMENTS [OPTION]...: the program, in a guest of one CPU, in which
# timers of all CPUs and who waits for them share it.
run_user()
{
	local rig=$1 how=$2 arguments=$3 dir=$out/$1
	shift 3

	mkdir -p "$dir"
	echo "$arguments" >"$dir/arguments"
	"$vm/boot.sh" --name "benchmarks of programs ($how)" --kernel "$stock/vmlinuz" --smp 1 \
		--mem 2G --timeout 1800 --story --append cryptomgr.notests --out "$dir" \
		--script "$bench/guest-user.sh" \
		--file "$dir/arguments:/arguments" --file "$out/modules/htw.ko:/htw.ko" \
		--file "$out/user/htw-user-bench:/bin/htw-user-bench" "$@" ||
		die "the guest of $rig failed" "see $dir/result and $dir/console.log"
	{
		printf '# rig: %s: QEMU (%s), a program on Debian %s, 1 CPU, on %s\n' "$rig" "$how" \
			"$(<"$stock/release")" "$(machine)"
		tr -d '\r' <"$dir/result"
	} >"$out/$rig.log"
	finish "$rig"
}

# Instructions are the same in each round: two say that they are.
bench_programs()
{
	local counted=$((rounds < 2 ? rounds : 2))

	build_program
	run_user user-icount "instructions counted" "-c -r $counted -s $sizes" --icount 0
	run_user user-1 "$(accelerator)" "-r $rounds -s $sizes"
}

# report PART: of the logs that there are now.
report()
{
	local part=$1 whole='' rc=0

	# Then there is a row for each goal.
	[[ $sizes != "$all_sizes" || ($part == kernel && -n $uml_only) ]] || whole=$part
	awk -f "$bench/report.awk" -v json="$out/$part.json" -v tsv="$out/$part.tsv" \
		-v lateness="$out/$part.lateness.txt" -v whole="$whole" \
		"$bench/goals" "${logs[@]}" | tee "$out/$part.txt" || rc=$?
	logs=()
	return "$rc"
}

run_kernel()
{
	bench_uml
	[[ -n $uml_only ]] || bench_guests
	report kernel
}

run_programs()
{
	build_guest_modules
	bench_programs
	report user
}

main()
{
	local part rc=0

	parse "$@"
	mkdir -p "$out"
	for part in "${parts[@]}"; do
		rm -f "$out/$part".{txt,json,tsv,lateness.txt}
		case $part in
		kernel) run_kernel || rc=$? ;;
		user) run_programs || rc=$? ;;
		esac
	done
	return "$rc"
}

main "$@"
