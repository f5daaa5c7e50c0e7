/* fork: the child gets 0, the parent the pid; both run on; status and pid relations are right. */
#include "../check.h"

int main(void)
{
	pid_t parent = getpid();
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			CHECK_EQUAL(getppid(), parent);
			CHECK(getpid() != parent);
			_exit(i);
		}
		CHECK(child != parent);
		CHECK_EXITS(child, i);
	}
	/* Many at once, reaped in any order, each exactly once. */
	pid_t children[50];
	for (int i = 0; i < 50; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i] == 0)
			_exit(i);
	}
	int seen[50] = { 0 };
	for (int i = 0; i < 50; i++) {
		int status;
		pid_t found = wait(&status);
		CHECK(found > 0);
		for (int j = 0; j < 50; j++)
			if (children[j] == found) {
				CHECK(WIFEXITED(status));
				CHECK_EQUAL(WEXITSTATUS(status), j);
				seen[j]++;
			}
	}
	for (int i = 0; i < 50; i++)
		CHECK_EQUAL(seen[i], 1);
	CHECK_ERRNO(wait(NULL), ECHILD);
	/* The child becomes a program that prints the time, while the parent goes on. */
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], 1);
		execlp("date", "date", "+%s", NULL);
		_exit(127);
	}
	close(ends[1]);
	volatile unsigned turns = 0;
	for (int i = 0; i < 1000000; i++)
		turns++;
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(turns, 1000000);
	char text[32] = "";
	CHECK(read(ends[0], text, sizeof text - 1) > 0);
	long difference = (long)time(NULL) - atol(text);
	CHECK(difference >= 0 && difference < 100);
	return 0;
}
