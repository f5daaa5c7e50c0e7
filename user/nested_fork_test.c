/* Two hundred generations, each the child of the one before: every status comes back up. */
#include "check.h"

static int generation(int depth)
{
	if (depth == 200)
		return 0;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(generation(depth + 1));
	int status = wait_status(child);
	CHECK(WIFEXITED(status));
	return (WEXITSTATUS(status) + 1) % 256;
}

int main(void)
{
	CHECK_EQUAL(generation(0), 200);
	return 0;
}
