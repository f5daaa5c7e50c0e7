/* SIGCHLD: the handler runs when a child ends, with its pid and status; SIG_IGN reaps by itself. */
#include "../check.h"

static volatile sig_atomic_t pid_seen, status_seen, code_seen;
static void handler(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	pid_seen = info->si_pid, status_seen = info->si_status, code_seen = info->si_code;
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	CHECK_EQUAL(sigaction(SIGCHLD, &action, NULL), 0);
	sigset_t set, none;
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(33);
	while (!pid_seen)
		sigsuspend(&none);
	CHECK_EQUAL(pid_seen, child);
	CHECK_EQUAL(status_seen, 33);
	CHECK_EQUAL(code_seen, CLD_EXITED);
	CHECK_EXITS(child, 33);
	/* Several at once, reaped in a loop. */
	for (int i = 0; i < 10; i++)
		if (fork() == 0)
			_exit(i);
	int reaped = 0;
	while (reaped < 10) {
		pid_t found = waitpid(-1, NULL, WNOHANG);
		if (found > 0)
			reaped++;
		else
			sleep_ms(1);
	}
	signal(SIGCHLD, SIG_IGN);
	child = fork();
	if (child == 0)
		_exit(0);
	CHECK_ERRNO(waitpid(child, NULL, 0), ECHILD);
	return 0;
}
