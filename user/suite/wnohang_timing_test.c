/* waitpid(WNOHANG): 0 while the child runs, the pid after it ended, ECHILD after that; each told apart. */
#include "../check.h"

int main(void)
{
	pid_t child = fork();
	if (child == 0) {
		sleep_ms(100);
		_exit(9);
	}
	int status, polls = 0;
	pid_t found;
	while ((found = waitpid(child, &status, WNOHANG)) == 0) {
		polls++;
		sleep_ms(5);
	}
	CHECK_EQUAL(found, child);
	CHECK(polls >= 2);
	CHECK_EQUAL(WEXITSTATUS(status), 9);
	CHECK_ERRNO(waitpid(child, &status, WNOHANG), ECHILD);
	return 0;
}
