/* A signal delivered on to a copy-on-write stack page. */
#include "../check.h"

static volatile sig_atomic_t caught;
static void handler(int number) { caught += number == SIGUSR1; }

int main(void)
{
	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	for (int i = 0; i < 30; i++) {
		caught = 0;
		pid_t child = fork();
		if (child == 0) {
			syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
			_exit(caught == 1 ? 0 : 1);
		}
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
		CHECK_EQUAL(caught, 1);
		CHECK_EXITS(child, 0);
	}
	return 0;
}
