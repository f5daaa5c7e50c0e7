/* Hunts a path back to the program that forgets the register of thread-local storage.
 *
 * Threads look at their own thread-local words after every kind of return from the kernel: from quick calls, from sleep, from faults, after
 * preemption, from signal handlers, after fork in the child, and after a vfork in the parent. */
#include "../check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/time.h>

enum { THREADS = 8, TURNS = 300 };

static __thread uint64_t mine, also_mine[64];
static volatile sig_atomic_t signals;
static void handler(int number)
{
	(void)number;
	if (also_mine[5] != mine * 7)
		abort();
	signals++;
}

#define LOOK() CHECK(mine == me && also_mine[5] == me * 7)

static void *look(void *argument)
{
	uint64_t me = (uintptr_t)argument;
	mine = me;
	also_mine[5] = me * 7;
	volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	for (int turn = 0; turn < TURNS; turn++) {
		struct timespec moment = { 0, 1000 };
		CHECK(getppid() > 0);
		LOOK();
		CHECK_EQUAL(madvise((void *)page, 4096, MADV_DONTNEED), 0);
		page[turn] = 1;
		LOOK();
		sched_yield();
		LOOK();
		nanosleep(&moment, NULL);
		LOOK();
		pthread_kill(pthread_self(), SIGUSR1);
		LOOK();
		for (volatile int i = 0; i < 3000; i++)
			;
		LOOK();
		if (turn % 25 == 0) {
			pid_t child = fork();
			CHECK(child >= 0);
			if (child == 0)
				_exit(!(mine == me && also_mine[5] == me * 7));
			CHECK_EXITS(child, 0);
			LOOK();
		}
	}
	return NULL;
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	mine = 1000;
	also_mine[5] = 7000;
	for (int round = 0; round < rounds; round++) {
		pthread_t threads[THREADS];
		struct itimerval timer = { { 0, 900 }, { 0, 900 } };
		for (uintptr_t i = 0; i < THREADS; i++)
			CHECK_EQUAL(pthread_create(&threads[i], NULL, look, (void *)(i + 1)), 0);
		CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
		for (int i = 0; i < THREADS; i++)
			CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
		memset(&timer, 0, sizeof timer);
		CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	}
	return 0;
}
