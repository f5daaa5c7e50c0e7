/* access: existence, reading, executing, what is missing, the root; by the real user, not the effective one. */
#include "suite.h"

int main(void)
{
	CHECK_EQUAL(access(fixture("/hello.txt"), F_OK), 0);
	CHECK_EQUAL(access(fixture("/hello.txt"), R_OK), 0);
	CHECK_ERRNO(access(fixture("/missing"), F_OK), ENOENT);
	CHECK_ERRNO(access(fixture("/missing/below"), R_OK), ENOENT);
	CHECK_ERRNO(access(fixture("/hello.txt/below"), F_OK), ENOTDIR);
	CHECK_EQUAL(access("/", F_OK | R_OK | X_OK), 0);
	CHECK_EQUAL(access(fixture("/deep/path/to"), R_OK | X_OK), 0);
	CHECK_ERRNO(access(fixture("/hello.txt"), 8), EINVAL);
	CHECK_ERRNO(access((char *)8, F_OK), EFAULT);
	CHECK_ERRNO(access("", F_OK), ENOENT);
	/* Even the superuser executes only what has an x. */
	CHECK_ERRNO(access(fixture("/hello.txt"), X_OK), EACCES);
	const char *scratch = enter_scratch();
	write_file("file", "x");
	CHECK_EQUAL(chmod("file", 0), 0);
	CHECK_EQUAL(chmod(scratch, 0755), 0);
	if (is_superuser()) {
		CHECK_EQUAL(access("file", R_OK | W_OK), 0);
		pid_t child = fork();
		if (child == 0) {
			/* Real user 1000, effective still the superuser. */
			CHECK_EQUAL(setresuid(1000, 0, 0), 0);
			CHECK_ERRNO(access("file", R_OK), EACCES);
			CHECK_EQUAL(faccessat(AT_FDCWD, "file", R_OK, AT_EACCESS), 0);
			_exit(0);
		}
		CHECK_EXITS(child, 0);
	} else {
		CHECK_ERRNO(access("file", R_OK), EACCES);
		CHECK_ERRNO(access("file", W_OK), EACCES);
	}
	CHECK_EQUAL(symlink("nowhere", "link"), 0);
	CHECK_ERRNO(access("link", F_OK), ENOENT);
	CHECK_EQUAL(faccessat(AT_FDCWD, "link", F_OK, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQUAL(unlink("link"), 0);
	CHECK_EQUAL(unlink("file"), 0);
	leave_scratch(scratch);
	return 0;
}
