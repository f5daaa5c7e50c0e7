/* mkdir as a program: one, several, with parents, with a mode, what is there already. */
#include "suite.h"

int main(void)
{
	const char *scratch = enter_scratch();
	struct stat status;
	umask(022);
	CHECK_PRINTS(RUN("mkdir", "one"), 0, "");
	CHECK_EQUAL(stat("one", &status), 0);
	CHECK(S_ISDIR(status.st_mode) && (status.st_mode & 07777) == 0755);
	CHECK_PRINTS(RUN("mkdir", "two", "three"), 0, "");
	CHECK_EQUAL(access("two", F_OK) | access("three", F_OK), 0);
	CHECK_COMPLAINS(RUN("mkdir", "one"), "");
	CHECK_COMPLAINS(RUN("mkdir", "missing/below"), "");
	CHECK_COMPLAINS(RUN("mkdir", "one", "four"), "");
	CHECK_EQUAL(access("four", F_OK), 0);
	CHECK_PRINTS(RUN("mkdir", "-p", "a/b/c", "one"), 0, "");
	CHECK_EQUAL(access("a/b/c", F_OK), 0);
	CHECK_PRINTS(RUN("mkdir", "-m", "700", "private"), 0, "");
	CHECK_EQUAL(stat("private", &status), 0);
	CHECK_EQUAL(status.st_mode & 07777, 0700);
	CHECK_COMPLAINS(RUN("mkdir"), "");
	CHECK_PRINTS(RUN("rmdir", "one", "two", "three", "four", "private", "a/b/c", "a/b", "a"), 0, "");
	leave_scratch(scratch);
	return 0;
}
