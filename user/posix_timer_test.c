/* POSIX timers: what timer_create refuses, signals with their details, periods with overruns counted while the signal is
 * blocked or ignored, timers for one thread, absolute times, what is left, limits, fork and exec. */
#include "check.h"
#include <pthread.h>
#include <sys/resource.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile sig_atomic_t count;
static volatile siginfo_t last;
static volatile pid_t taker;

static void handler(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	last = *info;
	taker = gettid();
	count++;
}

/* glibc's timer_t hides the kernel's number: the calls themselves. */
static int create(int clock, struct sigevent *event, int *id) { return syscall(SYS_timer_create, clock, event, id); }
static int set(int id, int flags, struct itimerspec *new, struct itimerspec *old) { return syscall(SYS_timer_settime, id, flags, new, old); }
static int get(int id, struct itimerspec *left) { return syscall(SYS_timer_gettime, id, left); }
static int overrun(int id) { return syscall(SYS_timer_getoverrun, id); }
static int delete(int id) { return syscall(SYS_timer_delete, id); }

static struct itimerspec in_ms(long value, long interval)
{
	struct itimerspec spec = {
		.it_value = { value / 1000, value % 1000 * 1000000 },
		.it_interval = { interval / 1000, interval % 1000 * 1000000 },
	};
	return spec;
}

static void errors(void)
{
	int id;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec spec = in_ms(10, 0);
	CHECK_ERRNO(create(99, &event, &id), EINVAL);
	CHECK_ERRNO(create(CLOCK_MONOTONIC_RAW, &event, &id), EOPNOTSUPP);
	CHECK_ERRNO(create(CLOCK_REALTIME_COARSE, &event, &id), EOPNOTSUPP);
	event.sigev_signo = 65;
	CHECK_ERRNO(create(CLOCK_MONOTONIC, &event, &id), EINVAL);
	event.sigev_signo = 0;
	CHECK_ERRNO(create(CLOCK_MONOTONIC, &event, &id), EINVAL);
	event.sigev_signo = SIGRTMIN, event.sigev_notify = 17;
	CHECK_ERRNO(create(CLOCK_MONOTONIC, &event, &id), EINVAL);
	event.sigev_notify = SIGEV_THREAD_ID, event.sigev_notify_thread_id = getppid();
	CHECK_ERRNO(create(CLOCK_MONOTONIC, &event, &id), EINVAL);
	CHECK_ERRNO(create(CLOCK_MONOTONIC, (void *)8, &id), EFAULT);
	CHECK_ERRNO(create(CLOCK_MONOTONIC, NULL, (void *)8), EFAULT);
	CHECK_ERRNO(set(12345, 0, &spec, NULL), EINVAL);
	CHECK_ERRNO(get(12345, &spec), EINVAL);
	CHECK_ERRNO(overrun(12345), EINVAL);
	CHECK_ERRNO(delete(12345), EINVAL);
	CHECK_EQUAL(create(CLOCK_MONOTONIC, NULL, &id), 0);
	CHECK_ERRNO(set(id, 0, NULL, NULL), EINVAL);
	spec.it_value.tv_nsec = -1;
	CHECK_ERRNO(set(id, 0, &spec, NULL), EINVAL);
	CHECK_EQUAL(overrun(id), 0);
	CHECK_EQUAL(delete(id), 0);
	CHECK_ERRNO(delete(id), EINVAL);
}

static void once(int clock)
{
	int id;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2, .sigev_value.sival_int = 4711 };
	CHECK_EQUAL(create(clock, &event, &id), 0);
	struct itimerspec spec = in_ms(20, 0), left;
	count = 0;
	int64_t start = now_ns();
	CHECK_EQUAL(set(id, 0, &spec, NULL), 0);
	CHECK_EQUAL(get(id, &left), 0);
	CHECK(left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 20000000);
	while (count == 0)
		sleep_ms(1);
	CHECK(now_ns() - start >= 20000000);
	CHECK_EQUAL(last.si_signo, SIGRTMIN + 2);
	CHECK_EQUAL(last.si_code, SI_TIMER);
	CHECK_EQUAL(last.si_value.sival_int, 4711);
	CHECK_EQUAL(last.si_timerid, id);
	CHECK_EQUAL(last.si_overrun, 0);
	CHECK_EQUAL(get(id, &left), 0);
	CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
	sleep_ms(30);
	CHECK_EQUAL(count, 1);

	/* An absolute time that has passed expires at once. */
	spec = in_ms(1, 0);
	CHECK_EQUAL(set(id, TIMER_ABSTIME, &spec, NULL), 0);
	while (count == 1)
		sleep_ms(1);
	/* Disarmed in time, it sends nothing, and tells what was left. */
	spec = in_ms(50000, 7000);
	CHECK_EQUAL(set(id, 0, &spec, NULL), 0);
	spec = in_ms(0, 0);
	CHECK_EQUAL(set(id, 0, &spec, &left), 0);
	CHECK(left.it_value.tv_sec >= 40 && left.it_interval.tv_sec == 7);
	CHECK_EQUAL(get(id, &left), 0);
	CHECK(left.it_value.tv_sec == 0 && left.it_interval.tv_sec == 0);
	CHECK_EQUAL(delete(id), 0);
}

