/* dup, dup2, dup3, fcntl: one open file behind several descriptors; flags belong to the right one of the two. */
#include "../check.h"

int main(void)
{
	char path[] = "/tmp/dup_XXXXXX", bytes[4];
	int file = mkstemp(path);
	CHECK(file >= 0);
	CHECK_EQUAL(unlink(path), 0);
	CHECK_EQUAL(write(file, "abcdef", 6), 6);
	int copy = dup(file);
	CHECK(copy > file);
	CHECK_EQUAL(lseek(copy, 1, SEEK_SET), 1);
	CHECK_EQUAL(read(file, bytes, 2), 2);
	CHECK(memcmp(bytes, "bc", 2) == 0);
	CHECK_EQUAL(lseek(copy, 0, SEEK_CUR), 3);
	CHECK_EQUAL(dup2(file, 50), 50);
	CHECK_EQUAL(dup2(file, file), file);
	CHECK_EQUAL(dup3(file, 51, O_CLOEXEC), 51);
	CHECK_EQUAL(fcntl(51, F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(fcntl(50, F_GETFD), 0);
	CHECK_ERRNO(dup3(file, file, 0), EINVAL);
	CHECK_ERRNO(dup2(file, -1), EBADF);
	CHECK_ERRNO(dup2(file, 1 << 20), EBADF);
	CHECK_ERRNO(dup(200), EBADF);
	CHECK_EQUAL(fcntl(file, F_DUPFD, 60), 60);
	CHECK_EQUAL(fcntl(file, F_DUPFD_CLOEXEC, 60), 61);
	CHECK_EQUAL(fcntl(61, F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(fcntl(file, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_EQUAL(fcntl(file, F_SETFL, O_APPEND), 0);
	CHECK(fcntl(copy, F_GETFL) & O_APPEND);
	CHECK_EQUAL(lseek(copy, 0, SEEK_SET), 0);
	CHECK_EQUAL(write(copy, "Z", 1), 1);
	CHECK_EQUAL(lseek(copy, 0, SEEK_CUR), 7);
	CHECK_EQUAL(close(file), 0);
	CHECK_ERRNO(close(file), EBADF);
	CHECK_EQUAL(pread(50, bytes, 1, 6), 1);
	CHECK_EQUAL(bytes[0], 'Z');
	return 0;
}
