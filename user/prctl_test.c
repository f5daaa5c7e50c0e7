/* prctl: names, the parent's death signal, subreapers, no-new-privileges, and options there are not. */
#include "check.h"
#include <sys/prctl.h>

int main(void)
{
	char name[16];
	CHECK_EQUAL(prctl(PR_SET_NAME, "a name that is far too long"), 0);
	CHECK_EQUAL(prctl(PR_GET_NAME, name), 0);
	CHECK(strcmp(name, "a name that is ") == 0);
	CHECK_EQUAL(prctl(PR_SET_NAME, "short"), 0);
	CHECK_EQUAL(prctl(PR_GET_NAME, name), 0);
	CHECK(strcmp(name, "short") == 0);
	int value = 5;
	CHECK_EQUAL(prctl(PR_GET_PDEATHSIG, &value), 0);
	CHECK_EQUAL(value, 0);
	CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	/* Some containers start with it. */
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) >= 0);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	CHECK_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQUAL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	CHECK_ERRNO(prctl(987654, 0, 0, 0, 0), EINVAL);

	/* The grandchild outlives its parent: this process adopts it and it gets the signal it asked for. */
	CHECK_EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	int ready[2];
	char byte;
	CHECK_EQUAL(pipe(ready), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		pid_t grandchild = fork();
		CHECK(grandchild >= 0);
		if (grandchild == 0) {
			CHECK_EQUAL(prctl(PR_SET_PDEATHSIG, SIGUSR2), 0);
			CHECK_EQUAL(write(ready[1], "x", 1), 1);
			for (;;)
				pause();
		}
		CHECK_EQUAL(read(ready[0], &byte, 1), 1);
		_exit(3);
	}
	CHECK_EXITS(child, 3);
	int status;
	CHECK(wait(&status) > 0);
	CHECK(WIFSIGNALED(status));
	CHECK_EQUAL(WTERMSIG(status), SIGUSR2);
	CHECK_ERRNO(wait(&status), ECHILD);
	return 0;
}
