/* After the child's end the parent is a page's sole owner, and its write makes the page writable in place: same frame, no copy, as the
 * kernel itself tells it. While the child lives, the write copies. */
#include "frames.h"

enum { PAGES = 200 };

int main(void)
{
	volatile char *pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	for (int i = 0; i < PAGES; i++)
		pages[i * 4096] = (char)i;
	static long frames[PAGES];
	for (int lives = 0; lives < 2; lives++) {
		for (int i = 0; i < PAGES; i++)
			frames[i] = frame_of((void *)(pages + i * 4096));
		int hold[2];
		CHECK_EQUAL(pipe(hold), 0);
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			char byte;
			close(hold[1]);
			if (lives)
				(void)!read(hold[0], &byte, 1);
			for (int i = 0; i < PAGES; i++)
				CHECK_EQUAL(pages[i * 4096], (char)i);
			_exit(0);
		}
		close(hold[0]);
		if (!lives)
			CHECK_EXITS(child, 0);
		long in_place = counter("faults_cow_in_place"), copied = counter("faults_cow");
		for (int i = 0; i < PAGES; i++) {
			pages[i * 4096 + 1] = 7;
			CHECK_EQUAL(pages[i * 4096], (char)i);
		}
		int kept = 0;
		for (int i = 0; i < PAGES; i++)
			kept += frame_of((void *)(pages + i * 4096)) == frames[i];
		/* LINUX: copies a few nevertheless, those that some list of the kernel refers to at the moment. */
		if (frames[0] != -1)
			CHECK(lives ? kept == 0 : kept > PAGES / 2);
		if (in_place != -1) {
			/* The counters are the machine's: others may add a few, nobody takes away. */
			CHECK(counter(lives ? "faults_cow" : "faults_cow_in_place") - (lives ? copied : in_place) >= PAGES);
			if (!lives)
				CHECK(counter("faults_cow") - copied < PAGES / 2);
		}
		close(hold[1]);
		if (lives)
			CHECK_EXITS(child, 0);
	}
	return 0;
}
