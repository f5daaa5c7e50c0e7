/* Hunts a kernel stack that is freed, or given to another thread, while its thread still runs on it at its end.
 *
 * Threads and processes end by the thousand on one CPU while others are made on another, with the joiner or the parent waiting for the very
 * end; what they leave in the joiner's hands is checked, and a long-lived thread beside them keeps its own values. */
#include "../check.h"
#include <pthread.h>
#include <stdatomic.h>

enum { MAKERS = 4, THREADS = 600, CHILDREN = 150 };

static atomic_int over;

static void *short_lived(void *argument)
{
	volatile char room[2000];
	memset((char *)room, (int)(uintptr_t)argument, sizeof room);
	return (void *)((uintptr_t)argument * 3 + (uintptr_t)(room[7] & 0));
}

static void *make_threads(void *argument)
{
	for (uintptr_t i = 0; i < THREADS; i++) {
		pthread_t thread;
		void *answer;
		CHECK_EQUAL(pthread_create(&thread, NULL, short_lived, (void *)i), 0);
		CHECK_EQUAL(pthread_join(thread, &answer), 0);
		CHECK((uintptr_t)answer == i * 3);
	}
	return argument;
}

static void *make_children(void *argument)
{
	for (int i = 0; i < CHILDREN; i++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0)
			_exit(i & 63);
		CHECK_EXITS(child, i & 63);
	}
	return argument;
}

static void *long_lived(void *argument)
{
	uint64_t sum = 0, turns = 0;
	while (!atomic_load(&over)) {
		struct timespec nap = { 0, 20000 };
		sum += ++turns;
		nanosleep(&nap, NULL);
	}
	CHECK(sum == turns * (turns + 1) / 2);
	return argument;
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	pthread_t watcher, makers[MAKERS];
	CHECK_EQUAL(pthread_create(&watcher, NULL, long_lived, NULL), 0);
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < MAKERS; i++)
			CHECK_EQUAL(pthread_create(&makers[i], NULL, i % 2 ? make_children : make_threads, NULL), 0);
		for (int i = 0; i < MAKERS; i++)
			CHECK_EQUAL(pthread_join(makers[i], NULL), 0);
	}
	atomic_store(&over, 1);
	CHECK_EQUAL(pthread_join(watcher, NULL), 0);
	return 0;
}
