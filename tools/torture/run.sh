#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: run.sh [option]... [SCENARIO]...
#
# Torture htw in guests: for each scenario a boot, in which htw_torture.ko and
# programs do everything at once. What is wrong is printed; the last line is
# "N passed, N failed".
#
#   --seconds N   how long each scenario runs (60)
#   --seed N      all random numbers follow from it (a new one each time)
#   --out DIR     where results go (build/torture)
#   -l            list the scenarios, with what each is for
#
# A scenario is a file in tools/torture/scenarios that sets
#
#   kernel=debug-6.12     a kernel of debug.sh, or stock-6.12 for one of stock.sh
#   smp=4                 CPUs
#   boot=                 more kernel command line
#   htw=                  parameters of htw.ko
#   torture=              parameters of htw_torture.ko
#
# Without names all of them run. OUT/SCENARIO has what each said: result, console.log.

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source=tools/testing/lib.sh
. "$here/../testing/lib.sh"

duration=60
seed=$((RANDOM << 15 | RANDOM))
out=$top/build/torture
scenarios=()

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		-l) list; exit ;;
		--seconds) duration=$(need_value "$@"); shift ;;
		--seed) seed=$(need_value "$@"); shift ;;
		--out) out=$(need_value "$@"); shift ;;
		-*) die "unknown option $1" "try --help" ;;
		*)
			[[ -e $here/scenarios/$1 ]] || die "there is no scenario $1" "try -l"
			scenarios+=("$1")
			;;
		esac
		shift
	done
	((${#scenarios[@]})) || mapfile -t scenarios < <(ls "$here/scenarios")
}

list()
{
	local file

	for file in "$here"/scenarios/*; do
		printf '%-12s %s\n' "${file##*/}" "$(sed -n '2s/^# //p' "$file")"
	done
}

# setting SCENARIO NAME [DEFAULT]: what the scenario says, or else DEFAULT.
setting()
{
	local value

	value=$(sed -n "s/^$2=//p" "$here/scenarios/$1")
	printf '%s\n' "${value:-${3:-}}"
}

# The directory of the kernel, and the image in it.
kernel_dir()
{
	case $1 in
	stock-*) "$vm/stock.sh" "${1#stock-}" ;;
	debug-*) "$vm/debug.sh" "${1#debug-}" ;;
	*) die "kernel=$1: it is debug-... or stock-..." ;;
	esac
}

# What the guest has to know.
guest_settings()
{
	printf 'htw=%s\ntorture=%s\nseconds=%s\nseed=%s\n' "$(setting "$1" htw)" \
		"$(setting "$1" torture)" "$duration" "$seed"
}

# boot SCENARIO ARGUMENT...: an emulated machine with several CPUs now and then dies when the
# kernel patches itself, before anything of ours has run: only then once more.
boot()
{
	local name=$1
	shift

	"$vm/boot.sh" --name "$name" --out "$out/$name" "$@" || :
	grep -q '^# kernel:' "$out/$name/result" 2>/dev/null && return
	say "$name: the kernel has not come up; once more"
	"$vm/boot.sh" --name "$name" --out "$out/$name" "$@" || :
}

run_scenario()
{
	local name=$1 kernel dir image src line args=()

	kernel=$(setting "$name" kernel)
	line=$(setting "$name" boot)
	[[ -z $line ]] || args=(--append "$line")
	dir=$(kernel_dir "$kernel")
	image=$dir/image
	[[ $kernel != stock-* ]] || image=$dir/vmlinuz
	src=$out/src/$kernel
	build_modules "$dir/build" "$src"
	run_logged "building the programs" "$out/programs.log" \
		make -C "$here/programs" O="$out/programs"
	mkdir -p "$out/$name"
	guest_settings "$name" >"$out/$name/scenario"
	say "$name: $kernel, $duration s, seed $seed"
	# To boot and to stop takes a while, and time may be slow in there.
	boot "$name" --kernel "$image" --smp "$(setting "$name" smp 4)" \
		--timeout $((duration * 3 + 600)) "${args[@]}" \
		--script "$here/guest.sh" \
		--file "$src/htw.ko:/htw.ko" \
		--file "$src/tools/torture/htw_torture.ko:/htw_torture.ko" \
		--file "$out/programs:/programs" \
		--file "$out/$name/scenario:/scenario"
	"$vm/judge.sh" --rig torture --label "torture-$name" --manifest "$top/tools/testing/manifest" \
		"$out/$name" || :
	replay "$name"
}

replay()
{
	grep -a '^# armed' "$out/$1/result" | tr -d '\r' | sed "s/^#/$1:/" || :
	printf '# replay: tools/torture/run.sh --seconds %s --seed %s %s\n' "$duration" "$seed" "$1"
}

sum_up()
{
	local name passed=0 failed=0 ok bad

	echo
	for name in "${scenarios[@]}"; do
		ok=$(grep -c '^ok ' "$out/$name/results" 2>/dev/null) || :
		bad=$(grep -c '^not ok ' "$out/$name/results" 2>/dev/null) || :
		# One that has not even started has no results.
		[[ -s $out/$name/results ]] || bad=1
		printf '%-12s %5d passed, %d failed\n' "$name" "${ok:-0}" "${bad:-0}"
		passed=$((passed + ${ok:-0}))
		failed=$((failed + ${bad:-0}))
	done
	printf '%d passed, %d failed\n' "$passed" "$failed"
	((failed == 0 && passed > 0))
}

main()
{
	local name

	parse "$@"
	need_packages "torturing htw" gcc make libc6-dev libelf1 kmod cpio qemu-system-x86
	for name in "${scenarios[@]}"; do
		rm -f "$out/$name/results"
		(run_scenario "$name") || :
	done
	sum_up
}

main "$@"
