/* tail: ten lines by default, -n5, -n 3, -n 1, -n 0, a file that is shorter, one that is missing. */
#include "suite.h"
#include "lines.h"

int main(void)
{
	char *file = (char *)fixture("/lines.txt"), *hello = (char *)fixture("/hello.txt");
	CHECK_PRINTS(RUN("tail", file), 0, lines(5, 15));
	CHECK_PRINTS(RUN("tail", "-n5", file), 0, lines(10, 15));
	CHECK_PRINTS(RUN("tail", "-n", "3", file), 0, lines(12, 15));
	CHECK_PRINTS(RUN("tail", "-n", "1", file), 0, lines(14, 15));
	CHECK_PRINTS(RUN("tail", "-n", "0", file), 0, "");
	CHECK_PRINTS(RUN("tail", "-n", "100", file), 0, lines(0, 15));
	CHECK_PRINTS(RUN("tail", hello), 0, "Hello from Ochre\n");
	CHECK_PRINTS(RUN("tail", (char *)fixture("/empty.txt")), 0, "");
	CHECK_COMPLAINS(RUN("tail", (char *)fixture("/missing")), "");
	CHECK_PRINTS(RUN("sh", "-c", "seq 1 5000 | tail -n 2"), 0, "4999\n5000\n");
	return 0;
}
