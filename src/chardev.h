/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_CHARDEV_H
#define _HTW_CHARDEV_H

int htw_chardev_init(void);
void htw_chardev_exit(void);

#endif /* _HTW_CHARDEV_H */
