/* mmap, munmap, mprotect, mremap, madvise: contents, splitting, replacing, errors. */
#include "check.h"

enum { PAGE = 4096 };

int main(void)
{
	char *area = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	CHECK_EQUAL((uintptr_t)area % PAGE, 0);
	for (int i = 0; i < 16 * PAGE; i++)
		CHECK_EQUAL(area[i], 0);
	for (int i = 0; i < 16; i++)
		area[i * PAGE] = (char)i;
	/* A hole in the middle leaves both sides. */
	CHECK_EQUAL(munmap(area + 4 * PAGE, 4 * PAGE), 0);
	CHECK_EQUAL(area[3 * PAGE], 3);
	CHECK_EQUAL(area[8 * PAGE], 8);
	CHECK_ERRNO(madvise(area + 3 * PAGE, 2 * PAGE, MADV_DONTNEED), ENOMEM);
	/* Fixed mapping into the hole and over an existing part: fresh zeros. */
	char *fixed = mmap(area + 6 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(fixed == area + 6 * PAGE);
	for (int i = 0; i < 4; i++)
		CHECK_EQUAL(fixed[i * PAGE], 0);
	CHECK_EQUAL(area[10 * PAGE], 10);
	CHECK(mmap(area + 10 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED);
	CHECK_EQUAL(errno, EEXIST);
	/* Protection by page, there and back. */
	CHECK_EQUAL(mprotect(area + 11 * PAGE, PAGE, PROT_NONE), 0);
	CHECK_EQUAL(mprotect(area + 11 * PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
	CHECK_EQUAL(area[11 * PAGE], 11);
	CHECK_ERRNO(mprotect(area + 4 * PAGE, PAGE, PROT_READ), ENOMEM);
	CHECK_ERRNO(mprotect(area + 1, PAGE, PROT_READ), EINVAL);
	/* Private anonymous memory given back reads as zero. */
	CHECK_EQUAL(madvise(area + 12 * PAGE, PAGE, MADV_DONTNEED), 0);
	CHECK_EQUAL(area[12 * PAGE], 0);
	/* Growing by moving keeps the contents. */
	char *grown = mremap(area + 12 * PAGE, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	CHECK(grown != MAP_FAILED);
	CHECK_EQUAL(grown[PAGE], 13);
	CHECK_EQUAL(grown[3 * PAGE], 15);
	CHECK_EQUAL(grown[63 * PAGE], 0);
	grown[63 * PAGE] = 1;
	char *shrunk = mremap(grown, 64 * PAGE, 2 * PAGE, 0);
	CHECK(shrunk == grown);
	CHECK_EQUAL(grown[PAGE], 13);
	/* Errors. */
	CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
	CHECK(mmap(NULL, (size_t)1 << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
	CHECK_ERRNO(munmap(area + 1, PAGE), EINVAL);
	CHECK_ERRNO(munmap(area, 0), EINVAL);
	CHECK_EQUAL(munmap(area, 12 * PAGE), 0);
	CHECK_EQUAL(munmap(area, 12 * PAGE), 0);
	return 0;
}
