/* Timers and sleeps of many lengths, alone and together: none is early, they end in the order of their lengths, all of them end. */
#include "suite.h"

static volatile sig_atomic_t rings;
static void handler(int number) { rings += number == SIGALRM; }

int main(void)
{
	static const int lengths_us[] = { 0, 1, 50, 999, 1000, 5000, 20000, 70000 };
	for (size_t i = 0; i < sizeof lengths_us / sizeof *lengths_us; i++) {
		struct timespec length = { 0, lengths_us[i] * 1000L };
		int64_t start = now_ns();
		CHECK_EQUAL(nanosleep(&length, NULL), 0);
		CHECK(now_ns() - start >= lengths_us[i] * 1000LL);
	}
	/* Absolute: a row of instants, each reached and not before. */
	struct timespec next;
	CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &next), 0);
	for (int i = 0; i < 20; i++) {
		next.tv_nsec += 3000000;
		if (next.tv_nsec >= 1000000000)
			next.tv_sec++, next.tv_nsec -= 1000000000;
		CHECK_EQUAL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL), 0);
		CHECK(now_ns() >= next.tv_sec * 1000000000LL + next.tv_nsec);
	}
	/* Thirty sleepers at once, longest first; each says when it woke. */
	int told[2];
	CHECK_EQUAL(pipe(told), 0);
	int64_t start = now_ns();
	for (int i = 30; i > 0; i--)
		if (fork() == 0) {
			int64_t wake = start + 100000000 + i * 10000000LL;
			struct timespec until = { wake / 1000000000, wake % 1000000000 };
			CHECK_EQUAL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
			CHECK(now_ns() >= wake);
			CHECK_EQUAL(write(told[1], &wake, sizeof wake), (ssize_t)sizeof wake);
			_exit(0);
		}
	int seen = 0;
	for (int64_t wake; seen < 30; seen++) {
		CHECK_EQUAL(read(told[0], &wake, sizeof wake), (ssize_t)sizeof wake);
		CHECK(now_ns() >= wake);
	}
	for (int i = 0; i < 30; i++) {
		int status;
		CHECK(wait(&status) > 0);
		CHECK_EQUAL(status, 0);
	}
	/* A POSIX timer that repeats, and is stopped. */
	timer_t timer;
	signal(SIGALRM, handler);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	CHECK_EQUAL(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	struct itimerspec setting = { { 0, 10000000 }, { 0, 10000000 } }, left;
	start = now_ns();
	CHECK_EQUAL(timer_settime(timer, 0, &setting, NULL), 0);
	while (rings < 5)
		pause();
	CHECK(now_ns() - start >= 50000000);
	CHECK_EQUAL(timer_gettime(timer, &left), 0);
	CHECK_EQUAL(left.it_interval.tv_nsec, 10000000);
	memset(&setting, 0, sizeof setting);
	CHECK_EQUAL(timer_settime(timer, 0, &setting, NULL), 0);
	int before = rings;
	sleep_ms(40);
	CHECK_EQUAL(rings, before);
	CHECK_EQUAL(timer_delete(timer), 0);
	CHECK_ERRNO(timer_delete(timer), EINVAL);
	return 0;
}
