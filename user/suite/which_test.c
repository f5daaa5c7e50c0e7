/* which: where a program is, by PATH's order; failure for what there is not; several at once. */
#include "suite.h"

int main(void)
{
	struct finished *it = RUN("which", "sh");
	CHECK_EQUAL(it->status, 0);
	CHECK(it->out[0] == '/' && it->out[it->out_bytes - 1] == '\n');
	it->out[it->out_bytes - 1] = 0;
	CHECK_EQUAL(access(it->out, X_OK), 0);
	CHECK(strcmp(strrchr(it->out, '/'), "/sh") == 0);
	CHECK_PRINTS(RUN("which", "no-such-program-anywhere"), 1, "");
	it = RUN("which", "ls", "no-such-program-anywhere", "cat");
	CHECK(WIFEXITED(it->status) && WEXITSTATUS(it->status) == 1);
	CHECK(strstr(it->out, "/ls\n") && strstr(it->out, "/cat\n"));
	/* The first directory with an executable of the name wins; a file without x does not count. */
	const char *scratch = enter_scratch();
	CHECK_EQUAL(mkdir("one", 0755), 0);
	CHECK_EQUAL(mkdir("two", 0755), 0);
	write_file("one/tool", "#!/bin/sh\n");
	write_file("two/tool", "#!/bin/sh\n");
	CHECK_EQUAL(chmod("two/tool", 0755), 0);
	char expected[600], *whole;
	const char *paths = getenv("PATH");
	CHECK(asprintf(&whole, "%s/one:%s/two:%s", scratch, scratch, paths ? paths : "/bin") > 0);
	CHECK_EQUAL(setenv("PATH", whole, 1), 0);
	snprintf(expected, sizeof expected, "%s/two/tool\n", scratch);
	CHECK_PRINTS(RUN("which", "tool"), 0, expected);
	CHECK_EQUAL(chmod("one/tool", 0755), 0);
	snprintf(expected, sizeof expected, "%s/one/tool\n", scratch);
	CHECK_PRINTS(RUN("which", "tool"), 0, expected);
	CHECK_EQUAL(unlink("one/tool"), 0);
	CHECK_EQUAL(unlink("two/tool"), 0);
	CHECK_EQUAL(rmdir("one"), 0);
	CHECK_EQUAL(rmdir("two"), 0);
	leave_scratch(scratch);
	return 0;
}
