#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: check.sh [-l | -t NAME]
#
# The documentation's test. Prints KTAP. -l lists the tests, -t runs one of them.
#
# Examples are compiled as a stranger would: programs with the header for programs and
# libhtw, modules against what `make install-headers` installs, and nothing else. A
# block is an example if this comes before it:
#
#   .. check: program NAME.c		in a page; a whole program
#   .. check: module NAME.c		a whole module
#   .. check: module-part		functions of one
#   <!-- check: module NAME.c -->	the same in README.md
#   <!-- check: makefile NAME.c -->	what builds that module
#
# KDIR names kernel headers; without it those of Debian's 6.12 are fetched.

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/../tools/testing/lib.sh"

tests=(
	programs_of_the_readme_compile
	programs_of_the_pages_compile
	modules_of_the_readme_build
	modules_of_the_pages_build
	names_of_the_uapi_are_documented
	names_of_the_uapi_are_in_a_man_page
	names_of_the_uapi_are_tested
	errnos_of_the_uapi_are_documented
	names_of_the_uapi_are_in_the_syzkaller_descriptions
	exports_have_kernel_doc
	exports_are_in_the_guide
	parameters_are_documented
	make_targets_are_real
	files_that_are_named_exist
	tests_that_are_named_exist
	dkms_builds_the_module
	pages_build
)

docs=$top/Documentation
out=$top/build/check/docs/work
uapi=$top/include/uapi/linux/htw.h
uapi_pages=("$docs"/{uapi*,ring,words,limits,porting-timerfd}.rst)
examples=$out/examples

# complain TEXT: one more thing that is wrong.
complain()
{
	printf '%s\n' "$*"
	wrong=1
}

# all_right: the last words of a test that complains.
all_right()
{
	((!wrong))
}

## Examples

