/* Pipes: order, end of file, EPIPE and SIGPIPE, capacity, non-blocking ends, flags, errors. */
#include "../check.h"

int main(void)
{
	int ends[2];
	char bytes[100000], back[100000];
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(write(ends[1], "hello", 5), 5);
	CHECK_EQUAL(read(ends[0], back, 2), 2);
	CHECK_EQUAL(read(ends[0], back + 2, 100), 3);
	CHECK(memcmp(back, "hello", 5) == 0);
	CHECK_ERRNO(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(read(ends[1], back, 1), EBADF);
	CHECK_ERRNO(write(ends[0], back, 1), EBADF);
	struct stat status;
	CHECK_EQUAL(fstat(ends[0], &status), 0);
	CHECK(S_ISFIFO(status.st_mode));
	close(ends[1]);
	CHECK_EQUAL(read(ends[0], back, 1), 0);
	close(ends[0]);

	/* More than fits, in both directions of waiting. */
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		CHECK_EQUAL(write(ends[1], bytes, sizeof bytes), (ssize_t)sizeof bytes);
		_exit(0);
	}
	close(ends[1]);
	size_t got = 0;
	for (ssize_t n; (n = read(ends[0], back + got, sizeof back - got)) > 0;)
		got += (size_t)n;
	CHECK_EQUAL(got, sizeof bytes);
	CHECK(memcmp(bytes, back, sizeof bytes) == 0);
	CHECK_EXITS(child, 0);
	close(ends[0]);

	/* Capacity is 64 KiB; a full or empty non-blocking pipe answers EAGAIN. */
	CHECK_EQUAL(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	CHECK(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	CHECK_ERRNO(read(ends[0], back, 1), EAGAIN);
	size_t filled = 0;
	for (ssize_t n; (n = write(ends[1], bytes, 4096)) > 0;)
		filled += (size_t)n;
	CHECK_EQUAL(errno, EAGAIN);
	CHECK_EQUAL(filled, 65536);
	CHECK_EQUAL(fcntl(ends[0], F_GETPIPE_SZ), 65536);
	CHECK_EQUAL(read(ends[0], back, 4096), 4096);
	CHECK_EQUAL(write(ends[1], bytes, 5000), 4096);

	/* Nobody reads: EPIPE with SIGPIPE ignored, death without. */
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(write(ends[1], bytes, 1), EPIPE);
	child = fork();
	if (child == 0) {
		signal(SIGPIPE, SIG_DFL);
		(void)!write(ends[1], bytes, 1);
		_exit(0);
	}
	CHECK_KILLED(child, SIGPIPE);
	CHECK_ERRNO(pipe2(ends, 0x7), EINVAL);
	CHECK_ERRNO(syscall(SYS_pipe2, (int *)8, 0), EFAULT);
	return 0;
}
