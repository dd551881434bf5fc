/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_TRIAL_H
#define HTW_TOOL_TRIAL_H

#include <stddef.h>
#include <stdint.h>

struct backend;

/* Most operations of one batch. */
#define TRIAL_BATCH	256

/* What is measured, in the order in which it is shown. */
enum trial_row {
	TRIAL_ARM,
	TRIAL_ARM_BATCH,
	TRIAL_REARM,
	TRIAL_REARM_BATCH,
	TRIAL_PUSH,
	TRIAL_CANCEL,
	TRIAL_CANCEL_BATCH,
	TRIAL_EXPIRE,
	NR_TRIAL_ROWS
};

/**
 * struct trial - one run of one backend
 * @ns: of each row: ns per timer; negative if the backend has no such thing
 * @why: if it failed: why, and what helps; else empty
 */
struct trial {
	double	ns[NR_TRIAL_ROWS];
	char	why[240];
};

void trial_run(struct trial *trial, const struct backend *backend,
	       unsigned int nr);
double median(double *values, size_t nr);

#endif /* HTW_TOOL_TRIAL_H */
