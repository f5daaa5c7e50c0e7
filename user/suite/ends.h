/* What head and tail have in common: both print one end of a file, ten lines of it by default, and take the same options. */
#ifndef ENDS_H
#define ENDS_H

#include "suite.h"
#include "lines.h"

/* Requires that `program` prints the first lines of a file, or the last, as many as it is told. */
static inline void check_end(char *program, int is_last)
{
	char *file = (char *)fixture("/lines.txt"), *hello = (char *)fixture("/hello.txt");
#define END(count) (is_last ? lines(15 - (count), 15) : lines(0, (count)))
	CHECK_PRINTS(RUN(program, file), 0, END(10));
	CHECK_PRINTS(RUN(program, "-n5", file), 0, END(5));
	CHECK_PRINTS(RUN(program, "-n", "3", file), 0, END(3));
	CHECK_PRINTS(RUN(program, "-n", "1", file), 0, END(1));
	CHECK_PRINTS(RUN(program, "-n", "0", file), 0, "");
	CHECK_PRINTS(RUN(program, "-n", "100", file), 0, END(15));
#undef END
	CHECK_PRINTS(RUN(program, hello), 0, "Hello from Ochre\n");
	CHECK_PRINTS(RUN(program, (char *)fixture("/empty.txt")), 0, "");
	CHECK_COMPLAINS(RUN(program, (char *)fixture("/missing")), "");
}

#endif
