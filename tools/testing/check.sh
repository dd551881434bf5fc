#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: check.sh [--fast] [STAGE]...
#
# Run all tests of htw, or the stages named:
#
#   wheel        the wheel in user space, beside a model, under sanitizers
#   fuzz-wheel   the wheel under libFuzzer: its corpus, and a short run
#   models       the protocols of timers, ring and words, as models, hold
#   uml-6.12     KUnit suites of the wheel in a UML kernel, with htw built in, and of
#                a base over years, on virtual time
#   debug-6.12   KUnit and selftests on a debug kernel of that series
#   debug-6.1
#   stock-6.12   selftests on Debian's own kernel of that series
#   stock-6.1
#   misuse-6.12  misuse is found, on a debug kernel of that series
#   torture-6.12 everything at once for half a minute, on a debug kernel and 4 CPUs
#   docs         what the documentation shows compiles and is complete
#   library      libhtw has what its header and its manual pages say, and installs
#
# And by name only:
#
#   stock-6.12-rt   selftests on Debian's PREEMPT_RT kernels
#   stock-6.1-rt
#   misuse-6.1
#   torture-6.1
#   isolated-6.12   a debug kernel that keeps everybody off one of its CPUs
#   kcsan-6.12      a kernel that looks for data races
#   rt-6.12         a debug kernel with PREEMPT_RT
#   up-6.12         a debug kernel without SMP
#   i386-6.12       a debug kernel of 32 bits
#   arm64-6.12      Debian's own kernel for arm64
#   one-6.12        Debian's own kernel on one CPU
#   none-6.12       the same with preempt=none, voluntary or full
#   voluntary-6.12
#   full-6.12
#
# `make matrix` runs all that have a kernel of their own.
#
# --fast takes what needs no guest and less than a minute.
#
# The test kernels are fetched and built the first time, which takes up to twenty
# minutes on two cores, and kept in ~/.cache/htw (HTW_CACHE names another place).
# What each test said is in build/check/STAGE. The last line is "N passed, N failed".

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

