/* cp and mv as programs: on to a name, over a file, into a directory, several at once, whole trees, what is missing. */
#include "suite.h"

int main(void)
{
	const char *scratch = enter_scratch();
	struct stat status;
	write_file("a", "contents of a\n");
	CHECK_PRINTS(RUN("cp", "a", "b"), 0, "");
	check_file("a", "contents of a\n");
	check_file("b", "contents of a\n");
	write_file("a", "changed\n");
	check_file("b", "contents of a\n");
	CHECK_PRINTS(RUN("cp", "a", "b"), 0, "");
	check_file("b", "changed\n");
	CHECK_EQUAL(chmod("a", 0750), 0);
	CHECK_PRINTS(RUN("cp", "-p", "a", "kept"), 0, "");
	CHECK_EQUAL(stat("kept", &status), 0);
	CHECK_EQUAL(status.st_mode & 07777, 0750);
	CHECK_PRINTS(RUN("mkdir", "directory"), 0, "");
	CHECK_PRINTS(RUN("cp", "a", "b", "directory"), 0, "");
	check_file("directory/a", "changed\n");
	check_file("directory/b", "changed\n");
	CHECK_COMPLAINS(RUN("cp", "missing", "c"), "");
	CHECK_COMPLAINS(RUN("cp", "directory", "copy"), "");
	CHECK_PRINTS(RUN("cp", "-r", "directory", "copy"), 0, "");
	check_file("copy/b", "changed\n");
	CHECK_PRINTS(RUN("cp", (char *)fixture("/lines.txt"), "lines"), 0, "");
	CHECK_EQUAL(stat("lines", &status), 0);
	CHECK_EQUAL(status.st_size, 111);
	/* mv */
	CHECK_PRINTS(RUN("mv", "a", "moved"), 0, "");
	CHECK_ERRNO(access("a", F_OK), ENOENT);
	check_file("moved", "changed\n");
	write_file("target", "old");
	CHECK_PRINTS(RUN("mv", "moved", "target"), 0, "");
	check_file("target", "changed\n");
	CHECK_PRINTS(RUN("mv", "target", "b", "copy"), 0, "");
	check_file("copy/target", "changed\n");
	CHECK_PRINTS(RUN("mv", "copy", "directory"), 0, "");
	check_file("directory/copy/target", "changed\n");
	CHECK_COMPLAINS(RUN("mv", "missing", "x"), "");
	CHECK_PRINTS(RUN("rm", "-r", "directory", "kept", "lines"), 0, "");
	leave_scratch(scratch);
	return 0;
}
