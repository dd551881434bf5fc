#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: mutate.sh [option]... [NAME]...
#
# Do the tests find what they are there to find? Breaks htw in one place at a time, on
# a copy, as tools/testing/mutations says or only the mutations named, boots a guest
# with the suites that have to do with that place, and expects one of them to fail.
# First wheel/mutate.sh does the same to the wheel, in user space.
#
#   --list         print the mutations and what is tried on them; run nothing
#   --stale        print those that change nothing in src/; run nothing
#   --file FILE    only those of FILE, for example event.c; repeatable
#   --sample N     only N of them, at random
#   --seed S       which these are; a sample prints its own
#   --no-wheel     without wheel/mutate.sh
#   --unchecked    do not see first whether the unchanged htw passes
#   --jobs N       this many guests at a time (2): most suites wait most of the time
#
# A mutation takes 20 to 40 s, and up to four minutes if it survives. Prints a line for
# each as it comes, with what has caught it. What the guests said is in build/mutate/NAME.
#
# Exit 1 if a mutation survives, changes nothing or does not compile, or if the
# unchanged htw fails. Those that the list argues to be equivalent are not tried.

set -euo pipefail
# shellcheck source=tools/testing/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

list=$top/tools/testing/mutations
out=$top/build/mutate
files=() names=() sample='' seed='' wheel=1 only_list='' only_stale='' check_first=1 jobs=2 job=0

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--list) only_list=1 ;;
		--stale) only_stale=1 ;;
		--no-wheel) wheel='' ;;
		--unchecked) check_first='' ;;
		--file) files+=("$(need_value "$@")"); shift ;;
		--sample) sample=$(need_value "$@"); shift ;;
		--seed) seed=$(need_value "$@"); shift ;;
		--jobs) jobs=$(need_value "$@"); shift ;;
		-*) die "unknown option $1" "try --help" ;;
		*) names+=("$1") ;;
		esac
		shift
	done
	[[ $jobs =~ ^[1-9][0-9]?$ ]] || die "--jobs $jobs: it is 1 to 99"
}

# What is tried on a mutation of a file, one after the other, the likeliest first:
# KIND:SUITE,... The suites of the device on a stock kernel, a debug kernel, or one with
# KCSAN; kunit: KUnit suites, by a pattern of their names, on a debug kernel.
tries_of()
{
	local quick=stock:timers,events,periodic,batch,errors,uapi

	case $1 in
	base.*) echo "stock:ledger,timers,unload kunit:htw_[apst]*" ;;
	timer.c) echo "stock:ledger,timers kunit:htw_[apst]*" ;;
	virtual.c) echo stock:virtual kunit:htw_wheel_private ;;
	work.c) echo "kunit:htw_work*" ;;
	sleep.c) echo "kunit:htw_sleep*" ;;
	consumer.*) echo stock:unload debug:unload ;;
	debug.*) echo misuse:misuse ;;
	stats.*) echo stock:seeing,timers kunit:htw_stats ;;
	trace.*) echo stock:seeing ;;
	main.c) echo stock:modules debug:modules ;;
	chardev.c) echo stock:uapi,errors,events,files,ring,batch ;;
	context.*) echo "$quick,ring,files,limits,steps,seeing,clocks,stats" ;;
	account.c) echo "stock:limits,uapi,timers debug:limits" ;;
	clock.*) echo stock:clocks,steps,timers debug:clocks,steps,suspend ;;
	event.*) echo "$quick,files,copying,words,ring,stats,seeing,races" ;;
	op.*) echo "$quick,keep,match,window,virtual,copying,words,ring,stats,beside" ;;
	ring.*|shared.*) echo stock:ring,words,uapi,stats,races debug:ring ;;
	user_timer.*) echo "$quick,keep,match,window,virtual,words,steps,clocks,limits,races" ;;
	copy.h) echo "$quick,races" ;;
	words.h) echo stock:words,races ;;
	*) die "no suites for $1" "add them to tries_of()" ;;
	esac
}

