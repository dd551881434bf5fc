// SPDX-License-Identifier: GPL-2.0
/*
 * How many timers each user has room for, and all of them together.
 *
 * It is room that is counted, not timers: that is what takes memory, and it comes 32
 * timers at a time, so that arming has nothing to do with what is in here.
 */
#include "account.h"

#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/xarray.h>

static unsigned int max_user_timers = 1U << 20;
module_param(max_user_timers, uint, 0644);
MODULE_PARM_DESC(max_user_timers,
		 "Most timers of all open /dev/htw of one user; who has CAP_SYS_RESOURCE may have more (default 1048576)");

static unsigned int max_total_timers = 1U << 22;
module_param(max_total_timers, uint, 0644);
MODULE_PARM_DESC(max_total_timers,
		 "Most timers of all open /dev/htw together (default 4194304)");

/**
 * struct htw_account - a user who has open files
 * @uid: who
 * @nr_files: files that use this account
 * @nr_timers: for how many timers they have room
 */
struct htw_account {
	kuid_t		uid;
	unsigned int	nr_files;
	unsigned int	nr_timers;
};

/* Protects all accounts, by uid, and their sum. */
static DEFINE_MUTEX(accounts_lock);
static DEFINE_XARRAY(accounts);
static unsigned int total_timers;

static struct htw_account *create(kuid_t uid)
{
	struct htw_account *account;
	int ret;

	account = kzalloc(sizeof(*account), GFP_KERNEL);
	if (!account)
		return ERR_PTR(-ENOMEM);
	account->uid = uid;
	ret = xa_err(xa_store(&accounts, __kuid_val(uid), account, GFP_KERNEL));
	if (ret) {
		kfree(account);
		return ERR_PTR(ret);
	}
	return account;
}

/**
 * htw_account_get() - the account of a user
 * @uid: who
 *
 * Return: the account, to be given to htw_account_put(), or ERR_PTR(-ENOMEM).
 */
struct htw_account *htw_account_get(kuid_t uid)
{
	struct htw_account *account;

	mutex_lock(&accounts_lock);
	account = xa_load(&accounts, __kuid_val(uid));
	if (!account)
		account = create(uid);
	if (!IS_ERR(account))
		account->nr_files++;
	mutex_unlock(&accounts_lock);
	return account;
}

/**
 * htw_account_put() - one file of the user less
 * @account: the account; nothing that this file has charged is left
 */
void htw_account_put(struct htw_account *account)
{
	mutex_lock(&accounts_lock);
	if (!--account->nr_files) {
		xa_erase(&accounts, __kuid_val(account->uid));
		kfree(account);
	}
	mutex_unlock(&accounts_lock);
}

static bool exceeds(unsigned int nr, unsigned int more, unsigned int max)
{
	return nr > max || more > max - nr;
}

/**
 * htw_account_charge() - ask for room for more timers
 * @account: whose
 * @nr: for how many
 * @exempt: the limit for one user does not apply
 *
 * Return: 0, -EDQUOT if the user would have too many, -ENFILE if all together would.
 */
int htw_account_charge(struct htw_account *account, unsigned int nr,
		       bool exempt)
{
	int ret = 0;

	mutex_lock(&accounts_lock);
	if (!exempt && exceeds(account->nr_timers, nr, READ_ONCE(max_user_timers))) {
		ret = -EDQUOT;
	} else if (exceeds(total_timers, nr, READ_ONCE(max_total_timers))) {
		ret = -ENFILE;
	} else {
		WRITE_ONCE(account->nr_timers, account->nr_timers + nr);
		total_timers += nr;
	}
	mutex_unlock(&accounts_lock);
	return ret;
}

/**
 * htw_account_uncharge() - the room is not there any more
 * @account: whose
 * @nr: for how many timers
 */
void htw_account_uncharge(struct htw_account *account, unsigned int nr)
{
	mutex_lock(&accounts_lock);
	WRITE_ONCE(account->nr_timers, account->nr_timers - nr);
	total_timers -= nr;
	mutex_unlock(&accounts_lock);
}

/**
 * htw_account_nr() - for how many timers a user has room
 * @account: whose
 *
 * Return: their number.
 */
unsigned int htw_account_nr(const struct htw_account *account)
{
	return READ_ONCE(account->nr_timers);
}

/**
 * htw_account_max_user() - the limit for one user
 *
 * Return: the module parameter.
 */
unsigned int htw_account_max_user(void)
{
	return READ_ONCE(max_user_timers);
}

/**
 * htw_account_max_total() - the limit for all users together
 *
 * Return: the module parameter.
 */
unsigned int htw_account_max_total(void)
{
	return READ_ONCE(max_total_timers);
}
