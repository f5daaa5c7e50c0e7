/* What threads cost: create and join, a futex handed to and fro, a mutex that is fought for. Lines as measure.h says.
 * Usage: threads [RUNS]. */
#define _GNU_SOURCE
#include "measure.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

static void *nothing(void *argument) { return argument; }

static void create_join(void)
{
	pthread_t thread;
	must(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0, "thread");
}

/* Whose turn it is: 0 the first thread's, 1 the second's, 2 nobody's any more. */
static atomic_int turn;

static void pass(int from, int to)
{
	for (int seen; (seen = atomic_load(&turn)) != from; ) {
		if (seen == 2)
			return;
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
	}
	atomic_store(&turn, to);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *second(void *argument)
{
	while (atomic_load(&turn) != 2)
		pass(1, 0);
	return argument;
}

static void ping_pong(void) { pass(0, 1); }

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long shared;

static void *fight(void *argument)
{
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&mutex);
		shared++;
		pthread_mutex_unlock(&mutex);
	}
	return argument;
}

static void mutex_fight(int count)
{
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		must(pthread_create(&threads[i], NULL, fight, NULL) == 0, "thread");
	for (int i = 0; i < 4; i++)
		must(pthread_join(threads[i], NULL) == 0, "thread");
	(void)count;
}

int main(int count, char **arguments)
{
	bench_begin(count, arguments, 1);
	measure("thread.create.join", create_join, 100);
	pthread_t thread;
	must(pthread_create(&thread, NULL, second, NULL) == 0, "thread");
	measure("futex.ping.pong", ping_pong, 500);
	while (atomic_load(&turn) != 0)
		sched_yield();
	atomic_store(&turn, 2);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	must(pthread_join(thread, NULL) == 0, "thread");
	measure_bulk("mutex.4.threads", mutex_fight, 4000);
	return bench_end();
}
