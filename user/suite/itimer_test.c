/* Interval timers: repeat, report what is left, cancel; alarm answers the seconds that were left. */
#include "../check.h"
#include <sys/time.h>

static volatile sig_atomic_t count;
static void handler(int number) { (void)number; count++; }

int main(void)
{
	struct sigaction action = { .sa_handler = handler };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	struct itimerval timer = { { 0, 20000 }, { 0, 20000 } }, left;
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	int64_t start = now_ns();
	while (count < 5)
		pause();
	CHECK(now_ns() - start >= 95000000);
	CHECK_EQUAL(getitimer(ITIMER_REAL, &left), 0);
	CHECK_EQUAL(left.it_interval.tv_usec, 20000);
	CHECK(left.it_value.tv_usec <= 20000);
	memset(&timer, 0, sizeof timer);
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	int before = count;
	sleep_ms(60);
	CHECK_EQUAL(count, before);
	CHECK_EQUAL(alarm(100), 0);
	CHECK_EQUAL(alarm(0), 100);
	CHECK_EQUAL(alarm(0), 0);
	CHECK_ERRNO(setitimer(9, &timer, NULL), EINVAL);
	/* The timers of CPU time count while we compute; a user-time one may not come before its time. */
	static const int clocks[2][2] = { { ITIMER_VIRTUAL, SIGVTALRM }, { ITIMER_PROF, SIGPROF } };
	for (int i = 0; i < 2; i++) {
		CHECK_EQUAL(sigaction(clocks[i][1], &action, NULL), 0);
		count = 0;
		timer = (struct itimerval){ { 0, 10000 }, { 0, 10000 } };
		clock_t before_cpu = clock();
		CHECK_EQUAL(setitimer(clocks[i][0], &timer, NULL), 0);
		while (count < 3)
			;
		/* LINUX: counts CPU time for these by ticks, so that one may come a tick early. */
		CHECK(clock() - before_cpu >= 10000);
		CHECK_EQUAL(getitimer(clocks[i][0], &left), 0);
		CHECK_EQUAL(left.it_interval.tv_usec, 10000);
		memset(&timer, 0, sizeof timer);
		CHECK_EQUAL(setitimer(clocks[i][0], &timer, NULL), 0);
	}
	return 0;
}
