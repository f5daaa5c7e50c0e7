/* poll, ppoll, select: readiness, hang-up, bad descriptors, time-outs, waking from sleep. */
#include "../check.h"
#include <poll.h>
#include <sys/select.h>

int main(void)
{
	int ends[2], other[2];
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(pipe(other), 0);
	struct pollfd polled[4] = { { ends[0], POLLIN, 0 }, { ends[1], POLLOUT, 0 }, { 999, POLLIN, 0 }, { -1, POLLIN, 77 } };
	CHECK_EQUAL(poll(polled, 4, 1000), 2);
	CHECK_EQUAL(polled[0].revents, 0);
	CHECK_EQUAL(polled[1].revents, POLLOUT);
	CHECK_EQUAL(polled[2].revents, POLLNVAL);
	CHECK_EQUAL(polled[3].revents, 0);
	int64_t start = now_ns();
	CHECK_EQUAL(poll(polled, 1, 50), 0);
	CHECK(now_ns() - start >= 50000000);
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	CHECK_EQUAL(poll(polled, 1, -1), 1);
	CHECK_EQUAL(polled[0].revents, POLLIN);
	char byte;
	CHECK_EQUAL(read(ends[0], &byte, 1), 1);
	/* ppoll: the same with a finer time, of which the call itself (not the C library's function) writes back what is left. */
	struct timespec fine = { 0, 50000000 };
	start = now_ns();
	CHECK_EQUAL(ppoll(polled, 1, &fine, NULL), 0);
	CHECK(now_ns() - start >= 50000000);
	CHECK_EQUAL(ppoll(polled, 4, NULL, NULL), 2);
	CHECK(polled[1].revents == POLLOUT && polled[2].revents == POLLNVAL);
	fine = (struct timespec){ 1000, 0 };
	CHECK_EQUAL(syscall(SYS_ppoll, polled, 2, &fine, NULL, 8), 1);
	CHECK(fine.tv_sec > 0 && fine.tv_sec < 1000 && fine.tv_nsec < 1000000000);
	fine = (struct timespec){ 0, 30000000 };
	CHECK_EQUAL(syscall(SYS_ppoll, polled, 1, &fine, NULL, 8), 0);
	CHECK(fine.tv_sec == 0 && fine.tv_nsec == 0);
	fine.tv_nsec = 1000000000;
	CHECK_ERRNO(ppoll(polled, 1, &fine, NULL), EINVAL);
	fine = (struct timespec){ -1, 0 };
	CHECK_ERRNO(ppoll(polled, 1, &fine, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_ppoll, polled, 1, (void *)8, NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_ppoll, (void *)8, 1, NULL, NULL, 8), EFAULT);
	/* Asleep in poll on two pipes; the second one gets a byte. */
	pid_t child = fork();
	if (child == 0) {
		sleep_ms(50);
		CHECK_EQUAL(write(other[1], "y", 1), 1);
		_exit(0);
	}
	struct pollfd both[2] = { { ends[0], POLLIN, 0 }, { other[0], POLLIN, 0 } };
	CHECK_EQUAL(poll(both, 2, 10000), 1);
	CHECK_EQUAL(both[0].revents, 0);
	CHECK_EQUAL(both[1].revents, POLLIN);
	CHECK_EXITS(child, 0);
	close(ends[1]);
	CHECK_EQUAL(poll(polled, 1, -1), 1);
	CHECK_EQUAL(polled[0].revents, POLLHUP);
	/* select */
	fd_set reading, writing;
	FD_ZERO(&reading);
	FD_ZERO(&writing);
	FD_SET(other[0], &reading);
	FD_SET(ends[0], &reading);
	FD_SET(other[1], &writing);
	struct timeval patience = { 5, 0 };
	CHECK_EQUAL(select(100, &reading, &writing, NULL, &patience), 3);
	CHECK(FD_ISSET(other[0], &reading) && FD_ISSET(ends[0], &reading) && FD_ISSET(other[1], &writing));
	CHECK_EQUAL(read(other[0], &byte, 1), 1);
	FD_ZERO(&reading);
	FD_SET(other[0], &reading);
	patience = (struct timeval){ 0, 30000 };
	CHECK_EQUAL(select(100, &reading, NULL, NULL, &patience), 0);
	CHECK(!FD_ISSET(other[0], &reading));
	/* Linux looks only as far as the table of descriptors has room, and that is
	 * at least 64: a closed one below is an error, one above may be passed over. */
	CHECK(close(63) == 0 || errno == EBADF);
	FD_SET(63, &reading);
	CHECK_ERRNO(select(100, &reading, NULL, NULL, &patience), EBADF);
	/* A regular file is always ready. */
	struct pollfd file = { open("/proc/self/exe", O_RDONLY), POLLIN | POLLOUT, 0 };
	CHECK_EQUAL(poll(&file, 1, 0), 1);
	CHECK_EQUAL(file.revents, POLLIN | POLLOUT);
	return 0;
}
