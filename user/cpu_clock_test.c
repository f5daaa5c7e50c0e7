/* Clocks of CPU time: of the process and the thread, of other threads and processes by their numbers, what sleeping and children
 * add to them, times and getrusage, user time told apart from the kernel's, none ever going back. */
#include "check.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/times.h>

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	CHECK_EQUAL(clock_gettime(clock, &now), 0);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* A clock's number as the kernel encodes it; kinds: 2 of a process, 6 of a thread. */
static clockid_t clock_of(int number, int kind) { return (clockid_t)(~(unsigned)number << 3 | kind); }

static volatile unsigned long work;

static void use(int64_t ns)
{
	int64_t until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		for (int step = 0; step < 20000; step++)
			work++;
}

/* Time in the kernel: reads that copy much. */
static void use_kernel(int64_t ns)
{
	static char buffer[1 << 20];
	int zero = open("/dev/zero", O_RDONLY);
	int64_t until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		CHECK_EQUAL(read(zero, buffer, sizeof buffer), sizeof buffer);
	close(zero);
}

static int done[2], go_on[2];

static void *busy(void *unused)
{
	char byte = 0;
	use(100000000);
	CHECK_EQUAL(write(done[1], &byte, 1), 1);
	CHECK_EQUAL(read(go_on[0], &byte, 1), 1);
	return unused;
}

static int64_t ns_of(struct timeval time) { return time.tv_sec * 1000000000LL + time.tv_usec * 1000LL; }

static void threads(void)
{
	pthread_t thread;
	clockid_t clock;
	char byte = 0;
	CHECK(pipe(done) == 0 && pipe(go_on) == 0);
	int64_t own = clock_ns(CLOCK_THREAD_CPUTIME_ID), all = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	CHECK_EQUAL(pthread_create(&thread, NULL, busy, NULL), 0);
	CHECK_EQUAL(pthread_getcpuclockid(thread, &clock), 0);
	CHECK_EQUAL(read(done[0], &byte, 1), 1);
	CHECK(clock_ns(clock) >= 100000000);
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - all >= 100000000);
	/* This thread only slept. */
	CHECK(clock_ns(CLOCK_THREAD_CPUTIME_ID) - own < clock_ns(clock));
	struct timespec resolution;
	CHECK_EQUAL(clock_getres(clock, &resolution), 0);
	CHECK_EQUAL(resolution.tv_nsec, 1);
	CHECK_EQUAL(write(go_on[1], &byte, 1), 1);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	/* What ended threads used stays the process's; their clocks are gone. */
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - all >= 100000000);
	while (clock_gettime(clock, &resolution) == 0)
		sleep_ms(1);
	CHECK_EQUAL(errno, EINVAL);
	struct rusage mine, both;
	CHECK_EQUAL(getrusage(RUSAGE_THREAD, &mine), 0);
	CHECK_EQUAL(getrusage(RUSAGE_SELF, &both), 0);
	CHECK(ns_of(both.ru_utime) + ns_of(both.ru_stime) >= ns_of(mine.ru_utime) + ns_of(mine.ru_stime) + 80000000);
}

static void processes(void)
{
	int out[2], in[2];
	char byte = 0;
	CHECK(pipe(out) == 0 && pipe(in) == 0);
	pid_t child = fork();
	if (child == 0) {
		use(40000000);
		CHECK_EQUAL(write(out[1], &byte, 1), 1);
		CHECK_EQUAL(read(in[0], &byte, 1), 1);
		_exit(0);
	}
	clockid_t clock;
	CHECK_EQUAL(clock_getcpuclockid(child, &clock), 0);
	CHECK_EQUAL(read(out[0], &byte, 1), 1);
	CHECK(clock_ns(clock) >= 40000000);
	/* Threads of other processes are none of ours; numbers that name nothing, and clocks that do not exist. */
	struct timespec now;
	CHECK_ERRNO(clock_gettime(clock_of(child, 6), &now), EINVAL);
	CHECK_ERRNO(clock_gettime(clock_of(4000000, 2), &now), EINVAL);
	CHECK_ERRNO(clock_gettime(clock_of(child, 3), &now), EINVAL);
	CHECK_EQUAL(clock_gettime(clock_of(0, 2), &now), 0);
	/* Containers refuse the call itself. */
	CHECK(clock_settime(CLOCK_MONOTONIC, &now) == -1 && (errno == EINVAL || errno == EPERM));
	struct tms before, after;
	CHECK(times(&before) != (clock_t)-1);
	CHECK_EQUAL(write(in[1], &byte, 1), 1);
	CHECK_EXITS(child, 0);
	CHECK(times(&after) != (clock_t)-1);
	CHECK(after.tms_cutime + after.tms_cstime >= before.tms_cutime + before.tms_cstime + 3);
	struct rusage children;
	CHECK_EQUAL(getrusage(RUSAGE_CHILDREN, &children), 0);
	CHECK(ns_of(children.ru_utime) + ns_of(children.ru_stime) >= 40000000);
}

/* A child that only computes has mostly user time, one that only reads mostly the kernel's. */
static void told_apart(void)
{
	for (int in_kernel = 0; in_kernel < 2; in_kernel++) {
		pid_t child = fork();
		if (child == 0) {
			in_kernel ? use_kernel(200000000) : use(200000000);
			struct rusage used;
			CHECK_EQUAL(getrusage(RUSAGE_SELF, &used), 0);
			int64_t user = ns_of(used.ru_utime), kernel = ns_of(used.ru_stime);
			CHECK(user + kernel >= 199000000);
			_exit(in_kernel ? kernel > user ? 0 : 1 : user > kernel ? 0 : 2);
		}
		CHECK_EXITS(child, 0);
	}
}

static void never_back(void)
{
	struct rusage last = { 0 }, now;
	for (int round = 0; round < 300; round++) {
		round % 2 ? use(300000) : use_kernel(300000);
		CHECK_EQUAL(getrusage(RUSAGE_SELF, &now), 0);
		CHECK(ns_of(now.ru_utime) >= ns_of(last.ru_utime));
		CHECK(ns_of(now.ru_stime) >= ns_of(last.ru_stime));
		last = now;
	}
}

static void *works(void *unused)
{
	use(150000000);
	return unused;
}

/* Sleeping by the process's CPU time while another thread works; by the own thread's it would not end. */
static void sleeping(void)
{
	pthread_t thread;
	struct timespec span = { 0, 50000000 };
	CHECK_EQUAL(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &span, NULL), EINVAL);
	CHECK_EQUAL(clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &span, NULL), EOPNOTSUPP);
	int64_t before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	CHECK_EQUAL(pthread_create(&thread, NULL, works, NULL), 0);
	CHECK_EQUAL(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &span, NULL), 0);
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before >= 50000000);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
}

int main(void)
{
	int64_t before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	use(20000000);
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before >= 20000000);
	before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	sleep_ms(300);
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before < 200000000);
	threads();
	processes();
	told_apart();
	never_back();
	sleeping();
	return 0;
}
