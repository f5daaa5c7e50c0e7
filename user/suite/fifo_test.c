/* FIFOs: opening waits for the other end, data, end of file, errors, poll, and atomic writes of many writers. */
#include "suite.h"
#include <poll.h>
#include <sys/ioctl.h>

#define NAME "fifo"

int main(void)
{
	char bytes[8192];
	struct stat status;
	const char *scratch = enter_scratch();
	CHECK_EQUAL(mkfifo(NAME, 0600), 0);
	CHECK_ERRNO(mkfifo(NAME, 0600), EEXIST);
	CHECK_EQUAL(stat(NAME, &status), 0);
	CHECK(S_ISFIFO(status.st_mode));
	CHECK_ERRNO(open(NAME, O_WRONLY | O_NONBLOCK), ENXIO);
	/* A reader that does not wait, then a writer. */
	int reader = open(NAME, O_RDONLY | O_NONBLOCK);
	CHECK(reader >= 0);
	CHECK_EQUAL(read(reader, bytes, 1), 0);
	struct pollfd poller = { reader, POLLIN, 0 };
	CHECK_EQUAL(poll(&poller, 1, 0), 0);
	int writer = open(NAME, O_WRONLY | O_NONBLOCK);
	CHECK(writer >= 0);
	CHECK_ERRNO(read(reader, bytes, 1), EAGAIN);
	CHECK_EQUAL(write(writer, "abc", 3), 3);
	int count = 0;
	CHECK_EQUAL(ioctl(reader, FIONREAD, &count), 0);
	CHECK_EQUAL(count, 3);
	CHECK_EQUAL(poll(&poller, 1, 0), 1);
	CHECK_EQUAL(poller.revents, POLLIN);
	CHECK_EQUAL(close(writer), 0);
	CHECK_EQUAL(poll(&poller, 1, 0), 1);
	CHECK_EQUAL(poller.revents, POLLIN | POLLHUP);
	CHECK_EQUAL(read(reader, bytes, 10), 3);
	CHECK_EQUAL(poll(&poller, 1, 0), 1);
	CHECK_EQUAL(poller.revents, POLLHUP);
	CHECK_EQUAL(read(reader, bytes, 10), 0);
	CHECK_EQUAL(close(reader), 0);
	/* Openers meet. */
	pid_t child = fork();
	if (child == 0) {
		sleep_ms(50);
		int end = open(NAME, O_WRONLY);
		CHECK(end >= 0);
		CHECK_EQUAL(write(end, "hello", 5), 5);
		exit(0);
	}
	reader = open(NAME, O_RDONLY);
	CHECK(reader >= 0);
	CHECK_EQUAL(read(reader, bytes, 100), 5);
	CHECK_EQUAL(read(reader, bytes, 100), 0);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(close(reader), 0);
	/* A writer without readers is told by a signal. */
	int both = open(NAME, O_RDWR);
	CHECK(both >= 0);
	writer = open(NAME, O_WRONLY);
	CHECK_EQUAL(close(both), 0);
	child = fork();
	if (child == 0) {
		(void)!write(writer, "x", 1);
		exit(1);
	}
	CHECK_KILLED(child, SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(write(writer, "x", 1), EPIPE);
	CHECK_EQUAL(close(writer), 0);
	/* An opener that waits is interrupted by a signal that ends it. */
	child = fork();
	if (child == 0) {
		alarm(1);
		open(NAME, O_RDONLY);
		exit(1);
	}
	CHECK_KILLED(child, SIGALRM);

	/* Eight writers, records of 4,000 bytes: none is torn. */
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			memset(bytes, 'a' + i, 4000);
			for (int turn = 0; turn < 50; turn++)
				CHECK_EQUAL(write(ends[1], bytes, 4000), 4000);
			exit(0);
		}
	CHECK_EQUAL(close(ends[1]), 0);
	int records[8] = { 0 };
	for (;;) {
		int filled = 0;
		while (filled < 4000) {
			ssize_t got = read(ends[0], bytes + filled, 4000 - filled);
			CHECK(got >= 0);
			if (got == 0)
				break;
			filled += got;
		}
		if (filled == 0)
			break;
		CHECK_EQUAL(filled, 4000);
		for (int i = 1; i < 4000; i++)
			CHECK_EQUAL(bytes[i], bytes[0]);
		records[bytes[0] - 'a']++;
	}
	for (int i = 0; i < 8; i++) {
		CHECK_EQUAL(records[i], 50);
		int state;
		CHECK(wait(&state) > 0);
		CHECK_EQUAL(state, 0);
	}
	CHECK_EQUAL(unlink(NAME), 0);
	leave_scratch(scratch);
	return 0;
}
