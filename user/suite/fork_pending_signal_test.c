/* fork: a signal pending in the parent is not pending in the child. */
#include "../check.h"

int main(void)
{
	sigset_t set, pending;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
	CHECK_EQUAL(sigpending(&pending), 0);
	CHECK(sigismember(&pending, SIGUSR1));
	pid_t child = fork();
	if (child == 0) {
		CHECK_EQUAL(sigpending(&pending), 0);
		CHECK(!sigismember(&pending, SIGUSR1));
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(sigpending(&pending), 0);
	CHECK(sigismember(&pending, SIGUSR1));
	return 0;
}
