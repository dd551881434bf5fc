/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_VIRTUAL_H
#define _HTW_VIRTUAL_H

#include <linux/htw_wheel.h>

struct htw_wheel *htw_virtual_create(const struct htw_wheel_params *params,
				     gfp_t gfp);

#endif /* _HTW_VIRTUAL_H */
