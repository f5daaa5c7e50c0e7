/* wc: -l, -w, -c and -lw, an empty file, a missing one, a total, standard input. Widths differ between wcs; the numbers may not. */
#include "suite.h"

/* The numbers that are printed on the first line. */
static int counts(struct finished *it, long numbers[3])
{
	CHECK_EQUAL(it->status, 0);
	return sscanf(it->out, "%ld %ld %ld", &numbers[0], &numbers[1], &numbers[2]);
}

int main(void)
{
	char *file = (char *)fixture("/lines.txt"), *hello = (char *)fixture("/hello.txt"), *empty = (char *)fixture("/empty.txt");
	long n[3];
	CHECK_EQUAL(counts(RUN("wc", "-l", file), n), 1);
	CHECK_EQUAL(n[0], 15);
	CHECK_EQUAL(counts(RUN("wc", "-w", file), n), 1);
	CHECK_EQUAL(n[0], 30);
	CHECK_EQUAL(counts(RUN("wc", "-c", file), n), 1);
	CHECK_EQUAL(n[0], 111);
	CHECK_EQUAL(counts(RUN("wc", "-lw", file), n), 2);
	CHECK(n[0] == 15 && n[1] == 30);
	CHECK_EQUAL(counts(RUN("wc", hello), n), 3);
	CHECK(n[0] == 1 && n[1] == 3 && n[2] == 17);
	CHECK_EQUAL(counts(RUN("wc", empty), n), 3);
	CHECK(n[0] == 0 && n[1] == 0 && n[2] == 0);
	CHECK_COMPLAINS(RUN("wc", (char *)fixture("/missing")), "");
	struct finished *both = RUN("wc", "-l", file, hello);
	CHECK_EQUAL(both->status, 0);
	char *total = strrchr(both->out, '1');
	CHECK(total && strstr(both->out, "16 total"));
	CHECK_PRINTS(RUN("sh", "-c", "printf 'a b\\nc' | wc -w | tr -d ' '"), 0, "3\n");
	return 0;
}
