#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: boot.sh --kernel IMG --script FILE --out DIR [option]...
#
# Boot IMG in QEMU with an initramfs of busybox and the files given, run FILE
# in it (busybox sh, with the functions of /lib.sh) and stop. Leaves in DIR:
#
#   result       what the script printed, and the guest's verdict
#   console.log  the kernel's console
#   story        the third channel, /dev/story in the guest
#   status       how QEMU ended: exit 0, or timeout
#
# Exits 0 when the verdict is pass, 1 when not, 2 when no guest was started.
# judge.sh has the last word on the results.
#
#   --file SRC:DEST   put SRC (a file or a directory) at DEST in the guest;
#                     repeatable. Programs must be static.
#   --smp N           CPUs (2); the guest fails when it has fewer or more
#   --mem M           memory (1G)
#   --timeout SECS    after which a guest is taken for hung (300)
#   --append TEXT     more kernel command line; for a test that provokes reports:
#                     vm_taint=512 allows the taint of a warning, vm_lockdep=0
#                     demands that lockdep has reported something
#   --story           show the third channel while the guest runs
#   --icount N        count instructions (one takes 2^N ns): repeatable timing,
#                     under TCG and with one thread for all CPUs
#   --arch ARCH       the machine: amd64, i386 (which is the former, with a user space
#                     of 32 bits) or arm64
#   --name TEXT       what to call the guest in messages
#
# ACCEL=kvm|tcg|auto chooses the accelerator. auto boots the kernel under KVM
# once: /dev/kvm may exist and every guest still hang.

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
. "$here/common.sh"

kernel='' script='' out='' smp=2 mem=1G limit=300 append='' story='' icount='' name=guest probe='' arch=amd64
files=()

parse()
{
	while (($#)); do
		case $1 in
		-h|--help) usage; exit ;;
		--story) story=1 ;;
		--probe) probe=1 ;;	# for accelerator() below
		--kernel) kernel=$(need_value "$@") ;;
		--script) script=$(need_value "$@") ;;
		--out) out=$(need_value "$@") ;;
		--smp) smp=$(need_value "$@") ;;
		--mem) mem=$(need_value "$@") ;;
		--timeout) limit=$(need_value "$@") ;;
		--append) append+=" $(need_value "$@")" ;;
		--icount) icount=$(need_value "$@") ;;
		--arch) arch=$(need_value "$@") ;;
		--name) name=$(need_value "$@") ;;
		--file) files+=("$(need_value "$@")") ;;
		*) die "unknown option $1" "try --help" ;;
		esac
		case $1 in
		--story|--probe) shift ;;
		*) shift 2 ;;
		esac
	done
	[[ -n $kernel && -n $script && -n $out ]] || die "--kernel, --script and --out are needed" "try --help"
	[[ -r $kernel ]] || die "no kernel $kernel" "build or fetch one: debug.sh 6.12, stock.sh 6.12"
	[[ -r $script ]] || die "no script $script"
	[[ $arch =~ ^(amd64|i386|arm64)$ ]] || die "no machine $arch" "try --help"
}

