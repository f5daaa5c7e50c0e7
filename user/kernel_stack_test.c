/* What the kernel keeps for threads goes back when they end. */
#include "check.h"
#include <pthread.h>

enum { THREADS = 300, STACK_BYTES = 131072 };

static pthread_barrier_t all;

static void *wait_for_all(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&all);
	pthread_barrier_wait(&all);
	return NULL;
}

/* KiB of kernel stacks. */
static long stacks(void)
{
	char line[128];
	long kib = -1;
	FILE *file = fopen("/proc/meminfo", "r");
	CHECK(file);
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "KernelStack: %ld", &kib) == 1)
			break;
	fclose(file);
	CHECK(kib > 0);
	return kib;
}

int main(void)
{
	static pthread_t threads[THREADS];
	pthread_attr_t small;
	long before = stacks();
	CHECK_EQUAL(pthread_attr_init(&small), 0);
	CHECK_EQUAL(pthread_attr_setstacksize(&small, STACK_BYTES), 0);
	for (int round = 0; round < 3; round++) {
		CHECK_EQUAL(pthread_barrier_init(&all, NULL, THREADS + 1), 0);
		for (int i = 0; i < THREADS; i++)
			CHECK_EQUAL(pthread_create(&threads[i], &small, wait_for_all, NULL), 0);
		pthread_barrier_wait(&all);
		CHECK(stacks() - before >= THREADS * 4);
		pthread_barrier_wait(&all);
		for (int i = 0; i < THREADS; i++)
			CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
		CHECK_EQUAL(pthread_barrier_destroy(&all), 0);
		/* The last thread's may take a moment, and some are kept for the next threads. */
		for (int i = 0; i < 100 && stacks() - before > 4096; i++)
			sleep_ms(20);
		CHECK(stacks() - before <= 4096);
	}
	return 0;
}
