/* Standard input: nothing there is EAGAIN when asked not to wait; data comes in order; the end is 0; a file, a pipe and /dev/null. */
#include "suite.h"
#include <poll.h>

int main(void)
{
	int ends[2];
	char text[32] = "";
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(dup2(ends[0], 0), 0);
	CHECK_EQUAL(fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK), 0);
	CHECK_ERRNO(read(0, text, 1), EAGAIN);
	struct pollfd input = { 0, POLLIN, 0 };
	CHECK_EQUAL(poll(&input, 1, 0), 0);
	CHECK_EQUAL(write(ends[1], "typed\nmore", 10), 10);
	CHECK_EQUAL(poll(&input, 1, 0), 1);
	CHECK_EQUAL(read(0, text, 6), 6);
	CHECK(memcmp(text, "typed\n", 6) == 0);
	CHECK_EQUAL(read(0, text, sizeof text), 4);
	CHECK_ERRNO(read(0, text, 1), EAGAIN);
	CHECK_EQUAL(fcntl(0, F_SETFL, 0), 0);
	pid_t child = fork();
	if (child == 0) {
		sleep_ms(20);
		CHECK_EQUAL(write(ends[1], "late", 4), 4);
		_exit(0);
	}
	CHECK_EQUAL(read(0, text, sizeof text), 4);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(close(ends[1]), 0);
	CHECK_EQUAL(read(0, text, sizeof text), 0);
	int file = open(fixture("/hello.txt"), O_RDONLY), null = open("/dev/null", O_RDONLY);
	CHECK_EQUAL(dup2(file, 0), 0);
	CHECK_EQUAL(read(0, text, sizeof text), 17);
	CHECK_EQUAL(read(0, text, sizeof text), 0);
	CHECK_EQUAL(dup2(null, 0), 0);
	CHECK_EQUAL(read(0, text, sizeof text), 0);
	CHECK_EQUAL(close(0), 0);
	CHECK_ERRNO(read(0, text, 1), EBADF);
	return 0;
}
