/* rename: to a new name, over an existing file, across directories, of directories; what it refuses leaves both names as they were. */
#include "suite.h"

int main(void)
{
	const char *scratch = enter_scratch();
	struct stat before, after;
	write_file("a", "contents of a");
	CHECK_EQUAL(stat("a", &before), 0);
	CHECK_EQUAL(rename("a", "b"), 0);
	CHECK_ERRNO(access("a", F_OK), ENOENT);
	check_file("b", "contents of a");
	CHECK_EQUAL(stat("b", &after), 0);
	CHECK_EQUAL(after.st_ino, before.st_ino);
	/* Over an existing file, which is gone; one that has it open still reads it. */
	write_file("c", "contents of c");
	int old = open("c", O_RDONLY);
	CHECK_EQUAL(rename("b", "c"), 0);
	check_file("c", "contents of a");
	char text[32] = "";
	CHECK_EQUAL(read(old, text, sizeof text), 13);
	CHECK(strcmp(text, "contents of c") == 0);
	CHECK_EQUAL(fstat(old, &after), 0);
	CHECK_EQUAL(after.st_nlink, 0);
	CHECK_EQUAL(close(old), 0);
	CHECK_EQUAL(rename("c", "c"), 0);
	/* Directories. */
	CHECK_EQUAL(mkdir("one", 0755), 0);
	CHECK_EQUAL(mkdir("two", 0755), 0);
	CHECK_EQUAL(rename("c", "one/c"), 0);
	CHECK_EQUAL(rename("one/c", "two/d"), 0);
	check_file("two/d", "contents of a");
	CHECK_EQUAL(rename("one", "two/inside"), 0);
	CHECK_ERRNO(rename("two", "two/inside/below"), EINVAL);
	CHECK_ERRNO(rename("two/inside", "two/d"), ENOTDIR);
	CHECK_ERRNO(rename("two/d", "two/inside"), EISDIR);
	CHECK_EQUAL(mkdir("empty", 0755), 0);
	CHECK_ERRNO(rename("empty", "two"), ENOTEMPTY);
	CHECK_EQUAL(rename("two/inside", "empty"), 0);
	CHECK_ERRNO(rename("missing", "x"), ENOENT);
	CHECK_ERRNO(rename("two/d", "missing/x"), ENOENT);
	/* Two names of one file: nothing is done. */
	CHECK_EQUAL(link("two/d", "two/e"), 0);
	CHECK_EQUAL(rename("two/d", "two/e"), 0);
	CHECK_EQUAL(access("two/d", F_OK), 0);
	CHECK_EQUAL(unlink("two/d"), 0);
	check_file("two/e", "contents of a");
	CHECK_EQUAL(unlink("two/e"), 0);
	CHECK_EQUAL(rmdir("two"), 0);
	CHECK_EQUAL(rmdir("empty"), 0);
	leave_scratch(scratch);
	return 0;
}
