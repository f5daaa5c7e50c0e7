/* Scheduling policies: what is set is told, inherited and reset, who may set what, and that priorities and weights count. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t least, most;
};

static int set_policy(int policy, int priority)
{
	struct sched_param param = { priority };
	return sched_setscheduler(0, policy, &param);
}

/* Fields of /proc/self/stat, counted as proc(5) does. */
static long stat_field(int field)
{
	char text[1024], *at;
	FILE *file = fopen("/proc/self/stat", "r");
	CHECK(file && fgets(text, sizeof text, file));
	fclose(file);
	at = strrchr(text, ')') + 2;
	for (int i = 3; i < field; i++)
		at = strchr(at, ' ') + 1;
	return atol(at);
}

static int priority_of_self(void)
{
	struct sched_param param;
	CHECK_EQUAL(sched_getparam(0, &param), 0);
	return param.sched_priority;
}

static void check_told(int policy, int priority, int nice)
{
	struct attributes attributes;
	CHECK_EQUAL(sched_getscheduler(0), policy);
	CHECK_EQUAL(priority_of_self(), priority);
	CHECK_EQUAL(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0), 0);
	CHECK_EQUAL(attributes.size, sizeof attributes);
	CHECK_EQUAL(attributes.policy, policy & ~SCHED_RESET_ON_FORK);
	CHECK_EQUAL(attributes.flags & 1, policy & SCHED_RESET_ON_FORK ? 1 : 0);
	CHECK_EQUAL(attributes.priority, priority);
	CHECK_EQUAL(stat_field(18), priority ? -1 - priority : 20 + nice);
	CHECK_EQUAL(stat_field(19), nice);
	CHECK_EQUAL(stat_field(40), priority);
	CHECK_EQUAL(stat_field(41), policy & ~SCHED_RESET_ON_FORK);
	if (!priority)
		CHECK_EQUAL(attributes.nice, nice);
}

static void check_stored(void)
{
	struct attributes attributes = { .size = sizeof attributes };
	struct timespec slice;
	check_told(SCHED_OTHER, 0, 0);
	CHECK_EQUAL(set_policy(SCHED_BATCH, 0), 0);
	check_told(SCHED_BATCH, 0, 0);
	CHECK_EQUAL(nice(3), 3);
	check_told(SCHED_BATCH, 0, 3);
	CHECK_EQUAL(set_policy(SCHED_BATCH | SCHED_RESET_ON_FORK, 0), 0);
	check_told(SCHED_BATCH | SCHED_RESET_ON_FORK, 0, 3);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		check_told(SCHED_BATCH, 0, 3);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_ERRNO(set_policy(SCHED_BATCH, 1), EINVAL);
	CHECK_ERRNO(set_policy(SCHED_FIFO, 0), EINVAL);
	CHECK_ERRNO(set_policy(SCHED_FIFO, 100), EINVAL);
	CHECK_ERRNO(set_policy(77, 0), EINVAL);
	CHECK_ERRNO(set_policy(-1, 0), EINVAL);
	CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, NULL), EINVAL);
	CHECK_ERRNO(sched_getscheduler(1 << 22), ESRCH);
	attributes.policy = SCHED_OTHER;
	attributes.nice = 5;
	if (!has_capability(CAP_SYS_NICE)) {
		/* The mark for children is not taken away by who has no rights. */
		CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 0), EPERM);
		return;
	}
	CHECK_EQUAL(syscall(SYS_sched_setattr, 0, &attributes, 0), 0);
	check_told(SCHED_OTHER, 0, 5);
	attributes.size = 47;
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 0), E2BIG);
	CHECK(attributes.size >= sizeof attributes);
	attributes.size = 48;
	attributes.nice = 6;
	CHECK_EQUAL(syscall(SYS_sched_setattr, 0, &attributes, 0), 0);
	check_told(SCHED_OTHER, 0, 6);
	attributes.flags = 1 << 20;
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &attributes, 40, 0), EINVAL);
	CHECK_EQUAL(sched_rr_get_interval(0, &slice), 0);
	CHECK_EQUAL(slice.tv_sec, 0);
	CHECK_EQUAL(set_policy(SCHED_IDLE, 0), 0);
	check_told(SCHED_IDLE, 0, 6);
}

