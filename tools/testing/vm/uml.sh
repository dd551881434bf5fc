#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: uml.sh [--bench | --compile] [--refresh] SERIES OUT
#
# Run KUnit suites in a kernel of SERIES (6.12 or 6.1) that is a program: User Mode
# Linux, from Debian's source, with htw grafted into it. No QEMU, and at the speed of
# the host. It has one CPU, so the suites that need two are left out. It is booted
# twice: as it is, for the suites of the wheel, and with virtual time, which jumps to
# the next timer when there is nothing to do (time-travel=inf-cpu), for htw_tickless.
# Leaves in OUT:
#
#   result              what KUnit printed, for judge.sh --no-guest
#   console.log         all that the kernel said, on the host's time
#   console-travel.log  and on virtual time
#   status              how it ended: exit 0, or timeout
#   linux               the kernel
#
# Exits 0 when the kernel ran and halted by itself, both times, 1 when not, 2 when there
# was none to start. What the tests said is for judge.sh.
#
#   --bench     run nothing: leave OUT/linux alone, with htw_bench instead of the suites
#   --compile   run nothing: compile the grafted htw in the ways in which it can be
#               configured, with all else in the kernel left alone. The result is
#               a suite "graft", with a log for each of its tests.
#   --refresh   look for a newer source first
#
# The kernel is built the first time and kept in the cache, under a name made of the
# version of the source, the configuration and the compiler. Later runs compile what
# has changed in htw. JOBS=N sets the number of parallel jobs.

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
. "$here/common.sh"

series='' out='' bench='' compile='' refresh=() src='' dir='' limit=120

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--bench) bench=BENCH ;;
		--compile) compile=1 ;;
		--refresh) refresh=(--refresh) ;;
		-*) die "unknown option $1" "try --help" ;;
		*)
			if [[ -z $series ]]; then
				series=$1
			else
				out=$1
			fi
			;;
		esac
		shift
	done
	[[ $series =~ ^[0-9]+\.[0-9]+$ && -n $out ]] || die "which series, and where to? for example: uml.sh 6.12 /tmp/uml" "try --help"
}

settings()
{
	grep '^CONFIG_' "$here/uml.config"
}

build_key()
{
	{
		cat "$src/.htw-version"
		settings
		gcc --version | head -n 1
		ld --version | head -n 1
	} | sha256sum | cut -c 1-12
}

# make_kernel BUILD ARGUMENT...: what a make around this one was given is not meant
# for the kernel, and neither is the name of this machine.
make_kernel()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL -u KBUILD_OUTPUT -u KBUILD_EXTMOD \
		-u KCFLAGS -u CROSS_COMPILE make -C "$dir/tree" O="$1" ARCH=um -j"${JOBS:-$(nproc)}" \
		KBUILD_BUILD_USER=htw KBUILD_BUILD_HOST=htw KBUILD_BUILD_TIMESTAMP=1970-01-01 "${@:2}"
}

# configure BUILD [SETTING]...: what is in uml.config, and these. Nothing is compiled
# again because of it but what depends on a setting that changed.
configure()
{
	local build=$1 fragment=$1/htw.fragment lacks
	shift

	mkdir -p "$build"
	{ settings; printf '%s\n' "$@"; } >"$fragment"
	run_logged "configuring the kernel $series for User Mode Linux: ${*:-without htw}" "$log" \
		make_kernel "$build" KCONFIG_ALLCONFIG="$fragment" allnoconfig
	# Kconfig drops what it cannot grant, silently.
	lacks=$(grep . "$fragment" | grep -vxF -f "$build/.config") || return 0
	die "the configuration lacks ${lacks//$'\n'/, }" "a dependency is missing, or the symbol is not of this series"
}

# A tree of our own to graft htw into. All in it but drivers/ is links, and two of the
# files there become ours when graft.sh rewrites them.
plant()
{
	local tree=$1

	[[ ! -d $tree ]] || return 0
	rm -rf "$tree.part"
	mkdir -p "$tree.part/drivers"
	find "$src" -mindepth 1 -maxdepth 1 ! -name drivers -exec ln -s -t "$tree.part" {} +
	find "$src/drivers" -mindepth 1 -maxdepth 1 -exec ln -s -t "$tree.part/drivers" {} +
	mv "$tree.part" "$tree"
}

graft()
{
	plant "$dir/tree"
	run_logged "grafting htw into it" "$log" "$here/graft.sh" "$dir/tree"
}

objects_done()
{
	printf ', %s objects' "$(grep -c -E '^ +(CC|AS) ' "$log" || :)"
}

# All but htw, once. A build without its mark is the rest of an interrupted one.
build_base()
{
	local build=$1

	[[ ! -e $build/htw.complete ]] || return 0
	rm -rf "$build"
	configure "$build"
	run_logged --progress objects_done "building the kernel $series for User Mode Linux" "$log" \
		make_kernel "$build" linux
	touch "$build/htw.complete"
}

# Old configurations pile up; what nobody asked for in two weeks goes.
prune()
{
	find "$CACHE/uml" -mindepth 1 -maxdepth 1 -mtime +14 |
		while read -r old; do
			say "removing $old, unused for two weeks"
			rm -rf "$old"
		done
}

