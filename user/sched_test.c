/* Scheduling calls: nice values, affinity, what policies say, the CPU one is on. */
#include "check.h"
#include <sched.h>
#include <sys/resource.h>

int main(void)
{
	cpu_set_t all, one;
	CHECK_EQUAL(sched_getaffinity(0, sizeof all, &all), 0);
	CHECK(CPU_COUNT(&all) >= 1);
	int last = 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all))
			last = cpu;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	CHECK_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
	for (int i = 0; i < 20; i++) {
		CHECK_EQUAL(sched_yield(), 0);
		CHECK_EQUAL(sched_getcpu(), last);
	}
	CHECK_EQUAL(sched_getaffinity(0, sizeof one, &one), 0);
	CHECK_EQUAL(CPU_COUNT(&one), 1);
	CPU_ZERO(&one);
	CHECK_ERRNO(sched_setaffinity(0, sizeof one, &one), EINVAL);
	CHECK_EQUAL(sched_setaffinity(0, sizeof all, &all), 0);
	CHECK_ERRNO(sched_getaffinity(0, 0, &all), EINVAL);
	CHECK_ERRNO(sched_getaffinity(1 << 22, sizeof all, &all), ESRCH);

	CHECK_EQUAL(sched_getscheduler(0), SCHED_OTHER);
	CHECK_EQUAL(sched_get_priority_max(SCHED_FIFO), 99);
	CHECK_EQUAL(sched_get_priority_min(SCHED_OTHER), 0);
	CHECK_ERRNO(sched_get_priority_max(77), EINVAL);
	struct sched_param param = { 0 };
	CHECK_EQUAL(sched_getparam(0, &param), 0);
	CHECK_EQUAL(param.sched_priority, 0);
	CHECK_EQUAL(sched_setscheduler(0, SCHED_OTHER, &param), 0);
	param.sched_priority = 1;
	CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, &param), EINVAL);

	errno = 0;
	CHECK_EQUAL(getpriority(PRIO_PROCESS, 0), 0);
	CHECK_EQUAL(setpriority(PRIO_PROCESS, 0, 7), 0);
	CHECK_EQUAL(getpriority(PRIO_PROCESS, 0), 7);
	CHECK_EQUAL(setpriority(PRIO_PROCESS, 0, 100), 0);
	CHECK_EQUAL(getpriority(PRIO_PROCESS, 0), 19);
	CHECK_ERRNO(getpriority(99, 0), EINVAL);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 1 << 22, 0), ESRCH);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(getpriority(PRIO_PROCESS, 0));
	CHECK_EXITS(child, 19);
	return 0;
}
