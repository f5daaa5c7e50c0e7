/* pause returns with EINTR after a handler ran, and only then: not after an ignored signal. */
#include "suite.h"

static volatile sig_atomic_t caught;
static void handler(int number) { caught = number; }

int main(void)
{
	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	int ready[2];
	CHECK_EQUAL(pipe(ready), 0);
	pid_t parent = getpid(), child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char byte;
		CHECK_EQUAL(read(ready[0], &byte, 1), 1);
		/* It may come before the parent pauses; so it comes again and again until this process is ended. */
		for (;;) {
			kill(parent, SIGUSR2);
			kill(parent, SIGUSR1);
			sleep_ms(10);
		}
	}
	CHECK_EQUAL(write(ready[1], "x", 1), 1);
	for (int i = 0; i < 10; i++) {
		caught = 0;
		CHECK_ERRNO(pause(), EINTR);
		CHECK_EQUAL(caught, SIGUSR1);
	}
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
	/* A process that pauses is ended by a signal without a handler. */
	child = fork();
	if (child == 0) {
		pause();
		_exit(1);
	}
	sleep_ms(10);
	CHECK_EQUAL(kill(child, SIGTERM), 0);
	CHECK_KILLED(child, SIGTERM);
	return 0;
}
