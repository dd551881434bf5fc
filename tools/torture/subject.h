/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_TORTURE_SUBJECT_H
#define _HTW_TORTURE_SUBJECT_H

#include "actor.h"

struct room *room_alloc(void);

int subjects_start(void);
void subjects_act(struct actor *actor);
bool subjects_renew(struct rnd_state *rnd);
void subjects_stop(void);
void subjects_free(void);

#endif /* _HTW_TORTURE_SUBJECT_H */
