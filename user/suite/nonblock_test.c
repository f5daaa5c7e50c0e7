/* O_NONBLOCK on pipes: EAGAIN when empty and when full at 64 KiB, set and cleared by F_SETFL, and never a wait. */
#include "suite.h"

int main(void)
{
	int ends[2];
	static char bytes[65536];
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_EQUAL(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	CHECK_ERRNO(read(ends[0], bytes, 1), EAGAIN);
	CHECK_EQUAL(write(ends[1], bytes, sizeof bytes), (ssize_t)sizeof bytes);
	CHECK_ERRNO(write(ends[1], bytes, 1), EAGAIN);
	CHECK_ERRNO(write(ends[1], bytes, sizeof bytes), EAGAIN);
	/* A page's worth of room, and then none again. */
	CHECK_EQUAL(read(ends[0], bytes, 4096), 4096);
	CHECK_EQUAL(write(ends[1], bytes, 4096), 4096);
	CHECK_ERRNO(write(ends[1], bytes, 1), EAGAIN);
	size_t drained = 0;
	for (ssize_t got; (got = read(ends[0], bytes, 1000)) > 0;)
		drained += (size_t)got;
	CHECK_EQUAL(errno, EAGAIN);
	CHECK_EQUAL(drained, 65536);
	/* Without the flag the same read waits. */
	CHECK_EQUAL(fcntl(ends[0], F_SETFL, 0), 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
	pid_t child = fork();
	if (child == 0) {
		sleep_ms(30);
		CHECK_EQUAL(write(ends[1], "z", 1), 1);
		_exit(0);
	}
	CHECK_EQUAL(read(ends[0], bytes, 10), 1);
	CHECK_EXITS(child, 0);
	/* End of file is 0, not EAGAIN. */
	CHECK_EQUAL(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_EQUAL(close(ends[1]), 0);
	CHECK_EQUAL(read(ends[0], bytes, 10), 0);
	return 0;
}
