# SPDX-License-Identifier: GPL-2.0
#
# What people type. What kbuild reads is in Kbuild.

VERSION := $(shell cat VERSION)

prefix ?= /usr/local
includedir ?= $(prefix)/include
bindir ?= $(prefix)/bin
libdir ?= $(prefix)/lib
mandir ?= $(prefix)/share/man
htwdir ?= $(prefix)/src/htw
udevdir ?= /usr/lib/udev/rules.d
sysusersdir ?= /usr/lib/sysusers.d
dkmsdir ?= /usr/src/htw-$(VERSION)
INSTALL ?= install
DEPMOD ?= depmod
RST2MAN ?= rst2man
DKMS ?= dkms

all: modules examples tools programs

# The kernel to build for: KDIR=, or KVER=, or the running one, or the newest whose
# headers are installed.
ifndef KDIR
ifdef KVER
KDIR := /lib/modules/$(KVER)/build
else
KDIR := /lib/modules/$(shell uname -r)/build
ifeq ($(wildcard $(KDIR)/Makefile),)
newest := $(shell ls -d /lib/modules/*/build/Makefile \
	/usr/src/linux-headers-*/include/config/kernel.release 2>/dev/null | \
	sed 's,/Makefile$$,,; s,/include/config/kernel.release$$,,' | \
	sort -t/ -k4V | tail -n 1)
ifneq ($(newest),)
KDIR := $(newest)
why := (the newest headers installed; there are none for $(shell uname -r))
endif
endif
endif
endif

krelease = $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null)
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR)

kdir:
	@if [ ! -e "$(KDIR)/Makefile" ] || [ -z "$(krelease)" ]; then \
		echo "htw: no kernel headers in $(KDIR)" >&2; \
		echo "     install them: apt install linux-headers-$$(uname -r)" >&2; \
		echo "     or name a built kernel: make KDIR=/path/to/it" >&2; \
		echo "     or need none: make demo" >&2; \
		exit 1; \
	fi
	@echo "htw: building for $(krelease) $(why)"

## Build

modules: kdir
	$(kbuild) modules

# The examples see what `make install` gives to anybody, and nothing else.
stage := $(CURDIR)/build/stage
staged-headers: modules
	@$(MAKE) --no-print-directory install-headers DESTDIR=$(stage) prefix=/usr KDIR=$(KDIR)

examples: staged-headers
	$(MAKE) -C tools/examples/idle_table KDIR=$(KDIR) HTW=$(stage)/usr/src/htw

test-modules: staged-headers
	$(MAKE) -C tools/testing/misuse KDIR=$(KDIR) HTW=$(stage)/usr/src/htw
	$(MAKE) -C tools/torture KDIR=$(KDIR) HTW=$(stage)/usr/src/htw

tools:
	$(MAKE) -C tools/htw
	$(MAKE) -C tools/lib

programs: tools
	@for dir in idle_server queue_sim heartbeat; do \
		$(MAKE) -C tools/examples/$$dir O=$(CURDIR)/build/examples \
			HTW_CFLAGS="-I$(CURDIR)/include/uapi -I$(CURDIR)/tools/lib" \
			HTW_LIBS=$(CURDIR)/build/lib/libhtw.a || exit 1; \
	done

docs:
	@Documentation/build.sh

## Install