all=(wheel fuzz-wheel models uml-6.12 debug-6.12 debug-6.1 stock-6.12 stock-6.1 misuse-6.12 torture-6.12 docs library)
out=$top/build/check
manifest=$top/tools/testing/manifest
variants=$top/tools/testing/variants
ops=4000000
large=1000000
stages=()

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--fast) stages=(wheel docs library) ops=1000000 large=100000 ;;
		wheel|fuzz-wheel|models|docs|library|uml-*|debug-*|stock-*|misuse-*) stages+=("$1") ;;
		isolated-*|torture-*|kcsan-*|rt-*|up-*|i386-*|arm64-*) stages+=("$1") ;;
		one-*|none-*|voluntary-*|full-*) stages+=("$1") ;;
		*) die "unknown argument $1" "try --help" ;;
		esac
		shift
	done
	((${#stages[@]})) || stages=("${all[@]}")
}

# The manifest, and what runs once more as programs of 32 bits: SUITE.CASE is
# SUITE32.CASE there.
with_programs32()
{
	local program suite

	cat "$manifest"
	for program in "$out"/programs/selftests32/*; do
		suite=${program##*/}
		sed -n "s/^stock $suite\\./stock ${suite}32./p" "$manifest"
	done
}

# And for each variant, what is left there of the rig that it is one of.
whole_manifest()
{
	with_programs32
	awk '
		{ sub(/#.*/, "") }
		FNR == NR && $2 == "of" { of[$1] = $3 }
		FNR == NR && $2 != "of" { for (i = 3; i <= NF; i++) told[$1, $i] = $2 }
		FNR == NR || NF < 2 { next }
		{
			suite = $2
			sub(/\..*/, "", suite)
			for (rig in of) {
				how = (rig, $2) in told ? told[rig, $2] : told[rig, suite]
				if (of[rig] == $1 && how != "without")
					print rig, $2, how ? how : $3
			}
		}' "$variants" "$manifest"
}

# without RIG: the suites that are left out there, as the guest is told.
without()
{
	awk -v rig="$1" '
		{ sub(/#.*/, "") }
		$1 == rig && $2 == "without" {
			for (i = 3; i <= NF; i++)
				if ($i !~ /\./)
					list = list "," $i
		}
		END { if (list) print "vm_without=" substr(list, 2) }' "$variants"
}

# judge STAGE RIG [OPTION]...
judge()
{
	local stage=$1 rig=$2
	shift 2

	whole_manifest >"$out/$stage/manifest"
	"$vm/judge.sh" --rig "$rig" --label "$stage" --manifest "$out/$stage/manifest" "$@" \
		"$out/$stage" || :
}

# named SUITE CMD...: the flat KTAP of CMD, as judge.sh takes it.
named()
{
	local suite=$1 rc=0
	shift

	printf '# suite: %s\n' "$suite"
	"$@" || rc=$?
	printf '\n# exit: %d\n# suite:\n' "$rc"
	return "$rc"
}

run_wheel()
{
	mkdir -p "$out/wheel"
	run_logged "building the wheel with sanitizers" "$out/wheel/build.log" \
		make -C "$top/tools/testing/wheel" O="$out/wheel/obj"
	run_logged --may-fail "testing the wheel: $ops operations beside the model" "$out/wheel/result" \
		named property "$out/wheel/obj/property" --ops "$ops" --large "$large" \
		${HTW_SEED:+--seed "$HTW_SEED"} || :
	grep -a -m 1 '^# seed' "$out/wheel/result" || :
	judge wheel wheel --no-guest
}

run_fuzz-wheel()
{
	need_packages "fuzzing the wheel" clang-14 libclang-rt-14-dev llvm-14 make
	mkdir -p "$out/fuzz-wheel"
	run_logged --may-fail "fuzzing the wheel" "$out/fuzz-wheel/result" \
		named fuzz env O="$out/fuzz-wheel/obj" "$top/tools/testing/wheel/fuzz-check.sh" || :
	grep -a -m 1 '^# seed' "$out/fuzz-wheel/result" || :
	judge fuzz-wheel fuzz --no-guest
}

run_models()
{
	need_packages "checking the models" spin gcc libc6-dev
	mkdir -p "$out/models"
	run_logged --may-fail "checking the models" "$out/models/result" \
		named models env O="$out/models/obj" "$top/tools/testing/models/check.sh" || :
	judge models models --no-guest
}

run_docs()
{
	mkdir -p "$out/docs"
	run_logged --may-fail "checking the documentation" "$out/docs/result" \
		named docs "$top/Documentation/check.sh" || :
	judge docs docs --no-guest
}

run_library()
{
	need_packages "checking the library" gcc g++ gcc-12-multilib libc6-dev-i386 make pkg-config \
		python3-docutils
	mkdir -p "$out/library"
	run_logged --may-fail "checking the library" "$out/library/result" \
		named library "$top/tools/lib/check.sh" || :
	judge library library --no-guest
}

run_uml()
{
	"$vm/uml.sh" "$1" "$out/uml-$1" || :
	judge "uml-$1" uml --no-guest
}

# run_guest STAGE RIG KERNEL KDIR SECONDS [OPTION OF boot.sh]...
run_guest()
{
	local stage=$1 rig=$2 kernel=$3 kdir=$4 limit=$5 src=$out/$1/src programs
	local args=("${@:6}") module

	programs=$(programs_of "$stage")
	build_modules "$kdir" "$src" HTW_TESTS=y
	[[ $rig != stock ]] || args+=(--file "$out/programs/selftests32:/selftests32")
	# The suites, or what of them needs no KUnit.
	for module in htw_kunit htw_ledger tools/testing/misuse/htw_faults; do
		[[ ! -e $src/$module.ko ]] || args+=(--file "$src/$module.ko:/${module##*/}.ko")
	done
	"$vm/boot.sh" --name "$stage" --kernel "$kernel" --timeout "$limit" --out "$out/$stage" \
		--append "$(without "$rig") " \
		--script "$vm/guest-test.sh" \
		--file "$vm/guest-ktap.sh:/ktap.sh" \
		--file "$vm/guest-modules.sh:/guest-modules.sh" \
		--file "$vm/guest-unload.sh:/guest-unload.sh" \
		--file "$vm/guest-suspend.sh:/guest-suspend.sh" \
		--file "$src/htw.ko:/htw.ko" \
		--file "$src/tools/examples/idle_table/idle_table.ko:/idle_table.ko" \
		--file "$src/tools/testing/misuse/htw_misuse.ko:/htw_misuse.ko" \
		--file "$programs/htw:/bin/htw" \
		--file "$programs/selftests:/selftests" \
		--file "$programs/fuzz/suite:/selftests/fuzz" \
		"${args[@]}" || :
	judge "$stage" "$rig"
}

# A kernel of debug.sh: debug-SERIES, or VARIANT-SERIES as it is called there.
run_debug()
{
	local stage=$1 dir args

	dir=$("$vm/debug.sh" "${stage#debug-}")
	args=(--append vm_slow=1)
	case $stage in
	# The kernel has data races of its own: what htw has is judged by the log.
	kcsan-*) args+=(--append panic_on_warn=0) ;;
	up-*) args+=(--smp 1) ;;
	i386-*) args+=(--arch i386) ;;
	esac
	run_guest "$stage" "${stage%%-*}" "$dir/image" "$dir/build" 1500 "${args[@]}"
}

# With one CPU for nobody but those who ask for it. Suites that need both would fail.
run_isolated()
{
	local stage=isolated-$1 src=$out/debug-$1/src dir

	dir=$("$vm/debug.sh" "$1")
	build_modules "$dir/build" "$src"
	"$vm/boot.sh" --name "$stage" --kernel "$dir/image" --timeout 200 --out "$out/$stage" \
		--append "nohz_full=1 isolcpus=1 kunit.filter_glob=htw_isolated*" \
		--script "$vm/guest-isolated.sh" \
		--file "$src/htw.ko:/htw.ko" \
		--file "$src/htw_kunit.ko:/htw_kunit.ko" || :
	judge "$stage" isolated
}

# run_stock STAGE KERNEL RIG [OPTION OF boot.sh]...
run_stock()
{
	local dir

	dir=$("$vm/stock.sh" "$2")
	run_guest "$1" "$3" "$dir/vmlinuz" "$dir/build" 600 "${@:4}"
}

# A boot of its own: these warnings taint the kernel, and lockdep reports but once.
run_misuse()
{
	local stage=misuse-$1 dir src=$out/misuse-$1/src

	dir=$("$vm/debug.sh" "$1")
	build_modules "$dir/build" "$src"
	"$vm/boot.sh" --name "$stage" --kernel "$dir/image" --timeout 200 --out "$out/$stage" \
		--append 'vm_taint=512 vm_lockdep=0' \
		--script "$vm/guest-misuse.sh" \
		--file "$vm/guest-ktap.sh:/ktap.sh" \
		--file "$src/htw.ko:/htw.ko" \
		--file "$src/tools/testing/misuse/htw_misuse.ko:/htw_misuse.ko" || :
	judge "$stage" misuse
}

# Where the programs are that run in a guest of this stage.
programs_of()
{
	case $1 in
	i386-*|arm64-*) printf '%s\n' "$out/programs/${1%-*}" ;;
	*) printf '%s\n' "$out/programs" ;;
	esac
}

