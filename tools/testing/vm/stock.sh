#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: stock.sh [--refresh] KERNEL
#
# Fetch a kernel as Debian ships it, image and headers, into the cache and
# print its directory:
#
#   vmlinuz   to boot
#   build/    to build modules against (make -C .../build M=...)
#   release   what uname -r says there
#
# KERNEL is a series, for its newest release (6.12, 6.1; 6.12-rt, 6.1-rt for
# PREEMPT_RT; 6.12-arm64 for machines of that kind), or a full release such as
# 6.1.0-54-amd64. The second run needs no network; --refresh looks for a newer
# release first.
#
# Nothing is installed: installing the headers of 6.12 pulls in the image, and
# with it the host gets a new kernel, an initramfs and a boot menu entry.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"

# All releases of a series that apt can give us whole, oldest first. An image
# outlives its headers on the mirror, hence both.
releases()
{
	local series=$1 flavour=$2 middle

	# 6.1.0-56-amd64, but 6.12.117+deb12-amd64.
	middle="${series//./\\.}\\.[0-9]+(-[0-9]+|\\+[a-z]+[0-9]+)?"
	comm -12 \
		<(apt-cache pkgnames linux-image- | sed 's/^linux-image-//' | sort) \
		<(apt-cache pkgnames linux-headers- | sed 's/^linux-headers-//' | sort) |
		grep -E "^$middle-$flavour\$" | sort -V
}

# The newest release of the series that has a candidate version.
newest()
{
	local series=$1 flavour=$2 rel

	while read -r rel; do
		if apt_known "linux-image-$rel" "linux-headers-$rel"; then
			printf '%s\n' "$rel"
			return
		fi
	done < <(releases "$series" "$flavour" | tac)
}

# KERNEL -> release, from the package lists.
resolve()
{
	local kernel=$1 flavour=amd64

	if ! is_series "$kernel"; then
		! apt_known "linux-image-$kernel" "linux-headers-$kernel" || printf '%s\n' "$kernel"
		return
	fi
	case $kernel in
	*-rt) flavour=rt-amd64 ;;
	*-arm64) flavour=arm64 ;;
	esac
	newest "${kernel%%-*}" "$flavour"
}

is_series()
{
	[[ $1 =~ ^[0-9]+\.[0-9]+(-rt|-arm64)?$ ]]
}

needed_packages()
{
	LC_ALL=C apt-cache depends "linux-headers-$1" |
		awk -v what="^linux-$2-" '$1 == "Depends:" && $2 ~ what { print $2 }'
}

# The packages whose files the headers include or link to.
header_packages()
{
	printf '%s\n' "linux-headers-$1"
	needed_packages "$1" headers
}

# The programs that a build runs: those for this machine, whatever it builds for.
fetch_kbuild()
{
	local dir=$1 pkgs

	mapfile -t pkgs < <(needed_packages "$2" kbuild)
	(unset APT_CONFIG && apt_fetch "$dir" "${pkgs[@]}")
}

# The headers' Makefile names the common headers by their installed place, and
# an installed copy of another build of the same release would be taken.
relocate()
{
	local from=$1 to=$2 rel=$3 makefile=$1/usr/src/linux-headers-$3/Makefile link

	sed -i "s|^include /usr/src/|include $to/usr/src/|" "$makefile"
	grep -q "^include $to/usr/src/" "$makefile" ||
		die "the headers of $rel include something unknown: $(<"$makefile")"
	link=$(find "$from/usr/src" -xtype l -print -quit)
	[[ -z $link ]] || die "the headers of $rel need another package, for $link"
}

fetch_release()
{
	local rel=$1 dir=$2 tmp=$2.part deb pkgs

	[[ ! -e $dir ]] || return 0
	rm -rf "$tmp"
	mkdir -p "$tmp/root"
	mapfile -t pkgs < <(header_packages "$rel")
	apt_fetch "$tmp/debs" "linux-image-$rel" "${pkgs[@]}"
	fetch_kbuild "$tmp/debs" "$rel"
	for deb in "$tmp"/debs/*.deb; do
		case $deb in
		# A hundred megabytes of drivers: the guest needs none.
		*/linux-image-*) dpkg-deb --fsys-tarfile "$deb" | tar -xC "$tmp/root" ./boot ;;
		*) dpkg-deb -x "$deb" "$tmp/root" ;;
		esac
	done
	relocate "$tmp/root" "$dir/root" "$rel"
	ln -s "root/boot/vmlinuz-$rel" "$tmp/vmlinuz"
	ln -s "root/usr/src/linux-headers-$rel" "$tmp/build"
	printf '%s\n' "$rel" >"$tmp/release"
	[[ -s $tmp/vmlinuz && -e $tmp/build/Makefile ]] || die "linux-image-$rel has no kernel in it"
	rm -rf "$tmp/debs"
	# The name appears only when everything is there.
	mv "$tmp" "$dir"
}

fetch()
{
	local kernel=$1 refresh=$2 link=$CACHE/stock/$1 rel

	if [[ -z $refresh && -e $link/release ]]; then
		return
	fi
	# objtool, modpost and sign-file of linux-kbuild are linked with these;
	# pahole writes the type information of a 6.12 module.
	need_packages "building modules" gcc-12 make libelf1 libssl3 zlib1g pahole kmod xz-utils
	if [[ $kernel == *arm64 ]]; then
		need_packages "building modules for arm64" gcc-12-aarch64-linux-gnu
		use_architecture arm64
	fi
	[[ -z $refresh ]] || apt_update_once
	rel=$(resolve "$kernel")
	if [[ -z $rel ]]; then
		apt_update_once || :
		rel=$(resolve "$kernel")
	fi
	[[ -n $rel ]] || die "apt knows no image with headers for $kernel" \
		"see: apt-cache pkgnames linux-image-"
	mkdir -p "$CACHE/stock"
	with_lock "release-$rel" fetch_release "$rel" "$CACHE/stock/$rel"
	! is_series "$kernel" || ln -sfn "$rel" "$link"
}

main()
{
	local refresh='' kernel=''

	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--refresh) refresh=1 ;;
		-*) die "unknown option $1" "try --help" ;;
		*) kernel=$1 ;;
		esac
		shift
	done
	[[ $kernel =~ ^[0-9]+\.[0-9][0-9A-Za-z.+-]*$ ]] || die "which kernel? for example: stock.sh 6.12" "try --help"

	with_lock "stock-$kernel" fetch "$kernel" "$refresh"
	busybox "$([[ $kernel != *arm64 ]] || echo arm64)" >/dev/null
	readlink -f "$CACHE/stock/$kernel"
}

main "$@"
