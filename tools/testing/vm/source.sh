#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: source.sh [--refresh] SERIES
#
# Unpack the kernel source that Debian ships for SERIES (6.12 or 6.1) into the
# cache and print its directory. Nothing is installed. The second run only
# prints; --refresh looks for a newer package first.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"

# An installed linux-source is the same tarball: no need to download it again.
tarball()
{
	local series=$1 version=$2 tmp=$3
	local here=/usr/src/linux-source-$series.tar.xz

	if [[ -r $here ]] &&
	   [[ $(dpkg-query -W -f='${Version}' "linux-source-$series" 2>/dev/null) == "$version" ]]; then
		printf '%s\n' "$here"
		return
	fi
	apt_fetch "$tmp" "linux-source-$series"
	dpkg-deb -x "$tmp"/linux-source-*.deb "$tmp"
	printf '%s\n' "$tmp/usr/src/linux-source-$series.tar.xz"
}

unpack()
{
	local series=$1 version=$2 dir=$3 tmp=$3.part tar

	[[ ! -e $dir ]] || return 0
	need_packages "unpacking the kernel source" xz-utils
	rm -rf "$tmp"
	mkdir -p "$tmp/tree"
	tar=$(tarball "$series" "$version" "$tmp")
	run_logged "unpacking the source of $series ($version)" "$CACHE/log/source-$series.log" \
		tar -xJf "$tar" -C "$tmp/tree" --strip-components=1
	printf '%s\n' "$version" >"$tmp/tree/.htw-version"
	# The name appears only when the tree is whole.
	mv "$tmp/tree" "$dir"
	rm -rf "$tmp"
}

fetch()
{
	local series=$1 refresh=$2 link=$CACHE/source/$1 version dir

	if [[ -z $refresh && -e $link/Makefile ]]; then
		return
	fi
	[[ -z $refresh ]] || apt_update_once
	version=$(apt_candidate "linux-source-$series")
	if [[ -z $version ]]; then
		apt_update_once || :
		version=$(apt_candidate "linux-source-$series")
	fi
	[[ -n $version ]] || die "apt knows no linux-source-$series" "see: apt-cache search linux-source"
	dir=$CACHE/source/$series-${version//[^A-Za-z0-9.+-]/_}
	mkdir -p "$CACHE/source"
	unpack "$series" "$version" "$dir"
	ln -sfn "${dir##*/}" "$link"
}

main()
{
	local refresh='' series=''

	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--refresh) refresh=1 ;;
		-*) die "unknown option $1" "try --help" ;;
		*) series=$1 ;;
		esac
		shift
	done
	[[ $series =~ ^[0-9]+\.[0-9]+$ ]] || die "which series? for example: source.sh 6.12" "try --help"

	with_lock "source-$series" fetch "$series" "$refresh"
	readlink -f "$CACHE/source/$series"
}

main "$@"
