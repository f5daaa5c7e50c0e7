/* Timers of CPU time: ITIMER_VIRTUAL and ITIMER_PROF, POSIX timers on the clocks of process and thread, and RLIMIT_CPU with SIGXCPU
 * at the soft limit and the end at the hard one. Sleeping makes none of them expire. */
#include "check.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

static volatile sig_atomic_t counts[65];
static volatile unsigned long work;

static void handler(int number) { counts[number]++; }

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	CHECK_EQUAL(clock_gettime(clock, &now), 0);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void use(int64_t ns)
{
	int64_t until = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + ns;
	while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < until)
		for (int step = 0; step < 100000; step++)
			work++;
}

/* Works until the signal has come so often. */
static void until(int number, int count)
{
	while (counts[number] < count)
		for (int step = 0; step < 100000; step++)
			work++;
}

static void interval(int which, int number)
{
	struct itimerval timer = { { 0, 20000 }, { 0, 20000 } }, left;
	counts[number] = 0;
	int64_t before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	CHECK_EQUAL(setitimer(which, &timer, NULL), 0);
	until(number, 3);
	/* These timers go by samples at ticks, which on a busy machine may run far ahead of the exact clock. */
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before >= 15000000);
	CHECK_EQUAL(getitimer(which, &left), 0);
	CHECK_EQUAL(left.it_interval.tv_usec, 20000);
	CHECK(left.it_value.tv_usec <= 40000);
	/* A child has no timers. */
	pid_t child = fork();
	if (child == 0) {
		CHECK_EQUAL(getitimer(which, &left), 0);
		_exit(left.it_value.tv_usec || left.it_interval.tv_usec ? 1 : 0);
	}
	CHECK_EXITS(child, 0);
	memset(&timer, 0, sizeof timer);
	CHECK_EQUAL(setitimer(which, &timer, &left), 0);
	CHECK_EQUAL(left.it_interval.tv_usec, 20000);
	int last = counts[number];
	use(60000000);
	CHECK_EQUAL(counts[number], last);
	timer.it_value.tv_usec = 1000000;
	CHECK_ERRNO(setitimer(which, &timer, NULL), EINVAL);
}

static void sleeping_is_no_work(void)
{
	struct itimerval timer = { .it_value = { 0, 300000 } };
	counts[SIGPROF] = 0;
	CHECK_EQUAL(setitimer(ITIMER_PROF, &timer, NULL), 0);
	sleep_ms(400);
	CHECK_EQUAL(counts[SIGPROF], 0);
	memset(&timer, 0, sizeof timer);
	CHECK_EQUAL(setitimer(ITIMER_PROF, &timer, NULL), 0);
}

static void posix_timer(clockid_t clock)
{
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	counts[SIGRTMIN] = 0;
	CHECK_EQUAL(timer_create(clock, &event, &timer), 0);
	struct itimerspec spec = { { 0, 10000000 }, { 0, 30000000 } }, left;
	int64_t before = clock_ns(clock);
	CHECK_EQUAL(timer_settime(timer, 0, &spec, NULL), 0);
	until(SIGRTMIN, 1);
	CHECK(clock_ns(clock) - before >= 30000000);
	until(SIGRTMIN, 4);
	CHECK_EQUAL(timer_gettime(timer, &left), 0);
	CHECK_EQUAL(left.it_interval.tv_nsec, 10000000);
	/* Absolute: a time that has passed expires at once. */
	memset(&spec, 0, sizeof spec);
	spec.it_value.tv_nsec = 1;
	CHECK_EQUAL(timer_settime(timer, 0, &(struct itimerspec){ 0 }, NULL), 0);
	counts[SIGRTMIN] = 0;
	CHECK_EQUAL(timer_settime(timer, TIMER_ABSTIME, &spec, NULL), 0);
	until(SIGRTMIN, 1);
	CHECK_EQUAL(timer_delete(timer), 0);
}

static void *works(void *unused)
{
	until(SIGRTMIN, 1);
	return unused;
}

/* A timer on another thread's clock expires by that thread's work. */
static void by_other_thread(void)
{
	pthread_t thread;
	clockid_t clock;
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec spec = { .it_value = { 0, 40000000 } };
	counts[SIGRTMIN] = 0;
	CHECK_EQUAL(pthread_create(&thread, NULL, works, NULL), 0);
	CHECK_EQUAL(pthread_getcpuclockid(thread, &clock), 0);
	CHECK_EQUAL(timer_create(clock, &event, &timer), 0);
	CHECK_EQUAL(timer_settime(timer, 0, &spec, NULL), 0);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	CHECK_EQUAL(timer_delete(timer), 0);
}

static void limit(void)
{
	pid_t child = fork();
	if (child == 0) {
		struct rlimit limit = { 1, 2 };
		CHECK_EQUAL(setrlimit(RLIMIT_CPU, &limit), 0);
		until(SIGXCPU, 1);
		/* Limits go by samples at ticks too. */
		CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) >= 250000000);
		for (;;)
			work++;
	}
	CHECK_KILLED(child, SIGKILL);
	/* Without a handler SIGXCPU ends it; the limit is inherited. */
	child = fork();
	if (child == 0) {
		struct rlimit limit = { 1, 5 };
		CHECK(signal(SIGXCPU, SIG_DFL) != SIG_ERR);
		CHECK_EQUAL(setrlimit(RLIMIT_CPU, &limit), 0);
		pid_t grandchild = fork();
		if (grandchild == 0)
			for (;;)
				work++;
		CHECK_KILLED(grandchild, SIGXCPU);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler };
	int numbers[] = { SIGVTALRM, SIGPROF, SIGXCPU, SIGRTMIN };
	for (unsigned index = 0; index < sizeof numbers / sizeof *numbers; index++)
		CHECK_EQUAL(sigaction(numbers[index], &action, NULL), 0);
	interval(ITIMER_VIRTUAL, SIGVTALRM);
	interval(ITIMER_PROF, SIGPROF);
	sleeping_is_no_work();
	posix_timer(CLOCK_PROCESS_CPUTIME_ID);
	posix_timer(CLOCK_THREAD_CPUTIME_ID);
	by_other_thread();
	limit();
	return 0;
}
