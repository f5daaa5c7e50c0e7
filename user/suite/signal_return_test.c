/* A handler returns through the trampoline: execution goes on where it was, with flags, registers, errno's place and mask as before. */
#include "suite.h"
#include <ucontext.h>

static volatile sig_atomic_t count;
static void handler(int number)
{
	count += number == SIGUSR1;
	errno = EDOM;
}

static void skipping(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	ucontext_t *user = context;
	/* What the handler writes into the context is what execution goes on with: here, the mask. */
	sigaddset(&user->uc_sigmask, SIGUSR2);
}

int main(void)
{
	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	uint64_t sum = 0, seed = 88172645463325252;
	double real = 1;
	for (int i = 1; i <= 2000; i++) {
		sum += next_random(&seed);
		real = real * 1.0000001 + i;
		if (i % 4 == 0)
			CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
	}
	CHECK_EQUAL(count, 500);
	uint64_t again = 0;
	double real_again = 1;
	seed = 88172645463325252;
	for (int i = 1; i <= 2000; i++) {
		again += next_random(&seed);
		real_again = real_again * 1.0000001 + i;
	}
	CHECK(sum == again && real == real_again);
	sigset_t mask;
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	CHECK(!sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGUSR2));
	/* The call's own answer survives the handler that ran on its way out. */
	CHECK_EQUAL(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1), 0);
	CHECK_EQUAL(count, 501);
	struct sigaction action = { .sa_sigaction = skipping, .sa_flags = SA_SIGINFO };
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	CHECK(sigismember(&mask, SIGUSR2));
	return 0;
}