# extract FILE DIR: the examples of FILE, as DIR/KIND/NAME.
extract()
{
	local file=$1 dir=$2

	mkdir -p "$dir"/{program,module,module-part,makefile}
	awk -v dir="$dir" -v base="$(basename "$file" | tr .- __)" '
	function fatal(text)
	{
		print FILENAME ":" FNR ": " text
		failed = 1
		exit 1
	}

	# What the marker says: a kind, and for some a name.
	function marked(kind, name)
	{
		if (wanted)
			fatal("a second marker before the block of the first")
		if (kind !~ /^(program|module|module-part|makefile)$/)
			fatal("unknown kind of example: " kind)
		name = name ~ /\.c$/ ? name : base "_" ++count ".c"
		to = dir "/" kind "/" name
		printf "" >to
		wanted = 1
	}

	/^<!-- check: / { marked($3, $4); next }
	/^\.\. check: / { marked($3, $4); next }

	# README: between the fences.
	wanted && /^```/ { inside = !inside; if (!inside) wanted = 0; next }
	inside { print >to; next }

	# A page: what is indented below the directive, in a manual page below "::".
	wanted && (/^\.\. code-block:: c$/ || /^[^ ].*::$/) { block = 1; next }
	block && /^[^ ]/ { block = wanted = 0 }
	block { sub(/^    /, ""); print >to; next }

	END {
		if (failed)
			exit 1
		if (inside)
			fatal("the block does not end")
	}' "$file"
}

extract_all()
{
	local page

	rm -rf "$examples"
	extract "$top/README.md" "$examples/README"
	for page in "$docs"/*.rst "$docs"/man/*.rst; do
		extract "$page" "$examples/${page##*/}"
	done
}

# sources KIND README|PAGES: all examples of that kind, of which there must be some.
sources()
{
	local kind=$1 where=README
	[[ $2 == README ]] || where='*.rst'

	find "$examples" -path "$examples/$where/$kind/*.c" -size +0 | sort | grep . ||
		{ echo "no example of the kind $kind" >&2; return 1; }
}

compile_programs()
{
	local list file

	extract_all
	list=$(sources program "$1")
	make -C "$top/tools/lib" O="$out/lib"
	for file in $list; do
		echo "cc $file"
		cc -std=gnu11 -Wall -Wextra -Werror -I"$top/include/uapi" -I"$top/tools/lib" \
			-o "${file%.c}" "$file" "$out/lib/libhtw.a"
	done
}

programs_of_the_readme_compile()
{
	compile_programs README
}

programs_of_the_pages_compile()
{
	compile_programs PAGES
}

# Sets kdir.
find_headers()
{
	kdir=${KDIR:-$("$vm/stock.sh" 6.12)/build}
	[[ -e $kdir/include/config/kernel.release ]] || die "no kernel headers in $kdir"
}

# Sets kdir, and htw to what `make install-headers` installs for it.
install_htw()
{
	find_headers
	htw=$out/installed/usr/src/htw
	copy_sources "$out/src"
	rm -rf "$out/installed"
	make -C "$out/src" KDIR="$kdir" modules
	make -C "$out/src" KDIR="$kdir" DESTDIR="$out/installed" prefix=/usr install-headers
}

# build_there DIR: as somebody would who has the Makefile of README.md.
build_there()
{
	make -C "$1" KDIR="$kdir" HTW="$htw" \
		KCFLAGS="-Werror -Wno-unused-function -Wno-missing-prototypes -Wno-missing-declarations"
}

modules_of_the_readme_build()
{
	local list file name dir

	extract_all
	install_htw
	list=$(sources module README)
	for file in $list; do
		name=$(basename "$file" .c)
		dir=$out/module-$name
		rm -rf "$dir"
		mkdir "$dir"
		cp "$file" "$dir/"
		cp "$examples/README/makefile/$name.c" "$dir/Makefile"
		build_there "$dir"
		[[ -e $dir/$name.ko ]]
	done
}

# Functions of a module, made a whole one.
complete()
{
	printf '#include <linux/%s.h>\n' htw ktime list module slab spinlock
	printf '#line 1 "%s"\n' "${1##*/}"
	cat "$1"
	printf 'MODULE_DESCRIPTION("Part of an example");\nMODULE_LICENSE("GPL");\n'
}

modules_of_the_pages_build()
{
	local dir=$out/module-of-the-pages whole part file objects=''

	extract_all
	install_htw
	whole=$(sources module PAGES)
	part=$(sources module-part PAGES)
	rm -rf "$dir"
	mkdir "$dir"
	for file in $whole; do
		cp "$file" "$dir/"
		objects+=" $(basename "$file" .c).o"
	done
	for file in $part; do
		complete "$file" >"$dir/${file##*/}"
		objects+=" $(basename "$file" .c).o"
	done
	sed "s/^obj-m := .*/obj-m :=$objects/" "$examples/README/makefile/hello.c" >"$dir/Makefile"
	build_there "$dir"
}

## Completeness

# Every name, those in comments too, but not prefixes such as HTW_OP_.
uapi_names()
{
	grep -oE '\b(HTW|htw)_[A-Za-z0-9_]+' "$uapi" | grep -v '_$' | sort -u
}

# "STRUCT TYPE FIELD" of each, as the header or a page in FILE has it.
uapi_fields()
{
	sed 's,/\*.*,,' "$1" | awk '
		/^ *struct htw_[a-z_]+ {/ { name = $2; next }
		/^ *};/ { name = "" }
		name && /;/ { sub(/;.*/, ""); print name, $1, $2 }'
}

# expect_words FILE WORD...: each occurs there.
expect_words()
{
	local file=$1 word
	shift

	for word; do
		grep -qwF -- "$word" "$file" || complain "${file#"$top/"} lacks $word"
	done
}

# What is said of the fields is in the header; -Wall of kernel-doc misses none.
names_of_the_uapi_are_documented()
{
	local name names struct structs

	names=$(uapi_names)
	for name in $names; do
		grep -qwF -- "$name" "${uapi_pages[@]}" || complain "no page has $name"
	done
	structs=$(uapi_fields "$uapi" | cut -d ' ' -f 1 | sort -u)
	for struct in $structs; do
		grep -qx ".. include:: ../build/docs/inc/${struct#htw_}.inc" "${uapi_pages[@]}" ||
			complain "no page includes what the header says of $struct"
	done
	all_right
}

names_of_the_uapi_are_in_a_man_page()
{
	local name names

	names=$(uapi_names)
	for name in $names; do
		grep -rqwF -- "$name" "$docs/man" || complain "no manual page has $name"
	done
	diff <(uapi_fields "$uapi" | sort) <(uapi_fields "$docs/man/htw.4.rst" | sort) ||
		complain "the structures of htw.4.rst (>) are not those of the header (<)"
	all_right
}

# A promise of the interface that no test of the device names is not kept by anything.
names_of_the_uapi_are_tested()
{
	local name names field fields selftests=$top/tools/testing/selftests

	names=$(uapi_names)
	for name in $names; do
		grep -rqwF --include='*.[ch]' -- "$name" "$selftests" || complain "no test has $name"
	done
	fields=$(uapi_fields "$uapi" | cut -d ' ' -f 3 | sed 's/\[.*//' | sort -u)
	for field in $fields; do
		grep -rqE --include='*.[ch]' -- "(\.|->|, )$field\b" "$selftests" ||
			complain "no test has the field $field"
	done
	all_right
}

# "WHAT ERRNO" as the header's comments have them; WHAT is a request, read, mmap or any.
uapi_errnos()
{
	awk '
		/^ \* (read|mmap)\(2\) / { sub(/\(.*/, "", $2); what = $2 }
		/^ \* and ioctl\(2\) / { what = "any" }
		/^ \* HTW_IOC_[A-Z]+ - / { what = $2 }
		/^ \*\/$/ { what = "" }
		what && /^ \* \* E[A-Z0-9]+ - / { print what, $3 }
		what && /^ \*\tE[A-Z0-9]+\t/ { print what, $2 }' "$uapi" | sort -u | grep .
}

# Each has its line in a table of the page that describes the call.
errnos_of_the_uapi_are_documented()
{
	local list what errno page

	list=$(uapi_errnos)
	while read -r what errno; do
		case $what in
		HTW_IOC_*) page=$(grep -lx ".. c:macro:: $what" "$docs"/*.rst) ;;
		read) page=$docs/uapi-events.rst ;;
		*) page=$docs/uapi.rst ;;
		esac
		grep -qE "^ *\`\`$errno\`\`  +[^ ]" "$page" ||
			complain "${page#"$top/"} has no line for $errno of $what"
		grep -qx "\*\*$errno\*\*" "$docs/man/htw.4.rst" ||
			complain "htw.4.rst does not explain $errno"
	done <<<"$list"
	all_right
}

names_of_the_uapi_are_in_the_syzkaller_descriptions()
{
	"$top/tools/testing/syzkaller/check.sh"
}

# What exports symbols for other modules, and where that is described.
interfaces=("$top"/src/{timer,virtual,work,sleep}.c)
guides=("$docs"/{kernel-api,private-wheels,delayed-work,sleeping}.rst)

exports()
{
	sed -n 's/^EXPORT_SYMBOL_GPL(\(.*\));$/\1/p' "${interfaces[@]}" | grep .
}

# The comment before a function: it has to say in what context it can be called, and
# what it returns unless that is nothing.
exports_have_kernel_doc()
{
	local name names

	names=$(exports)
	for name in $names; do
		awk -v name="$name" '
			/^\/\*\*$/ { doc = ""; on = 1 }
			on { doc = doc "\n" $0 }
			/^ \*\/$/ { on = 0 }
			$0 ~ "^[a-z].*[ *]" name "\\(" {
				if (doc !~ "\\* " name "\\(\\) - ")
					print name " has no kernel-doc"
				if (doc !~ /\n \* Context: /)
					print name " does not say its Context"
				if ($0 !~ /^void / && doc !~ /\n \* Return: ?/)
					print name " does not say what it returns"
				found = 1
				exit
			}
			/^}/ { doc = "" }
			END { if (!found) print name " is not defined here" }' "${interfaces[@]}"
	done >"$out/exports"
	[[ ! -s $out/exports ]] || { cat "$out/exports"; return 1; }
}

exports_are_in_the_guide()
{
	local name names

	names=$(exports)
	for name in $names; do
		grep -qwF -- "$name" "${guides[@]}" || complain "no guide has $name"
	done
	all_right
}

# "NAME DEFAULT" of each module parameter, the default as MODULE_PARM_DESC tells it.
parameters()
{
	cat "$top"/src/*.c | awk '
		/^module_param[a-z_]*\(/ { sub(/^module_param[a-z_]*\(/, ""); sub(/,.*/, ""); name[++n] = $0 }
		/^MODULE_PARM_DESC\(/ { on = 1; text = "" }
		on { text = text $0 }
		on && /\);$/ {
			on = 0
			param = value = text
			sub(/^MODULE_PARM_DESC\(/, "", param)
			sub(/,.*/, "", param)
			if (!sub(/.*\(default /, "", value))
				value = "?"
			sub(/[^0-9,].*/, "", value)
			sub(/,$/, "", value)
			defaults[param] = value
		}
		END { for (i = 1; i <= n; i++) print name[i], defaults[name[i]] }' | grep .
}

parameters_are_documented()
{
	local list name value file

	list=$(parameters)
	while read -r name value; do
		for file in "$docs/parameters.rst" "$top/README.md"; do
			expect_words "$file" "$name"
		done
		grep -qE "^\| \`$name\` \| $value \|" "$top/README.md" ||
			complain "README.md does not say that the default of $name is $value"
		awk -v head="\`\`$name\`\`" -v text="efault:? ${value}[.,: ]" '
			/^[^ ]/ { on = $0 == head }
			on && $0 ~ text { found = 1 }
			END { exit !found }' "$docs/parameters.rst" ||
			complain "parameters.rst does not say that the default of $name is $value"
	done <<<"$list"
	all_right
}

targets()
{
	sed -n 's/^\([a-z][a-z _-]*\):\([^=].*\)\{0,1\}$/\1/p' "$top/Makefile" | tr ' ' '\n' | sort -u
}

# What `make help` lists, and what the documents say to type.
make_targets_are_real()
{
	local known listed told target

	known=$(targets)
	listed=$(make -s -C "$top" help | sed -n "s/^[* ] \([a-z][a-z_-]*\)  *- .*/\1/p" | grep .)
	# shellcheck disable=SC2016 # a literal backquote
	told=$(cat "$top/README.md" "$docs"/*.rst |
		grep -oE '(^ +|`|sudo )make [a-z][a-z_-]*( [a-z][a-z_-]*)*' |
		sed 's/.*make //' | tr ' ' '\n' | sort -u | grep .)
	for target in $listed $told; do
		grep -qxF -- "$target" <<<"$known" || complain "there is no make target $target"
	done
	for target in $told; do
		[[ $target == @(help|install-headers) ]] || grep -qxF -- "$target" <<<"$listed" ||
			complain "make help does not list $target"
	done
	all_right
}

