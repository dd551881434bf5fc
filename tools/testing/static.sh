#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: static.sh
#
# What can be said about the sources without running them: that both compilers and
# sparse have nothing to say on the headers of both kernels, that the style is the
# kernel's, that the header for programs is C90 and C++, and that each mutation still
# finds its place. Prints "ok" or "not ok" for each, and what was found; the last line is
# "N passed, N failed".

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

out=$top/build/static
passed=0
failed=0

# check NAME CMD...: passes if CMD succeeds and has nothing to say.
check()
{
	local name=$1 log=$out/$1.log rc=0
	shift

	"$@" >"$log" 2>&1 || rc=$?
	if ((rc == 0)) && [[ ! -s $log ]]; then
		passed=$((passed + 1))
		echo "ok static $name"
	else
		failed=$((failed + 1))
		echo "not ok static $name"
		tail -n 30 "$log" | sed 's/^/    /'
	fi
}

# Debian's headers say gcc whatever LLVM= is given: every such setting has to go.
clang=(LLVM=-14 CC=clang-14 CONFIG_CLANG_VERSION=140006 CONFIG_CC_IS_GCC= CONFIG_CC_IS_CLANG=y
	CONFIG_GCC_VERSION=0 CONFIG_CC_IMPLICIT_FALLTHROUGH=-Wimplicit-fallthrough
	CONFIG_FTRACE_MCOUNT_USE_CC= CONFIG_FTRACE_MCOUNT_USE_OBJTOOL=y CONFIG_RETHUNK=
	CONFIG_MITIGATION_RETHUNK= CONFIG_SLS= CONFIG_MITIGATION_SLS=
	CONFIG_INIT_STACK_ALL_ZERO= CONFIG_INIT_STACK_NONE=y
	CONFIG_CC_HAS_AUTO_VAR_INIT_ZERO_BARE= KCFLAGS=-Wno-duplicate-decl-specifier)

# quiet_build KDIR DIR [MAKE-ARGUMENT]...: prints what the compilers say.
quiet_build()
{
	local kdir=$1 dir=$2
	shift 2

	rm -rf "$dir"
	copy_sources "$dir"
	make -s -C "$dir" KDIR="$kdir" W=1 HTW_TESTS=y HTW_BENCH=m "$@" \
		modules examples test-modules 2>&1 |
		grep -v -e '^htw: building for' -e 'Skipping BTF generation'
	return "${PIPESTATUS[0]}"
}

built_by_clang()
{
	readelf -p .comment "$1" | grep -q 'clang version' || echo "$1 was not built by clang"
}

check_builds()
{
	local series=$1 kdir

	kdir=$("$vm/stock.sh" "$series")/build
	check "gcc-$series" quiet_build "$kdir" "$out/gcc-$series"
	check "clang-$series" quiet_build "$kdir" "$out/clang-$series" "${clang[@]}"
	check "clang-$series-is-clang" built_by_clang "$out/clang-$series/htw.ko"
	check "sparse-$series" quiet_build "$kdir" "$out/sparse-$series" C=2
}

# Grafted into a kernel tree, as a module and built in.
run_graft()
{
	local dir=$out/graft-$1

	"$vm/uml.sh" --compile "$1" "$dir" 2>"$dir.progress" || tail -n 20 "$dir.progress"
	grep -q '^ok' "$dir/result" || echo "no result"
	grep '^not ok' "$dir/result" || :
}

sources_of()
{
	(cd "$top" && git ls-files -- "$@" 2>/dev/null) | sed "s,^,$top/,"
}

run_checkpatch()
{
	local files
	mapfile -t files < <(sources_of 'src/*.[ch]' 'include/*.h' 'kunit/*.c' 'tools/examples/*.c' \
		'tools/testing/misuse/*.c' 'tools/torture/*.[ch]' 'tools/bench/*.[ch]')

	# From the directory of its .checkpatch.conf.
	(cd "$top" && "$kernel/scripts/checkpatch.pl" -f --terse "${files[@]}") |
		grep -v -e '^total: 0 errors, 0 warnings, 0 checks' || :
}

run_kernel_doc()
{
	local files
	mapfile -t files < <(sources_of 'src/*.[ch]' 'include/*.h')

	"$kernel/scripts/kernel-doc" -none -Wall -Werror "${files[@]}"
}

run_shellcheck()
{
	local files
	mapfile -t files < <(sources_of '*.sh' .ci/run)

	(cd "$top" && shellcheck -x "${files[@]}")
}

# Included twice, alone, by a program of any age: its size is the promised one.
uapi_program='#include <linux/htw.h>
#include <linux/htw.h>
int ok[sizeof(struct htw_op) == 64 && sizeof(struct htw_event) == 32 &&
       sizeof(struct htw_query) == 128 ? 1 : -1];'

run_uapi()
{
	"$@" -pedantic -Wall -Wextra -Werror -Wno-long-long -I"$top/include/uapi" \
		-fsyntax-only - <<<"$uapi_program"
}

main()
{
	[[ ${1:-} != --help && ${1:-} != -h ]] || { usage; exit; }
	need_packages "the static checks" gcc g++ make libc6-dev libelf1 kmod clang-14 lld-14 llvm-14 \
		sparse shellcheck codespell perl git
	mkdir -p "$out"
	kernel=$("$vm/source.sh" 6.12)

	check_builds 6.12
	check_builds 6.1
	check graft-6.12 run_graft 6.12
	check graft-6.1 run_graft 6.1
	check checkpatch run_checkpatch
	check kernel-doc run_kernel_doc
	check shellcheck run_shellcheck
	check uapi-c90 run_uapi gcc -std=c90 -x c
	check uapi-c++ run_uapi g++ -std=c++11 -x c++
	check mutations "$top/tools/testing/mutate.sh" --stale
	printf '%d passed, %d failed\n' "$passed" "$failed"
	((failed == 0 && passed > 0))
}

main "$@"
