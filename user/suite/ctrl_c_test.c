/* What ^C does to a foreground program: SIGINT ends it and the status says so; one that catches it lives on; a whole pipeline's group. */
#include "suite.h"

static volatile sig_atomic_t caught;
static void handler(int number) { caught = number; }

int main(void)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		for (;;)
			pause();
	CHECK_EQUAL(kill(child, SIGINT), 0);
	CHECK_KILLED(child, SIGINT);
	child = fork();
	if (child == 0) {
		execlp("sleep", "sleep", "1000", NULL);
		_exit(1);
	}
	sleep_ms(20);
	CHECK_EQUAL(kill(child, SIGINT), 0);
	CHECK_KILLED(child, SIGINT);
	/* Caught: the sleep is cut short and the program ends as it wants. */
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		struct sigaction action = { .sa_handler = handler };
		sigaction(SIGINT, &action, NULL);
		CHECK_EQUAL(write(ends[1], "x", 1), 1);
		while (!caught)
			sleep(1000);
		_exit(130);
	}
	char byte;
	CHECK_EQUAL(read(ends[0], &byte, 1), 1);
	CHECK_EQUAL(kill(child, SIGINT), 0);
	/* It may have come between the look and the sleep. */
	int status;
	while (waitpid(child, &status, WNOHANG) == 0) {
		sleep_ms(5);
		kill(child, SIGINT);
	}
	CHECK(WIFEXITED(status));
	CHECK_EQUAL(WEXITSTATUS(status), 130);
	/* A terminal sends it to the foreground group: all of a pipeline. */
	pid_t members[3];
	for (int i = 0; i < 3; i++) {
		members[i] = fork();
		if (members[i] == 0) {
			setpgid(0, i ? members[0] : 0);
			for (;;)
				pause();
		}
		setpgid(members[i], members[0]);
	}
	CHECK_EQUAL(kill(-members[0], SIGINT), 0);
	for (int i = 0; i < 3; i++)
		CHECK_KILLED(members[i], SIGINT);
	/* Ignored, as a background program's is. */
	child = fork();
	if (child == 0) {
		signal(SIGINT, SIG_IGN);
		raise(SIGINT);
		_exit(8);
	}
	CHECK_EXITS(child, 8);
	return 0;
}