# Paths in `backquotes` that begin with a directory of the tree.
files_that_are_named_exist()
{
	local path paths

	# shellcheck disable=SC2016 # literal backquotes
	paths=$(cat "$top/README.md" "$docs"/*.rst | grep -oE '`[A-Za-z0-9_./-]+`' | tr -d '`' |
		grep -E '^(src|include|kunit|tools|Documentation|LICENSES)/' | sort -u)
	for path in $paths; do
		[[ -e $top/$path ]] || complain "there is no $path"
	done
	all_right
}

# The page that says which tests show what names them as ``SUITE.CASE``.
tests_that_are_named_exist()
{
	local page=$docs/security.rst manifest=$top/tools/testing/manifest tests test

	# shellcheck disable=SC2016 # literal backquotes
	tests=$(grep -oE '``[a-z0-9]+\.[a-z0-9_]+``' "$page" | tr -d '`' | grep -v '\.[chko]*$' | sort -u)
	(($(wc -w <<<"$tests") >= 20)) || complain "$page names hardly a test"
	for test in $tests; do
		grep -qE "^[a-z0-9]+ ${test//./\\.}( |\$)" "$manifest" || complain "there is no test $test"
	done
	all_right
}

# As dkms does it: from what `make dkms` has copied, by what dkms.conf says.
dkms_builds_the_module()
{
	local dir=$out/dkms kernel_source_dir
	local -a MAKE BUILT_MODULE_NAME

	find_headers
	rm -rf "$dir"
	make -C "$top" dkms DESTDIR="$dir"
	cd "$dir/usr/src/htw-$(cat "$top/VERSION")"
	# shellcheck disable=SC2034 # dkms.conf uses it
	kernel_source_dir=$kdir
	# shellcheck source=dkms.conf
	. ./dkms.conf
	eval "${MAKE[0]}"
	[[ $PACKAGE_NAME-$PACKAGE_VERSION == "${PWD##*/}" && -e ${BUILT_MODULE_NAME[0]}.ko ]]
}

