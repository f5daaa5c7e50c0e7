/* Hunts a CPU whose timer dies: from some moment on nothing that sleeps there wakes, and nobody there is preempted.
 *
 * On every CPU, each pinned there: sleepers of lengths that change all the time and end in another order than they began, and two spinners
 * that must share. The number of turns bounds it; a dead timer hangs it. */
#include "../check.h"
#include <sched.h>
#include <stdatomic.h>

enum { SLEEPERS = 3, TURNS = 300 };

static atomic_int *finished;

static void pin(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK_EQUAL(sched_setaffinity(0, sizeof set, &set), 0);
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	cpu_set_t all;
	CHECK_EQUAL(sched_getaffinity(0, sizeof all, &all), 0);
	finished = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(finished != MAP_FAILED);
	int processes = 0, sleepers = 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		for (int i = 0; i < SLEEPERS + 2; i++) {
			pid_t child = fork();
			CHECK(child >= 0);
			processes++;
			sleepers += i < SLEEPERS;
			if (child != 0)
				continue;
			pin(cpu);
			uint64_t seed = (uint64_t)(cpu * 10 + i + 1);
			/* Spinners spin until every sleeper is done, on whatever CPU. */
			for (int turn = 0; i < SLEEPERS && turn < rounds * TURNS; turn++) {
				struct timespec moment = { 0, (long)(next_random(&seed) % 400000) };
				int64_t start = now_ns();
				CHECK_EQUAL(nanosleep(&moment, NULL), 0);
				CHECK(now_ns() - start >= moment.tv_nsec);
			}
			if (i < SLEEPERS)
				atomic_fetch_add(&finished[0], 1);
			else
				while (atomic_load(&finished[1]) == 0)
					;
			_exit(0);
		}
	}
	while (atomic_load(&finished[0]) < sleepers)
		sleep_ms(5);
	atomic_store(&finished[1], 1);
	for (int i = 0; i < processes; i++) {
		int status;
		CHECK(wait(&status) > 0);
		CHECK_EQUAL(status, 0);
	}
	return 0;
}
