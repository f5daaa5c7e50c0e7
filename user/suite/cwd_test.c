/* getcwd and chdir: absolute and relative, through links, what is no directory, buffers that are too small, a directory that is gone. */
#include "suite.h"

int main(void)
{
	char here[512], expected[512];
	CHECK_EQUAL(chdir("/"), 0);
	CHECK(getcwd(here, sizeof here) && strcmp(here, "/") == 0);
	CHECK_EQUAL(chdir(fixture("/deep/path")), 0);
	CHECK_EQUAL(chdir("to/../to/./file"), 0);
	CHECK(getcwd(here, sizeof here) && realpath(fixture("/deep/path/to/file"), expected));
	CHECK(strcmp(here, expected) == 0);
	check_file("data.txt", "deep data\n");
	CHECK_ERRNO(chdir("missing"), ENOENT);
	CHECK_ERRNO(chdir("data.txt"), ENOTDIR);
	CHECK_ERRNO(chdir(""), ENOENT);
	CHECK(getcwd(here, sizeof here) && strcmp(here, expected) == 0);
	CHECK(getcwd(here, 3) == NULL && errno == ERANGE);
	CHECK_EQUAL(chdir("/"), 0);
	CHECK_EQUAL(chdir(".."), 0);
	CHECK(getcwd(here, sizeof here) && strcmp(here, "/") == 0);
	const char *scratch = enter_scratch();
	CHECK_EQUAL(mkdir("a", 0755), 0);
	CHECK_EQUAL(symlink("a", "link"), 0);
	CHECK_EQUAL(chdir("link"), 0);
	CHECK(getcwd(here, sizeof here));
	CHECK(strcmp(here + strlen(here) - 2, "/a") == 0);
	/* A child's change is its own. */
	pid_t child = fork();
	if (child == 0)
		_exit(chdir("/") != 0);
	CHECK_EXITS(child, 0);
	CHECK(getcwd(expected, sizeof expected) && strcmp(here, expected) == 0);
	int back = open("..", O_RDONLY | O_DIRECTORY);
	CHECK(back >= 0);
	CHECK_EQUAL(rmdir("../a"), 0);
	CHECK(getcwd(here, sizeof here) == NULL && errno == ENOENT);
	CHECK_ERRNO(open("new", O_CREAT | O_WRONLY, 0600), ENOENT);
	CHECK_EQUAL(fchdir(back), 0);
	CHECK_EQUAL(close(back), 0);
	CHECK_EQUAL(unlink("link"), 0);
	leave_scratch(scratch);
	return 0;
}
