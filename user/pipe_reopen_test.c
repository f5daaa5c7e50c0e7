/* Opening the end of a pipe anew by way of /proc/self/fd, as shells' process substitution has programs do: it never waits for the other
 * end, whether that is there or gone; it is an end of its own, of the kind that was asked for. */
#include "check.h"

static int again(int fd, int flags)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, flags);
}

int main(void)
{
	int ends[2];
	char text[16];
	/* The writer wrote and is gone. */
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(write(ends[1], "left", 4), 4);
	CHECK_EQUAL(close(ends[1]), 0);
	int reader = again(ends[0], O_RDONLY);
	CHECK(reader >= 0);
	CHECK_EQUAL(read(reader, text, sizeof text), 4);
	CHECK_EQUAL(read(reader, text, sizeof text), 0);
	/* A new writer, from the reading end's name; an end of file only when it is closed. */
	int writer = again(ends[0], O_WRONLY);
	CHECK(writer >= 0);
	CHECK_EQUAL(write(writer, "more", 4), 4);
	CHECK_ERRNO(read(writer, text, 1), EBADF);
	CHECK_EQUAL(read(ends[0], text, sizeof text), 4);
	CHECK_EQUAL(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
	CHECK_ERRNO(read(reader, text, 1), EAGAIN);
	CHECK_EQUAL(close(writer), 0);
	CHECK_EQUAL(read(reader, text, 1), 0);
	CHECK_EQUAL(close(reader), 0);
	CHECK_EQUAL(close(ends[0]), 0);
	/* The reader is gone: opening for writing does not wait, writing is refused. */
	signal(SIGPIPE, SIG_IGN);
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(close(ends[0]), 0);
	writer = again(ends[1], O_WRONLY);
	CHECK(writer >= 0);
	CHECK_ERRNO(write(writer, "x", 1), EPIPE);
	CHECK_EQUAL(close(writer), 0);
	writer = again(ends[1], O_WRONLY | O_NONBLOCK);
	CHECK(writer >= 0);
	return 0;
}