modules_install: modules
	$(kbuild) $(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install
	$(DEPMOD) $(if $(DESTDIR),-b $(DESTDIR)) $(krelease)

install-headers: Module.symvers
	$(INSTALL) -d $(DESTDIR)$(includedir)/linux $(DESTDIR)$(htwdir)/include/linux \
		$(DESTDIR)$(htwdir)/$(krelease)
	$(INSTALL) -m 644 include/uapi/linux/htw.h $(DESTDIR)$(includedir)/linux/
	$(INSTALL) -m 644 include/linux/*.h $(DESTDIR)$(htwdir)/include/linux/
	$(INSTALL) -m 644 Module.symvers $(DESTDIR)$(htwdir)/$(krelease)/

Module.symvers:
	@echo "htw: build the module first: make modules" >&2; exit 1

install: install-headers tools
	$(MAKE) -C tools/htw install DESTDIR=$(DESTDIR) prefix=$(prefix)
	$(MAKE) -C tools/lib install DESTDIR=$(DESTDIR) prefix=$(prefix) includedir=$(includedir) libdir=$(libdir)
	$(INSTALL) -d $(DESTDIR)$(udevdir) $(DESTDIR)$(sysusersdir)
	$(INSTALL) -m 644 tools/udev/60-htw.rules $(DESTDIR)$(udevdir)/
	$(INSTALL) -m 644 tools/udev/htw.sysusers $(DESTDIR)$(sysusersdir)/htw.conf
	@if command -v $(RST2MAN) >/dev/null; then \
		$(MAKE) -C tools/htw install-man DESTDIR=$(DESTDIR) mandir=$(mandir) && \
		$(MAKE) -C tools/lib install-man DESTDIR=$(DESTDIR) mandir=$(mandir); \
	else \
		echo "htw: man pages are left out: apt install python3-docutils"; \
	fi
	@[ -n "$(DESTDIR)" ] || ! command -v systemd-sysusers >/dev/null || systemd-sysusers htw.conf

# dkms builds it for each kernel that is installed, from a copy of what that takes.
dkms_files := dkms.conf Makefile Kbuild Kconfig VERSION COPYING \
	$(wildcard src/*.[ch] kunit/*.[ch] include/linux/*.h include/uapi/linux/*.h)

dkms:
	$(INSTALL) -d $(DESTDIR)$(dkmsdir)
	cp --parents $(dkms_files) $(DESTDIR)$(dkmsdir)/
	$(if $(DESTDIR),,$(DKMS) install htw/$(VERSION))

dkms-remove:
	$(if $(DESTDIR),,$(DKMS) remove htw/$(VERSION) --all)
	rm -rf $(DESTDIR)$(dkmsdir)

# Only what install and modules_install put there.
uninstall:
	rm -f $(DESTDIR)$(includedir)/linux/htw.h
	rm -f $(addprefix $(DESTDIR)$(htwdir)/,$(wildcard include/linux/*.h))
	rm -f $(DESTDIR)$(htwdir)/*/Module.symvers
	-rmdir -p $(DESTDIR)$(htwdir)/include/linux $(DESTDIR)$(htwdir)/* 2>/dev/null
	$(MAKE) -C tools/lib uninstall DESTDIR=$(DESTDIR) prefix=$(prefix) includedir=$(includedir) \
		libdir=$(libdir) mandir=$(mandir)
	$(MAKE) -C tools/htw uninstall DESTDIR=$(DESTDIR) prefix=$(prefix) mandir=$(mandir)
	rm -f $(DESTDIR)$(udevdir)/60-htw.rules $(DESTDIR)$(sysusersdir)/htw.conf
	rm -f $(wildcard $(foreach dir,extra updates,$(foreach mod,htw htw_kunit htw_ledger, \
		$(DESTDIR)/lib/modules/$(krelease)/$(dir)/$(mod).ko*)))
	@[ -z "$(krelease)" ] || ! [ -d $(DESTDIR)/lib/modules/$(krelease) ] || \
		$(DEPMOD) $(if $(DESTDIR),-b $(DESTDIR)) $(krelease)

## Test

demo:
	@tools/testing/demo.sh $(KVER)

check:
	@tools/testing/check.sh

check-fast:
	@tools/testing/check.sh --fast

static:
	@tools/testing/static.sh

# What several of these take.
how_long = $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

matrix:
	@tools/testing/matrix.sh $(KERNELS)

torture:
	@tools/torture/run.sh $(how_long) $(SCENARIOS)

fuzz:
	@tools/testing/fuzz/run.sh $(how_long) $(if $(KERNEL),--kernel $(KERNEL))

models:
	@tools/testing/check.sh models

mutate:
	@tools/testing/mutate.sh $(if $(FILE),--file $(FILE)) $(if $(SAMPLE),--sample $(SAMPLE)) \
		$(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS)) $(NAMES)

soak:
	@tools/testing/soak/soak.sh $(how_long)

## Measure

bench:
	@tools/bench/run.sh $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SIZES),--sizes $(SIZES))

bench-plots:
	@tools/bench/plots.sh

latency:
	@tools/bench/latency.sh

## Clean

# kbuild's own clean would look for objects in the whole tree, a kernel's or a
# user's in it included. This removes what this Makefile made, by name.
objects := $(basename $(wildcard src/*.c kunit/*.c tools/bench/kernel/*.c \
	tools/examples/idle_table/*.c tools/testing/misuse/*.c tools/torture/*.c))
mods := htw htw_kunit htw_ledger htw_bench tools/examples/idle_table/idle_table \
	tools/testing/misuse/htw_misuse tools/testing/misuse/htw_faults tools/torture/htw_torture
hidden = $(foreach f,$(1),$(dir $(f)).$(notdir $(f)))
made := $(addsuffix .o,$(objects) $(mods)) \
	$(foreach s,.ko .mod .mod.c .mod.o,$(addsuffix $(s),$(mods))) \
	$(foreach d,./ tools/examples/idle_table/ tools/testing/misuse/ tools/torture/,$(addprefix $(d),Module.symvers modules.order .module-common.o))

clean:
	@rm -f $(made) $(addsuffix .cmd,$(call hidden,$(made))) $(addsuffix .d,$(call hidden,$(made)))
	@rm -rf $(addprefix build/,stage tools lib examples selftests wheel models docs bench)
	-@rmdir build 2>/dev/null || true

distclean: clean
	rm -rf build/check build/demo build/static build/torture build/fuzz build/mutate build/soak
	-@rmdir build 2>/dev/null || true

help:
	@echo  'Two commands that need nothing but a Debian machine:'
	@echo  '  demo            - Boot a stock kernel in QEMU and show what htw does (KVER=6.12)'
	@echo  '  check           - Run all tests; builds test kernels the first time'
	@echo  ''
	@echo  'Build:'
	@echo  '* all             - Build all targets marked with [*]'
	@echo  '* modules         - Build htw.ko, and htw_kunit.ko where the kernel has KUnit'
	@echo  '* examples        - Build the example modules as a stranger would'
	@echo  '* tools           - Build the command htw and the library libhtw'
	@echo  '* programs        - Build the example programs, which use libhtw'
	@echo  '  test-modules    - Build the modules that tests load'
	@echo  '  docs            - Build the HTML documentation'
	@echo  ''
	@echo  'Install:'
	@echo  '  modules_install - Install the modules and run depmod'
	@echo  '  install         - Install headers, Module.symvers, command, library, udev rule, man pages'
	@echo  '  uninstall       - Remove what the two above installed'
	@echo  '  dkms            - Have dkms build and install the module, for each kernel from now on'
	@echo  '  dkms-remove     - Take that back'
	@echo  ''
	@echo  'Test:'
	@echo  '  check-fast      - What takes less than a minute'
	@echo  '  static          - Compilers, sparse, checkpatch, kernel-doc, shellcheck'
	@echo  '  matrix          - The tests on each kind of kernel; one table (KERNELS=stage,'
	@echo  '                    or several, see tools/testing/matrix.sh --list)'
	@echo  '  torture         - Everything at once, and each timer keeps a ledger: a minute for each'
	@echo  '                    scenario (SECONDS= SEED= SCENARIOS="debug hotplug")'
	@echo  '  fuzz            - Do what may be wrong to /dev/htw in a guest, and see that it goes well'
	@echo  '                    (SECONDS= SEED= KERNEL=debug-6.12)'
	@echo  '  models          - Check the models of the protocols with spin'
	@echo  '  mutate          - Break htw in some hundred ways, one at a time: a test has to see each'
	@echo  '                    (hours; SAMPLE=n SEED=s for some, FILE=event.c, NAMES="...", JOBS=2)'
	@echo  '  soak            - A million timers for ten minutes: memory, lateness, losses'
	@echo  '                    (SECONDS= SEED=)'
	@echo  ''
	@echo  'Measure:'
	@echo  '  bench           - Measure htw beside timer_list and hrtimer, and /dev/htw beside'
	@echo  '                    timerfd, POSIX timers and io_uring, against the goals'
	@echo  '                    (ROUNDS=5 SIZES=1000,...)'
	@echo  '  bench-plots     - Draw that for the documentation, when all of it has run'
	@echo  '  latency         - How long htw keeps interrupts off, by the tracers of the kernel'
	@echo  ''
	@echo  'Clean:'
	@echo  '  clean           - Remove what the build made, and nothing else'
	@echo  '  distclean       - And the logs of tests'
	@echo  ''
	@echo  'Variables:'
	@echo  '  KDIR=dir        - Kernel headers or build (default: of the running kernel,'
	@echo  '                    else the newest headers installed)'
	@echo  '  KVER=release    - The same by release; for demo also 6.1 or 6.12'
	@echo  '  DESTDIR= prefix= - Where to install (default prefix: $(prefix))'
	@echo  '  V=1 W=1 C=2 CC= LLVM= - As for any kernel build'
	@echo  '  HTW_CACHE=dir   - Where test kernels are kept (default ~/.cache/htw)'

.PHONY: all kdir modules staged-headers examples test-modules tools programs docs modules_install \
	install-headers install dkms dkms-remove uninstall demo check check-fast static matrix \
	torture fuzz models mutate soak bench bench-plots latency clean distclean help
