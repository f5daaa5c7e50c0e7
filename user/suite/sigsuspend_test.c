/* sigsuspend: a blocked signal is delivered inside it and nowhere else; it always answers EINTR, and the mask is back afterwards. */
#include "suite.h"

static volatile sig_atomic_t first, second, second_was_blocked;
static void handler(int number)
{
	sigset_t now;
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	if (number == SIGUSR1) {
		first++;
		second_was_blocked = sigismember(&now, SIGUSR2);
	} else {
		second++;
	}
}

int main(void)
{
	signal(SIGUSR1, handler);
	signal(SIGUSR2, handler);
	sigset_t both, only_second, now;
	sigemptyset(&both);
	sigaddset(&both, SIGUSR1);
	sigaddset(&both, SIGUSR2);
	sigemptyset(&only_second);
	sigaddset(&only_second, SIGUSR2);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &both, NULL), 0);
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(raise(SIGUSR2), 0);
	CHECK_EQUAL(first, 0);
	CHECK_ERRNO(sigsuspend(&only_second), EINTR);
	CHECK_EQUAL(first, 1);
	CHECK_EQUAL(second, 0);
	CHECK_EQUAL(second_was_blocked, 1);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK(sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2));
	CHECK_EQUAL(sigpending(&now), 0);
	CHECK(sigismember(&now, SIGUSR2) && !sigismember(&now, SIGUSR1));
	/* From another process, a hundred times: none is lost between looking and sleeping. */
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		int seen;
		for (int i = 0; i < 100; i++) {
			CHECK_EQUAL(kill(parent, SIGUSR1), 0);
			sigset_t answer;
			sigemptyset(&answer);
			sigaddset(&answer, SIGUSR2);
			do
				CHECK_EQUAL(sigwait(&answer, &seen), 0);
			while (seen != SIGUSR2);
		}
		_exit(0);
	}
	for (int i = 0; i < 100; i++) {
		CHECK_ERRNO(sigsuspend(&only_second), EINTR);
		CHECK_EQUAL(first, i + 2);
		CHECK_EQUAL(kill(child, SIGUSR2), 0);
	}
	CHECK_EXITS(child, 0);
	sigemptyset(&both);
	CHECK_ERRNO(syscall(SYS_rt_sigsuspend, &both, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigsuspend, 8, 8), EFAULT);
	return 0;
}
