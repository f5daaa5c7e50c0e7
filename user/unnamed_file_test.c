/* O_TMPFILE: a file without a name, that may get one once, or never. */
#include "check.h"

static int link_from_proc(int fd, const char *name)
{
	char object[64];
	snprintf(object, sizeof object, "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, object, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

int main(void)
{
	struct stat status;
	char bytes[8], object[64], target[128];
	umask(027);
	const char *scratch = enter_scratch();
	CHECK_ERRNO(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERRNO(open(".", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600), EINVAL);
	CHECK_ERRNO(open(".", O_TMPFILE | O_CREAT | O_RDWR, 0600), EINVAL);
	CHECK_ERRNO(open("nothing", O_TMPFILE | O_RDWR, 0600), ENOENT);
	CHECK_ERRNO(open("/proc/self/exe", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	CHECK(open("/proc", O_TMPFILE | O_RDWR, 0600) == -1 && (errno == EOPNOTSUPP || errno == EACCES));
	int fd = open(".", O_TMPFILE | O_RDWR, 0666);
	if (fd < 0) {
		/* A file system that has none. */
		CHECK_EQUAL(errno, EOPNOTSUPP);
		leave_scratch(scratch);
		return 0;
	}
	CHECK_EQUAL(fstat(fd, &status), 0);
	CHECK_EQUAL(status.st_nlink, 0);
	CHECK_EQUAL(status.st_mode, S_IFREG | 0640);
	CHECK_EQUAL(write(fd, "abc", 3), 3);
	snprintf(object, sizeof object, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(object, target, sizeof target - 1);
	CHECK(length > 0);
	target[length] = 0;
	CHECK(strncmp(target, scratch, strlen(scratch)) == 0 && strstr(target, "/#") && strstr(target, " (deleted)"));
	CHECK_EQUAL(link_from_proc(fd, "named"), 0);
	CHECK_EQUAL(fstat(fd, &status), 0);
	CHECK_EQUAL(status.st_nlink, 1);
	int named = open("named", O_RDONLY);
	CHECK_EQUAL(read(named, bytes, sizeof bytes), 3);
	CHECK(memcmp(bytes, "abc", 3) == 0);
	CHECK_EQUAL(link_from_proc(fd, "second"), 0);
	CHECK_ERRNO(link_from_proc(fd, "second"), EEXIST);
	CHECK_EQUAL(unlink("named") | unlink("second"), 0);
	/* Once it had a name it gets no other first one. */
	CHECK_ERRNO(link_from_proc(fd, "named"), ENOENT);
	CHECK_EQUAL(close(fd) | close(named), 0);
	fd = open(".", O_TMPFILE | O_WRONLY | O_EXCL, 0);
	CHECK(fd >= 0);
	CHECK_EQUAL(write(fd, "abc", 3), 3);
	CHECK_ERRNO(link_from_proc(fd, "named"), ENOENT);
	CHECK_EQUAL(close(fd), 0);
	if (is_superuser()) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			CHECK_EQUAL(setresuid(4321, 4321, 4321), 0);
			CHECK_ERRNO(open(".", O_TMPFILE | O_RDWR, 0600), EACCES);
			_exit(0);
		}
		CHECK_EXITS(child, 0);
	}
	leave_scratch(scratch);
	return 0;
}
