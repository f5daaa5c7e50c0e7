/* Three children write their copies and end: the parent's pages are untouched, and when the children are gone its writes need no copy. */
#include "frames.h"

enum { PAGES = 64 };

int main(void)
{
	char *pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	for (int i = 0; i < PAGES; i++)
		memset(pages + i * 4096, i + 1, 4096);
	pid_t children[3];
	for (int c = 0; c < 3; c++) {
		children[c] = fork();
		CHECK(children[c] >= 0);
		if (children[c] == 0) {
			for (int i = 0; i < PAGES; i++) {
				CHECK_EQUAL(pages[i * 4096 + 4095], i + 1);
				memset(pages + i * 4096, 100 + c, 4096);
			}
			for (int i = 0; i < PAGES * 4096; i++)
				CHECK_EQUAL(pages[i], 100 + c);
			_exit(c);
		}
	}
	for (int c = 0; c < 3; c++)
		CHECK_EXITS(children[c], c);
	long copies = counter("fault_cow_copy");
	int kept = 0;
	for (int i = 0; i < PAGES; i++) {
		long before = frame_of(pages + i * 4096);
		CHECK_EQUAL(pages[i * 4096], i + 1);
		pages[i * 4096] = 99;
		CHECK_EQUAL(pages[i * 4096 + 1], i + 1);
		kept += frame_of(pages + i * 4096) == before;
	}
	/* LINUX: copies a few nevertheless, those that some list of the kernel refers to at the moment. */
	CHECK(kept > PAGES / 2);
	/* The counter is the machine's; a few copies may be somebody else's. */
	if (copies != -1)
		CHECK(counter("fault_cow_copy") - copies < PAGES / 2);
	return 0;
}
