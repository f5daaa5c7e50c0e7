/* fork: the child gets 0, the parent the pid; both run on; status and pid relations are right. */
#include "check.h"

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
	return 0;
}
