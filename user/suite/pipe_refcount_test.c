/* How many readers and writers a pipe has, over close, dup, dup2 and exit: end of file only after the last writer, EPIPE only after the
 * last reader, and dup2 of a descriptor on to itself changes nothing. */
#include "suite.h"

int main(void)
{
	int ends[2];
	char byte;
	signal(SIGPIPE, SIG_IGN);
	/* Writers. */
	CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
	int second = dup(ends[1]), third = dup2(ends[1], 70);
	CHECK(second >= 0);
	CHECK_EQUAL(third, 70);
	CHECK_EQUAL(dup2(ends[1], ends[1]), ends[1]);
	CHECK_EQUAL(close(ends[1]), 0);
	CHECK_ERRNO(read(ends[0], &byte, 1), EAGAIN);
	CHECK_EQUAL(close(second), 0);
	CHECK_ERRNO(read(ends[0], &byte, 1), EAGAIN);
	CHECK_EQUAL(write(third, "w", 1), 1);
	CHECK_EQUAL(close(third), 0);
	CHECK_EQUAL(read(ends[0], &byte, 1), 1);
	CHECK_EQUAL(read(ends[0], &byte, 1), 0);
	CHECK_EQUAL(close(ends[0]), 0);
	/* Readers. */
	CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
	CHECK_EQUAL(dup2(ends[0], 71), 71);
	CHECK_EQUAL(close(ends[0]), 0);
	CHECK_EQUAL(write(ends[1], "r", 1), 1);
	CHECK_EQUAL(close(71), 0);
	CHECK_ERRNO(write(ends[1], "r", 1), EPIPE);
	CHECK_EQUAL(close(ends[1]), 0);
	/* dup2 closes what was there before: the last writer, by way of another file's descriptor. */
	CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
	int null = open("/dev/null", O_WRONLY);
	CHECK_EQUAL(dup2(null, ends[1]), ends[1]);
	CHECK_EQUAL(read(ends[0], &byte, 1), 0);
	CHECK_EQUAL(close(ends[0]), 0);
	CHECK_EQUAL(close(ends[1]), 0);
	/* Processes: forked copies count, however they end. */
	for (int how = 0; how < 3; how++) {
		int hold[2];
		CHECK_EQUAL(pipe(ends), 0);
		CHECK_EQUAL(pipe(hold), 0);
		pid_t child = fork();
		if (child == 0) {
			close(hold[1]);
			(void)!read(hold[0], &byte, 1);
			if (how == 0)
				_exit(0);
			if (how == 1)
				kill(getpid(), SIGKILL);
			execlp("true", "true", NULL);
		}
		close(hold[0]);
		CHECK_EQUAL(close(ends[1]), 0);
		CHECK_EQUAL(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
		CHECK_ERRNO(read(ends[0], &byte, 1), EAGAIN);
		CHECK_EQUAL(fcntl(ends[0], F_SETFL, 0), 0);
		close(hold[1]);
		CHECK_EQUAL(read(ends[0], &byte, 1), 0);
		wait_status(child);
		close(ends[0]);
	}
	return 0;
}
