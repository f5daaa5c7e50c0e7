/* Sleeping: not too short, the remainder after a handler, absolute times, bad arguments; a stopped sleeper goes on. */
#include "check.h"

static void on_alarm(int signal) { (void)signal; }

int main(void)
{
	struct timespec wanted = { 0, 30000000 }, left = { 9, 9 };
	long long start = now_ns();
	CHECK_EQUAL(nanosleep(&wanted, NULL), 0);
	CHECK(now_ns() - start >= 30000000);
	wanted.tv_nsec = 1000000000;
	CHECK_ERRNO(nanosleep(&wanted, NULL), EINVAL);
	wanted.tv_nsec = -1;
	CHECK_ERRNO(nanosleep(&wanted, NULL), EINVAL);

	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	pid_t parent = getpid(), child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		sleep_ms(20);
		_exit(kill(parent, SIGUSR1) != 0);
	}
	wanted = (struct timespec){ 5, 0 };
	CHECK_ERRNO(nanosleep(&wanted, &left), EINTR);
	CHECK_EXITS(child, 0);
	CHECK(left.tv_sec <= 4 && left.tv_nsec < 1000000000);

	struct timespec at;
	CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &at), 0);
	at.tv_nsec += 20000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	CHECK_EQUAL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL), 0);
	CHECK(now_ns() >= at.tv_sec * 1000000000LL + at.tv_nsec);
	at.tv_sec = 1;
	CHECK_EQUAL(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL), 0);
	CHECK_EQUAL(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &at, NULL), EINVAL);
	CHECK_EQUAL(clock_nanosleep(12345, 0, &at, NULL), EINVAL);

	/* A signal without a handler does not cut the sleep short. */
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		start = now_ns();
		wanted = (struct timespec){ 0, 80000000 };
		_exit(nanosleep(&wanted, NULL) != 0 || now_ns() - start < 80000000);
	}
	sleep_ms(10);
	CHECK_EQUAL(kill(child, SIGSTOP), 0);
	sleep_ms(10);
	CHECK_EQUAL(kill(child, SIGCONT), 0);
	CHECK_EXITS(child, 0);
	return 0;
}
