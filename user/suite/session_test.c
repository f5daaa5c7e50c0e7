/* Sessions and process groups: setsid, setpgid and whom they refuse; groups are inherited. */
#include "../check.h"

int main(void)
{
	int go[2], ready[2];
	char byte;
	CHECK_EQUAL(pipe(go), 0);
	CHECK_EQUAL(pipe(ready), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK(getpgrp() != getpid());
		CHECK_EQUAL(setsid(), getpid());
		CHECK_EQUAL(getsid(0), getpid());
		CHECK_EQUAL(getpgrp(), getpid());
		CHECK_ERRNO(setsid(), EPERM);
		CHECK_ERRNO(setpgid(0, 0), EPERM);
		pid_t grandchild = fork();
		CHECK(grandchild >= 0);
		if (grandchild == 0) {
			CHECK_EQUAL(getsid(0), getppid());
			CHECK_EQUAL(getpgid(0), getppid());
			CHECK_EQUAL(setpgid(0, 0), 0);
			CHECK_EQUAL(getpgrp(), getpid());
			CHECK_EQUAL(setpgid(0, getppid()), 0);
			CHECK_EQUAL(getpgrp(), getppid());
			_exit(0);
		}
		CHECK_EXITS(grandchild, 0);
		CHECK_EQUAL(write(ready[1], "x", 1), 1);
		CHECK_EQUAL(read(go[0], &byte, 1), 1);
		_exit(0);
	}
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	CHECK_ERRNO(setpgid(child, child), EPERM);
	CHECK_EQUAL(getsid(child), child);
	CHECK_EQUAL(write(go[1], "x", 1), 1);
	CHECK_EXITS(child, 0);
	CHECK_ERRNO(getpgid(child), ESRCH);
	CHECK_ERRNO(setpgid(0, -1), EINVAL);
	CHECK_ERRNO(setpgid(1 << 22, 0), ESRCH);

	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char *arguments[] = { "cat", NULL };
		dup2(go[0], 0);
		dup2(ready[1], 1);
		close(go[1]);
		execv("/bin/cat", arguments);
		execv("/usr/bin/cat", arguments);
		_exit(1);
	}
	CHECK_EQUAL(write(go[1], "y", 1), 1);
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	CHECK_ERRNO(setpgid(child, child), EACCES);
	close(go[1]);
	CHECK_EXITS(child, 0);
	return 0;
}
