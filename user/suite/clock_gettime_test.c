/* The monotonic clock advances, never goes back, is finer than a millisecond, and is not rounded to one. */
#include "suite.h"

int main(void)
{
	struct timespec one, two;
	CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &one), 0);
	int fine = 0, unaligned = 0, moved = 0;
	for (int i = 0; i < 20000; i++) {
		CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &two), 0);
		CHECK(two.tv_nsec >= 0 && two.tv_nsec < 1000000000);
		int64_t passed = (two.tv_sec - one.tv_sec) * 1000000000LL + two.tv_nsec - one.tv_nsec;
		CHECK(passed >= 0);
		moved += passed > 0;
		fine += passed > 0 && passed < 1000000;
		unaligned += two.tv_nsec % 1000000 != 0;
		one = two;
	}
	CHECK(moved > 0);
	CHECK(fine > 0);
	CHECK(unaligned > 10000);
	/* By the system call itself too, not only by what the C library takes from the vDSO. */
	for (int i = 0; i < 1000; i++) {
		CHECK_EQUAL(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &two), 0);
		CHECK((two.tv_sec - one.tv_sec) * 1000000000LL + two.tv_nsec - one.tv_nsec >= 0);
		CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &one), 0);
		CHECK((one.tv_sec - two.tv_sec) * 1000000000LL + one.tv_nsec - two.tv_nsec >= 0);
	}
	int64_t start = now_ns();
	sleep_ms(20);
	CHECK(now_ns() - start >= 20000000);
	CHECK_EQUAL(clock_getres(CLOCK_MONOTONIC, &two), 0);
	CHECK(two.tv_sec == 0 && two.tv_nsec > 0 && two.tv_nsec < 1000000);
	CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &two), 0);
	CHECK(two.tv_sec > 1600000000);
	CHECK_ERRNO(clock_gettime(99, &two), EINVAL);
	return 0;
}
