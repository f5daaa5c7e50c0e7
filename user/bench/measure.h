/* What the benchmark programs share: timing of repeated operations, children, the first and last line.
 *
 * A program prints "start", one line "NAME MINIMUM MEDIAN" a figure, in nanoseconds per operation, and "end". Under the emulator's
 * instruction counting a nanosecond is one guest instruction, and the figures are exact. The same binary runs on Linux and on
 * Ochre. */
#ifndef MEASURE_H
#define MEASURE_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/reboot.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Runs of each figure: given on the command line. */
static int runs = 5;

static inline int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline void fail(const char *what)
{
	perror(what);
	exit(1);
}

static inline void must(int is_true, const char *what)
{
	if (!is_true)
		fail(what);
}

static inline void reap(pid_t child)
{
	int status;
	must(child > 0, "fork");
	must(waitpid(child, &status, 0) == child && status == 0, "wait");
}

static inline int by_value(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
	return (a > b) - (a < b);
}

/* Times `runs` runs of `operation`, which does `count` of what is named, after one run to warm up. */
static inline void measure_bulk(const char *name, void (*operation)(int count), int count)
{
	int64_t *times = calloc((size_t)runs, sizeof *times);
	for (int run = -1; run < runs; run++) {
		int64_t start = now_ns();
		operation(count);
		if (run >= 0)
			times[run] = (now_ns() - start) / count;
	}
	qsort(times, (size_t)runs, sizeof *times, by_value);
	printf("%s %lld %lld\n", name, (long long)times[0], (long long)times[runs / 2]);
	fflush(stdout);
	free(times);
}

/* Calls `operation` so many times; for `measure`. */
static void (*operation_of_one)(void);
static inline void each(int count)
{
	for (int i = 0; i < count; i++)
		operation_of_one();
}

/* The same for an operation that does one at a time. */
static inline void measure(const char *name, void (*operation)(void), int repeats)
{
	operation_of_one = operation;
	measure_bulk(name, each, repeats);
}

/* "start" stands on a line of its own: marks of the kernel's start may stand before it. */
static inline void bench_begin(int count, char **arguments, int first_optional)
{
	if (count > first_optional)
		runs = atoi(arguments[first_optional]);
	if (runs < 1)
		runs = 1;
	puts("start");
	fflush(stdout);
}

/* The first process of a Linux guest must end the machine itself. */
static inline int bench_end(void)
{
	puts("end");
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return 0;
}
#endif