static void overruns(void)
{
	int id;
	/* Without an event: SIGALRM with the timer's number. */
	CHECK_EQUAL(create(CLOCK_MONOTONIC, NULL, &id), 0);
	sigset_t blocked;
	sigemptyset(&blocked), sigaddset(&blocked, SIGALRM);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	struct itimerspec spec = in_ms(5, 5), left;
	int64_t start = now_ns();
	CHECK_EQUAL(set(id, 0, &spec, NULL), 0);
	sleep_ms(53);
	CHECK_EQUAL(get(id, &left), 0);
	CHECK(left.it_value.tv_nsec <= 5000000 && left.it_interval.tv_nsec == 5000000);
	siginfo_t info;
	CHECK_EQUAL(sigwaitinfo(&blocked, &info), SIGALRM);
	int64_t passed = (now_ns() - start) / 5000000;
	CHECK_EQUAL(info.si_code, SI_TIMER);
	CHECK_EQUAL(info.si_value.sival_int, id);
	CHECK(info.si_overrun >= 9 && info.si_overrun < passed);
	CHECK_EQUAL(overrun(id), info.si_overrun);
	/* It goes on after the signal was taken. */
	CHECK_EQUAL(sigwaitinfo(&blocked, &info), SIGALRM);
	spec = in_ms(0, 0);
	CHECK_EQUAL(set(id, 0, &spec, NULL), 0);
	struct timespec now = { 0 };
	while (sigtimedwait(&blocked, &info, &now) > 0)
		;
	/* While its signal is ignored it runs on, and sends again when it no longer is. */
	CHECK(signal(SIGALRM, SIG_IGN) != SIG_ERR);
	CHECK_EQUAL(sigprocmask(SIG_UNBLOCK, &blocked, NULL), 0);
	spec = in_ms(3, 3);
	CHECK_EQUAL(set(id, 0, &spec, NULL), 0);
	sleep_ms(20);
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	count = 0;
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	while (count < 5)
		sleep_ms(1);
	CHECK_EQUAL(delete(id), 0);
}

static void silent(void)
{
	int id;
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	CHECK_EQUAL(create(CLOCK_MONOTONIC, &event, &id), 0);
	struct itimerspec spec = in_ms(10, 0), left;
	CHECK_EQUAL(set(id, 0, &spec, NULL), 0);
	sleep_ms(20);
	CHECK_EQUAL(get(id, &left), 0);
	CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
	spec = in_ms(10, 1000);
	CHECK_EQUAL(set(id, 0, &spec, NULL), 0);
	sleep_ms(20);
	CHECK_EQUAL(get(id, &left), 0);
	CHECK(left.it_value.tv_nsec > 0 && left.it_interval.tv_sec == 1);
	CHECK_EQUAL(delete(id), 0);
}

static volatile int is_over;
static volatile pid_t other;

static void *waits(void *unused)
{
	other = gettid();
	while (!is_over)
		sleep_ms(5);
	return unused;
}

static void to_thread(void)
{
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, waits, NULL), 0);
	while (!other)
		sleep_ms(1);
	int id;
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 2 };
	event.sigev_notify_thread_id = other;
	CHECK_EQUAL(create(CLOCK_MONOTONIC, &event, &id), 0);
	struct itimerspec spec = in_ms(2, 2);
	count = 0;
	CHECK_EQUAL(set(id, 0, &spec, NULL), 0);
	while (count < 10)
		sleep_ms(1);
	CHECK_EQUAL(taker, other);
	is_over = 1;
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	/* Nobody is left to tell. */
	int before = count;
	sleep_ms(20);
	CHECK_EQUAL(count, before);
	CHECK_EQUAL(delete(id), 0);
}

static void limits_and_children(void)
{
	pid_t child = fork();
	if (child == 0) {
		struct rlimit few = { 3, 3 };
		/* Another user's timers would count too. */
		CHECK_EQUAL(setgid(54321), 0);
		CHECK_EQUAL(setuid(54321), 0);
		CHECK_EQUAL(setrlimit(RLIMIT_SIGPENDING, &few), 0);
		int id[4];
		for (int index = 0; index < 3; index++)
			CHECK_EQUAL(create(CLOCK_MONOTONIC, NULL, &id[index]), 0);
		CHECK_ERRNO(create(CLOCK_MONOTONIC, NULL, &id[3]), EAGAIN);
		CHECK_EQUAL(delete(id[1]), 0);
		CHECK_EQUAL(create(CLOCK_MONOTONIC, NULL, &id[3]), 0);
		/* Queued signals share the limit. */
		union sigval value = { 0 };
		CHECK_ERRNO(sigqueue(getpid(), SIGRTMIN, value), EAGAIN);
		_exit(0);
	}
	if (is_superuser())
		CHECK_EXITS(child, 0);
	else
		wait_status(child);
	int id;
	CHECK_EQUAL(create(CLOCK_MONOTONIC, NULL, &id), 0);
	child = fork();
	if (child == 0) {
		struct itimerspec left;
		CHECK_ERRNO(get(id, &left), EINVAL);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(delete(id), 0);
}

/* Timers end with the program that made them. */
static void exec_ends_them(void)
{
	pid_t child = fork();
	if (child == 0) {
		int id;
		char text[12];
		CHECK_EQUAL(create(CLOCK_MONOTONIC, NULL, &id), 0);
		snprintf(text, sizeof text, "%d", id);
		execl("/proc/self/exe", "posix_timer_test", text, NULL);
		_exit(9);
	}
	CHECK_EXITS(child, 0);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		struct itimerspec left;
		CHECK_ERRNO(get(atoi(argv[1]), &left), EINVAL);
		return 0;
	}
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	CHECK_EQUAL(sigaction(SIGRTMIN + 2, &action, NULL), 0);
	errors();
	once(CLOCK_MONOTONIC);
	once(CLOCK_REALTIME);
	once(CLOCK_BOOTTIME);
	overruns();
	silent();
	to_thread();
	limits_and_children();
	exec_ends_them();
	return 0;
}
