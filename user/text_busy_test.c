/* A running program's file cannot be written, a file open for writing cannot be run; both end with their cause. */
#include "check.h"

#define NAME "./program"

int main(int count, char **arguments)
{
	char byte;
	int ends[2], ready[2], status;
	if (count > 1) {
		/* The copy: says that it runs, waits for the end of its input. */
		CHECK_EQUAL(write(1, "r", 1), 1);
		return read(0, &byte, 1) != 0;
	}
	/* A copy of this program. */
	char bytes[65536], self[512];
	CHECK(realpath(arguments[0], self) != NULL);
	const char *scratch = enter_scratch();
	int from = open("/proc/self/exe", O_RDONLY), to = open(NAME, O_WRONLY | O_CREAT | O_EXCL, 0755);
	CHECK(from >= 0 && to >= 0);
	for (ssize_t got; (got = read(from, bytes, sizeof bytes)) > 0;)
		CHECK_EQUAL(write(to, bytes, got), got);
	CHECK_ERRNO(execl(NAME, NAME, "x", NULL), ETXTBSY);
	CHECK_EQUAL(close(to), 0);
	CHECK(open(self, O_WRONLY) == -1 && (errno == ETXTBSY || errno == EACCES || errno == EROFS));
	CHECK_EQUAL(pipe(ends) | pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[0], 0);
		dup2(ready[1], 1);
		close(ends[1]);
		execl(NAME, NAME, "x", NULL);
		_exit(9);
	}
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	CHECK_ERRNO(open(NAME, O_WRONLY), ETXTBSY);
	CHECK_ERRNO(open(NAME, O_RDONLY | O_TRUNC), ETXTBSY);
	CHECK_ERRNO(truncate(NAME, 0), ETXTBSY);
	int reader = open(NAME, O_RDONLY);
	CHECK(reader >= 0);
	/* It can be replaced. */
	CHECK_EQUAL(rename(NAME, NAME ".old"), 0);
	close(ends[1]);
	CHECK_EQUAL(waitpid(child, &status, 0), child);
	CHECK_EQUAL(status, 0);
	to = open(NAME ".old", O_WRONLY);
	CHECK(to >= 0);
	CHECK_EQUAL(unlink(NAME ".old"), 0);
	leave_scratch(scratch);
	return 0;
}