pages_build()
{
	"$docs/build.sh"
}

## Running

# In a subshell, so that the first command that fails ends the test. Not in a
# condition, where errexit would not hold.
run_test()
{
	local nr=$1 name=$2 rc

	wrong=0
	set +e
	(set -e; "$name") >"$out/log/$name" 2>&1 </dev/null
	rc=$?
	set -e
	if ((rc == 0)); then
		printf 'ok %d %s\n' "$nr" "$name"
		return
	fi
	tail -n 30 "$out/log/$name" | sed 's/^/# /'
	printf 'not ok %d %s\n' "$nr" "$name"
	failed=1
}

main()
{
	local nr=0 failed=0 test

	case ${1:-} in
	'') ;;
	-l) printf 'docs.%s\n' "${tests[@]}"; exit ;;
	-t)
		[[ " ${tests[*]} " == *" ${2#docs.} "* ]] || die "no test ${2:-}" "check.sh -l lists them"
		tests=("${2#docs.}")
		;;
	-h|--help) usage; exit ;;
	*) die "unknown argument $1" "try --help" ;;
	esac

	need_packages "checking the documentation" gcc make libc6-dev libelf1
	mkdir -p "$out/log"
	printf 'KTAP version 1\n1..%d\n' "${#tests[@]}"
	for test in "${tests[@]}"; do
		nr=$((nr + 1))
		run_test "$nr" "$test"
	done
	return "$failed"
}

main "$@"