run_torture()
{
	local stage=torture-$1 scenario=hotplug

	[[ $1 == 6.12 ]] || scenario=old
	"$top/tools/torture/run.sh" --out "$out/$stage" --seconds 25 \
		${HTW_SEED:+--seed "$HTW_SEED"} "$scenario" || :
	cp "$out/$stage/$scenario/results" "$out/$stage/results"
}

build_programs()
{
	mkdir -p "$out/programs"
	build_command "$out/programs/tool"
	cp -u "$out/programs/tool/htw" "$out/programs/htw"
	build_selftests "$out/programs/selftests"
	run_logged "building the fuzzer" "$out/programs/fuzz.log" \
		make -C "$top/tools/testing/fuzz" O="$out/programs/fuzz"
}

# build_programs_for ARCH [MAKE-ARGUMENT]...: for a kernel of another kind.
build_programs_for()
{
	local arch=$1 dir=$out/programs/$1
	shift

	mkdir -p "$dir"
	build_command "$dir/tool" "$@"
	cp -u "$dir/tool/htw" "$dir/htw"
	build_selftests "$dir/selftests" "$@" programs "$dir/selftests/seeing"
	run_logged "building the fuzzer for $arch" "$dir/fuzz.log" \
		make -C "$top/tools/testing/fuzz" O="$dir/fuzz" "$@"
}

