#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: run.sh [OPTION]...
#
# Run the fuzzer of the device in a guest: first as root, then as a user without rights.
#
#   --kernel NAME    debug-6.12 (the default), or whatever else check.sh has: kcsan-6.12,
#                    stock-6.12... Without KCOV, which debug kernels have, it is not guided
#   --seconds N      how long, each of the two (60)
#   --seed N         of all random numbers (the time)
#   --replay FILE    run the programs in FILE instead
#   --times N        each of them so often (20)
#   --module FILE    the htw.ko to take; it is built otherwise
#   --out DIR        where everything is left (build/fuzz/KERNEL)
#
# If the guest dies, the programs that it ran last are in OUT/last; minimise.sh makes them
# small. With KCOV the functions of src/ that were not reached are in OUT/unreached, and
# how much of each file was in OUT/coverage.

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/../lib.sh"

fuzz=$top/tools/testing/fuzz
kernel=debug-6.12 seconds=60 seed='' replay='' times=20 module='' out=''
# How many programs before the end may have to do with it.
last=20

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--kernel) kernel=$(need_value "$@") ;;
		--seconds) seconds=$(need_value "$@") ;;
		--seed) seed=$(need_value "$@") ;;
		--replay) replay=$(need_value "$@") ;;
		--times) times=$(need_value "$@") ;;
		--module) module=$(need_value "$@") ;;
		--out) out=$(need_value "$@") ;;
		*) die "unknown option $1" "try --help" ;;
		esac
		shift 2
	done
	seed=${seed:-$(date +%s)}
	out=${out:-$top/build/fuzz/$kernel}
	[[ -z $replay || -r $replay ]] || die "no file $replay"
}

# Sets image, and builds htw for it.
find_kernel()
{
	local dir

	case $kernel in
	stock-*)
		dir=$("$vm/stock.sh" "${kernel#stock-}")
		image=$dir/vmlinuz
		;;
	*)
		dir=$("$vm/debug.sh" "${kernel#debug-}")
		image=$dir/image
		;;
	esac
	if [[ -z $module ]]; then
		build_modules "$dir/build" "$out/src"
		module=$out/src/htw.ko
	fi
}

build_fuzzer()
{
	run_logged "building the fuzzer" "$out/build.log" make -C "$fuzz" O="$out/obj"
	cat "$fuzz"/seeds/* >"$out/seeds"
	printf 'seed=%s\nseconds=%s\ntimes=%s\n' "$seed" "$seconds" "$times" >"$out/conf"
}

# A race of the kernel itself is no reason to stop.
extra_options()
{
	[[ $kernel != kcsan-* ]] || printf '%s\n' --append 'panic_on_warn=0 vm_taint=512'
	[[ -z $replay ]] || printf '%s\n' --file "$replay:/replay"
}

run_guest()
{
	local extra
	mapfile -t extra < <(extra_options)

	"$vm/boot.sh" --name "fuzz $kernel" --kernel "$image" --out "$out" --story \
		--timeout $((3 * seconds + 300)) --script "$fuzz/guest.sh" \
		--file "$module:/htw.ko" --file "$out/obj/fuzz:/fuzz" \
		--file "$out/seeds:/seeds" --file "$out/conf:/fuzz.conf" "${extra[@]}" >/dev/null
}

# The last programs that the guest has told of, the very last perhaps without its end.
keep_last()
{
	tr -d '\r' <"$out/story" | awk -v last="$last" '
		{ text[n] = text[n] $0 "\n" }
		/^end$/ { n++ }
		END {
			if (text[n] != "" && text[n] !~ /\nend\n$/)
				text[n] = text[n] "end\n"
			for (i = n > last ? n - last : 0; i <= n; i++)
				printf "%s", text[i]
		}' >"$out/last"
}

# Reports that name a function of the module: each is between two lines of "=".
races()
{
	tr -d '\r' <"$out/console.log" | awk '
		/=====+$/ {
			if (report ~ /BUG: KCSAN/ && report ~ /\[htw\]/)
				printf "%s", report
			report = ""
			next
		}
		{ report = report $0 "\n" }'
}

judge_guest()
{
	if [[ $kernel == kcsan-* ]]; then
		races >"$out/races"
		[[ ! -s $out/races ]] || { cat "$out/races"; return 1; }
		# The kernel's own are in its log, and no failure of the fuzzer.
		grep -qa '^htw-vm: verdict' "$out/result" && ! grep -qa '^# FAILED' "$out/result"
		return
	fi
	grep -qa '^htw-vm: verdict pass' "$out/result"
}

main()
{
	local ok=1

	parse "$@"
	need_packages "the fuzzer" gcc make libc6-dev libelf1 kmod cpio qemu-system-x86 binutils
	mkdir -p "$out"
	out=$(cd "$out" && pwd)
	find_kernel
	build_fuzzer
	run_guest || :
	judge_guest || ok=0
	grep -a '^# ' "$out/result" | grep -av -e '^# pc' -e '^# text' || :
	if grep -qa '^# pc' "$out/result"; then
		"$fuzz/coverage.sh" "$module" "$out/result" "$out"
	fi
	if ((!ok)); then
		keep_last
		echo "seed $seed: FAILED; what it did last: $out/last; minimise.sh makes it small"
		exit 1
	fi
	echo "seed $seed: nothing was found"
}

main "$@"
