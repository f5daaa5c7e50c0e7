/* head: ten lines by default, -n5, -n 3, -n 1, -n 0, a file that is shorter, one that is missing. */
#include "suite.h"
#include "lines.h"

int main(void)
{
	char *file = (char *)fixture("/lines.txt"), *hello = (char *)fixture("/hello.txt");
	CHECK_PRINTS(RUN("head", file), 0, lines(0, 10));
	CHECK_PRINTS(RUN("head", "-n5", file), 0, lines(0, 5));
	CHECK_PRINTS(RUN("head", "-n", "3", file), 0, lines(0, 3));
	CHECK_PRINTS(RUN("head", "-n", "1", file), 0, lines(0, 1));
	CHECK_PRINTS(RUN("head", "-n", "0", file), 0, "");
	CHECK_PRINTS(RUN("head", "-n", "100", file), 0, lines(0, 15));
	CHECK_PRINTS(RUN("head", hello), 0, "Hello from Ochre\n");
	CHECK_PRINTS(RUN("head", (char *)fixture("/empty.txt")), 0, "");
	CHECK_COMPLAINS(RUN("head", (char *)fixture("/missing")), "");
	/* It ends while its writer still writes: the writer is ended by SIGPIPE, nothing hangs. */
	CHECK_PRINTS(RUN("sh", "-c", "yes | head -n 2"), 0, "y\ny\n");
	return 0;
}
