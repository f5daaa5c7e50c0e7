/* Users and groups: setresuid and its kin, what is given up stays given up, supplementary groups. Needs root; else only asks. */
#include "check.h"
#include <grp.h>
#include <sys/fsuid.h>

static void check_user(uid_t real, uid_t effective, uid_t saved)
{
	uid_t r, e, s;
	CHECK_EQUAL(getresuid(&r, &e, &s), 0);
	CHECK_EQUAL(r, real);
	CHECK_EQUAL(e, effective);
	CHECK_EQUAL(s, saved);
	CHECK_EQUAL(getuid(), real);
	CHECK_EQUAL(geteuid(), effective);
}

static void for_good(void)
{
	CHECK_EQUAL(setgid(7), 0);
	CHECK_EQUAL(setuid(5), 0);
	check_user(5, 5, 5);
	CHECK_ERRNO(setuid(0), EPERM);
	CHECK_ERRNO(setresuid(-1, 0, -1), EPERM);
	CHECK_ERRNO(setgid(0), EPERM);
	CHECK_EQUAL(getgid(), 7);
	CHECK_EQUAL(setuid(5), 0);
	CHECK_ERRNO(sethostname("x", 1), EPERM);
}

static void and_back(void)
{
	CHECK_EQUAL(seteuid(9), 0);
	check_user(0, 9, 0);
	CHECK_ERRNO(setreuid(3, -1), EPERM);
	CHECK_EQUAL(seteuid(0), 0);
	check_user(0, 0, 0);
	CHECK_EQUAL(setreuid(4, 6), 0);
	check_user(4, 6, 6);
	CHECK_EQUAL(setreuid(6, 4), 0);
	check_user(6, 4, 4);
}

static void three(void)
{
	CHECK_EQUAL(setresuid(1, 2, 3), 0);
	check_user(1, 2, 3);
	CHECK_EQUAL(setresuid(3, 1, -1), 0);
	check_user(3, 1, 3);
	CHECK_ERRNO(setresuid(2, -1, -1), EPERM);
	CHECK_EQUAL(setfsuid(3), 1);
	CHECK_EQUAL(setfsuid(-1), 3);
	CHECK_EQUAL(setfsuid(99), 3);
	CHECK_EQUAL(setfsuid(-1), 3);
}

static void groups(void)
{
	gid_t list[4] = { 30, 10, 20, 0 };
	CHECK_EQUAL(setgroups(3, list), 0);
	CHECK_EQUAL(getgroups(0, NULL), 3);
	CHECK_EQUAL(getgroups(4, list), 3);
	CHECK_EQUAL(list[0], 10);
	CHECK_EQUAL(list[2], 30);
	CHECK_ERRNO(getgroups(2, list), EINVAL);
	CHECK_ERRNO(syscall(SYS_getgroups, -1, list), EINVAL);
	CHECK_EQUAL(setuid(5), 0);
	CHECK_ERRNO(setgroups(0, NULL), EPERM);
}

static void no_kill(void)
{
	CHECK_EQUAL(setuid(5), 0);
	CHECK_ERRNO(kill(getppid(), 0), EPERM);
	CHECK_EQUAL(kill(getpid(), 0), 0);
}

int main(void)
{
	if (!is_superuser())
		return 0;
	in_child(for_good);
	in_child(and_back);
	in_child(three);
	in_child(groups);
	in_child(no_kill);
	check_user(0, 0, 0);
	return 0;
}
