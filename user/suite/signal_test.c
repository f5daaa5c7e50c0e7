/* SIGTERM from a parent ends a child by default, and the wait status says so; so do the other signals that end a process. */
#include "suite.h"

int main(void)
{
	static const int ending[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGABRT, SIGSEGV,
				      SIGILL, SIGBUS, SIGFPE, SIGTRAP, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSYS, 40, 64 };
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0)
			for (;;)
				pause();
		CHECK_EQUAL(kill(child, ending[i]), 0);
		int status = wait_status(child);
		CHECK(WIFSIGNALED(status));
		CHECK(!WIFEXITED(status) && !WIFSTOPPED(status));
		CHECK_EQUAL(WTERMSIG(status), ending[i]);
		CHECK_ERRNO(kill(child, SIGTERM), ESRCH);
	}
	/* A child that computes is ended as well as one that sleeps. */
	pid_t child = fork();
	if (child == 0)
		for (volatile unsigned turn = 0;; turn++)
			;
	sleep_ms(10);
	CHECK_EQUAL(kill(child, SIGTERM), 0);
	CHECK_KILLED(child, SIGTERM);
	/* Those that are ignored by default do nothing. */
	static const int harmless[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		char byte;
		close(ends[1]);
		CHECK_EQUAL(read(ends[0], &byte, 1), 1);
		_exit(6);
	}
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
		CHECK_EQUAL(kill(child, harmless[i]), 0);
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	CHECK_EXITS(child, 6);
	return 0;
}
