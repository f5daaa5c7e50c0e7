/* Runs many tests in one machine: `runner SECONDS DIRECTORY TEST...`. A TEST is a program's name, or, in one argument, the test's name and
 * the words of a command, whose program is looked for in the directory and then by PATH. The host reads the verdicts from stdout, one line a test:
 * "result NAME WAIT_STATUS MILLISECONDS" (WAIT_STATUS "timeout" if it had to be killed), and "done COUNT" at the end.
 * What tests print goes to stderr after a line "== NAME", so that it reaches the host even if the kernel dies in the middle.
 *
 * It asks little of the kernel on purpose: fork, execve, waitpid without waiting, nanosleep, kill, write. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum { MOST_WORDS = 32 };

static void run(const char *directory, char *test, long limit_ms)
{
	char path[512], *name = strtok(test, " "), *words[MOST_WORDS + 1] = { strtok(NULL, " ") };
	const char *program = words[0] ? words[0] : name;
	for (int i = 0; words[i] && i + 1 < MOST_WORDS; i++)
		words[i + 1] = strtok(NULL, " ");
	snprintf(path, sizeof path, "%s/%s", directory, program);
	if (!words[0] || access(path, X_OK) == 0)
		words[0] = path;
	dprintf(2, "== %s\n", name);
	long start = now_ms();
	pid_t child = fork();
	if (child == 0) {
		setpgid(0, 0);
		execvp(words[0], words);
		dprintf(2, "cannot execute %s: errno %d\n", words[0], errno);
		_exit(125);
	}
	if (child < 0) {
		dprintf(2, "cannot fork: errno %d\n", errno);
		dprintf(1, "result %s nofork 0\n", name);
		return;
	}
	/* Short naps first: most tests take a few milliseconds. */
	long nap_us = 500;
	int status = 0;
	for (;;) {
		pid_t done = waitpid(child, &status, WNOHANG);
		if (done == child) {
			dprintf(1, "result %s %d %ld\n", name, status, now_ms() - start);
			break;
		}
		if (now_ms() - start > limit_ms) {
			kill(-child, SIGKILL);
			kill(child, SIGKILL);
			dprintf(1, "result %s timeout %ld\n", name, now_ms() - start);
			break;
		}
		struct timespec nap = { 0, nap_us * 1000 };
		nanosleep(&nap, NULL);
		if (nap_us < 20000)
			nap_us *= 2;
	}
	/* What the test left running must not disturb the next. */
	kill(-child, SIGKILL);
	while (waitpid(-1, &status, WNOHANG) > 0)
		;
}

int main(int count, char **arguments)
{
	if (count < 3) {
		dprintf(2, "usage: runner SECONDS DIRECTORY TEST...\n");
		return 2;
	}
	long limit_ms = strtol(arguments[1], NULL, 10) * 1000;
	for (int i = 3; i < count; i++)
		run(arguments[2], arguments[i], limit_ms);
	dprintf(1, "done %d\n", count - 3);
	return 0;
}
