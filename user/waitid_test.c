/* waitid: what siginfo says, WNOWAIT leaves the child, stopped and continued children, nothing to tell. */
#include "check.h"

static pid_t child_that(int status)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(status);
	return child;
}

int main(void)
{
	siginfo_t info;
	pid_t child = child_that(37);
	memset(&info, 0, sizeof info);
	CHECK_EQUAL(waitid(P_PID, child, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQUAL(info.si_signo, SIGCHLD);
	CHECK_EQUAL(info.si_code, CLD_EXITED);
	CHECK_EQUAL(info.si_status, 37);
	CHECK_EQUAL(info.si_pid, child);
	CHECK_EQUAL(info.si_uid, getuid());
	CHECK_EQUAL(waitid(P_ALL, 0, &info, WEXITED), 0);
	CHECK_EQUAL(info.si_pid, child);
	CHECK_ERRNO(waitid(P_PID, child, &info, WEXITED), ECHILD);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, 0), EINVAL);
	CHECK_ERRNO(waitid(99, 0, &info, WEXITED), EINVAL);

	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		for (;;)
			pause();
	memset(&info, 0xff, sizeof info);
	CHECK_EQUAL(waitid(P_PID, child, &info, WEXITED | WNOHANG), 0);
	CHECK_EQUAL(info.si_pid, 0);
	CHECK_EQUAL(info.si_signo, 0);
	CHECK_EQUAL(kill(child, SIGSTOP), 0);
	CHECK_EQUAL(waitid(P_PID, child, &info, WSTOPPED), 0);
	CHECK_EQUAL(info.si_code, CLD_STOPPED);
	CHECK_EQUAL(info.si_status, SIGSTOP);
	CHECK_EQUAL(kill(child, SIGCONT), 0);
	CHECK_EQUAL(waitid(P_PID, child, &info, WCONTINUED), 0);
	CHECK_EQUAL(info.si_code, CLD_CONTINUED);
	CHECK_EQUAL(info.si_status, SIGCONT);
	CHECK_EQUAL(kill(child, SIGTERM), 0);
	CHECK_EQUAL(waitid(P_PGID, getpgrp(), &info, WEXITED), 0);
	CHECK_EQUAL(info.si_code, CLD_KILLED);
	CHECK_EQUAL(info.si_status, SIGTERM);
	return 0;
}
