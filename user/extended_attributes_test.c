/* Extended attributes of files in memory: set, told, listed, taken away, by path, link and descriptor, and who may. */
#include "check.h"
#include <sys/mount.h>
#include <sys/xattr.h>

static char bytes[70000];

/* Whether the list has a name. */
static int has(const char *path, const char *name)
{
	char list[4096];
	ssize_t length = listxattr(path, list, sizeof list);
	CHECK(length >= 0);
	CHECK_EQUAL(listxattr(path, NULL, 0), length);
	for (char *at = list; at < list + length; at += strlen(at) + 1)
		if (strcmp(at, name) == 0)
			return 1;
	return 0;
}

int main(void)
{
	char name[300], found[64], *volatile nowhere = NULL;
	struct stat before, after;
	char file[64];
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	/* Where there are none. */
	CHECK_EQUAL(listxattr("/proc/self/status", found, sizeof found), 0);
	CHECK_ERRNO(getxattr("/proc/self/status", "user.x", found, sizeof found), EOPNOTSUPP);
	CHECK_EQUAL(flistxattr(ends[0], found, sizeof found), 0);
	CHECK_ERRNO(fgetxattr(ends[0], "user.x", found, sizeof found), ENODATA);
	CHECK_ERRNO(fsetxattr(ends[0], "user.x", "1", 1, 0), EPERM);
	/* /dev/shm, where there is one, is a file system in memory; else /tmp. */
	snprintf(file, sizeof file, "/dev/shm/attributes-%d", getpid());
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0) {
		snprintf(file, sizeof file, "/tmp/attributes-%d", getpid());
		fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	}
	CHECK(fd >= 0);
	if (setxattr(file, "user.x", "hello", 5, 0) != 0) {
		/* A Linux before 6.6. */
		CHECK_EQUAL(errno, EOPNOTSUPP);
		return unlink(file);
	}
	CHECK_EQUAL(getxattr(file, "user.x", found, sizeof found), 5);
	CHECK(memcmp(found, "hello", 5) == 0);
	CHECK_EQUAL(fgetxattr(fd, "user.x", NULL, 0), 5);
	CHECK_ERRNO(getxattr(file, "user.x", found, 4), ERANGE);
	CHECK_ERRNO(getxattr(file, "user.y", found, sizeof found), ENODATA);
	CHECK_ERRNO(getxattr(file, "nothing.y", found, sizeof found), EOPNOTSUPP);
	CHECK_ERRNO(setxattr(file, "user.", "1", 1, 0), EINVAL);
	CHECK_ERRNO(setxattr(file, "", "1", 1, 0), ERANGE);
	memset(name, 'a', sizeof name);
	memcpy(name, "user.", 5);
	name[256] = 0;
	CHECK_ERRNO(setxattr(file, name, "1", 1, 0), ERANGE);
	name[255] = 0;
	CHECK_EQUAL(setxattr(file, name, "1", 1, 0), 0);
	CHECK(has(file, name));
	CHECK_EQUAL(removexattr(file, name), 0);
	CHECK_ERRNO(setxattr(file, "user.x", "bye", 3, XATTR_CREATE), EEXIST);
	CHECK_ERRNO(setxattr(file, "user.z", "bye", 3, XATTR_REPLACE), ENODATA);
	CHECK_ERRNO(setxattr(file, "user.z", "bye", 3, 4), EINVAL);
	CHECK_EQUAL(fstat(fd, &before), 0);
	sleep_ms(20);
	CHECK_EQUAL(fsetxattr(fd, "user.x", "bye", 3, XATTR_REPLACE), 0);
	CHECK_EQUAL(fstat(fd, &after), 0);
	CHECK(after.st_ctim.tv_nsec != before.st_ctim.tv_nsec);
	CHECK_EQUAL(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	CHECK_EQUAL(fsetxattr(fd, "user.empty", "", 0, XATTR_CREATE), 0);
	CHECK_EQUAL(getxattr(file, "user.empty", found, sizeof found), 0);
	CHECK_EQUAL(setxattr(file, "user.big", bytes, 65536, 0), 0);
	CHECK_EQUAL(getxattr(file, "user.big", bytes, sizeof bytes), 65536);
	CHECK_ERRNO(setxattr(file, "user.big", bytes, 65537, 0), E2BIG);
	CHECK_EQUAL(removexattr(file, "user.big"), 0);
	CHECK_ERRNO(removexattr(file, "user.big"), ENODATA);
	CHECK_ERRNO(setxattr(file, "user.fault", nowhere, 5, 0), EFAULT);
	CHECK(has(file, "user.x") && has(file, "user.empty") && !has(file, "user.big"));
	CHECK_ERRNO(listxattr(file, found, 3), ERANGE);
	int place = open(file, O_PATH);
	CHECK_ERRNO(fsetxattr(place, "user.x", "1", 1, 0), EBADF);
	/* Links, by themselves and followed. */
	snprintf(name, sizeof name, "%s.link", file);
	CHECK_EQUAL(symlink(file, name), 0);
	CHECK_EQUAL(getxattr(name, "user.x", found, sizeof found), 3);
	CHECK_ERRNO(lgetxattr(name, "user.x", found, sizeof found), ENODATA);
	CHECK_ERRNO(lsetxattr(name, "user.x", "1", 1, 0), EPERM);
	CHECK_EQUAL(llistxattr(name, found, sizeof found), 0);
	CHECK_EQUAL(unlink(name), 0);
	/* A name goes with the file. */
	CHECK_EQUAL(rename(file, name), 0);
	CHECK_EQUAL(getxattr(name, "user.x", found, sizeof found), 3);
	CHECK_EQUAL(rename(name, file), 0);
	/* What belongs to the superuser. */
	if (is_superuser() && setxattr(file, "trusted.t", "1", 1, 0) == 0) {
		CHECK_EQUAL(setxattr(file, "security.s", "1", 1, 0), 0);
		CHECK(has(file, "trusted.t") && has(file, "security.s"));
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			CHECK_EQUAL(setresuid(4321, 4321, 4321), 0);
			CHECK_ERRNO(setxattr(file, "user.x", "1", 1, 0), EACCES);
			CHECK_ERRNO(getxattr(file, "user.x", found, sizeof found), EACCES);
			CHECK_ERRNO(getxattr(file, "trusted.t", found, sizeof found), ENODATA);
			CHECK_ERRNO(setxattr(file, "trusted.t", "1", 1, 0), EPERM);
			CHECK_ERRNO(setxattr(file, "security.s", "1", 1, 0), EPERM);
			CHECK_EQUAL(getxattr(file, "security.s", found, sizeof found), 1);
			CHECK(!has(file, "trusted.t") && has(file, "security.s"));
			_exit(0);
		}
		CHECK_EXITS(child, 0);
	}
	CHECK_EQUAL(unlink(file), 0);
	/* The last name is gone, the file is not. */
	CHECK_EQUAL(fgetxattr(fd, "user.x", found, sizeof found), 3);
	return 0;
}
