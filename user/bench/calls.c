/* What system calls and process operations cost: one line "NAME MINIMUM MEDIAN" a figure, in nanoseconds per operation,
 * and "end".
 *
 * Under the emulator's instruction counting a nanosecond is one guest instruction, and the figures are exact.
 * Usage: calls PATH_OF_NOTHING [RUNS]. The same binary runs on Linux and on Ochre. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *nothing;

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void call_getppid(void) { syscall(SYS_getppid); }
static void call_unknown(void) { syscall(999); }

static void reap(pid_t child)
{
	int status;
	if (child < 0)
		fail("fork");
	if (waitpid(child, &status, 0) != child || status != 0)
		fail("wait");
}

static void fork_wait(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	reap(child);
}

static void fork_exec_wait(void)
{
	pid_t child = fork();
	if (child == 0) {
		char *arguments[] = { nothing, NULL };
		execve(nothing, arguments, NULL);
		_exit(1);
	}
	reap(child);
}

static void vfork_exec_wait(void)
{
	pid_t child = vfork();
	if (child == 0) {
		char *arguments[] = { nothing, NULL };
		execve(nothing, arguments, NULL);
		_exit(1);
	}
	reap(child);
}

static int ends[4];
static void pipe_round_trip(void)
{
	char byte = 0;
	if (write(ends[1], &byte, 1) != 1 || read(ends[2], &byte, 1) != 1)
		fail("pipe");
}

static int by_value(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
	return (a > b) - (a < b);
}

/* Times `runs` runs of `repeats` operations each, after one run to warm up. */
static void measure(const char *name, void (*operation)(void), int repeats, int runs)
{
	int64_t *times = calloc((size_t)runs, sizeof *times);
	for (int run = -1; run < runs; run++) {
		int64_t start = now_ns();
		for (int i = 0; i < repeats; i++)
			operation();
		if (run >= 0)
			times[run] = (now_ns() - start) / repeats;
	}
	qsort(times, (size_t)runs, sizeof *times, by_value);
	printf("%s %lld %lld\n", name, (long long)times[0], (long long)times[runs / 2]);
	fflush(stdout);
	free(times);
}

int main(int count, char **arguments)
{
	if (count < 2) {
		fprintf(stderr, "usage: calls PATH_OF_NOTHING [RUNS]\n");
		return 2;
	}
	nothing = arguments[1];
	int runs = count > 2 ? atoi(arguments[2]) : 5;
	/* A line of its own: marks of the kernel's start may stand before it. */
	puts("start");
	measure("sys.getppid", call_getppid, 5000, runs);
	measure("sys.unknown", call_unknown, 5000, runs);
	measure("fork.wait", fork_wait, 50, runs);
	measure("fork.exec.wait", fork_exec_wait, 50, runs);
	measure("vfork.exec.wait", vfork_exec_wait, 50, runs);
	if (pipe(ends) || pipe(ends + 2))
		fail("pipe");
	pid_t echo = fork();
	if (echo == 0) {
		char byte;
		close(ends[1]);
		while (read(ends[0], &byte, 1) == 1)
			if (write(ends[3], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	measure("pipe.round.trip", pipe_round_trip, 500, runs);
	close(ends[1]);
	reap(echo);
	puts("end");
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return 0;
}