# add_file ROOT SRC:DEST
add_file()
{
	local root=$1 src=${2%%:*} dest=${2#*:}

	[[ $2 == *:/* ]] || die "--file $2: it takes SRC:/DEST"
	[[ -e $src ]] || die "--file $2: there is no $src" "build it first"
	mkdir -p "$root${dest%/*}"
	cp -rL "$src" "$root$dest"
}

# Not compressed: unpacking costs more under emulation than reading.
initramfs()
{
	local root file

	root=$(mktemp -d "$out/initramfs.XXXXXX")
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,lib,etc}
	cp "$(busybox "$arch")" "$root/bin/busybox"
	cp "$here/guest-lib.sh" "$root/lib.sh"
	cp "$here/guest-init.sh" "$root/init"
	cp "$script" "$root/test.sh"
	chmod 755 "$root/init"
	for file in "${files[@]}"; do
		add_file "$root" "$file"
	done
	(cd "$root" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0) >"$out/initramfs"
	rm -rf "$root"
}

# What can be turned into a panic is: a panic leaves no verdict. An emulated
# CPU on a busy host may well stand still for seconds: hence the wide limits,
# and no comparison of clocks (tsc=reliable, no_timer_check), which would go by
# the host's mood.
command_line()
{
	printf '%s ' console="$([[ $arch == arm64 ]] && echo ttyAMA0 || echo ttyS0)" tsc=reliable no_timer_check panic_on_warn=1 panic=-1 oops=panic \
		softlockup_panic=1 sysctl.kernel.hardlockup_panic=1 watchdog_thresh=20 \
		sysctl.kernel.hung_task_panic=1 sysctl.kernel.panic_on_rcu_stall=1 \
		rcupdate.rcu_cpu_stall_timeout=60 workqueue.panic_on_stall=1 \
		8250.nr_uarts=4 kunit.enable=1 \
		vm_cpus="$smp" vm_story="${story:-0}" vm_probe="${probe:-0}" vm_taint=0 vm_lockdep=1
	printf '%s\n' "$append"
}

# kvm or tcg. A boot that hangs costs its whole timeout, so the answer is kept
# until the host reboots.
accelerator()
{
	local answer

	[[ $arch != arm64 ]] || { echo tcg; return; }
	case ${ACCEL:-auto} in
	kvm|tcg) printf '%s\n' "$ACCEL"; return ;;
	auto) ;;
	*) die "ACCEL=$ACCEL: it is kvm, tcg or auto" ;;
	esac
	answer=$CACHE/accel/$(</proc/sys/kernel/random/boot_id)
	[[ -s $answer ]] || with_lock accel probe_kvm "$answer"
	cat "$answer"
}

probe_kvm()
{
	local answer=$1 result=tcg

	[[ ! -s $answer ]] || return 0
	rm -rf "$CACHE/accel"
	mkdir -p "$CACHE/accel/probe"
	if [[ -r /dev/kvm && -w /dev/kvm ]]; then
		say "does KVM work here? booting a kernel to see, once"
		if ACCEL=kvm "$here/boot.sh" --probe --name "KVM probe" --timeout 15 --kernel "$kernel" \
			--script /dev/null --out "$CACHE/accel/probe" >/dev/null 2>&1; then
			result=kvm
		fi
	fi
	say "guests will run under $result (ACCEL=kvm or ACCEL=tcg overrides)"
	printf '%s\n' "$result" >"$answer"
}

common_arguments()
{
	printf '%s\n' -nodefaults -no-reboot -display none -smp "$smp" -m "$mem" \
		-kernel "$kernel" -initrd "$out/initramfs" -append "$(command_line)"
}

# The console is that of the machine. The others are as many ports as a PC has, so that
# they have the names that they have there.
arm64_arguments()
{
	local nr=0 port

	[[ -z $icount ]] || die "--icount is not for arm64"
	printf '%s\n' -machine virt,gic-version=3 -cpu max,pauth-impdef=on -accel tcg,thread=multi \
		-serial "file:$out/console.log"
	for port in null file,path="$out/result" file,path="$out/story"; do
		printf '%s\n' -chardev "$port,id=port$nr" -device "pci-serial,chardev=port$nr"
		nr=$((nr + 1))
	done
}

# The ports by hand instead of -serial: there the first and the third share an
# interrupt line, and lose characters when both are in use. Line 7 is free.
pc_arguments()
{
	local accel=$1 port=0 channel

	printf '%s\n' -machine pc
	for channel in console.log:4 result:3 story:7; do
		printf '%s\n' -chardev "file,id=port$port,path=$out/${channel%:*}" \
			-device "isa-serial,chardev=port$port,index=$port,irq=${channel#*:}"
		port=$((port + 1))
	done
	if [[ -n $icount ]]; then
		# Each byte that rep movsb copies would count as an instruction; and an idle
		# guest need not wait for the host's clock.
		printf '%s\n' -accel tcg,thread=single -icount "shift=$icount,sleep=off" \
			-cpu max,-erms,-fsrm
	elif [[ $accel == kvm ]]; then
		printf '%s\n' -accel kvm -cpu host
	else
		printf '%s\n' -accel tcg,thread=multi -cpu max
	fi
}

tests_so_far()
{
	local n

	n=$(grep -c -E '^ *(not )?ok ' "$out/result" 2>/dev/null) || :
	printf ', %s results' "${n:-0}"
}

run_guest()
{
	local accel args qemu=qemu-system-x86_64 rc=0 tail_pid='' start=$SECONDS

	accel=$(accelerator)
	if [[ $arch == arm64 ]]; then
		qemu="qemu-system-aarch64"
		mapfile -t args < <(common_arguments && arm64_arguments)
	else
		mapfile -t args < <(common_arguments && pc_arguments "$accel")
	fi
	: >"$out/story"
	if [[ -n $story ]]; then
		tail -n +1 -f "$out/story" &
		tail_pid=$!
	fi
	run_logged --may-fail --progress tests_so_far "running $name ($accel, $smp CPUs)" "$out/qemu.log" \
		timeout --kill-after=5 "$limit" "$qemu" "${args[@]}" || rc=$?
	if [[ -n $tail_pid ]]; then
		# Let it show what came last.
		sleep 0.3
		kill "$tail_pid"
	fi
	report "$rc" $((SECONDS - start))
}

report()
{
	local rc=$1 took=$2

	# 124 and 137 are timeout's own: it had to end the guest.
	if ((rc == 124 || rc == 137)); then
		printf 'timeout %s\n' "$limit" >"$out/status"
		say "$name hung: killed after $limit s; console: $out/console.log ends with"
		tail -n 5 "$out/console.log" | sed 's/^/    /' >&2
		return 1
	fi
	printf 'exit %d\n' "$rc" >"$out/status"
	if ((rc != 0)); then
		tail -n 5 "$out/qemu.log" | sed 's/^/    /' >&2
		die "QEMU ended with status $rc" "its messages: $out/qemu.log"
	fi
	if [[ $(tail -n 1 "$out/result" | tr -d '\r') == 'htw-vm: verdict pass' ]]; then
		say "$name: verdict pass, $took s"
		return 0
	fi
	say "$name: $(grep -a '^htw-vm: verdict' "$out/result" || echo "no verdict: the guest died"), $took s;" \
	    "console: $out/console.log"
	show_crash
	return 1
}

# For the reader only: nothing is decided by what the console says.
show_crash()
{
	awk '/BUG: |WARNING: |KASAN: |UBSAN: |Kernel panic|Oops: / { on = 1 } on && n++ < 25 { print "    " $0 }' \
		"$out/console.log" >&2
}

main()
{
	parse "$@"
	need_packages "running guests" qemu-system-x86 cpio
	[[ $arch != arm64 ]] || need_packages "running guests of arm64" qemu-system-arm ipxe-qemu
	mkdir -p "$out"
	out=$(cd "$out" && pwd)
	rm -f "$out"/{result,results,console.log,story,status,qemu.log}
	initramfs
	run_guest
}

main "$@"
