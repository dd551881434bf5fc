// SPDX-License-Identifier: GPL-2.0
#include <linux/list.h>

unsigned long list_touched;
