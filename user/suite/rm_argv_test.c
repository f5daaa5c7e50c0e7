/* rm as a program: one, several, what is missing with and without -f, directories only with -r, links but not what they point to. */
#include "suite.h"

int main(void)
{
	const char *scratch = enter_scratch();
	write_file("a", "a"), write_file("b", "b"), write_file("c", "c"), write_file("kept", "kept");
	CHECK_PRINTS(RUN("rm", "a"), 0, "");
	CHECK_ERRNO(access("a", F_OK), ENOENT);
	CHECK_COMPLAINS(RUN("rm", "a"), "");
	CHECK_PRINTS(RUN("rm", "-f", "a", "missing"), 0, "");
	CHECK_COMPLAINS(RUN("rm", "b", "missing", "c"), "");
	CHECK_ERRNO(access("b", F_OK), ENOENT);
	CHECK_ERRNO(access("c", F_OK), ENOENT);
	CHECK_PRINTS(RUN("mkdir", "-p", "tree/one/two", "tree/three"), 0, "");
	write_file("tree/one/two/file", "x");
	CHECK_EQUAL(symlink("../../kept", "tree/one/link"), 0);
	CHECK_EQUAL(symlink("../kept-directory", "tree/directory-link"), 0);
	CHECK_EQUAL(mkdir("kept-directory", 0755), 0);
	write_file("kept-directory/inside", "inside");
	CHECK_COMPLAINS(RUN("rm", "tree"), "");
	CHECK_COMPLAINS(RUN("rm", "-f", "tree"), "");
	check_file("tree/one/two/file", "x");
	CHECK_PRINTS(RUN("rm", "-r", "tree"), 0, "");
	CHECK_ERRNO(access("tree", F_OK), ENOENT);
	check_file("kept", "kept");
	check_file("kept-directory/inside", "inside");
	CHECK_PRINTS(RUN("rm", "-rf", "kept", "kept-directory", "missing"), 0, "");
	leave_scratch(scratch);
	return 0;
}
