/* waitpid: the right pid, the exit status, ECHILD, WNOHANG while running, by group, waitid. */
#include "../check.h"

int main(void)
{
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
	CHECK_ERRNO(waitpid(getpid(), NULL, 0), ECHILD);
	pid_t child = fork();
	if (child == 0)
		_exit(42);
	CHECK_EXITS(child, 42);
	CHECK_ERRNO(waitpid(child, NULL, 0), ECHILD);

	int hold[2];
	CHECK_EQUAL(pipe(hold), 0);
	child = fork();
	if (child == 0) {
		char byte;
		close(hold[1]);
		(void)!read(hold[0], &byte, 1);
		_exit(3);
	}
	close(hold[0]);
	int status = 12345;
	CHECK_EQUAL(waitpid(child, &status, WNOHANG), 0);
	CHECK_EQUAL(status, 12345);
	close(hold[1]);
	siginfo_t info;
	memset(&info, 0, sizeof info);
	CHECK_EQUAL(waitid(P_PID, child, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQUAL(info.si_pid, child);
	CHECK_EQUAL(info.si_code, CLD_EXITED);
	CHECK_EQUAL(info.si_status, 3);
	CHECK_EQUAL(info.si_signo, SIGCHLD);
	CHECK_EQUAL(waitpid(0, &status, 0), child);
	CHECK_EQUAL(WEXITSTATUS(status), 3);

	/* Killed children tell the signal. */
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
	CHECK_ERRNO(waitpid(-1, NULL, 0x40000), EINVAL);
	return 0;
}
