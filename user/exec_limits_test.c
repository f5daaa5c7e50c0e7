/* The bounds of execve: length of a string, total of strings, depth of scripts, missing lists; and what a script's interpreter is told. */
#include "check.h"
#include <sys/resource.h>
#include <sys/wait.h>

enum { STRING = 131072 };

static char *empty[] = { NULL };

/* Executes in a child; answers the child's exit status, or 200 plus errno if execve failed. */
static int run(const char *path, char **arguments, char **environment, rlim_t stack)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		if (stack) {
			struct rlimit limit;
			getrlimit(RLIMIT_STACK, &limit);
			limit.rlim_cur = stack;
			setrlimit(RLIMIT_STACK, &limit);
		}
		execve(path, arguments, environment);
		_exit(200 + errno);
	}
	int status = wait_status(child);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* `count` strings of `bytes` bytes each, zeros included, after the mode word. */
static int run_strings(size_t count, size_t bytes, rlim_t stack)
{
	char *text = malloc(bytes);
	CHECK(text != NULL);
	memset(text, 'x', bytes - 1);
	text[bytes - 1] = 0;
	char **arguments = calloc(count + 3, sizeof *arguments);
	CHECK(arguments != NULL);
	arguments[0] = "exec_limits_test", arguments[1] = "count";
	for (size_t i = 0; i < count; i++)
		arguments[2 + i] = text;
	int result = run("/proc/self/exe", arguments, empty, stack);
	free(arguments);
	free(text);
	return result;
}

static void write_script(const char *path, const char *text)
{
	int file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0755);
	CHECK(file >= 0);
	CHECK_EQUAL(write(file, text, strlen(text)), (ssize_t)strlen(text));
	CHECK_EQUAL(close(file), 0);
}

static void check_scripts(const char *self)
{
	char directory[] = "/tmp/exec_limits_XXXXXX", path[8][64], text[256];
	CHECK(mkdtemp(directory) != NULL);
	for (int i = 0; i < 8; i++) {
		snprintf(path[i], sizeof path[i], "%s/script%d", directory, i);
		if (i == 0)
			snprintf(text, sizeof text, "#!%s  script \t\nrest\n", self);
		else
			snprintf(text, sizeof text, "#!%s\n", path[i - 1]);
		write_script(path[i], text);
	}
	char *arguments[] = { "name", "first", "second", NULL };
	/* self, "script", the path, and what followed the name. */
	CHECK_EQUAL(run(path[0], arguments, empty, 0), 5);
	CHECK_EQUAL(run(path[4], arguments, empty, 0), 9);
	CHECK_EQUAL(run(path[5], arguments, empty, 0), 200 + ELOOP);
	CHECK_EQUAL(run(path[7], arguments, empty, 0), 200 + ELOOP);
	write_script(path[0], "#! \n");
	CHECK_EQUAL(run(path[0], arguments, empty, 0), 200 + ENOEXEC);
	write_script(path[0], "#!/no/such\n");
	CHECK_EQUAL(run(path[0], arguments, empty, 0), 200 + ENOENT);
	write_script(path[0], "#!/tmp\n");
	CHECK_EQUAL(run(path[0], arguments, empty, 0), 200 + EACCES);
	write_script(path[0], "no program\n");
	CHECK_EQUAL(run(path[0], arguments, empty, 0), 200 + ENOEXEC);
	CHECK_EQUAL(chmod(path[0], 0644), 0);
	CHECK_EQUAL(run(path[0], arguments, empty, 0), 200 + EACCES);
	CHECK_EQUAL(run(directory, arguments, empty, 0), 200 + EACCES);
	for (int i = 0; i < 8; i++)
		CHECK_EQUAL(unlink(path[i]), 0);
	CHECK_EQUAL(rmdir(directory), 0);
}

int main(int count, char **arguments)
{
	if (count > 1 && strcmp(arguments[1], "count") == 0)
		return count > 2 ? 7 : 6;
	if (count > 1 && strcmp(arguments[1], "script") == 0)
		return count;
	if (count == 1 && arguments[0][0] == 0)
		return 11;
	char self[256];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	CHECK(length > 0);
	self[length] = 0;

	CHECK_EQUAL(run_strings(0, 1, 0), 6);
	CHECK_EQUAL(run_strings(1, STRING, 0), 7);
	CHECK_EQUAL(run_strings(1, STRING + 1, 0), 200 + E2BIG);
	/* A quarter of the stack's limit, pointers included; never above 6 MiB, never below 128 KiB. */
	struct rlimit most;
	CHECK_EQUAL(getrlimit(RLIMIT_STACK, &most), 0);
	if (most.rlim_max >= 8 << 20) {
		CHECK_EQUAL(run_strings(14, STRING, 8 << 20), 7);
		CHECK_EQUAL(run_strings(16, STRING, 8 << 20), 200 + E2BIG);
		CHECK_EQUAL(run_strings(150000, 2, 8 << 20), 7);
		CHECK_EQUAL(run_strings(300000, 2, 8 << 20), 200 + E2BIG);
	}
	if (most.rlim_max >= 64 << 20) {
		CHECK_EQUAL(run_strings(46, STRING, 64 << 20), 7);
		CHECK_EQUAL(run_strings(48, STRING, 64 << 20), 200 + E2BIG);
	}

	/* Missing lists are empty ones, and a program is always told a name. */
	CHECK_EQUAL(run("/proc/self/exe", NULL, NULL, 0), 11);
	CHECK_EQUAL(run("/proc/self/exe", empty, NULL, 0), 11);
	char *bad[] = { "x", (char *)8, NULL };
	CHECK_EQUAL(run("/proc/self/exe", bad, empty, 0), 200 + EFAULT);
	CHECK_EQUAL(run("/proc/self/exe", (char **)8, empty, 0), 200 + EFAULT);
	CHECK_EQUAL(run((char *)8, empty, empty, 0), 200 + EFAULT);
	CHECK_EQUAL(run("", empty, empty, 0), 200 + ENOENT);
	check_scripts(self);
	return 0;
}
