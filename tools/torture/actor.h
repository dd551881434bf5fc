/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_TORTURE_ACTOR_H
#define _HTW_TORTURE_ACTOR_H

#include <linux/types.h>

#include "torture.h"

struct room;

/**
 * struct actor - who does something
 * @place: from where
 * @upper: it is the callback of a timer that may wait for the others, see subject.c
 * @rnd: the numbers
 * @room: for calls for many timers; NULL: it makes none
 */
struct actor {
	enum place		place;
	bool			upper;
	struct rnd_state	*rnd;
	struct room		*room;
};

int actors_start(void);
void actors_come(unsigned int cpu);
void actors_stop(void);

#endif /* _HTW_TORTURE_ACTOR_H */
