/* process_madvise: advice for another process's memory by its descriptor, in segments; who may, what is refused, how much is told. */
#include "check.h"
#include <sys/uio.h>

#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#endif

enum { PAGE = 4096 };

static long advise(int pidfd, const struct iovec *segments, size_t count, int advice, unsigned flags)
{
	return syscall(SYS_process_madvise, pidfd, segments, count, advice, flags);
}

int main(void)
{
	char *area = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	memset(area, 5, 8 * PAGE);
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char byte;
		CHECK_EQUAL(close(ends[1]), 0);
		CHECK_EQUAL(read(ends[0], &byte, 1), 0);
		for (int i = 0; i < 8 * PAGE; i++)
			if (area[i] != 5)
				_exit(1);
		_exit(0);
	}
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	CHECK(pidfd >= 0);
	struct iovec segments[3] = { { area, 2 * PAGE }, { area + 4 * PAGE, PAGE }, { area + 1, PAGE } };
	errno = 0;
	long answer = advise(pidfd, segments, 2, MADV_COLD, 0);
	if (answer < 0 && errno == ENOSYS)
		goto end;
	/* It needs a capability that even the superuser of a container may lack. */
	if (answer < 0 && errno == EPERM)
		goto end;
	CHECK_EQUAL(answer, 3 * PAGE);
	CHECK_ERRNO(advise(pidfd, segments, 2, MADV_COLD, 1), EINVAL);
	/* What the other's program would notice is refused. */
	CHECK_ERRNO(advise(pidfd, segments, 2, MADV_DONTNEED, 0), EINVAL);
	CHECK_ERRNO(advise(pidfd, segments, 2, MADV_FREE, 0), EINVAL);
	CHECK_ERRNO(advise(pidfd, segments, 2, 12345, 0), EINVAL);
	/* What was done before a bad segment is told; if it is the first, its error is. */
	CHECK_EQUAL(advise(pidfd, segments, 3, MADV_COLD, 0), 3 * PAGE);
	CHECK_ERRNO(advise(pidfd, segments + 2, 1, MADV_COLD, 0), EINVAL);
	CHECK_ERRNO(advise(pidfd, (struct iovec *)8, 1, MADV_COLD, 0), EFAULT);
	CHECK_ERRNO(advise(pidfd, segments, 1025, MADV_COLD, 0), EINVAL);
	CHECK_ERRNO(advise(-1, segments, 1, MADV_COLD, 0), EBADF);
	CHECK_ERRNO(advise(ends[1], segments, 1, MADV_COLD, 0), EBADF);
	CHECK_EQUAL(advise(pidfd, segments, 0, MADV_COLD, 0), 0);
end:
	CHECK_EQUAL(close(ends[1]), 0);
	CHECK_EXITS(child, 0);
	CHECK(answer < 0 || (advise(pidfd, segments, 1, MADV_COLD, 0) == -1 && errno == ESRCH));
	return 0;
}
