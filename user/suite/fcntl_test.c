/* fcntl: descriptor flags, status flags, and duplicates at or above a number. */
#include "suite.h"

int main(void)
{
	const char *scratch = enter_scratch();
	int file = open("file", O_RDWR | O_CREAT | O_APPEND, 0600);
	CHECK(file >= 0);
	CHECK_EQUAL(fcntl(file, F_GETFD), 0);
	CHECK_EQUAL(fcntl(file, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQUAL(fcntl(file, F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(fcntl(file, F_SETFD, 0), 0);
	CHECK_EQUAL(fcntl(file, F_GETFD), 0);
	int flags = fcntl(file, F_GETFL);
	CHECK_EQUAL(flags & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_APPEND);
	CHECK_EQUAL(flags & (O_CREAT | O_EXCL | O_TRUNC), 0);
	/* Access mode and creation flags are not changed by F_SETFL; the others are. */
	CHECK_EQUAL(fcntl(file, F_SETFL, O_WRONLY | O_NONBLOCK | O_CREAT), 0);
	CHECK_EQUAL(fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_CREAT), O_RDWR | O_NONBLOCK);
	int high = fcntl(file, F_DUPFD, 100);
	CHECK_EQUAL(high, 100);
	CHECK_EQUAL(fcntl(file, F_DUPFD, 100), 101);
	CHECK_EQUAL(fcntl(file, F_DUPFD_CLOEXEC, 100), 102);
	CHECK_EQUAL(fcntl(101, F_GETFD), 0);
	CHECK_EQUAL(fcntl(102, F_GETFD), FD_CLOEXEC);
	/* Status flags belong to the open file, descriptor flags to the number. */
	CHECK_EQUAL(fcntl(high, F_SETFL, O_APPEND), 0);
	CHECK_EQUAL(fcntl(file, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND);
	CHECK_EQUAL(close(100), 0);
	CHECK_EQUAL(fcntl(file, F_DUPFD, 100), 100);
	for (int number = 100; number <= 102; number++)
		CHECK_EQUAL(close(number), 0);
	CHECK_ERRNO(fcntl(100, F_GETFD), EBADF);
	CHECK_ERRNO(fcntl(-1, F_GETFL), EBADF);
	CHECK_ERRNO(fcntl(file, F_DUPFD, -1), EINVAL);
	CHECK_ERRNO(fcntl(file, F_DUPFD, 1 << 30), EINVAL);
	CHECK_ERRNO(fcntl(file, 12345, 0), EINVAL);
	CHECK_EQUAL(close(file), 0);
	CHECK_EQUAL(unlink("file"), 0);
	leave_scratch(scratch);
	return 0;
}
