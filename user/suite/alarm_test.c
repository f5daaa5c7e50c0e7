/* alarm: SIGALRM after a second and not before, what is left is answered, alarm(0) cancels, a new one replaces the old. */
#include "suite.h"

static volatile sig_atomic_t rung;
static void handler(int number) { rung += number == SIGALRM; }

int main(void)
{
	signal(SIGALRM, handler);
	CHECK_EQUAL(alarm(0), 0);
	int64_t start = now_ns();
	CHECK_EQUAL(alarm(1), 0);
	CHECK_ERRNO(pause(), EINTR);
	CHECK_EQUAL(rung, 1);
	CHECK(now_ns() - start >= 1000000000);
	CHECK_EQUAL(alarm(0), 0);
	/* Remaining seconds, rounded so that a running alarm never answers 0. */
	CHECK_EQUAL(alarm(1000), 0);
	unsigned left = alarm(500);
	CHECK(left >= 990 && left <= 1000);
	left = alarm(0);
	CHECK(left >= 490 && left <= 500);
	CHECK_EQUAL(alarm(0), 0);
	/* A cancelled one does not ring. */
	CHECK_EQUAL(alarm(1), 0);
	CHECK_EQUAL(alarm(0), 1);
	sleep_ms(1100);
	CHECK_EQUAL(rung, 1);
	/* It is not inherited, but survives exec: a child without one of its own is not ended. */
	CHECK_EQUAL(alarm(1000), 0);
	pid_t child = fork();
	if (child == 0)
		_exit((int)alarm(0));
	CHECK_EXITS(child, 0);
	child = fork();
	if (child == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(1);
		execlp("sleep", "sleep", "100", NULL);
		_exit(1);
	}
	CHECK_KILLED(child, SIGALRM);
	return 0;
}
