/* Clocks and sleeping: monotonic, fine-grained, wall clock sane, sleeps last at least as long as asked. */
#include "check.h"
#include <sys/time.h>

int main(void)
{
	int64_t last = now_ns();
	int advanced = 0, fine = 0;
	for (int i = 0; i < 100000; i++) {
		int64_t now = now_ns();
		CHECK(now >= last);
		advanced += now > last;
		fine += now % 1000000 != 0;
		last = now;
	}
	CHECK(advanced > 1000);
	CHECK(fine > 1000);
	struct timespec wall, request = { 0, 30000000 }, resolution;
	struct timeval day;
	CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &wall), 0);
	CHECK(wall.tv_sec > 1600000000);
	CHECK_EQUAL(gettimeofday(&day, NULL), 0);
	CHECK(day.tv_sec - wall.tv_sec <= 1);
	CHECK(time(NULL) - wall.tv_sec <= 1);
	CHECK_EQUAL(clock_getres(CLOCK_MONOTONIC, &resolution), 0);
	CHECK_EQUAL(resolution.tv_sec, 0);
	int64_t start = now_ns();
	CHECK_EQUAL(nanosleep(&request, NULL), 0);
	CHECK(now_ns() - start >= 30000000);
	struct timespec until;
	CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &until), 0);
	until.tv_nsec += 20000000;
	if (until.tv_nsec >= 1000000000)
		until.tv_sec++, until.tv_nsec -= 1000000000;
	CHECK_EQUAL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
	CHECK(now_ns() >= until.tv_sec * 1000000000LL + until.tv_nsec);
	request.tv_nsec = 1000000000;
	CHECK_ERRNO(nanosleep(&request, NULL), EINVAL);
	CHECK_ERRNO(clock_gettime(99, &wall), EINVAL);
	/* CPU time goes up with work and not with sleep. */
	struct timespec before, after;
	CHECK_EQUAL(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before), 0);
	for (volatile int i = 0; i < 3000000; i++)
		;
	CHECK_EQUAL(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after), 0);
	CHECK((after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec > 100000);
	return 0;
}
