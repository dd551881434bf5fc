# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts of this directory share. Sourced, never run.
#
# Everything that is downloaded or built lives in one cache directory and is
# kept between runs. It is outside the repository on purpose: `make clean` of
# kbuild deletes every object file below the directory it is given, and a
# kernel tree would go with it.

CACHE=${HTW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/htw}
# Command lines hold absolute paths, so a relative cache would move with the
# directory the user happens to be in.
[[ $CACHE == /* ]] || CACHE=$PWD/$CACHE

# Messages go to stderr: stdout is for the one line a caller captures.
say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# die WHAT [NEXT-STEP]...
die()
{
	local line

	printf '%s: error: %s\n' "${0##*/}" "$1" >&2
	shift
	for line; do
		printf '    %s\n' "$line" >&2
	done
	exit 2
}

# Print the comment block at the head of the calling script, up to the first
# line that is not a comment: the help text is written once.
usage()
{
	awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$0"
}

# as_root CMD...: directly, or through sudo.
as_root()
{
	if ((EUID == 0)); then
		"$@"
	else
		sudo -n "$@"
	fi
}

# Ask for the password here, in the foreground: as_root runs in the background
# with its output in a log, where a prompt would wait unseen. WHY is for the
# user, who has to decide.
want_root()
{
	((EUID != 0)) || return 0
	say "root is needed, by sudo: $1"
	sudo -v ||
		die "no root here" "as root, do this, then start again: $2"
}

# apt's sandbox user cannot write to a cache below /root and says so on every
# download; the packages are verified all the same.
apt_options()
{
	if ((EUID == 0)); then
		printf '%s\n' -o APT::Sandbox::User=root
	fi
}

missing_packages()
{
	local pkg

	for pkg; do
		[[ $(dpkg-query -W -f='${db:Status-Status}' "$pkg" 2>/dev/null) == installed ]] ||
			printf '%s\n' "$pkg"
	done
}

# A fresh machine or container has no package lists, or old ones that name
# files no longer on the mirror. Done at most once per run of a script.
apt_update_once()
{
	[[ -z ${apt_updated:-} ]] || return 1
	apt_updated=1
	want_root "the package lists are missing or old" "apt-get update"
	run_logged "refreshing the package lists" "$CACHE/log/apt-update.log" \
		as_root apt-get -qq -o DPkg::Lock::Timeout=300 update
}

