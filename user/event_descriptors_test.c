/* eventfd's counter: full, empty, as a semaphore, and who sleeps at it; EPOLLEXCLUSIVE: one event wakes one of those that wait for it;
 * close_range with its flags. */
#include "check.h"
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int ready(int fd)
{
	struct pollfd watched = { fd, POLLIN | POLLOUT, 0 };
	CHECK(poll(&watched, 1, 0) >= 0);
	return watched.revents;
}

static long add(int fd, uint64_t value) { return write(fd, &value, 8); }

static uint64_t take(int fd)
{
	uint64_t value = 0;
	CHECK_EQUAL(read(fd, &value, 8), 8);
	return value;
}

static void check_counter(void)
{
	const uint64_t most = ~0ull - 1;
	char longer[32];
	uint64_t value;
	int fd = eventfd(7, EFD_NONBLOCK | EFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(ready(fd), POLLIN | POLLOUT);
	CHECK_EQUAL(add(fd, 5), 8);
	CHECK_EQUAL(take(fd), 12);
	CHECK_EQUAL(ready(fd), POLLOUT);
	CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
	CHECK_EQUAL(add(fd, 0), 8);
	CHECK_EQUAL(ready(fd), POLLOUT);
	CHECK_ERRNO(add(fd, ~0ull), EINVAL);
	CHECK_ERRNO(write(fd, &value, 4), EINVAL);
	CHECK_ERRNO(read(fd, &value, 4), EINVAL);
	CHECK_EQUAL(add(fd, most - 1), 8);
	CHECK_EQUAL(ready(fd), POLLIN | POLLOUT);
	CHECK_ERRNO(add(fd, 2), EAGAIN);
	CHECK_EQUAL(add(fd, 1), 8);
	CHECK_EQUAL(ready(fd), POLLIN);
	CHECK_ERRNO(add(fd, 1), EAGAIN);
	CHECK_EQUAL(read(fd, longer, sizeof longer), 8);
	memcpy(&value, longer, 8);
	CHECK(value == most);
	CHECK_EQUAL(close(fd), 0);

	fd = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	CHECK(fd >= 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(take(fd), 1);
	CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
	CHECK_EQUAL(close(fd), 0);

	/* A writer sleeps until there is room, a reader until there is something. */
	fd = eventfd(0, 0);
	CHECK(fd >= 0 && add(fd, most) == 8);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(add(fd, 9), 8);
		_exit(0);
	}
	wait_asleep(child);
	CHECK(take(fd) == most);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(take(fd), 9);
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(take(fd) == 4 ? 0 : 1);
	wait_asleep(child);
	CHECK_EQUAL(add(fd, 4), 8);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(close(fd), 0);
}

enum { WAITERS = 4 };

/* Waiters with a descriptor of epoll each, all for the same counter. Answers how many an event woke. */
static int woken_by_one_event(uint32_t flags)
{
	int fd = eventfd(0, EFD_NONBLOCK), said[2], number = 0;
	pid_t children[WAITERS];
	char bytes[WAITERS + 1];
	CHECK(fd >= 0 && pipe(said) == 0);
	for (int i = 0; i < WAITERS; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i] == 0) {
			struct epoll_event event = { .events = EPOLLIN | flags };
			int poller = epoll_create1(0);
			CHECK(poller >= 0 && epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0);
			CHECK_EQUAL(epoll_wait(poller, &event, 1, -1), 1);
			CHECK_EQUAL(write(said[1], "w", 1), 1);
			pause();
			_exit(0);
		}
		wait_asleep(children[i]);
	}
	CHECK_EQUAL(add(fd, 1), 8);
	/* Those who were woken say so; more than the first one are waited for a little, or until all have come. */
	CHECK_EQUAL(read(said[0], bytes, 1), 1);
	number = 1;
	struct pollfd more = { said[0], POLLIN, 0 };
	while (number < WAITERS && poll(&more, 1, flags ? 20 : -1) == 1) {
		ssize_t got = read(said[0], bytes, sizeof bytes);
		CHECK(got > 0);
		number += got;
	}
	for (int i = 0; i < WAITERS; i++) {
		CHECK_EQUAL(kill(children[i], SIGKILL), 0);
		CHECK_KILLED(children[i], SIGKILL);
	}
	CHECK_EQUAL(close(fd) | close(said[0]) | close(said[1]), 0);
	return number;
}

