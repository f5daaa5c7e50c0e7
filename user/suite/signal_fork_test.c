/* A handler set before fork runs in the child too, in the child's own memory. */
#include "suite.h"

static volatile sig_atomic_t caught, by;
static void handler(int number, siginfo_t *info, void *context)
{
	(void)context;
	caught += number == SIGUSR1;
	by = info->si_pid;
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	sigset_t set, none;
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	pid_t parent = getpid(), child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		struct sigaction now;
		CHECK_EQUAL(sigaction(SIGUSR1, NULL, &now), 0);
		CHECK(now.sa_sigaction == handler);
		while (caught == 0)
			sigsuspend(&none);
		CHECK_EQUAL(caught, 1);
		CHECK_EQUAL(by, parent);
		/* Changing it here leaves the parent's alone. */
		signal(SIGUSR1, SIG_DFL);
		_exit(4);
	}
	CHECK_EQUAL(kill(child, SIGUSR1), 0);
	CHECK_EXITS(child, 4);
	CHECK_EQUAL(caught, 0);
	CHECK_EQUAL(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(caught, 1);
	return 0;
}
