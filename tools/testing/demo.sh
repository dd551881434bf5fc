#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: demo.sh [KVER]
#
# Show what htw does: build it for a stock Debian kernel (KVER: 6.12, 6.1 or a whole
# release; default 6.12), boot that kernel in QEMU with two CPUs, load htw and a
# module that uses it, run timers of a program, unload everything.
#
# Nothing is loaded into the kernel of this machine, and none of its files is touched.

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

demo=$top/tools/testing/demo
out=$top/build/demo

main()
{
	local kver=${1:-6.12} dir src

	case $kver in
	-h|--help) usage; exit ;;
	esac
	need_packages "building htw and running it in QEMU" \
		gcc make libc6-dev libelf1 kmod cpio qemu-system-x86
	dir=$("$vm/stock.sh" "$kver")
	src=$out/$(cat "$dir/release")
	build_modules "$dir/build" "$src"
	build_command "$out/tool"

	echo
	if "$vm/boot.sh" --name demo --story --timeout 120 --kernel "$dir/vmlinuz" --out "$out/guest" \
		--script "$demo/guest.sh" \
		--file "$src/htw.ko:/htw.ko" \
		--file "$src/tools/examples/idle_table/idle_table.ko:/idle_table.ko" \
		--file "$out/tool/htw:/bin/htw" \
		--file "$demo/timers.htw:/timers.htw" \
		--file "$demo/day.htw:/day.htw" \
		--file "$demo/idle.htw:/idle.htw"; then
		printf '\ndemo: passed: every timer fired, none early; all was unloaded again\n'
	else
		printf '\ndemo: FAILED: see %s and console.log beside it\n' "$out/guest/result"
		exit 1
	fi
}

main "$@"
