/* After the child's end the parent is a page's sole owner, and its write makes the page writable in place: same frame, no copy, as the
 * kernel itself tells it. While the child lives, the write copies. */
#include "frames.h"

enum { PAGES = 200, TRIES = 50 };

static volatile char *pages;

/* Forks, and writes to every page while the child lives or after its end. Answers whether most pages were taken in place. */
static int is_taken_in_place(int lives)
{
	static long frames[PAGES];
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
	long in_place = counter("fault_cow_in_place"), copied = counter("fault_cow_copy");
	for (int i = 0; i < PAGES; i++) {
		pages[i * 4096 + 1] = 7;
		CHECK_EQUAL(pages[i * 4096], (char)i);
	}
	int kept = 0;
	for (int i = 0; i < PAGES; i++)
		kept += frame_of((void *)(pages + i * 4096)) == frames[i];
	in_place = counter("fault_cow_in_place") - in_place;
	copied = counter("fault_cow_copy") - copied;
	close(hold[1]);
	if (lives)
		CHECK_EXITS(child, 0);
	/* Two ways to know: the frames, which Linux tells, and the counters. Those are the machine's: others may add a few. */
	int has_frames = frames[0] != -1, has_counters = counter("fault_cow_copy") != -1;
	if (lives) {
		CHECK(!has_frames || kept == 0);
		CHECK(!has_counters || copied >= PAGES);
		return 0;
	}
	/* LINUX: copies a few nevertheless, those that some list of the kernel refers to at the moment. */
	return (!has_frames || kept > PAGES / 2) && (!has_counters || (in_place > PAGES / 2 && copied < PAGES / 2));
}

int main(void)
{
	pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	for (int i = 0; i < PAGES; i++)
		pages[i * 4096] = (char)i;
	(void)is_taken_in_place(1);
	/* A processor that was the child's for a moment may keep its memory a little longer. */
	int tries = 0;
	while (!is_taken_in_place(0))
		CHECK(++tries < TRIES);
	return 0;
}
