/* vfork: the child borrows the parent's memory and the parent waits until it execs or exits. */
#include "check.h"

int main(int count, char **arguments)
{
	(void)arguments;
	if (count == 2)
		return 21;
	volatile int seen = 0;
	pid_t child = vfork();
	if (child == 0) {
		seen = 1;
		_exit(6);
	}
	CHECK(child > 0);
	CHECK_EQUAL(seen, 1);
	CHECK_EXITS(child, 6);
	child = vfork();
	if (child == 0) {
		seen = 2;
		execl("/proc/self/exe", "vfork_test", "child", NULL);
		_exit(1);
	}
	CHECK_EQUAL(seen, 2);
	CHECK_EXITS(child, 21);
	/* A failed exec leaves the child able to exit. */
	child = vfork();
	if (child == 0) {
		execl("/no/such/program", "x", NULL);
		_exit(errno == ENOENT ? 8 : 1);
	}
	CHECK_EXITS(child, 8);
	return 0;
}
