/* brk: grow, use, shrink, grow again; new memory is zero. */
#include "../check.h"

int main(void)
{
	char *start = sbrk(0);
	CHECK(start != (void *)-1);
	CHECK(sbrk(4096) == start);
	for (int i = 0; i < 4096; i++)
		CHECK_EQUAL(start[i], 0);
	for (int i = 0; i < 512; i++)
		((uint64_t *)start)[i] = (uint64_t)i * 0x9e3779b97f4a7c15;
	for (int i = 0; i < 512; i++)
		CHECK(((uint64_t *)start)[i] == (uint64_t)i * 0x9e3779b97f4a7c15);
	CHECK(sbrk(1 << 20) == start + 4096);
	memset(start + 4096, 1, 1 << 20);
	CHECK(sbrk(-(1 << 20)) == start + 4096 + (1 << 20));
	CHECK(sbrk(0) == start + 4096);
	CHECK(sbrk(1 << 20) == start + 4096);
	for (int i = 0; i < 1 << 20; i++)
		CHECK_EQUAL(start[4096 + i], 0);
	/* Asking below the start or for the impossible changes nothing. */
	CHECK_EQUAL(syscall(SYS_brk, 0), (long)(start + 4096 + (1 << 20)));
	CHECK_EQUAL(syscall(SYS_brk, (long)1 << 62), (long)(start + 4096 + (1 << 20)));
	return 0;
}
