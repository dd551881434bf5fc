/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_TORTURE_ERRAND_H
#define _HTW_TORTURE_ERRAND_H

#include "actor.h"

int errands_start(void);
void errands_act(struct actor *actor);
void errands_stop(void);

#endif /* _HTW_TORTURE_ERRAND_H */
