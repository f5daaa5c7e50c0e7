/* cat: one file, an empty one, one deep down, several in order, some missing, and standard input. */
#include "suite.h"

int main(void)
{
	char *hello = (char *)fixture("/hello.txt"), *empty = (char *)fixture("/empty.txt"), *missing = (char *)fixture("/missing");
	char *deep = (char *)fixture("/deep/path/to/file/data.txt");
	CHECK_PRINTS(RUN("cat", hello), 0, "Hello from Ochre\n");
	CHECK_PRINTS(RUN("cat", empty), 0, "");
	CHECK_PRINTS(RUN("cat", deep), 0, "deep data\n");
	CHECK_PRINTS(RUN("cat", hello, empty, deep, hello), 0, "Hello from Ochre\ndeep data\nHello from Ochre\n");
	CHECK_COMPLAINS(RUN("cat", missing), "");
	/* One missing: the others are printed, the failure is told. */
	CHECK_COMPLAINS(RUN("cat", hello, missing, deep), "Hello from Ochre\ndeep data\n");
	CHECK_PRINTS(RUN("cat"), 0, "");
	CHECK_PRINTS(RUN("sh", "-c", "echo through | cat"), 0, "through\n");
	CHECK_COMPLAINS(RUN("cat", (char *)fixture("/test")), "");
	struct finished *lines = RUN("cat", (char *)fixture("/lines.txt"));
	CHECK_EQUAL(lines->status, 0);
	CHECK_EQUAL(lines->out_bytes, 111);
	return 0;
}
