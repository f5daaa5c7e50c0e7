/* A process's memory is free again when its parent hears of its end, not some time later: also when another CPU ran it last and has run
 * nothing else since. Only on a small machine, whose free memory nobody else changes, is this seen; elsewhere only the work is done. */
#include "check.h"
#include <sched.h>
#include <sys/sysinfo.h>

enum { BYTES = 64 << 20, SLACK = 8 << 20, TURNS = 24 };

static uint64_t free_bytes(void)
{
	struct sysinfo now;
	CHECK_EQUAL(sysinfo(&now), 0);
	return (uint64_t)now.freeram * now.mem_unit;
}

int main(void)
{
	struct sysinfo machine;
	CHECK_EQUAL(sysinfo(&machine), 0);
	int is_small = (uint64_t)machine.totalram * machine.mem_unit <= 1ull << 30;
	cpu_set_t all;
	CHECK_EQUAL(sched_getaffinity(0, sizeof all, &all), 0);
	uint64_t before = free_bytes();
	for (int turn = 0; turn < TURNS; turn++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			/* It runs on every CPU, and ends on one of them, in turn. */
			char *area = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			CHECK(area != MAP_FAILED);
			for (int cpu = turn; cpu < turn + CPU_COUNT(&all); cpu++) {
				cpu_set_t one;
				CPU_ZERO(&one);
				for (int i = 0, seen = 0; i < CPU_SETSIZE; i++)
					if (CPU_ISSET(i, &all) && seen++ == cpu % CPU_COUNT(&all))
						CPU_SET(i, &one);
				CHECK_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
				for (int at = 0; at < BYTES; at += 4096)
					area[at] = 1;
			}
			if (turn % 3 == 2)
				execlp("true", "true", NULL);
			_exit(0);
		}
		CHECK_EXITS(child, 0);
		if (is_small)
			CHECK(free_bytes() + SLACK >= before);
	}
	return 0;
}
