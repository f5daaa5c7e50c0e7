/* Copy-on-write through the kernel: read() and other calls that write user memory break sharing like a store. */
#include "check.h"

int main(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	memset(page, 'p', 8192);
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		CHECK_EQUAL(write(ends[1], "child data", 10), 10);
		CHECK_EQUAL(read(ends[0], page + 4091, 10), 10);
		CHECK(memcmp(page + 4091, "child data", 10) == 0);
		CHECK_EQUAL(page[4090], 'p');
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	for (int i = 0; i < 8192; i++)
		CHECK_EQUAL(page[i], 'p');
	/* And into read-only memory it is EFAULT. */
	CHECK_EQUAL(mprotect(page, 4096, PROT_READ), 0);
	CHECK_EQUAL(write(ends[1], "abcd", 4), 4);
	CHECK_ERRNO(read(ends[0], page, 4), EFAULT);
	CHECK_EQUAL(page[0], 'p');
	return 0;
}
