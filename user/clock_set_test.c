/* Setting the wall clock. Without an argument: it is refused to a process without the right to, to which the clock is set as it is.
 * With `set`, for a machine of our own, whose clock jumps: timers and sleeps by absolute wall-clock time follow it, others do not
 * notice, and a timerfd that asked for it is cancelled. */
#include "check.h"
#include <poll.h>
#include <sys/time.h>
#include <sys/timerfd.h>

static void shift(int seconds)
{
	struct timespec now;
	CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &now), 0);
	now.tv_sec += seconds;
	CHECK_EQUAL(clock_settime(CLOCK_REALTIME, &now), 0);
}

static void check_refused(void)
{
	pid_t child = fork();
	if (child == 0) {
		struct timespec now;
		/* Where there are no other users, nobody can be refused. */
		if (getuid() == 0 && setuid(5) != 0)
			_exit(0);
		CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &now), 0);
		CHECK_ERRNO(clock_settime(CLOCK_REALTIME, &now), EPERM);
		struct timeval same = { now.tv_sec, now.tv_nsec / 1000 };
		CHECK_ERRNO(settimeofday(&same, NULL), EPERM);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
}

static int timer_at(int seconds, int flags)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct itimerspec spec = { 0 };
	CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &spec.it_value), 0);
	if (flags & TFD_TIMER_ABSTIME)
		spec.it_value.tv_sec += seconds;
	else
		spec.it_value.tv_sec = seconds, spec.it_value.tv_nsec = 0;
	CHECK_EQUAL(timerfd_settime(fd, flags, &spec, NULL), 0);
	return fd;
}

static int is_ready(int fd, int timeout)
{
	struct pollfd watched = { fd, POLLIN, 0 };
	return poll(&watched, 1, timeout);
}

static void check_followed(void)
{
	uint64_t count;
	int absolute = timer_at(1000, TFD_TIMER_ABSTIME), relative = timer_at(1000, 0);
	int cancelled = timer_at(1000, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
	pid_t sleeper = fork();
	if (sleeper == 0) {
		struct timespec until;
		CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &until), 0);
		until.tv_sec += 1000;
		_exit(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL));
	}
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGRTMIN);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	struct sigevent event = { .sigev_signo = SIGRTMIN };
	timer_t timer;
	CHECK_EQUAL(timer_create(CLOCK_REALTIME, &event, &timer), 0);
	struct itimerspec spec = { 0 };
	CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &spec.it_value), 0);
	spec.it_value.tv_sec += 1000;
	CHECK_EQUAL(timer_settime(timer, TIMER_ABSTIME, &spec, NULL), 0);
	sleep_ms(50);
	CHECK_EQUAL(is_ready(absolute, 0), 0);
	int64_t before = now_ns();
	shift(2000);
	CHECK_EQUAL(is_ready(absolute, -1), 1);
	CHECK_EQUAL(read(absolute, &count, 8), 8);
	CHECK_EQUAL(is_ready(relative, 0), 0);
	CHECK_EQUAL(is_ready(cancelled, -1), 1);
	CHECK_ERRNO(read(cancelled, &count, 8), ECANCELED);
	CHECK_EQUAL(sigwaitinfo(&set, NULL), SIGRTMIN);
	CHECK_EXITS(sleeper, 0);
	CHECK(now_ns() - before < 900000000000LL);
	shift(-2000);
	CHECK_ERRNO(read(absolute, &count, 8), EAGAIN);
	CHECK_EQUAL(timer_delete(timer), 0);
}

int main(int argc, char **argv)
{
	check_refused();
	if (argc > 1 && !strcmp(argv[1], "set"))
		check_followed();
	return 0;
}