build()
{
	graft
	build_base "$dir/boot"
	configure "$dir/boot" CONFIG_HTW=y CONFIG_HTW_STATS=y "CONFIG_HTW_${bench:-KUNIT_TEST}=y"
	run_logged --progress objects_done "building htw into it" "$log" make_kernel "$dir/boot" linux
	# Another run may build another one as soon as the lock is free.
	cp --remove-destination "$dir/boot/linux" "$out/linux"
	prune
}

tests_so_far()
{
	printf ', %s results' "$(grep -c -E '^ *(not )?ok ' "$console" || :)"
}

# boot WHAT CONSOLE SUITES [ARGUMENT]...: the kernel, with these on its command line.
# Its memory is a file, which must be one that can be executed: /dev/shm often is not.
# A panic aborts, and nobody wants all that memory as a core file.
boot()
{
	local what=$1 console=$2 suites=$3 rc=0 start=$SECONDS why=''
	shift 3

	ulimit -S -c 0
	run_logged --may-fail --progress tests_so_far "running the kernel $series$what" "$console" \
		env TMPDIR="$out" timeout --kill-after=5 "$limit" "$out/linux" \
		mem=256M con=null con0=fd:0,fd:1 uml_dir="$out/run/" printk.time=0 panic_on_warn=1 \
		kunit.enable=1 kunit.filter_glob="$suites" kunit_shutdown=halt "$@" || rc=$?
	rm -rf "$out/run"
	case $rc in
	0) ;;
	# timeout's own: it had to end the kernel.
	124|137) why="timeout $limit" ;;
	*) why="exit $rc" ;;
	esac
	[[ -z $why ]] || { echo "$why" >"$out/status"; why="the kernel$what ended with: $why"; }
	why=${why:-$(grep -a -m 1 -E 'BUG: |WARNING: ' "$console" || :)}
	{
		tr -d '\r' <"$console" |
			awk '/^KTAP version|^kunit: disabled/ { on = 1 } on && !/^reboot: /'
		[[ -z $why ]] || printf '# suite: uml\nBail out! %s\n# suite:\n' "$why"
	} >>"$out/result"
	[[ -n $why ]] || { say "the kernel $series$what has halted by itself after $((SECONDS - start)) s"; return 0; }
	say "$why; $console ends with"
	tail -n 10 "$console" | sed 's/^/    /' >&2
	return 1
}

run()
{
	local rc=0

	echo 'exit 0' >"$out/status"
	boot '' "$out/console.log" 'htw_wheel*' || rc=1
	boot ' with virtual time' "$out/console-travel.log" 'htw_tickless*' \
		time-travel=inf-cpu || rc=1
	return "$rc"
}

# test_case NAME CMD...: one flat KTAP result.
test_case()
{
	local name=$1 rc=0
	case_log=$out/$name.log
	shift

	nr=$((nr + 1))
	("$@") || rc=$?
	if ((rc == 0)); then
		echo "ok $nr $name" >>"$out/result"
	else
		tail -n 25 "$case_log" | sed 's/^/# /' >>"$out/result"
		echo "not ok $nr $name" >>"$out/result"
		failed=1
	fi
}

compiles()
{
	configure "$dir/modules" "$@"
	run_logged "compiling htw with $*" "$case_log" make_kernel "$dir/modules" drivers/htw/
	! grep 'warning:' "$case_log" >&2
}

# graft.sh leaves a tree as it was.
undoes()
{
	local tree=$dir/undo

	rm -rf "$tree"
	plant "$tree"
	{
		# The second time on top of the first.
		"$here/graft.sh" "$tree" && "$here/graft.sh" --link "$tree" &&
			"$here/graft.sh" --undo "$tree" && [[ ! -e $tree/drivers/htw ]] &&
			cmp "$src/drivers/Kconfig" "$tree/drivers/Kconfig" &&
			cmp "$src/drivers/Makefile" "$tree/drivers/Makefile"
	} >"$case_log" 2>&1
}

compile()
{
	local nr=0 failed=0 case_log

	graft
	printf '%s\n' '# suite: graft' 'KTAP version 1' 1..4 >"$out/result"
	test_case modules compiles CONFIG_HTW=m CONFIG_HTW_KUNIT_TEST=m CONFIG_HTW_BENCH=m
	test_case built_in compiles CONFIG_HTW=y CONFIG_HTW_STATS=y CONFIG_HTW_KUNIT_TEST=y \
		CONFIG_HTW_BENCH=y
	test_case suites_alone_as_a_module compiles CONFIG_HTW=y CONFIG_HTW_KUNIT_TEST=m
	test_case undone_leaves_nothing undoes
	echo '# suite:' >>"$out/result"
	echo "exit $failed" >"$out/status"
	prune
	return "$failed"
}

main()
{
	parse "$@"
	need_packages "building a kernel" gcc libc6-dev make flex bison bc xz-utils perl
	mkdir -p "$out"
	out=$(cd "$out" && pwd)
	rm -f "$out"/{result,results,console.log,console-travel.log,status,linux}

	src=$("$here/source.sh" "${refresh[@]}" "$series")
	dir=$CACHE/uml/$series-$(build_key)
	log=$CACHE/log/uml-$series.log
	mkdir -p "$dir"
	touch "$dir"
	if [[ -n $compile ]]; then
		with_lock "uml-$series" compile
	else
		with_lock "uml-$series" build
		[[ -n $bench ]] || run
	fi
}

main "$@"
