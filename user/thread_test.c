/* Threads: create and join, a mutex and a condition under contention, thread-local data, the pid they share. */
#include "check.h"
#include <pthread.h>

enum { THREADS = 8, ROUNDS = 2000 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int total, turn;
static __thread int mine = 5;

static void *adder(void *argument)
{
	long index = (long)argument;
	CHECK_EQUAL(mine, 5);
	mine = (int)index;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		total++;
		pthread_mutex_unlock(&mutex);
	}
	CHECK_EQUAL(mine, index);
	return (void *)(index * 10);
}

static void *taker_of_turns(void *argument)
{
	int index = (int)(long)argument;
	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % 4 != index)
			pthread_cond_wait(&condition, &mutex);
		turn++;
		pthread_cond_broadcast(&condition);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *teller(void *argument)
{
	pid_t *ids = argument;
	ids[0] = getpid(), ids[1] = (pid_t)syscall(SYS_gettid);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	void *result;
	for (int round = 0; round < 5; round++) {
		total = 0;
		for (long i = 0; i < THREADS; i++)
			CHECK_EQUAL(pthread_create(&threads[i], NULL, adder, (void *)i), 0);
		for (long i = 0; i < THREADS; i++) {
			CHECK_EQUAL(pthread_join(threads[i], &result), 0);
			CHECK_EQUAL((long)result, i * 10);
		}
		CHECK_EQUAL(total, THREADS * ROUNDS);
	}
	for (long i = 0; i < 4; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, taker_of_turns, (void *)i), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
	CHECK_EQUAL(turn, 400);
	pid_t ids[2];
	CHECK_EQUAL(pthread_create(&threads[0], NULL, teller, ids), 0);
	CHECK_EQUAL(pthread_join(threads[0], NULL), 0);
	CHECK_EQUAL(ids[0], getpid());
	CHECK(ids[1] != getpid());
	return 0;
}
