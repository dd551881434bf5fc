/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_TORTURE_ONOFF_H
#define _HTW_TORTURE_ONOFF_H

#include <linux/types.h>

u64 onoff_delay(void);
int onoff_start(void);
void onoff_stop(void);

#endif /* _HTW_TORTURE_ONOFF_H */
