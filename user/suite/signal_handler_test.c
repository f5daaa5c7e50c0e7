/* Signal handlers: run, get siginfo, mask while running, nest, reset with SA_RESETHAND, errors of sigaction. */
#include "../check.h"

static volatile sig_atomic_t count, depth, deepest, sender, code;
static void simple(int number) { count += number == SIGUSR1; }
static void informed(int number, siginfo_t *info, void *context)
{
	CHECK(context != NULL);
	CHECK_EQUAL(number, info->si_signo);
	sender = info->si_pid;
	code = info->si_code;
}
static void nesting(int number)
{
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (count++ < 3)
		raise(number);
	depth--;
}

int main(void)
{
	struct sigaction action = { .sa_handler = simple }, old;
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	for (int i = 1; i <= 100; i++) {
		CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
		CHECK_EQUAL(count, i);
	}
	action = (struct sigaction){ .sa_sigaction = informed, .sa_flags = SA_SIGINFO };
	CHECK_EQUAL(sigaction(SIGUSR2, &action, NULL), 0);
	CHECK_EQUAL(kill(getpid(), SIGUSR2), 0);
	CHECK_EQUAL(sender, getpid());
	CHECK_EQUAL(code, SI_USER);
	CHECK_EQUAL(sigaction(SIGUSR2, NULL, &old), 0);
	CHECK(old.sa_sigaction == informed && (old.sa_flags & SA_SIGINFO));
	/* Without SA_NODEFER a handler is not entered again before it returned; with it, it is. */
	action = (struct sigaction){ .sa_handler = nesting };
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	count = 0;
	raise(SIGUSR1);
	CHECK_EQUAL(count, 4);
	CHECK_EQUAL(deepest, 1);
	action.sa_flags = SA_NODEFER;
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	count = deepest = 0;
	raise(SIGUSR1);
	CHECK_EQUAL(deepest, 4);
	/* SA_RESETHAND. */
	action = (struct sigaction){ .sa_handler = simple, .sa_flags = (int)SA_RESETHAND };
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	raise(SIGUSR1);
	CHECK_EQUAL(sigaction(SIGUSR1, NULL, &old), 0);
	CHECK(old.sa_handler == SIG_DFL);
	/* Errors. */
	CHECK_ERRNO(sigaction(SIGKILL, &action, NULL), EINVAL);
	CHECK_ERRNO(sigaction(SIGSTOP, &action, NULL), EINVAL);
	CHECK_ERRNO(sigaction(65, &action, NULL), EINVAL);
	CHECK_ERRNO(kill(getpid(), 65), EINVAL);
	CHECK_EQUAL(kill(getpid(), 0), 0);
	CHECK_ERRNO(kill(0x3ffffff, 0), ESRCH);
	return 0;
}
