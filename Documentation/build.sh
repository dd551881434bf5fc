#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: build.sh
#
# Build the documentation: build/docs/html/index.html. A warning is an error.
#
# What the sources say of functions and structures is extracted by the kernel's
# kernel-doc, of which Debian's kernel headers have a copy; KERNEL_DOC names
# another one, SPHINXBUILD another Sphinx.

set -euo pipefail
top=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
# shellcheck source=tools/testing/vm/common.sh
. "$top/tools/testing/vm/common.sh"

docs=$top/Documentation
out=$top/build/docs
inc=$out/inc
sphinx=${SPHINXBUILD:-/usr/bin/sphinx-build}

# extract NAME [OPTION]... FILE...: what is documented in FILEs, as inc/NAME.inc.
extract()
{
	local name=$1
	shift

	# It ends the lines of an #ifdef in a struct as if they declared something, and
	# what Sphinx finds in HTW_OP_ is a link.
	(cd "$top" && "$kernel_doc" -Wall -Werror -rst -sphinx-version 5.3.0 "$@") |
		sed -E 's/^( *#[a-z].*);$/\1/; s/\b(HTW_[A-Z_]*)_( |$)/\1\\_\2/g' >"$inc/$name.inc"
}

extract_all()
{
	local name

	extract types include/linux/htw.h
	extract timer -nosymbol __htw_timer_setup src/timer.c
	extract work -nosymbol __htw_delayed_work_init include/linux/htw_work.h src/work.c
	extract sleep include/linux/htw_sleep.h src/sleep.c
	extract private -nosymbol virtual_wheel -nosymbol htw_virtual_create include/linux/htw_wheel.h src/virtual.c
	extract virtual -function virtual_wheel src/virtual.c
	extract node include/linux/htw_types.h
	extract wheel src/wheel.h src/wheel.c
	extract base src/base.h
	extract stats src/stats.h src/stats.c
	extract context -function htw_context -function htw_user_timer -function htw_outcome \
		-function htw_event_ring -function htw_shared -function htw_clock \
		-function htw_account src/context.h src/user_timer.h src/ring.h src/shared.h \
		src/clock.h src/account.c
	for name in query setup op event ring ctl batch context_stats; do
		extract "$name" -function "htw_$name" include/uapi/linux/htw.h
	done
}

# The pages of Documentation/man, whichever there are, each by its name and section.
list_man_pages()
{
	local page name section

	for page in "$docs"/man/*.rst; do
		[[ -e $page ]] || return 0
		name=${page##*/}
		name=${name%.rst}
		section=$(sed -n 's/^:Manual section: *//p' "$page")
		printf '   %s(%s) <man/%s>\n' "${name%."$section"}" "$section" "$name"
	done
}

write_man_toctree()
{
	local pages

	pages=$(list_man_pages)
	[[ -z $pages ]] ||
		printf '.. toctree::\n   :caption: Manual pages\n   :maxdepth: 1\n\n%s\n' "$pages"
}

main()
{
	[[ $# == 0 ]] || { usage; [[ $1 == -h || $1 == --help ]]; exit; }

	need_packages "the documentation" perl python3-sphinx
	kernel_doc=${KERNEL_DOC:-$("$top/tools/testing/vm/stock.sh" 6.12)/build/scripts/kernel-doc}
	[[ -x $kernel_doc ]] ||
		die "no kernel-doc: $kernel_doc" "KERNEL_DOC=/path/to/linux/scripts/kernel-doc names one"

	mkdir -p "$inc"
	run_logged "extracting what the sources document" "$out/kernel-doc.log" extract_all
	write_man_toctree >"$inc/man.inc"
	# All pages: what they include is not the same when only a source has changed.
	run_logged "building the documentation" "$out/sphinx.log" \
		"$sphinx" -q -E -W -n --keep-going -b html -d "$out/doctrees" "$docs" "$out/html"
	printf 'file://%s\n' "$out/html/index.html"
}

main "$@"
