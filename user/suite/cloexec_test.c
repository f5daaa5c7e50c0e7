/* Close-on-exec: O_CLOEXEC and FD_CLOEXEC close at exec, others stay open. */
#include "../check.h"

int main(int count, char **arguments)
{
	if (count == 3) {
		int closed = atoi(arguments[1]), open_one = atoi(arguments[2]);
		CHECK_ERRNO(fcntl(closed, F_GETFD), EBADF);
		CHECK_EQUAL(fcntl(open_one, F_GETFD), 0);
		return 0;
	}
	int closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int other = open("/dev/null", O_RDONLY);
	CHECK(closed >= 0 && other >= 0);
	CHECK_EQUAL(fcntl(closed, F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(fcntl(other, F_GETFD), 0);
	CHECK_EQUAL(fcntl(other, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQUAL(fcntl(other, F_SETFD, 0), 0);
	char first[16], second[16];
	snprintf(first, sizeof first, "%d", closed);
	snprintf(second, sizeof second, "%d", other);
	execl("/proc/self/exe", "cloexec_test", first, second, NULL);
	CHECK(!"execl returned");
}
