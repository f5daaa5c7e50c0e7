/* `echo X | cat` by hand, with pipe, fork, dup2 and exec, and then longer pipelines of the same kind. */
#include "suite.h"

static pid_t start(char *const words[], int input, int output, const int *close_too)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		if (input >= 0)
			dup2(input, 0);
		if (output >= 0)
			dup2(output, 1);
		for (; *close_too >= 0; close_too++)
			close(*close_too);
		execvp(words[0], words);
		_exit(127);
	}
	return child;
}

int main(void)
{
	int middle[2], last[2];
	CHECK_EQUAL(pipe(middle), 0);
	CHECK_EQUAL(pipe(last), 0);
	int all[] = { middle[0], middle[1], last[0], last[1], -1 };
	pid_t echo = start((char *[]){ "echo", "hello through two pipes", NULL }, -1, middle[1], all);
	pid_t cat = start((char *[]){ "cat", NULL }, middle[0], last[1], all);
	close(middle[0]), close(middle[1]), close(last[1]);
	char text[256] = "";
	size_t filled = 0;
	for (ssize_t got; (got = read(last[0], text + filled, sizeof text - 1 - filled)) > 0;)
		filled += (size_t)got;
	close(last[0]);
	CHECK(strcmp(text, "hello through two pipes\n") == 0);
	CHECK_EXITS(echo, 0);
	CHECK_EXITS(cat, 0);
	/* Ten stages of cat. */
	enum { STAGES = 10 };
	int previous = -1, ends[2];
	pid_t stages[STAGES];
	for (int i = 0; i < STAGES; i++) {
		CHECK_EQUAL(pipe(ends), 0);
		int others[] = { ends[0], ends[1], -1 };
		stages[i] = i == 0 ? start((char *[]){ "seq", "1", "20000", NULL }, -1, ends[1], others)
				   : start((char *[]){ "cat", NULL }, previous, ends[1], others);
		close(ends[1]);
		if (previous >= 0)
			close(previous);
		previous = ends[0];
	}
	FILE *lines = fdopen(previous, "r");
	long expected = 1, found;
	while (fscanf(lines, "%ld", &found) == 1)
		CHECK_EQUAL(found, expected++);
	CHECK_EQUAL(expected, 20001);
	for (int i = 0; i < STAGES; i++)
		CHECK_EXITS(stages[i], 0);
	/* The shell's own. */
	CHECK_PRINTS(RUN("sh", "-c", "echo a b c | tr ' ' '\\n' | sort -r | head -n 2"), 0, "c\nb\n");
	return 0;
}
