/* Robust mutexes: a thread and a process that end holding one leave it to the next owner with EOWNERDEAD. Shared and private. */
#include "check.h"
#include <pthread.h>

static pthread_mutex_t *mutex;
static void *hold(void *a) { CHECK_EQUAL(pthread_mutex_lock(mutex), 0); return a; }

static void make(int shared)
{
	pthread_mutexattr_t attributes;
	CHECK_EQUAL(pthread_mutexattr_init(&attributes), 0);
	CHECK_EQUAL(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQUAL(pthread_mutexattr_setpshared(&attributes, shared), 0);
	CHECK_EQUAL(pthread_mutex_init(mutex, &attributes), 0);
}

static void take_over(void)
{
	CHECK_EQUAL(pthread_mutex_lock(mutex), EOWNERDEAD);
	CHECK_EQUAL(pthread_mutex_consistent(mutex), 0);
	CHECK_EQUAL(pthread_mutex_unlock(mutex), 0);
	CHECK_EQUAL(pthread_mutex_lock(mutex), 0);
	CHECK_EQUAL(pthread_mutex_unlock(mutex), 0);
}

int main(void)
{
	mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(mutex != MAP_FAILED);
	make(PTHREAD_PROCESS_PRIVATE);
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, hold, NULL), 0);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	take_over();

	make(PTHREAD_PROCESS_SHARED);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		hold(NULL);
		raise(SIGKILL);
	}
	CHECK_KILLED(child, SIGKILL);
	take_over();

	/* A waiter in another process is woken by the end of the owner. */
	CHECK_EQUAL(pthread_mutex_lock(mutex), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(pthread_mutex_lock(mutex), 0);
		sleep_ms(30);
		_exit(0);
	}
	CHECK_EQUAL(pthread_mutex_unlock(mutex), 0);
	sleep_ms(10);
	int result = pthread_mutex_lock(mutex);
	CHECK(result == EOWNERDEAD || result == 0);
	if (result == EOWNERDEAD)
		CHECK_EQUAL(pthread_mutex_consistent(mutex), 0);
	CHECK_EQUAL(pthread_mutex_unlock(mutex), 0);
	CHECK_EXITS(child, 0);
	return 0;
}
