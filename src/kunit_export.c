// SPDX-License-Identifier: GPL-2.0
/* What the KUnit suites and the benchmarks, modules of their own, use of the inside. */
#include <linux/export.h>

#include "base.h"
#include "context.h"
#include "event.h"
#include "op.h"
#include "ring.h"
#include "trace.h"
#include "user_timer.h"

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

EXPORT_SYMBOL_GPL(htw_context_create);
EXPORT_SYMBOL_GPL(htw_context_setup);
EXPORT_SYMBOL_GPL(htw_context_destroy);
EXPORT_SYMBOL_GPL(htw_context_show);
EXPORT_SYMBOL_GPL(htw_op_do);
EXPORT_SYMBOL_GPL(htw_ring_nr);
EXPORT_SYMBOL_GPL(htw_ring_flush);
EXPORT_SYMBOL_GPL(htw_event_expired);
EXPORT_SYMBOL_GPL(htw_user_timer_at);
EXPORT_SYMBOL_GPL(htw_user_timer_stop);
EXPORT_SYMBOL_GPL(htw_user_timer_due);
EXPORT_SYMBOL_GPL(htw_user_timer_event);
EXPORT_SYMBOL_GPL(htw_user_timer_note_lateness);

EXPORT_TRACEPOINT_SYMBOL_GPL(htw_arm);
EXPORT_TRACEPOINT_SYMBOL_GPL(htw_cancel);
EXPORT_TRACEPOINT_SYMBOL_GPL(htw_cascade);
