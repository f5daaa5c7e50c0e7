/* More names than a small machine has memory for: an orderly refusal, after which everything works on and what is removed makes
 * room again. A deep tree that vanishes with its mount gives everything back. */
#include "check.h"
#include <sched.h>
#include <sys/mount.h>

enum { ROUNDS = 4 };

static const char *scratch;

/* How many names are tried; the argument, if there is one. */
static int names = 1500;

/* A long name in the directory: its number and 200 letters. */
static const char *name_of(int number)
{
	static char name[256];
	int digits = snprintf(name, sizeof name, "%s/names/%d", scratch, number);
	memset(name + digits, 'y', 200);
	name[digits + 200] = 0;
	return name;
}

static int make_names(void)
{
	int made = 0;
	while (made < names && mknod(name_of(made), S_IFREG | 0644, 0) == 0)
		made++;
	if (made < names)
		CHECK(errno == ENOSPC || errno == ENOMEM);
	return made;
}

static void remove_names(int made)
{
	for (int number = 0; number < made; number++)
		CHECK_EQUAL(unlink(name_of(number)), 0);
}

static void make_deep_mounts(void)
{
	if (!is_superuser())
		return;
	if (unshare(CLONE_NEWNS) == 0)
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	else if (errno == EPERM)
		return;
	for (int round = 0; round < ROUNDS; round++) {
		if (mount("none", "names", "tmpfs", 0, NULL) != 0) {
			CHECK(errno == EPERM || errno == EACCES);
			return;
		}
		CHECK_EQUAL(chdir("names"), 0);
		for (int depth = 0; depth < names / 8; depth++) {
			CHECK_EQUAL(mkdir("d", 0755), 0);
			CHECK_EQUAL(chdir("d"), 0);
		}
		CHECK_EQUAL(chdir(scratch), 0);
		CHECK_EQUAL(umount("names"), 0);
	}
}

int main(int count, char **words)
{
	struct stat status;
	if (count > 1)
		names = atoi(words[1]);
	scratch = enter_scratch();
	CHECK_EQUAL(mkdir("names", 0755), 0);
	int made = make_names();
	CHECK(made > 1000);
	/* What is there can be used, and what is not is known not to be. */
	CHECK_EQUAL(stat(name_of(made - 1), &status), 0);
	CHECK_ERRNO(stat(name_of(names), &status), ENOENT);
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	CHECK_EXITS(child, 0);
	remove_names(made);
	int again = make_names();
	CHECK(again >= made - made / 16);
	remove_names(again);
	make_deep_mounts();
	CHECK_EQUAL(rmdir("names"), 0);
	leave_scratch(scratch);
	return 0;
}
