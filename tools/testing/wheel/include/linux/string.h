/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WHEEL_TEST_STRING_H
#define _WHEEL_TEST_STRING_H

#include <string.h>

#endif /* _WHEEL_TEST_STRING_H */
