/* How much a pipe holds, changed while it has something in it, and pipes that keep messages apart (O_DIRECT). */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>

static char bytes[1 << 20], found[1 << 20];

/* Writes until it would have to wait; answers how much. */
static long fill(int fd, int part)
{
	long total = 0;
	ssize_t written;
	while ((written = write(fd, bytes, part)) > 0)
		total += written;
	CHECK_EQUAL(errno, EAGAIN);
	return total;
}

int main(void)
{
	int ends[2], file = memfd_create("pipe_size_test", 0);
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = i * 7 + i / 4096;
	CHECK_ERRNO(fcntl(file, F_GETPIPE_SZ), EBADF);
	CHECK_ERRNO(fcntl(file, F_SETPIPE_SZ, 4096), EBADF);
	CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETPIPE_SZ), 65536);
	CHECK_EQUAL(fill(ends[1], 4096), 65536);
	CHECK_EQUAL(fcntl(ends[1], F_SETPIPE_SZ, 200000), 262144);
	CHECK_EQUAL(fcntl(ends[0], F_GETPIPE_SZ), 262144);
	struct pollfd watched = { .fd = ends[1], .events = POLLOUT };
	CHECK_EQUAL(poll(&watched, 1, 0), 1);
	/* What was in it is there still, and in order. */
	CHECK_EQUAL(fill(ends[1], 4096), 262144 - 65536);
	CHECK_EQUAL(poll(&watched, 1, 0), 0);
	CHECK_ERRNO(fcntl(ends[1], F_SETPIPE_SZ, 131072), EBUSY);
	for (int i = 0; i < 48; i++) {
		CHECK_EQUAL(read(ends[0], found, 4096), 4096);
		CHECK(memcmp(found, bytes, 4096) == 0);
	}
	CHECK_EQUAL(fcntl(ends[1], F_SETPIPE_SZ, 65536), 65536);
	int count = 0;
	CHECK_EQUAL(ioctl(ends[0], FIONREAD, &count), 0);
	CHECK_EQUAL(count, 65536);
	CHECK_EQUAL(poll(&watched, 1, 0), 0);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 65536);
	CHECK(memcmp(found, bytes, 4096) == 0 && memcmp(found + 61440, bytes, 4096) == 0);
	CHECK_EQUAL(fcntl(ends[1], F_SETPIPE_SZ, 1), 4096);
	CHECK_EQUAL(fill(ends[1], 4096), 4096);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 4096);
	CHECK_EQUAL(fcntl(ends[1], F_SETPIPE_SZ, 4097), 8192);
	CHECK_ERRNO(fcntl(ends[1], F_SETPIPE_SZ, -1), EINVAL);
	if (is_superuser()) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			CHECK_EQUAL(setresuid(4321, 4321, 4321), 0);
			CHECK_ERRNO(fcntl(ends[1], F_SETPIPE_SZ, 1 << 21), EPERM);
			_exit(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) != 1 << 20);
		}
		CHECK_EXITS(child, 0);
	}
	CHECK_EQUAL(close(ends[0]) | close(ends[1]), 0);
	/* A writer that waits goes on when the pipe is made larger. */
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(write(ends[1], bytes, 100000), 100000);
		_exit(0);
	}
	sleep_ms(30);
	CHECK_EQUAL(fcntl(ends[0], F_SETPIPE_SZ, 131072), 131072);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 100000);
	CHECK(memcmp(found, bytes, 100000) == 0);
	CHECK_EQUAL(close(ends[0]) | close(ends[1]), 0);

	/* Packets. */
	CHECK_EQUAL(pipe2(ends, O_DIRECT | O_NONBLOCK), 0);
	CHECK_EQUAL(write(ends[1], "abc", 3), 3);
	CHECK_EQUAL(write(ends[1], "defgh", 5), 5);
	CHECK_EQUAL(write(ends[1], "ij", 2), 2);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 3);
	CHECK_EQUAL(read(ends[0], found, 2), 2);
	CHECK(memcmp(found, "de", 2) == 0);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 2);
	CHECK(memcmp(found, "ij", 2) == 0);
	CHECK_ERRNO(read(ends[0], found, 1), EAGAIN);
	/* A long write becomes several; each takes a page's place. */
	CHECK_EQUAL(write(ends[1], bytes, 10000), 10000);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 4096);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 4096);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 1808);
	CHECK_EQUAL(fill(ends[1], 1), 16);
	watched.fd = ends[1];
	CHECK_EQUAL(poll(&watched, 1, 0), 0);
	for (int i = 0; i < 16; i++)
		CHECK_EQUAL(read(ends[0], found, sizeof found), 1);
	CHECK_EQUAL(poll(&watched, 1, 0), 1);
	/* Switched off and on again. */
	CHECK_EQUAL(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	CHECK_EQUAL(write(ends[1], "ab", 2) + write(ends[1], "cd", 2), 4);
	CHECK_EQUAL(fcntl(ends[1], F_SETFL, O_NONBLOCK | O_DIRECT), 0);
	CHECK_EQUAL(write(ends[1], "ef", 2) + write(ends[1], "gh", 2), 4);
	CHECK_EQUAL(read(ends[0], found, 3), 3);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 5);
	CHECK(found[0] == 'd' || found[0] == 'b');
	CHECK_EQUAL(write(ends[1], "kl", 2), 2);
	CHECK_EQUAL(write(ends[1], "mn", 2), 2);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 2);
	CHECK(memcmp(found, "kl", 2) == 0);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 2);
	CHECK_EQUAL(close(ends[1]), 0);
	CHECK_EQUAL(read(ends[0], found, sizeof found), 0);
	return 0;
}
