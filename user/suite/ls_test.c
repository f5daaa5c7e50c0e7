/* ls: the root, a nested directory, marks of types with -F, what is missing, the current directory, long lines with -l. */
#include "suite.h"

static int has_line(const char *text, const char *line)
{
	size_t bytes = strlen(line);
	for (const char *at = text; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (strncmp(at, line, bytes) == 0 && (at[bytes] == '\n' || at[bytes] == 0))
			return 1;
	return 0;
}

int main(void)
{
	static const char *const names[] = { "bin", "deep", "empty.txt", "hello.txt", "lines.txt", "sbin", "test" };
	struct finished *it = RUN("ls", (char *)fixture("/"));
	CHECK_EQUAL(it->status, 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		CHECK(has_line(it->out, names[i]));
	it = RUN("ls", "/");
	CHECK_EQUAL(it->status, 0);
	CHECK(has_line(it->out, "dev") && has_line(it->out, "tmp") && has_line(it->out, "bin"));
	CHECK_PRINTS(RUN("ls", (char *)fixture("/test")), 0, "nested.txt\n");
	CHECK_PRINTS(RUN("ls", (char *)fixture("/deep/path/to")), 0, "file\n");
	CHECK_COMPLAINS(RUN("ls", (char *)fixture("/missing")), "");
	char *hello = (char *)fixture("/hello.txt"), expected[600];
	snprintf(expected, sizeof expected, "%s\n", hello);
	CHECK_PRINTS(RUN("ls", hello), 0, expected);
	const char *scratch = enter_scratch();
	write_file("file", "12345");
	write_file("program", "");
	CHECK_EQUAL(chmod("program", 0755), 0);
	CHECK_EQUAL(mkdir("directory", 0755), 0);
	CHECK_EQUAL(symlink("file", "link"), 0);
	CHECK_EQUAL(mkfifo("fifo", 0600), 0);
	write_file(".hidden", "");
	CHECK_PRINTS(RUN("ls"), 0, "directory\nfifo\nfile\nlink\nprogram\n");
	CHECK_PRINTS(RUN("ls", "-F"), 0, "directory/\nfifo|\nfile\nlink@\nprogram*\n");
	CHECK_PRINTS(RUN("ls", "-a"), 0, ".\n..\n.hidden\ndirectory\nfifo\nfile\nlink\nprogram\n");
	it = RUN("ls", "-l", "file");
	CHECK_EQUAL(it->status, 0);
	CHECK(strncmp(it->out, "-rw-r--r--", 10) == 0 && strstr(it->out, " 5 "));
	it = RUN("ls", "-ld", "link");
	CHECK(it->out[0] == 'l' && strstr(it->out, "link -> file\n"));
	static const char *const mine[] = { ".hidden", "file", "program", "link", "fifo" };
	for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
		CHECK_EQUAL(unlink(mine[i]), 0);
	CHECK_EQUAL(rmdir("directory"), 0);
	leave_scratch(scratch);
	return 0;
}
