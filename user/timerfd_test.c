/* timerfd: flags and errors, one-shot and periodic counts, absolute times on each clock, what is left, poll, select and
 * epoll (level and edge), a blocking read that a signal interrupts, and use after fork. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/time.h>

static const struct timespec none;

static struct itimerspec in_ms(long value, long interval)
{
	struct itimerspec spec = {
		.it_value = { value / 1000, value % 1000 * 1000000 },
		.it_interval = { interval / 1000, interval % 1000 * 1000000 },
	};
	return spec;
}

static int is_ready(int fd, int timeout_ms)
{
	struct pollfd watched = { fd, POLLIN | POLLOUT, 0 };
	int count = poll(&watched, 1, timeout_ms);
	CHECK(count >= 0);
	CHECK(count == 0 || watched.revents == POLLIN);
	return count;
}

static uint64_t expirations(int fd)
{
	uint64_t count = 0;
	CHECK_EQUAL(read(fd, &count, sizeof count), 8);
	return count;
}

static void errors(void)
{
	struct itimerspec spec = in_ms(10, 0), old;
	uint64_t count;
	CHECK_ERRNO(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC_RAW, 0), EINVAL);
	CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	CHECK_ERRNO(timerfd_create(77, 0), EINVAL);
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_NONBLOCK | O_RDWR);
	CHECK_ERRNO(read(fd, &count, 8), EAGAIN);
	CHECK_ERRNO(read(fd, &count, 7), EINVAL);
	CHECK_ERRNO(write(fd, &count, 8), EINVAL);
	CHECK_ERRNO(timerfd_settime(fd, 4, &spec, NULL), EINVAL);
	CHECK_ERRNO(timerfd_settime(fd, 0, (void *)8, NULL), EFAULT);
	CHECK_ERRNO(timerfd_settime(99, 0, &spec, NULL), EBADF);
	CHECK_ERRNO(timerfd_gettime(0, &old), EINVAL);
	spec.it_value.tv_nsec = 1000000000;
	CHECK_ERRNO(timerfd_settime(fd, 0, &spec, NULL), EINVAL);
	spec = in_ms(10, 0);
	spec.it_interval.tv_sec = -1;
	CHECK_ERRNO(timerfd_settime(fd, 0, &spec, NULL), EINVAL);
	CHECK_EQUAL(timerfd_gettime(fd, &old), 0);
	CHECK(memcmp(&old.it_value, &none, sizeof none) == 0);
	close(fd);
}

static void once_and_periodic(int clock)
{
	int fd = timerfd_create(clock, 0);
	CHECK(fd >= 0);
	struct itimerspec spec = in_ms(30, 0), old;
	int64_t start = now_ns();
	CHECK_EQUAL(timerfd_settime(fd, 0, &spec, &old), 0);
	CHECK(memcmp(&old.it_value, &none, sizeof none) == 0);
	CHECK_EQUAL(timerfd_gettime(fd, &old), 0);
	CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_nsec <= 30000000);
	CHECK_EQUAL(expirations(fd), 1);
	CHECK(now_ns() - start >= 30000000);
	CHECK_EQUAL(timerfd_gettime(fd, &old), 0);
	CHECK(memcmp(&old.it_value, &none, sizeof none) == 0);
	CHECK_EQUAL(is_ready(fd, 0), 0);

	/* Periods that nobody reads are counted. */
	spec = in_ms(5, 5);
	start = now_ns();
	CHECK_EQUAL(timerfd_settime(fd, 0, &spec, NULL), 0);
	sleep_ms(52);
	uint64_t count = expirations(fd);
	int64_t passed = (now_ns() - start) / 5000000;
	CHECK(count >= 10 && (int64_t)count <= passed);
	CHECK_EQUAL(timerfd_gettime(fd, &old), 0);
	CHECK_EQUAL(old.it_interval.tv_nsec, 5000000);
	CHECK(old.it_value.tv_nsec <= 5000000);
	count += expirations(fd);
	CHECK((int64_t)count <= (now_ns() - start) / 5000000);

	/* A new setting forgets what has not been read; zero stops it and keeps the period as told. */
	sleep_ms(12);
	CHECK_EQUAL(is_ready(fd, 0), 1);
	spec = in_ms(0, 7);
	CHECK_EQUAL(timerfd_settime(fd, 0, &spec, &old), 0);
	CHECK_EQUAL(old.it_interval.tv_nsec, 5000000);
	CHECK_EQUAL(is_ready(fd, 20), 0);
	CHECK_EQUAL(timerfd_gettime(fd, &old), 0);
	CHECK_EQUAL(old.it_interval.tv_nsec, 7000000);
	close(fd);
}

