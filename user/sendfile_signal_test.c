/* A long sendfile() answers what it has moved when a signal comes, so that a program that is in one can be ended. */
#include "check.h"
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/time.h>

#define BYTES (64 << 20)

static void handle(int number)
{
	(void)number;
}

int main(void)
{
	enter_scratch();
	int from = open("holes", O_RDWR | O_CREAT | O_EXCL, 0600), to = open("/dev/null", O_WRONLY);
	CHECK(from >= 0 && to >= 0);
	CHECK_EQUAL(ftruncate(from, BYTES), 0);
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	CHECK_EQUAL(setitimer(ITIMER_REAL, &often, NULL), 0);
	/* A signal may come between two calls, not always. */
	ssize_t moved = BYTES;
	for (int tries = 0; tries < 200 && moved == BYTES; tries++) {
		off_t at = 0;
		moved = sendfile(to, from, &at, BYTES);
		if (moved < 0) {
			CHECK_EQUAL(errno, EINTR);
			moved = BYTES;
			continue;
		}
		CHECK_EQUAL(at, moved);
	}
	CHECK(moved > 0 && moved < BYTES);
	return 0;
}