static void check_exclusive(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int poller = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(0, 0);
	CHECK(poller >= 0 && inner >= 0 && fd >= 0);
	CHECK_EQUAL(woken_by_one_event(0), WAITERS);
	CHECK_EQUAL(woken_by_one_event(EPOLLEXCLUSIVE), 1);
	CHECK_ERRNO(epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event), EINVAL);
	CHECK_EQUAL(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_ERRNO(epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event), EINVAL);
	event.events = EPOLLIN;
	CHECK_ERRNO(epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event), EINVAL);
	CHECK_EQUAL(epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL), 0);
	event.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
	CHECK_ERRNO(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event), EINVAL);
	event.events = EPOLLIN | EPOLLEXCLUSIVE;
	CHECK_ERRNO(epoll_ctl(poller, EPOLL_CTL_ADD, inner, &event), EINVAL);
	CHECK_EQUAL(close(poller) | close(inner) | close(fd), 0);
}

static long close_range_of(unsigned first, unsigned last, unsigned flags) { return syscall(SYS_close_range, first, last, flags); }

static int is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

/* Takes over the numbers from 100 to 103. */
static void open_four(void)
{
	for (int fd = 100; fd < 104; fd++)
		CHECK_EQUAL(dup2(0, fd), fd);
}

static char stack[65536] __attribute__((aligned(16)));

static int close_in_own_table(void *argument)
{
	(void)argument;
	CHECK_EQUAL(close_range_of(101, ~0u, 2 /* CLOSE_RANGE_UNSHARE */), 0);
	return is_open(100) && !is_open(101) && !is_open(103) ? 5 : 1;
}

static int close_in_shared_table(void *argument)
{
	(void)argument;
	CHECK_EQUAL(close_range_of(102, 102, 0), 0);
	return !is_open(102) ? 5 : 1;
}

static void check_close_range(void)
{
	open_four();
	/* An older Linux lacks it, and a container may refuse it. */
	if (close_range_of(101, 102, 0) < 0 && (errno == ENOSYS || errno == EPERM))
		return;
	CHECK(is_open(100) && !is_open(101) && !is_open(102) && is_open(103));
	CHECK_EQUAL(close_range_of(101, 102, 0), 0);
	CHECK_EQUAL(close_range_of(1000000, 2000000, 0), 0);
	CHECK_ERRNO(close_range_of(103, 100, 0), EINVAL);
	CHECK_ERRNO(close_range_of(100, 103, 0x80), EINVAL);
	CHECK(is_open(100) && is_open(103));
	CHECK_EQUAL(close_range_of(100, ~0u, 0), 0);
	CHECK(!is_open(100) && !is_open(103) && is_open(0));
	open_four();
	pid_t child = clone(close_in_own_table, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL);
	CHECK(child > 0);
	CHECK_EXITS(child, 5);
	CHECK(is_open(101) && is_open(103));
	child = clone(close_in_shared_table, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL);
	CHECK(child > 0);
	CHECK_EXITS(child, 5);
	CHECK(is_open(101) && !is_open(102) && is_open(103));
	/* Linux has CLOSE_RANGE_CLOEXEC since 5.11. */
	if (close_range_of(101, 102, 4) == 0) {
		CHECK_EQUAL(fcntl(100, F_GETFD), 0);
		CHECK_EQUAL(fcntl(101, F_GETFD), FD_CLOEXEC);
		CHECK_EQUAL(fcntl(103, F_GETFD), 0);
		CHECK(!is_open(102));
	} else
		CHECK_EQUAL(errno, EINVAL);
	CHECK_EQUAL(close_range_of(100, 103, 0), 0);
}

int main(void)
{
	check_counter();
	check_exclusive();
	check_close_range();
	return 0;
}
