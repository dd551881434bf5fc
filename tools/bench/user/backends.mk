# SPDX-License-Identifier: GPL-2.0
#
# What a program needs that includes backend.h: these objects, from this directory.
backend-objs := backend.o backend_htw.o backend_timerfd.o backend_posix.o backend_uring.o
