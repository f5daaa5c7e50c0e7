/* preadv2 and pwritev2: appending and not waiting for one call only, and flags that are refused. */
#include "check.h"
#include <sys/socket.h>
#include <sys/uio.h>

int main(void)
{
	char bytes[8] = "abcde", more[8];
	struct iovec out = { bytes, 5 }, in = { more, sizeof more }, two[2] = { { bytes, 2 }, { bytes + 3, 2 } };
	struct stat status;
	int file = memfd_create("vector_flags_test", 0), ends[2], pair[2];
	CHECK(file >= 0);
	CHECK_EQUAL(pipe(ends) | socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_EQUAL(pwritev2(file, &out, 1, -1, 0), 5);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 5);
	CHECK_EQUAL(lseek(file, 1, SEEK_SET), 1);
	CHECK_EQUAL(pwritev2(file, two, 2, 0, RWF_APPEND), 4);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 1);
	CHECK_EQUAL(pwritev2(file, &out, 1, -1, RWF_APPEND), 5);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 14);
	CHECK_EQUAL(fstat(file, &status), 0);
	CHECK_EQUAL(status.st_size, 14);
	CHECK_EQUAL(preadv2(file, &in, 1, 5, RWF_HIPRI), 8);
	CHECK(memcmp(more, "abdeabcd", 8) == 0);
	CHECK_ERRNO(preadv2(file, &in, 1, 0, 1 << 20), EOPNOTSUPP);
	CHECK_ERRNO(preadv2(file, &in, 1, -2, 0), EINVAL);
	CHECK_ERRNO(preadv2(ends[0], &in, 1, 0, 0), ESPIPE);
	CHECK_ERRNO(preadv2(-1, &in, 1, 0, 1 << 20), EBADF);
	CHECK_ERRNO(pwritev2(ends[0], &out, 1, -1, 0), EBADF);
	/* Not waiting, on descriptors that wait. */
	int readers[2] = { ends[0], pair[0] }, writers[2] = { ends[1], pair[1] };
	for (int i = 0; i < 2; i++) {
		CHECK_ERRNO(preadv2(readers[i], &in, 1, -1, RWF_NOWAIT), EAGAIN);
		CHECK_EQUAL(pwritev2(writers[i], &out, 1, -1, RWF_NOWAIT), 5);
		CHECK_EQUAL(preadv2(readers[i], &in, 1, -1, RWF_NOWAIT), 5);
		long total = 0;
		ssize_t written;
		while ((written = pwritev2(writers[i], &out, 1, -1, RWF_NOWAIT)) > 0)
			total += written;
		CHECK_EQUAL(errno, EAGAIN);
		CHECK(total > 1000);
	}
	return 0;
}
