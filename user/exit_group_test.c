/* exit_group: ends every thread, whatever it waits for, with the right status; so do a fatal signal and exec. */
#include "check.h"
#include <pthread.h>

static int ends[2];
static pthread_mutex_t never = PTHREAD_MUTEX_INITIALIZER;
static void *in_read(void *a) { char byte; (void)!read(ends[0], &byte, 1); return a; }
static void *in_futex(void *a) { pthread_mutex_lock(&never); return a; }
static void *in_sleep(void *a) { sleep(1000); return a; }
static void *in_loop(void *a) { for (volatile long i = 0;; i++) ; return a; }
static void *exiting(void *a) { sleep_ms(20); exit((int)(long)a); }
static void *dying(void *a) { sleep_ms(20); *(volatile int *)a = 1; return a; }
static void *execing(void *a) { sleep_ms(20); execl("/proc/self/exe", "exit_group_test", "x", "y", NULL); return a; }

static void start(void *(*routine)(void *), void *argument)
{
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, routine, argument), 0);
}

static pid_t crowd(void *(*last)(void *), void *argument)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		start(in_read, NULL);
		start(in_futex, NULL);
		start(in_sleep, NULL);
		start(in_loop, NULL);
		start(last, argument);
		for (;;)
			pause();
	}
	return child;
}

int main(int count, char **arguments)
{
	if (count == 3) {
		CHECK(strcmp(arguments[2], "y") == 0);
		return 66;
	}
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(pthread_mutex_lock(&never), 0);
	for (int i = 0; i < 5; i++)
		CHECK_EXITS(crowd(exiting, (void *)(long)(50 + i)), 50 + i);
	CHECK_KILLED(crowd(dying, NULL), SIGSEGV);
	CHECK_EXITS(crowd(execing, NULL), 66);
	pid_t child = crowd(in_loop, NULL);
	sleep_ms(30);
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
	return 0;
}
