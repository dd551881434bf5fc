#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: graft.sh [--link | --undo] KERNEL-TREE
#
# Put htw into the source tree of a kernel (6.1 or later), as drivers/htw, to be
# configured and built with it: CONFIG_HTW, CONFIG_HTW_KUNIT_TEST and
# CONFIG_HTW_BENCH, y or m, are then under Device Drivers. Adds a line to drivers/Kconfig and one to
# drivers/Makefile. Run it again to bring a newer htw in.
#
#   --link   links instead of copies: an edit here is an edit there
#   --undo   take the two lines out again, and drivers/htw with all that is in it
#
# Modules of that tree that use <linux/htw.h> say, in their Makefile,
#
#   ccflags-y += -I$(srctree)/drivers/htw/include

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
top=$(cd "$here/../../.." && pwd)
. "$here/common.sh"

link='' undo='' tree='' dir=''
# shellcheck disable=SC2016 # a variable of make
object_line='obj-$(CONFIG_HTW)		+= htw/'
source_line='source "drivers/htw/Kconfig"'

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--link) link=1 ;;
		--undo) undo=1 ;;
		-*) die "unknown option $1" "try --help" ;;
		*) tree=$1 ;;
		esac
		shift
	done
	[[ -n $tree ]] || die "which kernel tree?" "try --help"
	[[ -f $tree/Kbuild && -f $tree/drivers/Kconfig && -f $tree/drivers/Makefile ]] ||
		die "$tree is not the source of a kernel" "headers will not do: for these, make modules KDIR=$tree"
	[[ -z $link || -z $undo ]] || die "--link or --undo, not both"
	dir=$tree/drivers/htw
	if [[ -L $dir ]] || [[ -e $dir ]] && ! grep -qsx 'config HTW' "$dir/Kconfig"; then
		die "$dir exists, and is not from here" "see what it is, and move it away"
	fi
}

# Not what a build out of tree has left beside them.
files()
{
	(cd "$top" && printf '%s\n' VERSION Kbuild Kconfig && find src include kunit tools/bench/kernel -name '*.[ch]')
}

# A file that is the same stays, and with it what was built from it. One that
# differs gets the time of now, or make would not see that an older one is back.
put()
{
	local from=$top/$1 to=$dir/$1

	mkdir -p "${to%/*}"
	if [[ -n $link ]]; then
		[[ $(readlink "$to") == "$from" ]] || ln -sfn "$from" "$to"
	elif [[ -L $to ]] || ! cmp -s "$from" "$to"; then
		cp --remove-destination "$from" "$to"
	fi
}

# What an older htw had and this one has not.
drop_stale()
{
	find "$dir" -name '*.[ch]' ! -name '*.mod.c' -printf '%P\n' | sort |
		comm -23 - <(files | sort) |
		while read -r file; do
			rm "$dir/$file"
		done
}

# rewrite FILE AWK-ARGUMENT...: a new file of that name. The old one may be a link
# into a tree that is not ours to change.
rewrite()
{
	local file=$1 new=$1.htw-new
	shift

	cp "$file" "$new"
	awk "$@" "$file" >"$new" || { rm -f "$new"; die "cannot rewrite $file"; }
	mv "$new" "$file"
}

graft()
{
	local file last

	while read -r file; do
		put "$file"
	done < <(files)
	drop_stale

	if ! grep -qxF "$source_line" "$tree/drivers/Kconfig"; then
		last=$(grep -n '^endmenu' "$tree/drivers/Kconfig" | tail -n 1 | cut -d: -f1)
		[[ -n $last ]] || die "no endmenu in $tree/drivers/Kconfig" "add by hand: $source_line"
		rewrite "$tree/drivers/Kconfig" -v line="$source_line" -v last="$last" \
			'NR == last { print line "\n" } { print }'
	fi
	grep -qxF "$object_line" "$tree/drivers/Makefile" ||
		rewrite "$tree/drivers/Makefile" -v line="$object_line" '{ print } END { print line }'
	say "htw $(<"$top/VERSION") is in $dir: set CONFIG_HTW and build the kernel"
}

# rewrite makes a new file, hence not unless there is something to take out.
# shellcheck disable=SC2016 # awk's $0
remove()
{
	if grep -qxF "$source_line" "$tree/drivers/Kconfig"; then
		rewrite "$tree/drivers/Kconfig" -v line="$source_line" \
			'$0 == line { gone = 1; next } !(gone && $0 == "") { print } { gone = 0 }'
	fi
	if grep -qxF "$object_line" "$tree/drivers/Makefile"; then
		rewrite "$tree/drivers/Makefile" -v line="$object_line" '$0 != line { print }'
	fi
	rm -rf "$dir"
	say "no htw in $tree/drivers any more"
}

main()
{
	parse "$@"
	if [[ -n $undo ]]; then
		remove
	else
		graft
	fi
}

main "$@"