# split LINE: an expression may have a | in it.
split()
{
	name=${1%%|*} expression=${1#*|*|} tries=${1##*|}
	file=${1#*|}
	file=${file%%|*}
	expression=${expression%|*}
}

is_chosen()
{
	((${#names[@]} == 0)) || [[ " ${names[*]} " == *" $name "* ]] || return 1
	((${#files[@]} == 0)) || [[ " ${files[*]} " == *" $file "* ]]
}

# The lines of all that are asked for.
chosen()
{
	local line name file expression tries

	for name in "${names[@]}"; do
		grep -q "^$name|" "$list" || die "no mutation $name" "mutate.sh --list names all"
	done
	grep -v -e '^#' -e '^$' "$list" | while read -r line; do
		split "$line"
		! is_chosen || printf '%s\n' "$line"
	done | if [[ -n $sample ]]; then
		shuf -n "$sample" --random-source=<(yes "$seed")
	else
		cat
	fi
}

# Those whose expression no longer finds its place. Fails if there are any.
stale()
{
	local line name file expression tries rc=0

	while read -r line; do
		split "$line"
		if sed "$expression" "$top/src/$file" | cmp -s - "$top/src/$file"; then
			echo "$name changes nothing in $file"
			rc=1
		fi
	done <<<"$1"
	return "$rc"
}

# kernel_of KIND: the kernel's directory.
kernel_of()
{
	case $1 in
	stock) "$vm/stock.sh" 6.12 ;;
	kunit|debug|misuse) "$vm/debug.sh" 6.12 ;;
	kcsan) "$vm/debug.sh" kcsan-6.12 ;;
	*) die "no kernel for $1" "it is stock, debug, kunit, misuse or kcsan" ;;
	esac
}

# tree_of KIND: each job has its own.
tree_of()
{
	case $1 in
	stock|kcsan) echo "$out/job$job/$1" ;;
	*) echo "$out/job$job/debug" ;;
	esac
}

image_of()
{
	case $1 in
	stock) echo "$(kernel_of "$1")/vmlinuz" ;;
	*) echo "$(kernel_of "$1")/image" ;;
	esac
}

# Also what a run that was interrupted has left changed.
unchanged_sources()
{
	local tree=$1 file

	[[ -d $tree/src ]] || return 0
	for file in "$top"/src/*.[ch]; do
		cmp -s "$file" "$tree/src/${file##*/}" || cp "$file" "$tree/src/"
	done
}

# The kinds of kernel that are needed for these lines.
kinds_of()
{
	local line name file expression tries what

	while read -r line; do
		split "$line"
		[[ $tries == equivalent ]] || for what in $tries $(tries_of "$file"); do
			echo "${what%%:*}"
		done
	done <<<"$1" | sort -u
}

prepare()
{
	local kind tree

	for kind in $(kinds_of "$1"); do
		for ((job = 0; job < jobs; job++)); do
			tree=$(tree_of "$kind")
			unchanged_sources "$tree"
			build_modules "$(kernel_of "$kind")/build" "$tree" HTW_TESTS=y
		done
	done
	mkdir -p "$out/programs"
	build_command "$out/programs/tool"
	cp "$out/programs/tool/htw" "$out/programs/htw"
	build_selftests "$out/programs/selftests"
	build_selftests "$out/programs/selftests32" M32=1 programs
}

# guest KIND SUITES DIR: 0 if all of them pass.
guest()
{
	local kind=$1 suites=$2 dir=$3 tree args=() module script=$vm/guest-mutant.sh

	tree=$(tree_of "$kind")
	mkdir -p "$dir"
	for module in htw_kunit htw_ledger; do
		[[ ! -e $tree/$module.ko ]] || args+=(--file "$tree/$module.ko:/$module.ko")
	done
	case $kind in
	kunit) args+=(--append "kunit.filter_glob=$suites"); suites=kunit ;;
	misuse) args+=(--append 'vm_taint=512 vm_lockdep=0'); script=$vm/guest-misuse.sh ;;
	esac
	tr , '\n' <<<"$suites" >"$dir/plan"
	"$vm/boot.sh" --name "${dir##*/}" --kernel "$(image_of "$kind")" --timeout 300 --out "$dir" \
		--script "$script" \
		--file "$dir/plan:/plan" \
		--file "$vm/guest-ktap.sh:/ktap.sh" \
		--file "$vm/guest-modules.sh:/guest-modules.sh" \
		--file "$vm/guest-unload.sh:/guest-unload.sh" \
		--file "$vm/guest-suspend.sh:/guest-suspend.sh" \
		--file "$tree/htw.ko:/htw.ko" \
		--file "$tree/tools/examples/idle_table/idle_table.ko:/idle_table.ko" \
		--file "$tree/tools/testing/misuse/htw_misuse.ko:/htw_misuse.ko" \
		--file "$out/programs/htw:/bin/htw" \
		--file "$out/programs/selftests:/selftests" \
		--file "$out/programs/selftests32:/selftests32" \
		"${args[@]}" >"$dir/boot.log" 2>&1
}

# The test that failed first, or what the kernel said, or that it hung.
what_caught()
{
	local dir=$1

	tr -d '\r' <"$dir/result" | awk '
		/^ *# Subtest: |^# suite: ./ { suite = $NF }
		/^KTAP version/ { flat = 1 }
		/^ *not ok [0-9]/ { print suite "." $4; found = 1; exit }
		/^# exit: [1-9]/ && !found { print suite " ended with " $3; found = 1; exit }
		/^# (check )?failed: / { sub(/^# (check )?failed: /, ""); print; found = 1; exit }
		END { exit !found }' && return
	grep -a -m 1 -o -E '(BUG|WARNING|KASAN|UBSAN|Oops|Kernel panic)[: ].{0,60}' "$dir/console.log" && return
	cat "$dir/status"
}

