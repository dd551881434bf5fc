#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: debug.sh [--refresh] [VARIANT-]SERIES
#
# Build a kernel of SERIES (6.12 or 6.1) from Debian's source with the checks of
# debug.config turned on, in the cache, and print its directory:
#
#   image     to boot
#   build/    to build modules against (make -C .../build M=...)
#   modules/  the few in-tree modules that selftest.sh loads
#
# The directory is named after the version of the source, the configuration
# and the compiler; when it exists, printing it is all there is to do.
#
# A variant is what VARIANT.config makes of it, by saying some of that otherwise:
#
#   kcsan     looks for data races instead of bad memory accesses
#   rt        PREEMPT_RT
#   up        no SMP
#   i386      32 bits
#   trace     none of the checks, but the tracers of latencies
#
# JOBS=N sets the number of parallel jobs.

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
. "$here/common.sh"

# fragments KERNEL: the last one that says something of a symbol is right.
fragments()
{
	printf '%s\n' "$here/debug.config" "$here/debug-${1##*-}.config"
	[[ $1 != *-* ]] || printf '%s\n' "$here/${1%-*}.config"
}

# The settings without the comments, each symbol once.
settings()
{
	cat "$@" | tac | awk '
		/^CONFIG_/ { symbol = $0; sub(/=.*/, "", symbol) }
		/^# CONFIG_.* is not set$/ { symbol = $2 }
		/^CONFIG_|^# CONFIG_.* is not set$/ { if (!seen[symbol]++) print }'
}

# What a fragment says in a comment, "# NAME: VALUE", or else DEFAULT.
remark()
{
	local name=$1 default=$2
	shift 2

	cat "$@" | awk -v name="$name:" -v value="$default" '
		$1 == "#" && $2 == name { value = $3 }
		END { print value }'
}

# Everything that changes the result goes into the name.
build_key()
{
	local kernel=$1 src=$2 frags

	mapfile -t frags < <(fragments "$kernel")
	{
		cat "$src/.htw-version"
		settings "${frags[@]}"
		gcc --version | head -n 1
		ld --version | head -n 1
	} | sha256sum | cut -c 1-12
}

make_kernel()
{
	# The name of this machine and the date are nobody's business, and would
	# make two builds differ. Called from a make, what its user gave that one
	# (M=, W=1, -j) is not meant for the kernel.
	env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL -u KBUILD_OUTPUT -u KBUILD_EXTMOD \
		-u KCFLAGS -u CROSS_COMPILE make -C "$1" O="$2" ARCH="$arch" KBUILD_BUILD_USER=htw KBUILD_BUILD_HOST=htw \
		KBUILD_BUILD_TIMESTAMP=1970-01-01 "${@:3}"
}

# Kconfig drops what it cannot grant, silently. Name the first such symbol.
check_config()
{
	local config=$1 wanted=$2 line sym

	while read -r line; do
		case $line in
		CONFIG_*=*)
			grep -qxF "$line" "$config" ||
				die "the configuration lacks $line" \
				    "it says: $(grep -w "${line%%=*}" "$config" || echo nothing)" \
				    "a dependency is missing, or the symbol is not of this series"
			;;
		'# CONFIG_'*' is not set')
			sym=${line#\# }
			! grep -q "^${sym%% *}=" "$config" ||
				die "the configuration has $(grep "^${sym%% *}=" "$config") against our wish"
			;;
		esac
	done <"$wanted"
}

objects_done()
{
	local n

	n=$(grep -c -E '^ +(CC|AS|CC \[M\]) ' "$build_log") || :
	printf ', %d objects' "$n"
	((objects == 0)) || printf ' of about %d (%d%%)' "$objects" $((n < objects ? n * 100 / objects : 99))
}

compile()
{
	local src=$1 dir=$2 kernel=$3 frags jobs=${JOBS:-$(nproc)}

	mapfile -t frags < <(fragments "$kernel")
	objects=$(remark objects 0 "${frags[@]}")
	arch=$(remark arch x86_64 "${frags[@]}")
	build_log=$CACHE/log/debug-$kernel.log

	mkdir -p "$dir/build"
	settings "${frags[@]}" >"$dir/fragment"
	run_logged "configuring the debug kernel $kernel" "$build_log" \
		make_kernel "$src" "$dir/build" KCONFIG_ALLCONFIG="$dir/fragment" allnoconfig
	check_config "$dir/build/.config" "$dir/fragment"
	run_logged --progress objects_done "building the debug kernel $kernel" "$build_log" \
		make_kernel "$src" "$dir/build" -j"$jobs" bzImage modules
}

# The objects are nine tenths of the tree, and building a module needs none.
slim()
{
	find "$1/build" -path "$1/build/scripts" -prune -o -path "$1/build/tools" -prune -o \
		-type f \( -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o -name 'vmlinux.bin*' \) \
		-exec rm -f {} +
}

# Old configurations pile up; what nobody asked for in two weeks goes.
prune()
{
	find "$CACHE/debug" -mindepth 2 -maxdepth 2 -name complete -mtime +14 -printf '%h\n' |
		while read -r old; do
			say "removing $old, unused for two weeks"
			rm -rf "$old"
		done
}

build()
{
	local kernel=$1 src=$2 dir=$3 ko

	# A directory without its mark is the rest of an interrupted build:
	# after a kill no file in it can be trusted.
	[[ ! -e $dir/complete ]] || { touch "$dir/complete"; return 0; }
	rm -rf "$dir"
	compile "$src" "$dir" "$kernel"
	mkdir -p "$dir/modules"
	while read -r ko; do
		cp "$ko" "$dir/modules/"
	done < <(find "$dir/build" -name '*.ko')
	cp "$dir/build/arch/x86/boot/bzImage" "$dir/image"
	cp "$dir/build/include/config/kernel.release" "$dir/release"
	slim "$dir"
	touch "$dir/complete"
	prune
}

main()
{
	local refresh=() kernel='' src dir frag

	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--refresh) refresh=(--refresh) ;;
		-*) die "unknown option $1" "try --help" ;;
		*) kernel=$1 ;;
		esac
		shift
	done
	while read -r frag; do
		[[ -e $frag ]] || die "there is no ${frag##*/}: no such kernel" "try: debug.sh 6.12"
	done < <(fragments "$kernel")

	need_packages "building a kernel" gcc libc6-dev make flex bison bc libelf-dev libssl-dev \
		xz-utils perl kmod cpio
	src=$("$here/source.sh" "${refresh[@]}" "${kernel##*-}")
	dir=$CACHE/debug/$kernel-$(build_key "$kernel" "$src")
	with_lock "debug-$kernel" build "$kernel" "$src" "$dir"
	printf '%s\n' "$dir"
}

main "$@"
