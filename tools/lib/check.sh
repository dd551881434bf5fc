#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1 OR MIT
# usage: check.sh [-l | -t NAME]
#
# What of libhtw can be tested without the device: that header, library, version script
# and manual pages have the same functions, and that what is installed can be used and be
# removed again. Prints KTAP. -l lists the tests, -t runs one of them.

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
top=$(cd "$here/../.." && pwd)

# For 32 bits, also without gcc-multilib, which has asm/ on the usual path.
m32=(-m32 -idirafter "/usr/include/$(gcc -print-multiarch)")

tests=(
	header_stands_alone_in_c_and_cxx
	library_exports_what_the_header_declares
	version_script_names_no_more_than_that
	every_function_has_a_manual_page
	library_needs_libc_and_nothing_else
	words_are_stored_without_a_lock
	installed_library_is_found_by_pkg_config
	installed_manual_pages_are_found_by_every_name
	examples_build_against_what_is_installed
	inline_functions_can_be_called_by_name
	uninstall_leaves_nothing
)

fail()
{
	echo "$*"
	exit 1
}

# All functions: what a line in the first column declares or defines. No macro.
declared()
{
	grep -oE '^[A-Za-z_].*\bhtw_[a-z_]+\(' "$here/libhtw.h" | grep -v -e '^#' -e '^typedef' |
		grep -oE '\bhtw_[a-z_]+\(' | tr -d '(' | sort -u
}

build()
{
	make -C "$here" O="$tmp/lib" >/dev/null
}

# What is installed is in $prefix; $env finds it there.
install_lib()
{
	prefix=$tmp/installed
	[[ -e $prefix ]] || make -C "$here" O="$tmp/lib" prefix="$prefix" install install-man >/dev/null
	export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
}

# compile FILE [OPTION]...: with the header, and no code of it.
compile()
{
	local file=$1
	shift

	"$@" -Wall -Wextra -Wpedantic -Werror -I"$here" -I"$top/include/uapi" -o "$tmp/out.o" -c "$file"
}

header_stands_alone_in_c_and_cxx()
{
	printf '#include <libhtw.h>\n#include <libhtw.h>\nint unused;\n' >"$tmp/a.c"
	cp "$tmp/a.c" "$tmp/a.cc"
	compile "$tmp/a.c" gcc -std=c99 -D_POSIX_C_SOURCE=200809L
	compile "$tmp/a.c" gcc -std=gnu17 "${m32[@]}"
	compile "$tmp/a.cc" g++ -std=c++11
	compile "$tmp/a.cc" g++ -std=c++20 -Wconversion
}

library_exports_what_the_header_declares()
{
	build
	declared >"$tmp/declared"
	[[ $(wc -l <"$tmp/declared") -gt 50 ]] || fail "the header has lost its functions"
	nm -D --defined-only "$tmp/lib/libhtw.so" | sed -n 's/.* T \(.*\)@@LIBHTW_1\.0$/\1/p' |
		sort >"$tmp/exported"
	diff "$tmp/declared" "$tmp/exported"
	# Of the static one, what is no function of the header is the library's own.
	nm --defined-only "$tmp/lib/libhtw.a" | sed -n 's/.* T //p' | sort >"$tmp/static"
	diff "$tmp/declared" <(grep -vx htw_free "$tmp/static")
}

version_script_names_no_more_than_that()
{
	declared | diff - <(sed -n 's/^\t\(htw_.*\);$/\1/p' "$here/libhtw.map" | sort)
}

every_function_has_a_manual_page()
{
	local name

	"$here/man.sh" list >"$tmp/pages"
	for name in $(declared) htw_ring_for_each; do
		grep -q "^$name " "$tmp/pages" || fail "no manual page has $name"
	done
	[[ -z $(cut -d' ' -f1 "$tmp/pages" | sort | uniq -d) ]] || fail "a function has two pages"
}

library_needs_libc_and_nothing_else()
{
	build
	readelf -d "$tmp/lib/libhtw.so" >"$tmp/dynamic"
	grep -q 'SONAME.*\[libhtw\.so\.1\]' "$tmp/dynamic" || fail "its soname is another one"
	! grep NEEDED "$tmp/dynamic" | grep -v '\[libc\.so\.6\]' || fail "it needs more than libc"
}

# On 32 bits there would be a call of libatomic, which takes a lock if it must.
words_are_stored_without_a_lock()
{
	gcc "${m32[@]}" -O2 -std=gnu11 -I"$here" -I"$top/include/uapi" -c -o "$tmp/words.o" "$here/words.c"
	! nm "$tmp/words.o" | grep -i atomic || fail "a word is not stored by an instruction"
	# It does store, and is not the version for machines that can't.
	objdump -d "$tmp/words.o" >"$tmp/words.s"
	grep -qE 'fistp|movq|cmpxchg8b' "$tmp/words.s" || fail "nothing stores 64 bits"
}

