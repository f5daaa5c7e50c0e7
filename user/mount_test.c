/* Mounts: a tmpfs over a directory hides it, crossing both ways, EBUSY while in use, EXDEV, read-only, bind mounts. Needs the
 * superuser and a mount namespace of its own where there are any; without the rights nothing is checked. */
#include "check.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

int main(void)
{
	struct stat outer, inner, status;
	struct statfs space;
	char name[128];
	if (!is_superuser())
		return 0;
	if (unshare(CLONE_NEWNS) == 0)
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	else if (errno == EPERM)
		return 0;
	const char *scratch = enter_scratch();
	CHECK_EQUAL(mkdir("point", 0755) | mkdir("point/hidden", 0755) | mkdir("other", 0755), 0);
	CHECK_EQUAL(stat("point", &outer), 0);
	CHECK_ERRNO(mount("none", "point", "nosuchfs", 0, NULL), ENODEV);
	CHECK_ERRNO(mount("none", "nothing", "tmpfs", 0, NULL), ENOENT);
	if (mount("none", "point", "tmpfs", 0, "mode=750") != 0) {
		CHECK(errno == EPERM || errno == EACCES);
		CHECK_EQUAL(rmdir("point/hidden") | rmdir("point") | rmdir("other"), 0);
		leave_scratch(scratch);
		return 0;
	}
	CHECK_EQUAL(stat("point", &inner), 0);
	CHECK(inner.st_dev != outer.st_dev);
	CHECK_EQUAL(inner.st_mode & 07777, 0750);
	CHECK_ERRNO(stat("point/hidden", &status), ENOENT);
	CHECK_EQUAL(statfs("point", &space), 0);
	CHECK_EQUAL(space.f_type, 0x01021994);
	CHECK_EQUAL(mkdir("point/sub", 0755), 0);
	CHECK_EQUAL(stat("point/sub/../..", &status), 0);
	CHECK_EQUAL(status.st_dev, outer.st_dev);
	CHECK_ERRNO(rename("other", "point/other"), EXDEV);
	CHECK_ERRNO(rmdir("point"), EBUSY);
	CHECK_EQUAL(chdir("point/sub"), 0);
	CHECK(getcwd(name, sizeof name) && strncmp(name, scratch, strlen(scratch)) == 0 && strcmp(name + strlen(scratch), "/point/sub") == 0);
	CHECK_ERRNO(umount("../../point"), EBUSY);
	CHECK_EQUAL(chdir("../.."), 0);
	CHECK_EQUAL(stat("point", &status), 0);
	CHECK_EQUAL(status.st_dev, inner.st_dev);
	/* Read-only. */
	CHECK_EQUAL(mount("none", "point", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	CHECK_ERRNO(open("point/new", O_WRONLY | O_CREAT, 0644), EROFS);
	CHECK_ERRNO(mkdir("point/new", 0755), EROFS);
	CHECK_ERRNO(rmdir("point/sub"), EROFS);
	CHECK_ERRNO(chmod("point/sub", 0700), EROFS);
	CHECK_ERRNO(access("point/sub", W_OK), EROFS);
	CHECK_EQUAL(mount("none", "point", NULL, MS_REMOUNT, NULL), 0);
	CHECK_EQUAL(rmdir("point/sub"), 0);
	/* The same place twice. */
	CHECK_EQUAL(mkdir("point/shown", 0755), 0);
	CHECK_EQUAL(mount("point", "other", NULL, MS_BIND, NULL), 0);
	CHECK_EQUAL(stat("other/shown", &status), 0);
	CHECK_EQUAL(umount("other"), 0);
	CHECK_ERRNO(stat("other/shown", &status), ENOENT);
	CHECK_EQUAL(umount("point"), 0);
	CHECK_ERRNO(umount("point"), EINVAL);
	CHECK_EQUAL(stat("point/hidden", &status), 0);
	CHECK_EQUAL(rmdir("point/hidden") | rmdir("point") | rmdir("other"), 0);
	leave_scratch(scratch);
	return 0;
}
