/* Regular files: create, overwrite, append, holes, seek, truncate, positioned and vectored input and output, errors. */
#include "check.h"
#include <sys/uio.h>

int main(void)
{
	char bytes[64];
	struct stat status;
	const char *scratch = enter_scratch();
	CHECK_ERRNO(open("missing", O_RDONLY), ENOENT);
	int file = open("one", O_RDWR | O_CREAT | O_EXCL, 0640);
	CHECK(file >= 0);
	CHECK_ERRNO(open("one", O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
	CHECK_EQUAL(fstat(file, &status), 0);
	CHECK(S_ISREG(status.st_mode));
	CHECK_EQUAL(status.st_mode & 0777, 0640);
	CHECK_EQUAL(status.st_size, 0);
	CHECK_EQUAL(status.st_nlink, 1);
	CHECK_EQUAL(write(file, "hello world", 11), 11);
	CHECK_EQUAL(lseek(file, -5, SEEK_END), 6);
	CHECK_EQUAL(read(file, bytes, 64), 5);
	CHECK(memcmp(bytes, "world", 5) == 0);
	CHECK_EQUAL(read(file, bytes, 64), 0);
	CHECK_ERRNO(lseek(file, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(file, 0, 9), EINVAL);
	/* A hole reads as zeros. */
	CHECK_EQUAL(pwrite(file, "end", 3, 100000), 3);
	CHECK_EQUAL(pread(file, bytes, 4, 50000), 4);
	CHECK(memcmp(bytes, "\0\0\0\0", 4) == 0);
	CHECK_EQUAL(fstat(file, &status), 0);
	CHECK_EQUAL(status.st_size, 100003);
	CHECK_EQUAL(ftruncate(file, 4), 0);
	CHECK_EQUAL(ftruncate(file, 8), 0);
	CHECK_EQUAL(pread(file, bytes, 64, 0), 8);
	CHECK(memcmp(bytes, "hell\0\0\0\0", 8) == 0);
	CHECK_ERRNO(ftruncate(file, -1), EINVAL);
	/* Append goes to the end whatever the position. */
	int append = open("one", O_WRONLY | O_APPEND);
	CHECK_EQUAL(lseek(append, 0, SEEK_SET), 0);
	CHECK_EQUAL(write(append, "++", 2), 2);
	CHECK_EQUAL(pread(file, bytes, 64, 0), 10);
	CHECK(memcmp(bytes + 8, "++", 2) == 0);
	CHECK_ERRNO(read(append, bytes, 1), EBADF);
	/* O_TRUNC. */
	int truncated = open("one", O_WRONLY | O_TRUNC);
	CHECK(truncated >= 0);
	CHECK_EQUAL(pread(file, bytes, 64, 0), 0);
	/* Vectors. */
	struct iovec out[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
	CHECK_EQUAL(writev(truncated, out, 3), 5);
	char first[2], second[10];
	struct iovec in[2] = { { first, 2 }, { second, 10 } };
	CHECK_EQUAL(preadv(file, in, 2, 0), 5);
	CHECK(memcmp(first, "ab", 2) == 0 && memcmp(second, "cde", 3) == 0);
	CHECK_ERRNO(readv(file, in, -1), EINVAL);
	CHECK_ERRNO(readv(file, in, 5000), EINVAL);
	/* Hostile pointers. */
	CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
	CHECK_ERRNO(write(file, (void *)8, 4), EFAULT);
	CHECK_ERRNO(read(file, (void *)-4096, 4), EFAULT);
	CHECK_ERRNO(open((char *)8, O_RDONLY), EFAULT);
	CHECK_ERRNO(read(-1, bytes, 1), EBADF);
	/* An open file lives on without a name. */
	CHECK_EQUAL(unlink("one"), 0);
	CHECK_EQUAL(fstat(file, &status), 0);
	CHECK_EQUAL(status.st_nlink, 0);
	CHECK_EQUAL(pread(file, bytes, 64, 0), 5);
	CHECK_ERRNO(stat("one", &status), ENOENT);
	leave_scratch(scratch);
	return 0;
}
