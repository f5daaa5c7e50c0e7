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