# build_mutant KIND FILE SOURCE
build_mutant()
{
	local tree

	tree=$(tree_of "$1")
	cp "$3" "$tree/src/$2"
	make -C "$(kernel_of "$1")/build" M="$tree" HTW_TESTS=y modules
}

# What is tried must pass on the unchanged htw: looked at once for each, by the job that
# comes first.
passes_unchanged()
(
	local what=$1 dir

	[[ -n $check_first ]] || return 0
	dir=$out/unchanged/${what//[^a-z0-9]/_}
	mkdir -p "$dir"
	exec 9>"$dir.lock"
	flock 9
	[[ ! -e $dir/passes ]] || return 0
	build_mutant "${what%%:*}" main.c "$top/src/main.c" >"$dir.log" 2>&1
	guest "${what%%:*}" "${what#*:}" "$dir" ||
		die "the unchanged htw fails $what: $(what_caught "$dir")" "it is in $dir"
	touch "$dir/passes"
)

# try_one FILE WHAT DIR: prints CAUGHT and by what, SURVIVED, or what is wrong.
try_one()
{
	local file=$1 what=$2 dir=$3 kind=${2%%:*} rc=0

	passes_unchanged "$what" || { echo UNCHANGED_FAILS; return; }
	build_mutant "$kind" "$file" "$dir/$file" >"$dir/build.log" 2>&1 || rc=$?
	if ((rc)); then
		echo NOT_BUILT
	else
		guest "$kind" "${what#*:}" "$dir/$kind" || rc=$?
		case $rc in
		0) echo SURVIVED ;;
		1) echo "CAUGHT $kind $(what_caught "$dir/$kind")" ;;
		*) echo NOT_RUN ;;
		esac
	fi
	cp "$top/src/$file" "$(tree_of "$kind")/src/$file"
}

try()
{
	local name=$1 file=$2 expression=$3 tries=$4 what result=SURVIVED dir=$out/$1

	rm -rf "$dir"
	mkdir -p "$dir"
	sed "$expression" "$top/src/$file" >"$dir/$file"
	if cmp -s "$dir/$file" "$top/src/$file"; then
		echo UNCHANGED
		return
	fi
	for what in $tries $(tries_of "$file"); do
		result=$(try_one "$file" "$what" "$dir")
		[[ $result == SURVIVED ]] || break
	done
	echo "$result"
}

# try_line LINE: a line of the table.
try_line()
{
	local name file expression tries result start=$SECONDS

	split "$1"
	if [[ $tries == equivalent ]]; then
		result='EQUIVALENT, as the list argues'
	else
		result=$(try "$name" "$file" "$expression" "$tries")
	fi
	printf '%-40s %-13s %4d s  %s\n' "$name" "$file" $((SECONDS - start)) "$result" |
		tee -a "$out/table"
}

# count RESULT...: how many lines of the table have that result.
count()
{
	awk -v "results= $* " 'index(results, " " $5 " ") { n++ } END { print n + 0 }' "$out/table"
}

# try_share LINES: each job takes every so manieth of them.
try_share()
{
	local line nr=0 total start=$SECONDS done_so_far

	total=$(wc -l <<<"$1")
	while read -r line <&3; do
		((nr++ % jobs == job)) || continue
		try_line "$line"
		done_so_far=$(wc -l <"$out/table")
		say "$done_so_far of $total, $(count CAUGHT) caught, about $(((SECONDS - start) *
			(total - done_so_far) / done_so_far / 60)) min left"
	done 3<<<"$1"
}

try_all()
{
	local total caught argued pids=() pid

	total=$(wc -l <<<"$1")
	: >"$out/table"
	printf '%-40s %-13s %6s  %s\n' MUTATION FILE TIME RESULT
	for ((job = 0; job < jobs; job++)); do
		try_share "$1" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || :
	done
	caught=$(count CAUGHT) argued=$(count EQUIVALENT)
	echo "$caught caught, $((total - caught - argued)) not, $argued argued to be equivalent"
	((caught + argued == total && argued <= 3))
}

main()
{
	local lines rc=0

	parse "$@"
	seed=${seed:-$RANDOM}
	lines=$(chosen)
	[[ -n $lines ]] || die "no mutation is left" "mutate.sh --list names all"
	if [[ -n $only_list ]]; then
		printf '%s\n' "$lines"
		return
	fi
	if [[ -n $only_stale ]]; then
		stale "$lines"
		return
	fi
	[[ -z $sample ]] || echo "# seed $seed"
	if [[ -n $wheel && -z $sample && ${#names[@]} == 0 && ${#files[@]} == 0 ]]; then
		"$top/tools/testing/wheel/mutate.sh" || rc=1
	fi
	need_packages "building and testing htw" gcc gcc-12-multilib make libc6-dev \
		libc6-dev-i386 libelf1 kmod cpio qemu-system-x86
	rm -rf "$out/unchanged"
	prepare "$lines"
	try_all "$lines" || rc=1
	return "$rc"
}

main "$@"