build_programs_i386()
{
	need_packages "building programs of 32 bits" gcc-12-multilib libc6-dev-i386
	build_programs_for i386 CC="gcc -m32 -idirafter /usr/include/$(gcc -print-multiarch)"
}

build_programs_arm64()
{
	need_packages "building programs for arm64" gcc-12-aarch64-linux-gnu libc6-dev-arm64-cross
	build_programs_for arm64 CC=aarch64-linux-gnu-gcc-12
}

# As those of a user who has not moved to 64 bits yet, on a kernel that has.
build_programs32()
{
	need_packages "building programs of 32 bits" gcc-12-multilib libc6-dev-i386
	build_selftests "$out/programs/selftests32" M32=1 programs
}

# any PATTERN: is there such a stage?
any()
{
	local stage

	for stage in "${stages[@]}"; do
		[[ ! $stage =~ ^($1)- ]] || return 0
	done
	return 1
}

# Not beside another check.sh.
build_all_programs()
(
	exec 9>"$out/programs.lock"
	flock 9
	! any 'debug|stock|kcsan|rt|up|one|none|voluntary|full' || build_programs
	! any stock || build_programs32
	! any i386 || build_programs_i386
	! any arm64 || build_programs_arm64
)

install_needed()
{
	need_packages "building and testing htw" gcc g++ make libc6-dev libelf1 kmod cpio qemu-system-x86
}

# count STAGE KIND: of its results. A stage that ended without any is one failure.
count()
{
	local stage=$1 kind=$2

	if [[ -s $out/$stage/results ]]; then
		grep -c "^$kind " "$out/$stage/results" || :
	elif [[ $kind == 'not ok' ]]; then
		echo 1
	else
		echo 0
	fi
}

sum_up()
{
	local stage passed=0 failed=0 skipped=0

	echo
	for stage in "${stages[@]}"; do
		printf '%-12s %5d passed, %d failed\n' "$stage" \
			"$(count "$stage" ok)" "$(count "$stage" 'not ok')"
		passed=$((passed + $(count "$stage" ok)))
		failed=$((failed + $(count "$stage" 'not ok')))
		skipped=$((skipped + $(count "$stage" skip)))
	done
	if ((skipped)); then
		printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	else
		printf '%d passed, %d failed\n' "$passed" "$failed"
	fi
	((failed == 0 && passed > 0))
}

main()
{
	local stage

	parse "$@"
	install_needed
	mkdir -p "$out"
	for stage in "${stages[@]}"; do
		rm -f "$out/$stage"/results
	done
	build_all_programs
	# A stage that cannot even start is its failure, and not the others'.
	for stage in "${stages[@]}"; do
		case $stage in
		uml-*) (run_uml "${stage#*-}") || : ;;
		debug-*|kcsan-*|rt-*|up-*|i386-*) (run_debug "$stage") || : ;;
		isolated-*) (run_isolated "${stage#*-}") || : ;;
		stock-*) (run_stock "$stage" "${stage#*-}" stock) || : ;;
		arm64-*) (run_stock "$stage" "${stage#*-}-arm64" arm64 --arch arm64 --append vm_slow=1) || : ;;
		one-*) (run_stock "$stage" "${stage#*-}" one --smp 1) || : ;;
		none-*|voluntary-*|full-*)
			(run_stock "$stage" "${stage#*-}" preempt --append "preempt=${stage%-*}") || : ;;
		torture-*) (run_torture "${stage#*-}") || : ;;
		misuse-*) (run_misuse "${stage#*-}") || : ;;
		*) ("run_$stage") || : ;;
		esac
	done
	sum_up
}

main "$@"
