// SPDX-License-Identifier: GPL-2.0
/*
 * usage: as_user UID COMMAND [ARGUMENT]...
 *
 * Run COMMAND as that user, who need not have a name, and without any group.
 */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned int uid;

	if (argc < 3) {
		fprintf(stderr, "usage: as_user UID COMMAND [ARGUMENT]...\n");
		return 2;
	}
	uid = (unsigned int)atoi(argv[1]);
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		perror("as_user");
	else
		execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 97;
}
