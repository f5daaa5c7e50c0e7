/* select: the same as poll by sets of descriptors: readable, writable, end of file, bad ones, many of them, time-outs. */
#include "suite.h"
#include <sys/select.h>

int main(void)
{
	enum { PIPES = 100 };
	int ends[PIPES][2], highest = 0;
	for (int i = 0; i < PIPES; i++) {
		CHECK_EQUAL(pipe(ends[i]), 0);
		if (ends[i][1] > highest)
			highest = ends[i][1];
	}
	fd_set reading, writing, odd;
	struct timeval none = { 0, 0 };
#define CLEAR() (void)({ FD_ZERO(&reading); FD_ZERO(&writing); FD_ZERO(&odd); })
	CLEAR();
	for (int i = 0; i < PIPES; i++) {
		FD_SET(ends[i][0], &reading);
		FD_SET(ends[i][0], &odd);
		FD_SET(ends[i][1], &writing);
	}
	CHECK_EQUAL(select(highest + 1, &reading, &writing, &odd, &none), PIPES);
	for (int i = 0; i < PIPES; i++)
		CHECK(!FD_ISSET(ends[i][0], &reading) && FD_ISSET(ends[i][1], &writing) && !FD_ISSET(ends[i][0], &odd));
	for (int i = 0; i < PIPES; i += 3)
		CHECK_EQUAL(write(ends[i][1], "x", 1), 1);
	CLEAR();
	for (int i = 0; i < PIPES; i++)
		FD_SET(ends[i][0], &reading);
	CHECK_EQUAL(select(highest + 1, &reading, NULL, NULL, NULL), (PIPES + 2) / 3);
	for (int i = 0; i < PIPES; i++)
		CHECK_EQUAL(!!FD_ISSET(ends[i][0], &reading), i % 3 == 0);
	/* Descriptors at or above the count are not looked at. */
	CLEAR();
	FD_SET(ends[0][0], &reading);
	FD_SET(ends[99][0], &reading);
	CHECK_EQUAL(select(ends[0][0] + 1, &reading, NULL, NULL, &none), 1);
	/* Full for writing, end of file for reading. */
	static char bytes[65536];
	CHECK_EQUAL(write(ends[1][1], bytes, sizeof bytes), (ssize_t)sizeof bytes);
	CHECK_EQUAL(close(ends[2][1]), 0);
	CLEAR();
	FD_SET(ends[1][1], &writing);
	FD_SET(ends[2][0], &reading);
	CHECK_EQUAL(select(highest + 1, &reading, &writing, NULL, &none), 1);
	CHECK(!FD_ISSET(ends[1][1], &writing) && FD_ISSET(ends[2][0], &reading));
	/* Time passes, and what is left of it is told. */
	struct timeval patience = { 0, 50000 };
	int64_t start = now_ns();
	CHECK_EQUAL(select(0, NULL, NULL, NULL, &patience), 0);
	CHECK(now_ns() - start >= 50000000);
	CHECK(patience.tv_sec == 0 && patience.tv_usec == 0);
	/* Woken by another process. */
	pid_t child = fork();
	if (child == 0) {
		sleep_ms(30);
		CHECK_EQUAL(write(ends[4][1], "y", 1), 1);
		_exit(0);
	}
	CLEAR();
	FD_SET(ends[4][0], &reading);
	FD_SET(ends[5][0], &reading);
	patience = (struct timeval){ 100, 0 };
	CHECK_EQUAL(select(highest + 1, &reading, NULL, NULL, &patience), 1);
	CHECK(FD_ISSET(ends[4][0], &reading) && !FD_ISSET(ends[5][0], &reading));
	CHECK(patience.tv_sec < 100);
	CHECK_EXITS(child, 0);
	/* Errors leave nothing to guess. */
	CLEAR();
	FD_SET(highest + 50, &reading);
	CHECK_ERRNO(select(highest + 51, &reading, NULL, NULL, &none), EBADF);
	CHECK_ERRNO(select(-1, NULL, NULL, NULL, &none), EINVAL);
	patience = (struct timeval){ -1, 0 };
	CHECK_ERRNO(select(0, NULL, NULL, NULL, &patience), EINVAL);
	return 0;
}
