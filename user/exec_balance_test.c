/* Ten thousand programs started, one after the other and each in place of the one before, leave nothing behind: as many processes, threads
 * and descriptors as before, and no less free memory.
 *
 *     exec_balance_test [COUNT]
 *
 * Memory is compared only where the kernel counts frames and the machine is ours alone: elsewhere what is free is everybody's. Small
 * changes come from what is kept at hand; a page lost a program is far beyond them. */
#include "check.h"
#include <dirent.h>
#include <limits.h>
#include <sys/sysinfo.h>

/* Parts in which it is measured: in one of them others take nothing. */
enum { PARTS = 3 };

static int entries(const char *path)
{
	DIR *directory = opendir(path);
	CHECK(directory != NULL);
	int count = 0;
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
		count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
	closedir(directory);
	return count;
}

static long free_kib(void)
{
	struct sysinfo info;
	CHECK_EQUAL(sysinfo(&info), 0);
	return (long)(info.freeram * info.mem_unit / 1024);
}

static void start_one(int is_fork)
{
	pid_t child = is_fork ? fork() : vfork();
	CHECK(child >= 0);
	if (child == 0) {
		execl("/proc/self/exe", "exec_balance_test", "end", NULL);
		_exit(255);
	}
	CHECK_EXITS(child, 7);
}

static void start(int count)
{
	for (int i = 0; i < count; i++)
		start_one(i % 2);
}

/* One process, many programs. */
static void chain(int count)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char number[12];
		snprintf(number, sizeof number, "%d", count);
		execl("/proc/self/exe", "exec_balance_test", "next", number, NULL);
		_exit(255);
	}
	CHECK_EXITS(child, 7);
}

int main(int count, char **arguments)
{
	if (count == 2 && strcmp(arguments[1], "end") == 0)
		return 7;
	if (count == 3 && strcmp(arguments[1], "next") == 0) {
		int left = atoi(arguments[2]);
		if (left == 0)
			return 7;
		char number[12];
		snprintf(number, sizeof number, "%d", left - 1);
		execl("/proc/self/exe", "exec_balance_test", "next", number, NULL);
		return 255;
	}
	int rounds = count > 1 ? atoi(arguments[1]) : 10000;
	start(200);
	chain(200);
	int files = entries("/proc/self/fd"), tasks = entries("/proc/self/task"), processes = entries("/proc");
	long least = LONG_MAX;
	for (int i = 0; i < PARTS; i++) {
		long before = free_kib();
		start(rounds / PARTS / 2);
		chain(rounds / PARTS / 2);
		long lost = before - free_kib();
		least = lost < least ? lost : least;
		if (count > 2)
			printf("%ld KiB less after %d programs\n", lost, rounds / PARTS);
	}
	CHECK_EQUAL(entries("/proc/self/fd"), files);
	CHECK_EQUAL(entries("/proc/self/task"), tasks);
	/* Less than a quarter of a page a program. */
	if (access("/proc/trace/counters", R_OK) == 0)
		CHECK(least < rounds / PARTS);
	/* Others may come and go on a Linux that is not ours alone. */
	CHECK(entries("/proc") <= processes + 50);
	CHECK_ERRNO(wait(NULL), ECHILD);
	return 0;
}
