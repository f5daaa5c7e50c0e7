/* Copy-on-write: 128 pages written by children and grandchildren; every copy keeps its own contents. */
#include "../check.h"

enum { PAGES = 128, WORDS = 4096 / 8 };

static void fill(uint64_t *pages, uint64_t seed)
{
	for (int i = 0; i < PAGES * WORDS; i++)
		pages[i] = seed * 1000003 + (uint64_t)i;
}

static void verify(const uint64_t *pages, uint64_t seed)
{
	for (int i = 0; i < PAGES * WORDS; i++)
		if (pages[i] != seed * 1000003 + (uint64_t)i) {
			fprintf(stderr, "word %d of seed %llu is wrong\n", i, (unsigned long long)seed);
			_exit(1);
		}
}

int main(void)
{
	uint64_t *pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	fill(pages, 1);
	for (int round = 0; round < 5; round++) {
		pid_t children[4];
		for (int c = 0; c < 4; c++) {
			children[c] = fork();
			CHECK(children[c] >= 0);
			if (children[c] == 0) {
				verify(pages, 1);
				fill(pages, 10 + (uint64_t)c);
				pid_t grandchild = fork();
				if (grandchild == 0) {
					verify(pages, 10 + (uint64_t)c);
					fill(pages, 100);
					verify(pages, 100);
					_exit(0);
				}
				fill(pages, 20 + (uint64_t)c);
				verify(pages, 20 + (uint64_t)c);
				CHECK_EXITS(grandchild, 0);
				verify(pages, 20 + (uint64_t)c);
				_exit(c);
			}
		}
		verify(pages, 1);
		for (int c = 0; c < 4; c++)
			CHECK_EXITS(children[c], c);
		verify(pages, 1);
		/* Sole owner again: writing works in place. */
		fill(pages, 2);
		verify(pages, 2);
		fill(pages, 1);
	}
	return 0;
}