# need_packages WHY PKG...: install what is missing, and only that.
need_packages()
{
	local why=$1 pkgs
	shift

	type dpkg-query apt-get >/dev/null 2>&1 ||
		die "no apt here" "these scripts expect Debian 12; elsewhere, provide: $*"
	mapfile -t pkgs < <(missing_packages "$@")
	((${#pkgs[@]})) || return 0

	apt_known "${pkgs[@]}" || apt_update_once || :
	apt_known "${pkgs[@]}" ||
		die "apt knows no candidate for one of: ${pkgs[*]}" "see: apt-cache policy ${pkgs[*]}"
	want_root "$why takes ${pkgs[*]}" "apt-get install --no-install-recommends ${pkgs[*]}"
	run_logged "installing for $why: ${pkgs[*]}" "$CACHE/log/apt-install.log" \
		as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -y -q -o DPkg::Lock::Timeout=300 --no-install-recommends install "${pkgs[@]}"
}

# Does apt have a candidate version for each of the packages?
apt_known()
{
	local pkg

	for pkg; do
		[[ -n $(apt_candidate "$pkg") ]] || return 1
	done
}

apt_candidate()
{
	LC_ALL=C apt-cache policy "$1" | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'
}

# From here on apt is that of a machine of ARCH, with lists of its own: for packages
# that are fetched and not installed. What this machine needs comes before.
use_architecture()
{
	local arch=$1 dir=$CACHE/apt/$1

	mkdir -p "$dir"/{state,cache}
	touch "$dir/status"
	printf '%s "%s";\n' APT::Architecture "$arch" APT::Architectures "$arch" \
		Dir::State "$dir/state" Dir::State::status "$dir/status" \
		Dir::Cache "$dir/cache" >"$dir/apt.conf"
	export APT_CONFIG=$dir/apt.conf
	apt_known busybox-static || foreign_lists "$arch"
}

# A mirror may be writing one of them just now, which need not be one that matters.
foreign_lists()
{
	local opts

	mapfile -t opts < <(apt_options)
	run_logged --may-fail "fetching the package lists of $1" "$CACHE/log/apt-update.log" \
		apt-get -q "${opts[@]}" update || :
	apt_known busybox-static ||
		die "there are no package lists of $1" "log: $CACHE/log/apt-update.log" "try again later"
}

# apt_fetch DIR PKG...: the .deb files into DIR, nothing installed. A mirror
# drops superseded versions, so a failure may only mean that the lists are old.
apt_fetch()
{
	local dir=$1 opts
	shift

	mkdir -p "$dir"
	mapfile -t opts < <(apt_options)
	if (cd "$dir" && run_logged --may-fail "downloading $*" "$CACHE/log/apt-download.log" \
		apt-get -q "${opts[@]}" download "$@"); then
		return 0
	fi
	apt_update_once || die "cannot download $*" "log: $CACHE/log/apt-download.log"
	(cd "$dir" && run_logged "downloading $* again" "$CACHE/log/apt-download.log" \
		apt-get -q "${opts[@]}" download "$@")
}

# with_lock NAME CMD...: one at a time on this cache. The descriptor closes
# with the subshell, so the lock cannot outlive the work.
with_lock()
(
	local name=$1
	shift

	mkdir -p "$CACHE/lock"
	exec 9>"$CACHE/lock/$name"
	if ! flock -n 9; then
		say "waiting for another run that is busy with $name"
		flock 9
	fi
	"$@"
)

# A line every ten seconds while PID lives: WHAT, the elapsed time and what the
# command PROGRESS says.
ticker()
{
	local pid=$1 what=$2 progress=$3 start=$SECONDS last=$SECONDS

	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		((SECONDS - last >= 10)) || continue
		last=$SECONDS
		say "$what: $((SECONDS - start)) s$("$progress")"
	done
}

# run_logged [--may-fail] [--progress CMD] WHAT LOG CMD...: CMD with its output
# in LOG. Says what it does, goes on saying so while it lasts, and on a failure
# shows the end of the log, which is where the reason is.
run_logged()
{
	local may_fail='' progress=: what log pid rc=0 start=$SECONDS

	while [[ $1 == --* ]]; do
		case $1 in
		--may-fail) may_fail=1 ;;
		--progress) progress=$2; shift ;;
		esac
		shift
	done
	what=$1 log=$2
	shift 2

	mkdir -p "${log%/*}"
	say "$what"
	# A process group of its own (set -m), so that a Ctrl-C or a kill takes all
	# of a make along and leaves no compiler running in the background.
	set -m
	"$@" </dev/null >"$log" 2>&1 &
	pid=$!
	set +m
	trap 'kill -- -"$pid" 2>/dev/null || :; wait "$pid" || :; exit 130' INT TERM HUP
	ticker "$pid" "$what" "$progress"
	wait "$pid" || rc=$?
	trap - INT TERM HUP

	if ((rc == 0)); then
		((SECONDS - start < 5)) || say "$what: done in $((SECONDS - start)) s"
		return 0
	fi
	[[ -z $may_fail ]] || return "$rc"
	say "failed (status $rc): $what; the end of $log:"
	tail -n 25 "$log" | sed 's/^/    /' >&2
	die "could not finish: $what" "the whole log is in $log" "fix the cause, then run the same command again"
}

# need_value "$@": the value of the option $1, for option parsers.
need_value()
{
	[[ -n ${2:-} ]] || die "$1 needs a value" "try --help"
	printf '%s\n' "$2"
}

# busybox [ARCH]: the guest's whole user space, one static binary; its path is printed.
busybox()
{
	local arch=${1:-amd64} to

	to=$CACHE/busybox/busybox
	[[ $arch == amd64 ]] || to+=-$arch
	[[ -x $to ]] || with_lock busybox fetch_busybox "$arch" "$to"
	printf '%s\n' "$to"
}

fetch_busybox()
{
	local arch=$1 to=$2 tmp=$2.part

	[[ ! -x $to ]] || return 0
	[[ $arch == amd64 ]] || use_architecture "$arch"
	rm -rf "$tmp"
	apt_fetch "$tmp" busybox-static
	dpkg-deb -x "$tmp"/busybox-static_*.deb "$tmp/root"
	mkdir -p "${to%/*}"
	# Debian 13 moved it from /bin to /usr/bin.
	mv "$(find "$tmp/root" -type f -path '*bin/busybox')" "$to"
	rm -rf "$tmp"
}
