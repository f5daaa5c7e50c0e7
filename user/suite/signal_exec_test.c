/* exec: caught handlers become SIG_DFL, ignored signals stay ignored, the mask and pending signals stay. */
#include "../check.h"

static void handler(int number) { (void)number; }

int main(int count, char **arguments)
{
	struct sigaction action;
	sigset_t set;
	(void)arguments;
	if (count == 2) {
		CHECK_EQUAL(sigaction(SIGUSR1, NULL, &action), 0);
		CHECK(action.sa_handler == SIG_DFL);
		CHECK_EQUAL(sigaction(SIGUSR2, NULL, &action), 0);
		CHECK(action.sa_handler == SIG_IGN);
		CHECK_EQUAL(sigprocmask(SIG_BLOCK, NULL, &set), 0);
		CHECK(sigismember(&set, SIGTERM));
		CHECK_EQUAL(sigpending(&set), 0);
		CHECK(sigismember(&set, SIGTERM));
		return 0;
	}
	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQUAL(raise(SIGTERM), 0);
	/* Another program, beside this one, looks as well. */
	pid_t checker = fork();
	if (checker == 0) {
		char path[512];
		const char *end = strrchr(arguments[0], '/');
		snprintf(path, sizeof path, "%.*ssignal_exec_check", (int)(end ? end + 1 - arguments[0] : 0), arguments[0]);
		execl(path, "signal_exec_check", "ignored", NULL);
		_exit(127);
	}
	CHECK_EXITS(checker, 0);
	execl("/proc/self/exe", "signal_exec_test", "child", NULL);
	CHECK(!"execl returned");
}
