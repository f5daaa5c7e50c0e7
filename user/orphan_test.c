/* Orphans get a new parent and are reaped; their exits do not disturb ours. */
#include "check.h"

int main(void)
{
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	for (int i = 0; i < 10; i++) {
		pid_t child = fork();
		if (child == 0) {
			pid_t me = getpid();
			if (fork() == 0) {
				while (getppid() == me)
					sleep_ms(1);
				CHECK_EQUAL(write(ends[1], "o", 1), 1);
				_exit(0);
			}
			_exit(i);
		}
		CHECK_EXITS(child, i);
		char byte;
		CHECK_EQUAL(read(ends[0], &byte, 1), 1);
	}
	CHECK_ERRNO(wait(NULL), ECHILD);
	return 0;
}
