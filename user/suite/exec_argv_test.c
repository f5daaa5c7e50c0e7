/* execve: arguments and environment arrive exactly, also empty ones, many and long ones; limits answer E2BIG. */
#include "../check.h"

extern char **environ;

static int as_child(int count, char **arguments)
{
	CHECK_EQUAL(count, 6);
	CHECK(strcmp(arguments[2], "") == 0);
	CHECK(strcmp(arguments[3], "two words") == 0);
	CHECK_EQUAL(strlen(arguments[4]), 100000);
	for (int i = 0; i < 100000; i++)
		CHECK(arguments[4][i] == 'a' + i % 26);
	CHECK(strcmp(arguments[5], "\xff\x01") == 0);
	CHECK(arguments[6] == NULL);
	CHECK(environ[0] && strcmp(environ[0], "ONE=1") == 0);
	CHECK(environ[1] && strcmp(environ[1], "EMPTY=") == 0);
	CHECK(environ[2] == NULL);
	return 5;
}

int main(int count, char **arguments)
{
	if (count > 1 && strcmp(arguments[1], "child") == 0)
		return as_child(count, arguments);
	static char lengthy[100001];
	for (int i = 0; i < 100000; i++)
		lengthy[i] = 'a' + i % 26;
	char *child_arguments[] = { "name", "child", "", "two words", lengthy, "\xff\x01", NULL };
	char *environment[] = { "ONE=1", "EMPTY=", NULL };
	pid_t child = fork();
	if (child == 0) {
		execve("/proc/self/exe", child_arguments, environment);
		_exit(100 + errno);
	}
	CHECK_EXITS(child, 5);

	/* One string over 128 KiB is refused, and the caller is untouched. */
	char *huge = malloc(200000);
	memset(huge, 'x', 199999);
	huge[199999] = 0;
	char *too_much[] = { "name", huge, NULL };
	CHECK_ERRNO(execve("/proc/self/exe", too_much, environment), E2BIG);
	CHECK_ERRNO(execve("/no/such/file", child_arguments, environment), ENOENT);
	CHECK_ERRNO(execve("/tmp", child_arguments, environment), EACCES);
	CHECK_ERRNO(execve("/proc/self/exe/x", child_arguments, environment), ENOTDIR);
	CHECK_ERRNO(execve("/proc/self/exe", (char **)8, environment), EFAULT);
	return 0;
}