static void absolute(int clock)
{
	int fd = timerfd_create(clock, TFD_NONBLOCK);
	struct itimerspec spec = { 0 }, left;
	CHECK_EQUAL(clock_gettime(clock, &spec.it_value), 0);
	spec.it_value.tv_sec += 1000;
	CHECK_EQUAL(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL), 0);
	CHECK_EQUAL(timerfd_gettime(fd, &left), 0);
	CHECK(left.it_value.tv_sec >= 990 && left.it_value.tv_sec <= 1000);
	CHECK_EQUAL(is_ready(fd, 0), 0);
	/* A time that has passed is due at once, and periods from it are counted. */
	spec.it_value.tv_sec -= 1002;
	if (spec.it_value.tv_sec < 0)
		spec.it_value.tv_sec = 0, spec.it_value.tv_nsec = 1;
	spec.it_interval.tv_sec = 3000;
	CHECK_EQUAL(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL), 0);
	CHECK_EQUAL(is_ready(fd, 1000), 1);
	CHECK_EQUAL(expirations(fd), 1);
	CHECK_EQUAL(clock_gettime(clock, &spec.it_value), 0);
	spec.it_value.tv_nsec += 20000000;
	if (spec.it_value.tv_nsec >= 1000000000)
		spec.it_value.tv_sec++, spec.it_value.tv_nsec -= 1000000000;
	spec.it_interval.tv_sec = 0;
	CHECK_EQUAL(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL), 0);
	CHECK_EQUAL(is_ready(fd, -1), 1);
	struct timespec now;
	CHECK_EQUAL(clock_gettime(clock, &now), 0);
	CHECK(now.tv_sec > spec.it_value.tv_sec ||
	      (now.tv_sec == spec.it_value.tv_sec && now.tv_nsec >= spec.it_value.tv_nsec));
	CHECK_EQUAL(expirations(fd), 1);
	close(fd);
}

static void by_epoll(void)
{
	int set = epoll_create1(0), level = timerfd_create(CLOCK_MONOTONIC, 0), edge = timerfd_create(CLOCK_MONOTONIC, 0);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = level }, found[2];
	CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, level, &event), 0);
	event.events = EPOLLIN | EPOLLET, event.data.fd = edge;
	CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, edge, &event), 0);
	CHECK_EQUAL(epoll_wait(set, found, 2, 0), 0);
	struct itimerspec spec = in_ms(10, 10);
	CHECK_EQUAL(timerfd_settime(level, 0, &spec, NULL), 0);
	CHECK_EQUAL(epoll_wait(set, found, 2, -1), 1);
	CHECK_EQUAL(found[0].data.fd, level);
	CHECK_EQUAL(epoll_wait(set, found, 2, -1), 1);
	CHECK(expirations(level) >= 1);
	spec = in_ms(0, 0);
	CHECK_EQUAL(timerfd_settime(level, 0, &spec, NULL), 0);
	/* An edge is told once, until the timer is read. */
	spec = in_ms(5, 5);
	CHECK_EQUAL(timerfd_settime(edge, 0, &spec, NULL), 0);
	CHECK_EQUAL(epoll_wait(set, found, 2, -1), 1);
	CHECK_EQUAL(found[0].data.fd, edge);
	CHECK_EQUAL(epoll_wait(set, found, 2, 30), 0);
	CHECK(expirations(edge) >= 1);
	CHECK_EQUAL(epoll_wait(set, found, 2, -1), 1);
	close(set), close(level), close(edge);
}

static void nothing(int number) { (void)number; }

static void interrupted(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct sigaction action = { .sa_handler = nothing };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	struct itimerval soon = { .it_value.tv_usec = 20000 };
	CHECK_EQUAL(setitimer(ITIMER_REAL, &soon, NULL), 0);
	uint64_t count;
	CHECK_ERRNO(read(fd, &count, 8), EINTR);
	/* With SA_RESTART the read goes on until the timer expires. */
	action.sa_flags = SA_RESTART;
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	struct itimerspec spec = in_ms(100, 0);
	CHECK_EQUAL(timerfd_settime(fd, 0, &spec, NULL), 0);
	CHECK_EQUAL(setitimer(ITIMER_REAL, &soon, NULL), 0);
	CHECK_EQUAL(expirations(fd), 1);
	/* Parent and child share the timer. */
	CHECK_EQUAL(timerfd_settime(fd, 0, &spec, NULL), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(expirations(fd) == 1 ? 0 : 1);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(is_ready(fd, 0), 0);
	close(fd);
}

int main(void)
{
	errors();
	once_and_periodic(CLOCK_MONOTONIC);
	once_and_periodic(CLOCK_REALTIME);
	absolute(CLOCK_MONOTONIC);
	absolute(CLOCK_REALTIME);
	absolute(CLOCK_BOOTTIME);
	by_epoll();
	interrupted();
	return 0;
}
