/* Blocked signals stay pending, standard ones once, real-time ones queued in order with their values; sigsuspend, sigtimedwait. */
#include "check.h"

static volatile sig_atomic_t count, order[16];
static void handler(int number, siginfo_t *info, void *context)
{
	(void)context;
	order[count++] = number >= SIGRTMIN ? info->si_value.sival_int : number;
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	sigset_t set, old, none, pending;
	sigfillset(&action.sa_mask);
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQUAL(sigaction(SIGRTMIN + 1, &action, NULL), 0);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, &old), 0);
	for (int i = 0; i < 3; i++) {
		raise(SIGUSR1);
		CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 100 + i }), 0);
	}
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(sigpending(&pending), 0);
	CHECK(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGRTMIN + 1));
	CHECK_EQUAL(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	CHECK_EQUAL(count, 4);
	CHECK_EQUAL(order[0], SIGUSR1);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(order[i + 1], 100 + i);
	/* sigsuspend lets it in and puts the mask back. */
	count = 0;
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	raise(SIGUSR1);
	CHECK_ERRNO(sigsuspend(&none), EINTR);
	CHECK_EQUAL(count, 1);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, NULL, &old), 0);
	CHECK(sigismember(&old, SIGUSR1));
	/* sigtimedwait takes it without a handler, or times out. */
	siginfo_t info;
	struct timespec moment = { 0, 20000000 };
	CHECK_ERRNO(sigtimedwait(&set, &info, &moment), EAGAIN);
	CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 7 }), 0);
	CHECK_EQUAL(sigwaitinfo(&set, &info), SIGRTMIN + 1);
	CHECK_EQUAL(info.si_value.sival_int, 7);
	CHECK_EQUAL(info.si_code, SI_QUEUE);
	CHECK_EQUAL(count, 1);
	/* SIGKILL and SIGSTOP cannot be blocked. */
	sigfillset(&set);
	CHECK_EQUAL(sigprocmask(SIG_SETMASK, &set, NULL), 0);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, NULL, &old), 0);
	CHECK(!sigismember(&old, SIGKILL) && !sigismember(&old, SIGSTOP));
	return 0;
}
