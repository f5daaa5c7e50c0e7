/* kill of one process, of a group, of our own group; sessions and groups. */
#include "../check.h"

int main(void)
{
	pid_t children[3];
	int hold[2];
	CHECK_EQUAL(pipe(hold), 0);
	for (int i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			for (;;)
				pause();
		}
		CHECK_EQUAL(setpgid(children[i], children[0]), 0);
		CHECK_EQUAL(getpgid(children[i]), children[0]);
	}
	CHECK_EQUAL(kill(-children[0], 0), 0);
	CHECK_EQUAL(kill(-children[0], SIGTERM), 0);
	for (int i = 0; i < 3; i++)
		CHECK_KILLED(children[i], SIGTERM);
	CHECK_ERRNO(kill(-children[0], 0), ESRCH);
	pid_t leader = fork();
	if (leader == 0) {
		CHECK_EQUAL(setsid(), getpid());
		CHECK_EQUAL(getsid(0), getpid());
		CHECK_EQUAL(getpgrp(), getpid());
		CHECK_ERRNO(setsid(), EPERM);
		CHECK_ERRNO(setpgid(0, 0), EPERM);
		pid_t child = fork();
		if (child == 0)
			for (;;)
				pause();
		signal(SIGTERM, SIG_IGN);
		CHECK_EQUAL(kill(0, SIGTERM), 0);
		CHECK_KILLED(child, SIGTERM);
		_exit(0);
	}
	CHECK_EXITS(leader, 0);
	CHECK_ERRNO(setpgid(-1, 0), EINVAL);
	CHECK_ERRNO(getpgid(0x3ffffff), ESRCH);
	return 0;
}
