/* pipe2: no flags, O_CLOEXEC, O_NONBLOCK, both, and flags there are not. */
#include "suite.h"

int main(void)
{
	static const int flags[] = { 0, O_CLOEXEC, O_NONBLOCK, O_CLOEXEC | O_NONBLOCK };
	for (int i = 0; i < 4; i++) {
		int ends[2];
		char byte = 0;
		CHECK_EQUAL(pipe2(ends, flags[i]), 0);
		for (int end = 0; end < 2; end++) {
			CHECK_EQUAL(fcntl(ends[end], F_GETFD), flags[i] & O_CLOEXEC ? FD_CLOEXEC : 0);
			CHECK_EQUAL(fcntl(ends[end], F_GETFL) & O_NONBLOCK, flags[i] & O_NONBLOCK);
			CHECK_EQUAL(fcntl(ends[end], F_GETFL) & O_ACCMODE, end ? O_WRONLY : O_RDONLY);
		}
		if (flags[i] & O_NONBLOCK)
			CHECK_ERRNO(read(ends[0], &byte, 1), EAGAIN);
		CHECK_EQUAL(write(ends[1], "q", 1), 1);
		CHECK_EQUAL(read(ends[0], &byte, 1), 1);
		CHECK_EQUAL(byte, 'q');
		/* What exec does with them. */
		char script[64];
		snprintf(script, sizeof script, "test -e /proc/self/fd/%d", ends[0]);
		CHECK_PRINTS(RUN("sh", "-c", script), flags[i] & O_CLOEXEC ? 1 : 0, "");
		CHECK_EQUAL(close(ends[0]), 0);
		CHECK_EQUAL(close(ends[1]), 0);
	}
	int ends[2] = { -7, -7 };
	CHECK_ERRNO(pipe2(ends, O_APPEND), EINVAL);
	CHECK_ERRNO(pipe2(ends, O_CLOEXEC | 1), EINVAL);
	CHECK(ends[0] == -7 && ends[1] == -7);
	return 0;
}
