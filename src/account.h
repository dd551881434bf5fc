/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_ACCOUNT_H
#define _HTW_ACCOUNT_H

#include <linux/uidgid.h>

struct htw_account;

struct htw_account *htw_account_get(kuid_t uid);
void htw_account_put(struct htw_account *account);

int htw_account_charge(struct htw_account *account, unsigned int nr,
		       bool exempt);
void htw_account_uncharge(struct htw_account *account, unsigned int nr);

unsigned int htw_account_nr(const struct htw_account *account);
unsigned int htw_account_max_user(void);
unsigned int htw_account_max_total(void);

#endif /* _HTW_ACCOUNT_H */