installed_library_is_found_by_pkg_config()
{
	install_lib
	cat >"$tmp/probe.c" <<-'END'
		#include <errno.h>
		#include <libhtw.h>
		int main(void)
		{
			struct htw_query query;
			return htw_probe("/dev/null", &query) != -ENOTTY;
		}
	END
	# shellcheck disable=SC2046 # words
	gcc -Wall -Werror -o "$tmp/probe" "$tmp/probe.c" $(pkg-config --cflags --libs libhtw)
	readelf -d "$tmp/probe" >"$tmp/dynamic"
	grep -q 'NEEDED.*libhtw\.so\.1' "$tmp/dynamic" || fail "it is linked to something else"
	"$tmp/probe" || fail "it does not run: status $?"
	[[ $(pkg-config --modversion libhtw) == $(<"$top/VERSION") ]] || fail "it has another version"
}

installed_manual_pages_are_found_by_every_name()
{
	local name page

	install_lib
	for name in $(declared); do
		page=$prefix/share/man/man3/$name.3
		[[ -s $page ]] || fail "there is no page $name(3)"
		if [[ $(<"$page") == .so* ]]; then
			page=$prefix/share/man/$(sed -n 's/^\.so //p' "$page")
		fi
		sed -n '/^\.SH NAME/,/^\.SH SYN/p' "$page" | grep -w "$name" >/dev/null ||
			fail "${page##*/} does not have $name below NAME"
	done
	[[ -s $prefix/share/man/man7/libhtw.7 ]] || fail "there is no page libhtw(7)"
}

examples_build_against_what_is_installed()
{
	local dir

	install_lib
	for dir in idle_server queue_sim heartbeat; do
		make -C "$top/tools/examples/$dir" O="$tmp/examples" CFLAGS="-O2 -Wall -Wextra -Werror"
	done
	[[ -x $tmp/examples/idle_server && -x $tmp/examples/queue_sim && -x $tmp/examples/after ]]
}

# As a binding does it, which has no header.
inline_functions_can_be_called_by_name()
{
	install_lib
	cat >"$tmp/binding.c" <<-'END'
		#include <dlfcn.h>
		#include <linux/htw.h>
		int main(void)
		{
			struct htw_op op = { .res = 1, .value = 2 };
			void *lib = dlopen("libhtw.so.1", RTLD_NOW);
			void (*prep)(struct htw_op *, __u64, __u16, __u64);

			if (!lib)
				return 1;
			prep = (void (*)(struct htw_op *, __u64, __u16, __u64))
				dlsym(lib, "htw_prep_at");
			if (!prep)
				return 2;
			prep(&op, 7, HTW_TIMER_KEEP, 9);
			return !(op.opcode == HTW_OP_ARM && op.expires == 7 && op.cookie == 9 &&
				 op.flags == (HTW_TIMER_ABS | HTW_TIMER_KEEP) && !op.value && !op.res);
		}
	END
	gcc -I"$prefix/include" -o "$tmp/binding" "$tmp/binding.c"
	"$tmp/binding" || fail "status $?"
}

uninstall_leaves_nothing()
{
	install_lib
	make -C "$here" prefix="$prefix" uninstall >/dev/null
	rm "$prefix/include/linux/htw.h"
	[[ -z $(find "$prefix" ! -type d) ]] || fail "it leaves $(find "$prefix" ! -type d | head -n 3)"
}

run_test()
{
	local nr=$1 name=$2 rc

	# Not in a condition, where errexit would not hold.
	set +e
	(set -e; "$name") >"$tmp/log" 2>&1 </dev/null
	rc=$?
	set -e
	if ((rc == 0)); then
		echo "ok $nr $name"
	else
		tail -n 20 "$tmp/log" | sed 's/^/# /'
		echo "not ok $nr $name"
		failed=1
	fi
}

main()
{
	local nr=0 failed=0 name

	case ${1:-} in
	'') ;;
	-l) printf 'library.%s\n' "${tests[@]}"; exit ;;
	-t)
		[[ " ${tests[*]} " == *" ${2#library.} "* ]] || fail "no test ${2:-}; -l lists them"
		tests=("${2#library.}")
		;;
	*) sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; exit 2 ;;
	esac
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	printf 'KTAP version 1\n1..%d\n' "${#tests[@]}"
	for name in "${tests[@]}"; do
		nr=$((nr + 1))
		run_test "$nr" "$name"
	done
	return "$failed"
}

main "$@"
