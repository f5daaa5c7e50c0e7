/* Executing a file of the scratch file system: a copy of ourselves runs from there; what is missing, not executable or a directory
 * answers the right errno; then `ls` runs and shows the copy. Named for the disk on which it must run again. */
#include "suite.h"

static void copy_self(const char *to)
{
	static char bytes[1 << 16];
	int from = open("/proc/self/exe", O_RDONLY), file = open(to, O_WRONLY | O_CREAT | O_EXCL, 0755);
	CHECK(from >= 0 && file >= 0);
	for (ssize_t got; (got = read(from, bytes, sizeof bytes)) > 0;)
		CHECK_EQUAL(write(file, bytes, (size_t)got), got);
	CHECK_EQUAL(close(file), 0);
	CHECK_EQUAL(close(from), 0);
}

int main(int count, char **arguments)
{
	if (count == 3 && strcmp(arguments[1], "child") == 0) {
		char self[512];
		ssize_t bytes = readlink("/proc/self/exe", self, sizeof self - 1);
		CHECK(bytes > 0);
		self[bytes] = 0;
		CHECK(strcmp(self, arguments[2]) == 0);
		return 23;
	}
	const char *scratch = enter_scratch();
	char path[600], *empty[] = { "x", NULL };
	snprintf(path, sizeof path, "%s/program", scratch);
	copy_self("program");
	for (int i = 0; i < 5; i++) {
		pid_t child = fork();
		if (child == 0) {
			execl(path, "program", "child", path, NULL);
			_exit(100);
		}
		CHECK_EXITS(child, 23);
	}
	write_file("text", "echo not executable\n");
	CHECK_EQUAL(mkdir("directory", 0755), 0);
	CHECK_ERRNO(execv("missing", empty), ENOENT);
	CHECK_ERRNO(execv("missing/below", empty), ENOENT);
	CHECK_ERRNO(execv("text", empty), EACCES);
	CHECK_ERRNO(execv("directory", empty), EACCES);
	CHECK_ERRNO(execv("program/below", empty), ENOTDIR);
	CHECK_EQUAL(chmod("text", 0755), 0);
	CHECK_ERRNO(execv("text", empty), ENOEXEC);
	struct finished *ls = RUN("ls", (char *)scratch);
	CHECK_PRINTS(ls, 0, "directory\nprogram\ntext\n");
	CHECK_EQUAL(unlink("program"), 0);
	CHECK_EQUAL(unlink("text"), 0);
	CHECK_EQUAL(rmdir("directory"), 0);
	leave_scratch(scratch);
	return 0;
}
