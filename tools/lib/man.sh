#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR MIT
# usage: man.sh install MANDIR RST2MAN | uninstall MANDIR | list
#
# The manual pages of libhtw: made from Documentation/man and installed below MANDIR,
# or removed there. A page is called by its first function; each of the others that it is
# about has a page that refers to it. "list" prints all names, each with its page.

set -eu
pages=$(dirname "$0")/../../Documentation/man

# names PAGE: of the functions in its synopsis.
names()
{
	sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' "$1" | grep -oE '\bhtw_[a-z_]+\(' | tr -d '(' | sort -u
}

list()
{
	for page in "$pages"/htw_*.3.rst; do
		for name in $(names "$page"); do
			echo "$name $(basename "$page" .3.rst)"
		done
	done
}

# The line below NAME has all of them, or apropos would not know them.
make_page()
{
	page=$1 to=$2 first=$(basename "$1" .3.rst)
	others=$(names "$page" | grep -vx "$first" | sed 's/^/, /' | tr -d '\n')

	$rst2man "$page" | sed "s/^$first \\\\-/$first$others \\\\-/" >"$to"
	grep -q '^\.TH' "$to"
}

install_pages()
{
	mkdir -p "$mandir/man3" "$mandir/man7"
	for page in "$pages"/htw_*.3.rst; do
		make_page "$page" "$mandir/man3/$(basename "$page" .rst)"
	done
	list | while read -r name first; do
		[ "$name" = "$first" ] || echo ".so man3/$first.3" >"$mandir/man3/$name.3"
	done
	$rst2man "$pages/libhtw.7.rst" "$mandir/man7/libhtw.7"
}

uninstall_pages()
{
	list | while read -r name first; do
		rm -f "$mandir/man3/$name.3"
	done
	rm -f "$mandir/man7/libhtw.7"
}

case ${1:-} in
install) mandir=$2 rst2man=$3; install_pages ;;
uninstall) mandir=$2; uninstall_pages ;;
list) list ;;
*) sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