static void check_rights(void)
{
	struct rlimit limit = { 5, 5 };
	if (setrlimit(RLIMIT_RTPRIO, &limit) != 0) {
		/* A superuser without the rights of one. */
		CHECK_EQUAL(errno, EPERM);
		return;
	}
	limit.rlim_cur = limit.rlim_max = 18;
	CHECK_EQUAL(setrlimit(RLIMIT_NICE, &limit), 0);
	CHECK_EQUAL(setpriority(PRIO_PROCESS, 0, 10), 0);
	CHECK_EQUAL(setresuid(4321, 4321, 4321), 0);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, 1), EACCES);
	CHECK_EQUAL(setpriority(PRIO_PROCESS, 0, 2), 0);
	CHECK_EQUAL(getpriority(PRIO_PROCESS, 0), 2);
	CHECK_EQUAL(set_policy(SCHED_OTHER | SCHED_RESET_ON_FORK, 0), 0);
	CHECK_ERRNO(set_policy(SCHED_OTHER, 0), EPERM);
	struct sched_param param = { 0 };
	CHECK_ERRNO(sched_setscheduler(getppid(), SCHED_BATCH, &param), EPERM);
	CHECK_ERRNO(set_policy(SCHED_FIFO | SCHED_RESET_ON_FORK, 6), EPERM);
	if (set_policy(SCHED_FIFO | SCHED_RESET_ON_FORK, 5) == 0)
		CHECK_EQUAL(priority_of_self(), 5);
	else
		CHECK_EQUAL(errno, EPERM);
}

static int order[32];
static volatile int placed;

static void note(int who)
{
	order[placed++] = who;
}

static void *note_self(void *number)
{
	note((int)(intptr_t)number);
	return NULL;
}

static void *note_and_yield(void *number)
{
	for (int i = 0; i < 3; i++) {
		note((int)(intptr_t)number);
		sched_yield();
	}
	return NULL;
}

static pthread_t start(void *(*body)(void *), int number, int policy, int priority)
{
	pthread_t thread;
	pthread_attr_t how;
	struct sched_param param = { priority };
	CHECK_EQUAL(pthread_attr_init(&how), 0);
	CHECK_EQUAL(pthread_attr_setinheritsched(&how, PTHREAD_EXPLICIT_SCHED), 0);
	CHECK_EQUAL(pthread_attr_setschedpolicy(&how, policy), 0);
	CHECK_EQUAL(pthread_attr_setschedparam(&how, &param), 0);
	CHECK_EQUAL(pthread_create(&thread, &how, body, (void *)(intptr_t)number), 0);
	return thread;
}

/* The caller has priority 50 on the only CPU that all may use: what it starts runs when it waits, by priority. New threads
 * have the caller's priority before they get their own; whoever loses priority goes before those who have the new one. */
