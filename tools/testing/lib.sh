# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What check.sh, demo.sh and static.sh share: building htw for a kernel in a copy of
# its sources, so that no build meets another one's objects or the user's.

top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
vm=$top/tools/testing/vm
# shellcheck source=tools/testing/vm/common.sh
. "$vm/common.sh"

sources=(Makefile Kbuild Kconfig VERSION src include kunit tools/examples tools/bench/kernel
	tools/testing/misuse tools/torture)

# copy_sources DIR: only what is newer, so that a second build is a short one.
copy_sources()
{
	local dir=$1

	mkdir -p "$dir"
	(cd "$top" && cp -au --parents "${sources[@]}" "$dir/")
}

# build_modules KDIR DIR [MAKE-ARGUMENT]...: htw, the examples and the tests, in DIR.
build_modules()
{
	local kdir=$1 dir=$2
	shift 2

	copy_sources "$dir"
	run_logged "building htw for $(cat "$kdir/include/config/kernel.release")" "$dir/build.log" \
		make -C "$dir" KDIR="$kdir" "$@" modules examples test-modules
}

# build_command DIR [MAKE-ARGUMENT]...: the command htw, static, because a guest has no
# libc.
build_command()
{
	run_logged "building the command htw" "$1.log" \
		make -C "$top/tools/htw" STATIC=1 O="$1" "${@:2}"
}

# build_selftests DIR [MAKE-ARGUMENT]...: static, like the command.
build_selftests()
{
	run_logged "building the selftests in ${1#"$top"/}" "$1.log" \
		make -C "$top/tools/testing/selftests" STATIC=1 O="$1" "${@:2}"
}
