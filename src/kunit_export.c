// SPDX-License-Identifier: GPL-2.0
/* What the KUnit suites and the benchmarks, modules of their own, use of the inside. */
#include <linux/export.h>

#include "base.h"

EXPORT_SYMBOL_GPL(htw_geometry_error);
EXPORT_SYMBOL_GPL(htw_wheel_size);
EXPORT_SYMBOL_GPL(htw_wheel_init);
EXPORT_SYMBOL_GPL(htw_wheel_capacity);
EXPORT_SYMBOL_GPL(htw_wheel_insert);
EXPORT_SYMBOL_GPL(htw_wheel_left);
EXPORT_SYMBOL_GPL(htw_wheel_move);
EXPORT_SYMBOL_GPL(htw_wheel_next);
EXPORT_SYMBOL_GPL(htw_wheel_collect);
EXPORT_SYMBOL_GPL(htw_wheel_refresh);
EXPORT_SYMBOL_GPL(htw_wheel_forward);
EXPORT_SYMBOL_GPL(htw_wheel_pop);
EXPORT_SYMBOL_GPL(htw_wheel_take);
EXPORT_SYMBOL_GPL(htw_best_tick);
EXPORT_SYMBOL_GPL(htw_base_geometry);
EXPORT_SYMBOL_GPL(htw_base_min_gap);
EXPORT_PER_CPU_SYMBOL_GPL(htw_bases);
EXPORT_SYMBOL_GPL(htw_stats_read);