static void check_order(void)
{
	static const int by_priority[] = { 2, 5, 3, 4, 1, 6 }, in_turns[] = { 2, 1, 2, 1, 2, 1 };
	pthread_t threads[6];
	threads[0] = start(note_self, 1, SCHED_FIFO, 10);
	threads[1] = start(note_self, 2, SCHED_RR, 30);
	threads[2] = start(note_self, 3, SCHED_FIFO, 20);
	threads[3] = start(note_self, 4, SCHED_RR, 10);
	threads[4] = start(note_self, 5, SCHED_FIFO, 20);
	threads[5] = start(note_self, 6, SCHED_OTHER, 0);
	CHECK_EQUAL(placed, 0);
	for (int i = 0; i < 6; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
	CHECK_EQUAL(placed, 6);
	for (int i = 0; i < 6; i++)
		CHECK_EQUAL(order[i], by_priority[i]);
	placed = 0;
	for (int i = 0; i < 2; i++)
		threads[i] = start(note_and_yield, i + 1, SCHED_FIFO, 20);
	for (int i = 0; i < 2; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
	CHECK_EQUAL(placed, 6);
	for (int i = 0; i < 6; i++)
		CHECK_EQUAL(order[i], in_turns[i]);
	/* A higher priority takes the CPU at once. */
	placed = 0;
	threads[0] = start(note_self, 1, SCHED_FIFO, 60);
	note(2);
	CHECK_EQUAL(pthread_join(threads[0], NULL), 0);
	CHECK_EQUAL(order[0] * 10 + order[1], 12);
	/* A lower one, given to oneself, lets the others go first. */
	placed = 0;
	threads[0] = start(note_self, 1, SCHED_FIFO, 40);
	note(2);
	CHECK_EQUAL(set_policy(SCHED_FIFO, 30), 0);
	note(3);
	CHECK_EQUAL(pthread_join(threads[0], NULL), 0);
	CHECK_EQUAL(order[0] * 100 + order[1] * 10 + order[2], 213);
}

/* How much more work the parent gets done than a child that has made itself less important. */
static double advantage(int policy, int nice)
{
	volatile long *counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(counts != MAP_FAILED);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(set_policy(policy, 0), 0);
		CHECK_EQUAL(setpriority(PRIO_PROCESS, 0, nice), 0);
		for (;;)
			++counts[1];
	}
	while (counts[1] < 10)
		sched_yield();
	counts[1] = 0;
	for (int64_t end = now_ns() + 400000000; now_ns() < end;)
		for (int i = 0; i < 1000; i++)
			++counts[0];
	double result = (double)counts[0] / (counts[1] + 1);
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
	CHECK_EQUAL(munmap((void *)counts, 4096), 0);
	return result;
}

int main(void)
{
	cpu_set_t all, one;
	pid_t child;
	CHECK_EQUAL(sched_getaffinity(0, sizeof all, &all), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		check_stored();
		exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		cpu_set_t own;
		CHECK_EQUAL(sched_getaffinity(0, sizeof own, &own), 0);
		CHECK(CPU_EQUAL(&own, &one));
		exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK(advantage(SCHED_OTHER, 15) > 2);
	CHECK(advantage(SCHED_IDLE, 0) > 2);
	if (!is_superuser())
		return 0;
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		check_rights();
		exit(0);
	}
	CHECK_EXITS(child, 0);
	/* Real time, where the superuser may have it. */
	if (set_policy(SCHED_RR, 50) != 0) {
		CHECK_EQUAL(errno, EPERM);
		return 0;
	}
	check_told(SCHED_RR, 50, 0);
	struct timespec slice;
	CHECK_EQUAL(sched_rr_get_interval(0, &slice), 0);
	CHECK(slice.tv_nsec > 0);
	CHECK_EQUAL(set_policy(SCHED_FIFO, 50), 0);
	CHECK_EQUAL(sched_rr_get_interval(0, &slice), 0);
	CHECK_EQUAL(slice.tv_nsec, 0);
	struct sched_param param = { 51 };
	CHECK_EQUAL(sched_setparam(0, &param), 0);
	check_told(SCHED_FIFO, 51, 0);
	param.sched_priority = 0;
	CHECK_ERRNO(sched_setparam(0, &param), EINVAL);
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		check_told(SCHED_FIFO, 51, 0);
		CHECK_EQUAL(set_policy(SCHED_FIFO | SCHED_RESET_ON_FORK, 1), 0);
		CHECK((child = fork()) >= 0);
		if (child == 0) {
			check_told(SCHED_OTHER, 0, 0);
			exit(0);
		}
		CHECK_EXITS(child, 0);
		exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(set_policy(SCHED_FIFO, 50), 0);
	check_order();
	return 0;
}
