/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_TORTURE_MAYFLY_H
#define _HTW_TORTURE_MAYFLY_H

#include "actor.h"

void mayfly_hatch(const struct actor *actor);
void mayflies_stop(void);

#endif /* _HTW_TORTURE_MAYFLY_H */
