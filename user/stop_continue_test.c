/* SIGSTOP and SIGCONT: the child stops and goes on, and wait tells both. */
#include "check.h"

int main(void)
{
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	pid_t child = fork();
	if (child == 0)
		for (;;) {
			__atomic_fetch_add(shared, 1, __ATOMIC_RELAXED);
			sleep_ms(1);
		}
	int status;
	CHECK_EQUAL(kill(child, SIGSTOP), 0);
	CHECK_EQUAL(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status));
	CHECK_EQUAL(WSTOPSIG(status), SIGSTOP);
	int before = __atomic_load_n(shared, __ATOMIC_RELAXED);
	sleep_ms(50);
	CHECK_EQUAL(__atomic_load_n(shared, __ATOMIC_RELAXED), before);
	CHECK_EQUAL(kill(child, SIGCONT), 0);
	CHECK_EQUAL(waitpid(child, &status, WCONTINUED), child);
	CHECK(WIFCONTINUED(status));
	sleep_ms(50);
	CHECK(__atomic_load_n(shared, __ATOMIC_RELAXED) > before);
	/* A stopped process can be killed. */
	CHECK_EQUAL(kill(child, SIGSTOP), 0);
	CHECK_EQUAL(waitpid(child, &status, WUNTRACED), child);
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
	return 0;
}
