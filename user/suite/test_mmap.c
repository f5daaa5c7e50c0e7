/* The helper test_mmap: an anonymous mapping is zero and can be written; unmapped it is gone; its protection can be taken and given. */
#include "suite.h"
#include <setjmp.h>

static sigjmp_buf back;
static void handler(int number) { siglongjmp(back, number); }
#define FAULTS(statement) (sigsetjmp(back, 1) ? 1 : ((statement), 0))

int main(void)
{
	enum { BYTES = 16 * 4096 };
	signal(SIGSEGV, handler);
	volatile char *area = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	for (int i = 0; i < BYTES; i++)
		CHECK_EQUAL(area[i], 0);
	for (int i = 0; i < BYTES; i += 100)
		area[i] = (char)i;
	CHECK_EQUAL(mprotect((void *)(area + 4096), 4096, PROT_READ), 0);
	CHECK_EQUAL(area[4100], (char)4100);
	CHECK(FAULTS(area[4100] = 1));
	CHECK_EQUAL(area[4100], (char)4100);
	CHECK_EQUAL(mprotect((void *)(area + 8192), 4096, PROT_NONE), 0);
	CHECK(FAULTS((void)area[8200]));
	CHECK_EQUAL(mprotect((void *)area, BYTES, PROT_READ | PROT_WRITE), 0);
	CHECK_EQUAL(area[8200], (char)8200);
	area[4100] = 1;
	CHECK_EQUAL(munmap((void *)(area + 4 * 4096), 4096), 0);
	CHECK(FAULTS((void)area[4 * 4096]));
	CHECK_EQUAL(area[3 * 4096 + 12], (char)(3 * 4096 + 12));
	CHECK_EQUAL(munmap((void *)area, BYTES), 0);
	CHECK(FAULTS((void)area[0]));
	CHECK_ERRNO(munmap((void *)(area + 1), 4096), EINVAL);
	CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
	CHECK_ERRNO(mprotect((void *)area, 4096, PROT_READ), ENOMEM);
	return 0;
}
