/* Queued signals: real-time ones arrive each, in order, with their values; sigtimedwait takes blocked ones and times out. */
#include "check.h"

static int order[8], seen;
static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	CHECK_EQUAL(info->si_signo, signal);
	CHECK_EQUAL(info->si_code, SI_QUEUE);
	CHECK_EQUAL(info->si_pid, getpid());
	order[seen++] = info->si_value.sival_int;
}

int main(void)
{
	sigset_t set, old;
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	CHECK_EQUAL(sigaction(SIGRTMIN + 1, &action, NULL), 0);
	CHECK_EQUAL(sigaction(SIGRTMIN, &action, NULL), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGUSR1);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, &old), 0);
	union sigval value = { .sival_int = 1 };
	CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN + 1, value), 0);
	for (value.sival_int = 2; value.sival_int < 5; value.sival_int++)
		CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN, value), 0);

	siginfo_t info;
	CHECK_EQUAL(sigwaitinfo(&set, &info), SIGRTMIN);
	CHECK_EQUAL(info.si_value.sival_int, 2);
	CHECK_EQUAL(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	CHECK_EQUAL(seen, 3);
	/* Each handler that begins is put on top of the one before, so the last delivered runs first. */
	CHECK((order[0] == 3 && order[1] == 4 && order[2] == 1) || (order[0] == 1));

	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
	CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
	sigset_t pending;
	CHECK_EQUAL(sigpending(&pending), 0);
	CHECK(sigismember(&pending, SIGUSR1));
	CHECK_EQUAL(sigwaitinfo(&set, &info), SIGUSR1);
	CHECK_EQUAL(info.si_code, SI_USER);
	CHECK_EQUAL(info.si_pid, getpid());
	struct timespec patience = { 0, 20000000 };
	CHECK_ERRNO(sigtimedwait(&set, &info, &patience), EAGAIN);
	patience.tv_nsec = 1000000000;
	CHECK_ERRNO(sigtimedwait(&set, &info, &patience), EINVAL);

	/* Waits while another process sends. */
	pid_t parent = getpid(), child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		sleep_ms(20);
		value.sival_int = 77;
		_exit(sigqueue(parent, SIGRTMIN, value) != 0);
	}
	CHECK_EQUAL(sigwaitinfo(&set, &info), SIGRTMIN);
	CHECK_EQUAL(info.si_value.sival_int, 77);
	CHECK_EQUAL(info.si_pid, child);
	CHECK_EXITS(child, 0);
	/* SIGCHLD is ignored by default but can be waited for while blocked. */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	while (patience.tv_nsec = 0, patience.tv_sec = 0, sigtimedwait(&set, &info, &patience) > 0)
		;
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(9);
	CHECK_EQUAL(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK_EQUAL(info.si_pid, child);
	CHECK_EQUAL(info.si_code, CLD_EXITED);
	CHECK_EQUAL(info.si_status, 9);
	CHECK_EXITS(child, 9);
	return 0;
}
