/* The helper of signal_exec_test, which executes it with "ignored": after exec no signal has a handler; what was ignored still is.
 * Alone it checks that a program starts with every signal at its default and with usual bits in its masks. */
#include "suite.h"

int main(int count, char **arguments)
{
	int expects_ignored = count == 2 && strcmp(arguments[1], "ignored") == 0;
	for (int number = 1; number < 65; number++) {
		struct sigaction action;
		/* Two that the C library keeps for itself. */
		if (number == 32 || number == 33)
			continue;
		CHECK_EQUAL(sigaction(number, NULL, &action), 0);
		if (expects_ignored && number == SIGUSR2)
			CHECK(action.sa_handler == SIG_IGN);
		else
			CHECK(action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
		CHECK_EQUAL(action.sa_flags & (SA_SIGINFO | SA_ONSTACK), 0);
	}
	struct sigaction first;
	CHECK_EQUAL(sigaction(SIGUSR1, NULL, &first), 0);
	CHECK(first.sa_handler == SIG_DFL);
	sigset_t mask;
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	CHECK_EQUAL(sigismember(&mask, SIGTERM), expects_ignored);
	return 0;
}
